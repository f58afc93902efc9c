"""A folder in transformers' format as an encoder that the registry does not have."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from zoo.encoders.architectures import check_architecture
from zoo.encoders.bin_weights import with_safetensors
from zoo.encoders.encoder import NAME, Encoder
from zoo.encoders.weight_files import weight_files
from zoo.errors import UserError
from zoo.files import sha256

_WITHOUT_WEIGHTS = ("Pooling", "Normalize", "Dropout")  # parts of a sentence-transformers model
_VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)


def folder_encoder(folder: Path, say: Callable[[str], object] = lambda line: None) -> Encoder:
    """Return what the folder of a model in transformers' format holds.

    Its name is the folder's name with the start of the content's hash, such as `final@1a2b3c4d`. So two folders with
    one name are two encoders, and a model that is trained again is another encoder.

    Raises:
        UserError: the folder's name cannot be an encoder's, or the model is damaged, has no weights or no tokenizer.
    """
    called, inside = folder.resolve().name, plain_folder(folder)
    if not re.fullmatch(NAME, called):
        raise UserError(
            f"An encoder takes its folder's name, and '{called}' cannot be one; rename the folder: at most 100 "
            "letters, digits, dots, dashes and underscores"
        )
    try:
        family, parameters = read_family(inside), count_millions(with_safetensors(inside, say))
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise UserError(f"{folder} holds no readable model ({error}); save it there again") from error
    check_architecture(family, str(folder))
    revision = _folder_revision(inside)
    return Encoder(f"{called}@{revision[:8]}", family, parameters, "any", "unknown", "folder", str(folder), revision)


def plain_folder(folder: Path, say: Callable[[str], object] = lambda line: None) -> Path:
    """Return the folder in transformers' format: `folder` itself, or the part of a sentence-transformers model.

    Args:
        folder: what a user gave, or the hub.
        say: called with a line for parts with weights that are not used, since the head is new.

    Raises:
        UserError: the folder holds an adapter, or a sentence-transformers model that begins with no transformer.
    """
    if (folder / "adapter_config.json").is_file():
        raise UserError(
            f"{folder} holds an adapter (PEFT) and no whole model; save one there with merge_and_unload() and "
            "save_pretrained"
        )
    if not (folder / "modules.json").is_file():
        return folder
    try:
        parts = [(part["type"].rpartition(".")[2], part["path"]) for part in _read_json(folder / "modules.json")]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{folder}/modules.json cannot be read; save the model there again") from error
    if not parts or parts[0][0] != "Transformer":
        first = parts[0][0] if parts else "nothing"
        raise UserError(
            f"{folder} begins with {first} by its modules.json, not with a Transformer; use another encoder"
        )
    for kind, _ in parts[1:]:
        if kind not in _WITHOUT_WEIGHTS:
            say(f"{folder}: the weights of its {kind} (sentence-transformers) are not used; the head is new")
    return folder / parts[0][1]


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def read_family(folder: Path) -> str:
    """Return the model type that a folder's config.json states."""
    config = dict(_read_json(folder / "config.json"))
    return str(config.get("model_type", "unknown"))


def count_millions(folder: Path) -> float:
    """Return how many millions of weights a folder's safetensors files hold."""
    return round(sum(np.prod(shape) for shape, _ in read_tensor_facts(folder).values()) / 1e6, 1)


def read_tensor_facts(folder: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return the shape and the type, such as ((384,), "F32"), of each tensor in a folder's weights, by name."""
    facts = {}
    for path in weight_files(folder):
        with safe_open(path, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118
                tensor = file.get_slice(name)
                facts[name] = tuple(tensor.get_shape()), tensor.get_dtype()
    return facts


def stored_types(folder: Path) -> str:
    """Return the types in which a folder's weights are stored, such as "float32" or "bfloat16, float32"."""
    kinds = {kind for _, kind in read_tensor_facts(folder).values()}
    return ", ".join(sorted(kind.replace("BF", "bfloat").replace("F", "float") for kind in kinds if "F" in kind))


def _folder_revision(folder: Path) -> str:
    weights = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))
    vocabulary = [path for path in (folder / name for name in _VOCABULARIES) if path.is_file()]
    if not vocabulary:  # transformers would make an empty one
        raise UserError(f"{folder} has a model but no tokenizer; save the tokenizer there with save_pretrained")
    files = [folder / "config.json", *weights, *vocabulary]
    return hashlib.sha256("".join(map(sha256, files)).encode()).hexdigest()[:12]
