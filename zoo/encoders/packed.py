"""Encoders that come with the project, stored as what pretraining changed in their start, in a few bits a weight.

Such an encoder is a folder below `zoo/encoders/shipped/`: the differences (`zoo.encoders.deltas`), the config, the
card, and `origin.json`, which names the start. A start that no package carries is stored the same way, as its
difference to zeros, with its tokenizer. Both are unpacked once into a folder in transformers' format. None of this
needs torch.
"""

import json
import re
import shutil
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors.numpy import load_file, save_file

from zoo.encoders.deltas import DELTA, read_delta, write_delta
from zoo.errors import UserError
from zoo.files import WHOLE, is_whole, new_folder, seal, sha256

PRETRAINED = Path(__file__).parent / "shipped"
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "merges.txt")
HITS = "held_out.npz"  # which masked words the pretrained model fills in correctly
# BERT's tokenizers make each Chinese character a word, so a longer piece with such a character never occurs.
_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ceaf\U0002f800-\U0002fa1f]")
_EMBEDDINGS = "embeddings.word_embeddings.weight"
_CARDS = ("config.json", "README.md", "pretraining.json", HITS)


class Origin(BaseModel):
    """What an encoder's differences refer to: the `start` and its revision, or None and the `shapes` of all tensors.

    `prefix` is put before the names of the start's tensors, which have no head on top.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: str | None
    start_revision: str
    prefix: str
    shapes: dict[str, tuple[int, ...]]
    weights_sha256: str


def pack_encoder(source: Path, target: Path, bits: int, start: tuple[str, str, Path] | None) -> None:
    """Write the encoder in `source` as its differences to its start. An old `target` is replaced.

    Args:
        source: a folder in transformers' format, as `encoder-zoo pretrain` writes it.
        target: the folder to write.
        bits: 3, 4 or 8, for each weight of a matrix.
        start: name, revision and folder of the encoder that the pretraining started from; None where the registry has
            no such encoder.
    """
    tuned = _tensors(source) if start else _without_unused(_tensors(source), source / "vocab.txt")
    plain = _tensors(start[2]) if start else {name: np.zeros_like(tensor) for name, tensor in tuned.items()}
    prefix = "" if plain.keys() & tuned.keys() else "bert."
    base = _prefixed(plain, prefix)
    halved = {name: tensor.astype(np.float16) for name, tensor in tuned.items() if name not in base}
    with new_folder(target) as folder:
        write_delta(folder / DELTA, base, tuned | halved, bits)
        _copy(source, folder, *_CARDS, *(() if start else TOKENIZER))
        origin = Origin(
            start=start[0] if start else None,
            start_revision=start[1] if start else "",
            prefix=prefix,
            shapes={} if start else {name: tensor.shape for name, tensor in tuned.items()},
            weights_sha256=sha256(folder / DELTA),
        )
        (folder / "origin.json").write_text(origin.model_dump_json(indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)


def _without_unused(tensors: dict[str, np.ndarray], vocabulary: Path) -> dict[str, np.ndarray]:
    """Set the embeddings of pieces that never occur to zero, so that they take no room.

    bert-base-chinese has 7,322 such pieces among 21,128.
    """
    # Not splitlines: one of the pieces is U+2028, a line separator.
    pieces = vocabulary.read_text(encoding="utf-8").split("\n") if vocabulary.is_file() else []
    unused = [row for row, piece in enumerate(pieces) if len(piece) > 1 and _CHINESE.search(piece)]
    for name in tensors:
        if name.endswith(_EMBEDDINGS):
            tensors[name][unused] = 0
    return tensors


def start_of(folder: Path) -> str:
    """Return the name of the encoder from which the one in `folder` was pretrained; "" where the folder names none.

    Raises:
        UserError: the folder's pretraining.json is damaged.
    """
    facts = folder / "pretraining.json"
    try:
        return str(json.loads(facts.read_text(encoding="utf-8"))["start"]) if facts.is_file() else ""
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{facts} cannot be read; restore it, or pretrain again") from error


def read_origin(folder: Path) -> Origin:
    """Read the origin of a packed encoder, and check that its weights are whole.

    Raises:
        UserError: a file is missing, unreadable or not the one that was written.
    """
    try:
        origin = Origin.model_validate_json((folder / "origin.json").read_text(encoding="utf-8"))
        whole = sha256(folder / DELTA) == origin.weights_sha256
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise UserError(f"{folder} is no packed encoder: its origin.json or weights cannot be read") from error
    if not whole:
        raise UserError(f"The weights of the packed encoder {folder} are damaged; restore them from the repository")
    return origin


def unpack_encoder(folder: Path, start: Path | None, target: Path) -> Path:
    """Write the packed encoder in `folder` to `target` in transformers' format; return `target`.

    Args:
        folder: the packed encoder.
        start: the folder of its start, where it has one.
        target: the folder to write; it is left alone if it is whole already.
    """
    if is_whole(target):
        return target
    shutil.rmtree(target, ignore_errors=True)  # now and not at the end, when another process may have finished it
    origin = read_origin(folder)
    if start is None:
        base, tokenizer = {name: np.zeros(shape, np.float32) for name, shape in origin.shapes.items()}, folder
    else:
        base, tokenizer = _prefixed(_tensors(start), origin.prefix), start
    tensors = base | {name: tensor.astype(np.float32) for name, tensor in read_delta(folder / DELTA, base).items()}
    with new_folder(target) as written:
        save_file(tensors, written / WHOLE, metadata={"format": "pt"})
        seal(written)
        _copy(folder, written, *_CARDS)
        _copy(tokenizer, written, *TOKENIZER)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        (written / "config.json").write_text(json.dumps(config | {"dtype": "float32"}, indent=1) + "\n")
    return target


def _copy(source: Path, target: Path, *names: str) -> None:
    """Copy those of the files that are there."""
    for name in names:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def _tensors(folder: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for path in sorted(folder.glob("*.safetensors")):
        found |= load_file(path)
    return {
        _present_name(name): tensor.astype(np.float32) for name, tensor in found.items() if tensor.dtype.kind == "f"
    }


def _present_name(name: str) -> str:
    """Return today's name of a tensor.

    transformers writes LayerNorm.weight and .bias. The first BERTs on the hub have TensorFlow's names; where a file has
    both, transformers loads TensorFlow's.
    """
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


def _prefixed(tensors: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {prefix + name: tensor for name, tensor in tensors.items()}
