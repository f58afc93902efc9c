"""Loads an encoder's weights under a new head: all of them, or it stops."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import accelerate  # noqa: F401  transformers needs it for a model without memory; a Space installs what is imported
import torch
from safetensors import safe_open
from torch import Tensor
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedConfig, PreTrainedModel
from transformers.utils import logging

from zoo.decision import ProblemType
from zoo.encoders.architectures import check_architecture
from zoo.encoders.folders import read_tensor_facts
from zoo.encoders.weight_files import weight_files
from zoo.errors import UserError, reason
from zoo.tokenizer import load_tokenizer, refuse_code

Say = Callable[[str], object]
# What other libraries put before the names of a model's tensors. It is taken off where the rest then fits.
_PREFIX = re.compile(r"((module|model|encoder|backbone|transformer|bert|roberta|base_model|auto_model|_orig_mod|0)\.)+")


def read_config(folder: Path, problem_type: ProblemType, labels: tuple[str, ...]) -> PreTrainedConfig:
    """Return the config of the encoder in `folder` for a model with a head for `labels`.

    Raises:
        UserError: it cannot be read, asks for code, or has an architecture that is not in ARCHITECTURES.
    """
    refuse_code(folder, "config.json")
    try:
        config = AutoConfig.from_pretrained(
            folder,
            trust_remote_code=False,
            problem_type=problem_type,
            id2label=dict(enumerate(labels)),
            label2id={label: i for i, label in enumerate(labels)},
        )
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise UserError(f"{folder}/config.json cannot be read ({reason(error)}); save the model there again") from error
    check_architecture(config.model_type, str(folder))
    if config.model_type == "big_bird":  # its sparse attention switches itself off for good at the first short text
        config.attention_type = "original_full"
    return config


def empty_model(config: PreTrainedConfig) -> PreTrainedModel:
    """Return the config's model for classification with tensors that have shapes alone and take no memory.

    Raises:
        UserError: the config makes no model.
    """
    try:
        with torch.device("meta"):
            return AutoModelForSequenceClassification.from_config(config)
    except Exception as error:  # transformers raises any kind at a config that makes no model
        raise UserError(f"its config.json makes no model ({type(error).__name__})") from error


def check_encoder(folder: Path, max_length: int) -> None:
    """Check what can be known of an encoder before it is trained; no weights are read but their names and sizes.

    Raises:
        UserError: it cannot be trained on texts of `max_length` tokens.
    """
    fit_names(folder, check_without_weights(folder, max_length))


def check_without_weights(folder: Path, max_length: int) -> PreTrainedModel:
    """Check what an encoder's config.json and tokenizer tell; return its model without memory, as `empty_model`.

    Raises:
        UserError: it cannot be trained on texts of `max_length` tokens.
    """
    config = read_config(folder, "multi_label_classification", ("a", "b"))
    empty, tokenizer = empty_model(config), load_tokenizer(folder)
    vocabulary = tokenizer.get_vocab()
    if vocabulary.keys() <= set(tokenizer.all_special_tokens):
        raise UserError(f"{folder} has a tokenizer without a vocabulary; save the tokenizer there with save_pretrained")
    embeddings: Any = empty.get_input_embeddings()
    rows = len(embeddings.weight)
    if (most := max(vocabulary.values())) >= rows:
        raise UserError(
            f"{folder} has a tokenizer with the id {most:,} and embeddings for {rows:,} tokens; save the tokenizer "
            "there that the model was trained with"
        )
    if tokenizer.pad_token_id is None:
        raise UserError(f"{folder} has a tokenizer without a padding token; set its pad_token and save it there again")
    counted = {embeddings.padding_idx for embeddings in _positions(empty)} - {None}
    if wrong := counted - {tokenizer.pad_token_id}:
        raise UserError(
            f"{folder} has a tokenizer that pads with {tokenizer.pad_token_id}, and a model that counts positions by "
            f"the padding {wrong.pop()}; set pad_token_id in its config.json"
        )
    if (room := count_positions(empty)) is not None and max_length > room:
        raise UserError(
            f"{folder} reads {room:,} tokens at most, and the recipe's max_length is {max_length:,}; set it to "
            f"{room:,} or less"
        )
    return empty


def count_positions(model: PreTrainedModel) -> int | None:
    """Return how many tokens of a text a model can read, special ones included; None if any number.

    RoBERTa and its kin count positions from the padding's id + 1 on, which leaves less room than the config says.
    """
    stated = getattr(model.config, "max_position_embeddings", None)
    rooms = [stated] if stated and stated > 0 else []
    for embeddings in _positions(model):
        padding = embeddings.padding_idx
        rooms.append(len(embeddings.weight) - (0 if padding is None else padding + 1))
    return min(rooms, default=None)


def _positions(model: PreTrainedModel) -> list[Any]:
    named = model.base_model.named_modules()
    return [m for name, m in named if name.endswith("position_embeddings") and hasattr(m, "padding_idx")]


def load_pretrained(
    folder: Path, config: PreTrainedConfig, say: Say = lambda line: None
) -> tuple[PreTrainedModel, set[str]]:
    """Return the encoder in `folder` in float32 with a new head, and the names of its new tensors.

    Every head is new, also where the folder has one that would fit. A pooler is new where the folder has none.

    Args:
        folder: a model in transformers' format.
        config: as `read_config` returns it.
        say: called with a line where tensors of the encoder are left over.

    Raises:
        UserError: a tensor of the encoder is missing or has another size.
    """
    empty = empty_model(config)
    names = fit_names(folder, empty, say)
    with _opened(folder) as tensors:
        given = {ours: tensors[theirs].get_slice(theirs) for theirs, ours in names.items()}
        model, report = _load(empty, given)
    if fault := _fault(empty, report):  # a check again, of what was loaded
        raise UserError(f"{folder} cannot be loaded: {fault}")
    if others := {p.dtype for p in model.parameters()} - {torch.float32}:
        raise UserError(f"{folder} was loaded in {others.pop()} and not in float32; save it in float32")
    return model, set(report["missing_keys"])


def fit_names(folder: Path, empty: PreTrainedModel, say: Say = lambda line: None) -> dict[str, str]:
    """Return the names of the folder's tensors that the encoder takes, each with the name to load it by.

    Nothing is read but the names, sizes and types.

    Raises:
        UserError: a tensor of the encoder is missing or has another size.
    """
    facts = read_tensor_facts(folder)
    plain = _try_prefix("", facts, empty)
    tried = {"": plain}
    if plain[1]:
        tried = {prefix: _try_prefix(prefix, facts, empty) for prefix in _prefixes(facts)}
    fits = [prefix for prefix, (_, fault, _) in tried.items() if not fault]
    fitting = [prefix for prefix in fits if not any(prefix != other and prefix.startswith(other) for other in fits)]
    if len(fitting) != 1:
        several = f"it fits under several prefixes ({', '.join(fitting)})" if fitting else plain[1]
        raise UserError(f"{folder} cannot be loaded: {several}; save the encoder alone with save_pretrained")
    names, _, left = tried[fitting[0]]
    if left:
        say(f"{folder}: {len(left)} tensors of the encoder are not used by its config.json, the first: {left[0]}")
    return names


def find_differing(shapes: Mapping[str, tuple[int, ...]], empty: PreTrainedModel) -> list[str]:
    """Return the names of the tensors that a file with `shapes` and a model do not both have in one size."""
    _, report = _load(empty, _meta(shapes), device_map="meta")
    return sorted(report["missing_keys"] | report["unexpected_keys"] | {key[0] for key in report["mismatched_keys"]})


def _meta(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def _prefixes(facts: Mapping[str, Any]) -> list[str]:
    """Return the well-known prefixes of the names, also the shorter ones of `model.encoder.`.

    A prefix that ends in the model's own, such as `model.bert.`, is left to the shorter one.
    """
    found: set[str] = set()
    for match in filter(None, map(_PREFIX.match, facts)):
        parts = match.group().split(".")[:-1]
        found |= {".".join(parts[:end]) + "." for end in range(1, len(parts) + 1)}
    return sorted(found)


def _try_prefix(
    prefix: str, facts: Mapping[str, tuple[tuple[int, ...], str]], empty: PreTrainedModel
) -> tuple[dict[str, str], str, list[str]]:
    """Return the names to load without `prefix`, what does not fit or "", and the encoder's tensors left over."""
    body = empty.base_model_prefix + "."
    heads = {name for name in empty.state_dict() if not name.startswith(body)}
    if str((empty.config.architectures or [""])[0]).endswith("ForMaskedLM"):
        heads = {name for name in heads if not name.startswith("head.")}  # ModernBERT's, which pretraining made
    names = {name: name.removeprefix(prefix) for name in facts if name.startswith(prefix)}
    names = {name: ours for name, ours in names.items() if ours not in heads}
    _, report = _load(empty, _meta({ours: facts[theirs][0] for theirs, ours in names.items()}), device_map="meta")
    children = [f"{name}." for name, _ in empty.base_model.named_children()]
    left = [name for name in sorted(report["unexpected_keys"]) if name.startswith((body, *children))]
    return names, _fault(empty, report), [name for name in left if "pooler" not in name]


def _fault(empty: PreTrainedModel, report: Mapping[str, Any]) -> str:
    """Return what of the encoder is missing or has another size, or "". A head, and a pooler, may be new."""
    body = empty.base_model_prefix + "."
    if of_other_size := sorted(report["mismatched_keys"]):
        name, held, described = of_other_size[0]
        return f"{name} has the size {tuple(held)}, and {tuple(described)} by its config.json"
    missing = sorted(n for n in report["missing_keys"] if n.startswith(body) and ".pooler." not in n)
    if not missing:
        return ""
    total = sum(name.startswith(body) for name in empty.state_dict())
    left = sorted(report["unexpected_keys"])
    held = f" (it has {', '.join(left[:2])} instead)" if left else ""
    return f"{len(missing)} of the encoder's {total} tensors are missing, such as {', '.join(missing[:2])}{held}"


def _load(empty: PreTrainedModel, tensors: Mapping[str, Any], **more: Any) -> tuple[PreTrainedModel, dict[str, Any]]:
    with quiet():
        loaded: Any = type(empty).from_pretrained(
            None,
            config=empty.config,
            state_dict=dict(tensors),
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **more,
        )
    return loaded


@contextmanager
def _opened(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the open file of each of the folder's tensors, by the tensor's name."""
    with ExitStack() as stack:
        files = [stack.enter_context(safe_open(path, framework="pt")) for path in weight_files(folder)]
        yield {name: file for file in files for name in file.keys()}  # noqa: SIM118


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from reporting what is no news here: that the head is new, or a bar for a load of
    milliseconds."""
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()
