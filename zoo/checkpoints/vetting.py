"""Checks a checkpoint that somebody else made, before any of it is loaded: names, sizes, description, weights.

Only the files of BOUNDS may be there. No value of `config.json` may ask for code, nor for more memory than the weights
take up on disk: the model that it describes has exactly the tensors that the file of weights holds.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from zoo.checkpoints.checkpoint import CheckpointInfo
from zoo.decision import read_decision
from zoo.encoders.architectures import ARCHITECTURES
from zoo.encoders.encoder import ENCODER_NAME, NAME
from zoo.errors import UserError, first_fault
from zoo.files import WHOLE

MIB = 2**20
BOUNDS = {  # the files of a whole checkpoint, and the most bytes that each may have
    "README.md": 32 * MIB,
    "checkpoint.json": 32 * MIB,
    "config.json": 32 * MIB,
    "decision.json": 32 * MIB,
    "merges.txt": 32 * MIB,
    WHOLE: 2048 * MIB,
    "special_tokens_map.json": 32 * MIB,
    "tokenizer.json": 32 * MIB,
    "tokenizer_config.json": 32 * MIB,
    "vocab.json": 32 * MIB,
    "vocab.txt": 32 * MIB,
}
NEEDED = (WHOLE, "checkpoint.json", "config.json", "decision.json", "tokenizer.json", "tokenizer_config.json")
UNREAD = (".gitattributes", "LICENSE")  # may be there; are neither downloaded nor read
MPNET_BUCKETS = 32  # of distances between tokens: MPNet's code reads so many, whatever its config says
# Keys with these words make transformers import, download or convert. An encoder's config needs none of them.
RISKY = ("auto_map", "custom", "implementation", "kernel", "quantization")
REPEATED = ("layer", "block", "group", "feedforward_networks")  # words of keys that say how often a part is made
MOST_LAYERS, LARGEST_SIZE = 128, 2**20
MOST_LABELS, LONGEST_LABEL = 5000, 200
_Name = Annotated[str, Field(pattern=rf"^{NAME}$")]  # becomes a folder's name
_Label = Annotated[str, Field(min_length=1, max_length=LONGEST_LABEL)]


def _encoder_name(value: str) -> str:
    if not re.fullmatch(ENCODER_NAME, value):  # as a `pattern`, it would exceed the size limit of pydantic's regexes
        raise ValueError("it is no name of an encoder")
    return value


class ForeignInfo(CheckpointInfo):
    """A `checkpoint.json` that names no path outside its folder and makes nothing of unbounded length."""

    task: _Name
    language: _Name
    labels: Annotated[tuple[_Label, ...], Field(min_length=1, max_length=MOST_LABELS)]
    encoder: Annotated[str, AfterValidator(_encoder_name)]
    revision: _Name
    max_length: Annotated[int, Field(ge=2, le=8192)]
    run: _Name


def check_listing(sizes: Mapping[str, int | None]) -> None:
    """Check the names of a checkpoint's files and their sizes in bytes (None: unknown).

    Raises:
        UserError: a file is missing, too large, or no part of a checkpoint.
    """
    for name, size in sizes.items():
        if name in UNREAD:
            continue
        if name not in BOUNDS:
            raise UserError(f"it holds {name!r}, which is no part of a checkpoint (its weights are {WHOLE})")
        if size is None or size > BOUNDS[name]:
            shown = "an unknown size" if size is None else f"{size / MIB:,.0f} MiB"
            raise UserError(f"its {name} has {shown}; the most is {BOUNDS[name] // MIB:,} MiB")
    if missing := [name for name in NEEDED if name not in sizes]:
        raise UserError(f"it has no {', '.join(missing)}; `encoder-zoo push` writes all that is needed")


def check_description(folder: Path) -> None:
    """Check what `folder` says of its model; the weights need not be there yet.

    Raises:
        UserError: `checkpoint.json`, `decision.json`, `config.json` or `tokenizer_config.json` is unreadable, asks for
            code, is out of bounds, or contradicts another.
    """
    try:
        info = ForeignInfo.model_validate_json((folder / "checkpoint.json").read_bytes())
    except ValidationError as error:
        raise UserError(f"its checkpoint.json is refused ({first_fault(error)})") from error
    decision = read_decision(folder / "decision.json")
    if (decision.problem_type, len(decision.thresholds)) != (info.problem_type, len(info.labels)):
        raise UserError("its decision.json and checkpoint.json describe different models")
    _check_config(_read_object(folder / "config.json"), info)
    _refuse_risky("tokenizer_config.json", _read_object(folder / "tokenizer_config.json"))


def check_weights(folder: Path) -> None:
    """Check that the file of weights holds exactly the tensors of the model in `config.json`; nothing is allocated.

    Raises:
        UserError: it does not, or is no safetensors file.
    """
    from safetensors import SafetensorError, safe_open
    from transformers import AutoConfig

    from zoo.checkpoints.pretrained import empty_model, find_differing

    try:
        with safe_open(folder / WHOLE, framework="numpy") as file:
            held = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise UserError(f"its {WHOLE} is no safetensors file ({error})") from error
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # transformers raises any kind
        raise UserError(f"its config.json makes no model ({type(error).__name__})") from error
    model = empty_model(config)
    _check_reach(folder, model)
    described = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if differing := find_differing(held, model):
        name = differing[0]
        raise UserError(f"its {WHOLE} has {held.get(name)} for {name!r}, its config.json {described.get(name)}")


def _check_reach(folder: Path, model: Any) -> None:
    """Check that neither a text nor its token ids reach beyond the embeddings: a GPU would not survive that."""
    from tokenizers import Tokenizer

    from zoo.checkpoints.pretrained import count_positions

    config, positions = model.config, count_positions(model)
    if config.model_type == "mpnet" and config.relative_attention_num_buckets < MPNET_BUCKETS:
        raise UserError(
            f"its config.json has relative_attention_num_buckets = {config.relative_attention_num_buckets}; the least "
            f"is {MPNET_BUCKETS}"
        )
    longest = ForeignInfo.model_validate_json((folder / "checkpoint.json").read_bytes()).max_length
    if positions is not None and longest > positions:
        raise UserError(f"its max_length is {longest:,}, but its config.json has room for {positions:,} tokens")
    try:
        vocabulary = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    except Exception as error:  # tokenizers raises nothing more exact
        raise UserError(f"its tokenizer.json makes no tokenizer ({str(error)[:80]})") from error
    if (most := max(vocabulary.values(), default=0)) >= config.vocab_size:
        raise UserError(f"its tokenizer has the id {most:,}, its config.json a vocabulary of {config.vocab_size:,}")


def _check_config(config: Mapping[str, Any], info: CheckpointInfo) -> None:
    _refuse_risky("config.json", config)
    if config.get("model_type") not in ARCHITECTURES:
        raise UserError(f"its model_type is {config.get('model_type')!r}; these are loaded: {', '.join(ARCHITECTURES)}")
    for key, value in config.items():
        most = MOST_LAYERS if any(word in key for word in REPEATED) else LARGEST_SIZE
        for number in _numbers(key, value):
            if not abs(number) <= most:  # nan is refused, too
                raise UserError(f"its config.json has {key} = {number!r:.40}; the most is {most:,}")
    if config.get("id2label") != {str(number): label for number, label in enumerate(info.labels)}:
        raise UserError("the labels in its config.json are not those in its checkpoint.json")


def _numbers(key: str, value: Any) -> Iterator[int | float]:
    """Yield the numbers in a config's value; a list counts as a number, too, by its length: it can list layers."""
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, dict) and key not in ("id2label", "label2id"):
        for name, inner in value.items():
            yield from _numbers(name, inner)
    elif isinstance(value, list):
        if len(value) > MOST_LAYERS:
            raise UserError(f"its config.json has {len(value):,} values in {key}; the most is {MOST_LAYERS}")
        for inner in value:
            yield from _numbers(key, inner)


def _refuse_risky(name: str, content: Mapping[str, Any]) -> None:
    if risky := [key for key in content if any(word in key for word in RISKY)]:
        raise UserError(f"its {name} has {risky[0]!r}, which can run or fetch code; it is not loaded")


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise UserError(f"its {path.name} is not JSON ({str(error)[:80]})") from error
    if not isinstance(content, dict):
        raise UserError(f"its {path.name} holds no JSON object")
    return content
