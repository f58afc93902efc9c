"""Makes a model with a classification head from an encoder, writes it to a checkpoint, and loads it from one."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module
from transformers import (
    AutoModelForSequenceClassification,
    BertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    RobertaForSequenceClassification,
)

from zoo.checkpoints.checkpoint import Checkpoint, CheckpointInfo, read_checkpoint
from zoo.checkpoints.pretrained import load_pretrained, quiet, read_config
from zoo.decision import Decision, ProblemType
from zoo.encoders.deltas import DELTA, read_delta
from zoo.encoders.registry import ENCODERS
from zoo.encoders.weights import fetch_weights
from zoo.errors import UserError, lookup, reason
from zoo.files import WHOLE, new_folder, sha256
from zoo.pooling import Pooling, pool_tokens
from zoo.tokenizer import load_tokenizer

WriteDelta = Callable[[Path, dict[str, np.ndarray], dict[str, np.ndarray]], None]


def new_model(
    folder: Path,
    problem_type: ProblemType,
    labels: tuple[str, ...],
    dropout: float | None = None,
    pooling: Pooling = "head",
    say: Callable[[str], object] = lambda line: None,
) -> PreTrainedModel:
    """Return the pretrained encoder in `folder` in float32 with a new classification head for `labels`.

    Args:
        folder: a model in transformers' format.
        problem_type: decides the loss and the decision.
        labels: their names, in order.
        dropout: probability for all of the model's dropout layers; None keeps the model's own.
        pooling: what of a text the head reads (see `zoo.pooling`).
        say: called with a line where some of the folder's weights are not used.

    Raises:
        UserError: the weights are not all of the encoder's, or the model is of no kind that is trained, or it has no
            such pooling.
    """
    config = read_config(folder, problem_type, labels)
    for name in vars(config):
        if dropout is not None and "dropout" in name and isinstance(getattr(config, name), float):
            setattr(config, name, dropout)
    return _with_head(load_pretrained(folder, config, say)[0], pooling)


def _with_head(model: PreTrainedModel, pooling: Pooling) -> PreTrainedModel:
    """Make the model compute what its head reads, and no more."""
    first_token = pooling in ("head", "cls")
    return pool_tokens(finish_first_token_only(model) if first_token else model, pooling)


def finish_first_token_only(model: PreTrainedModel) -> PreTrainedModel:
    """Let the last layer of a BERT or RoBERTa finish the first token only, because the head reads no other.

    Logits and gradients stay the same. In the last layer, the other tokens still serve as keys and values. Its output
    projection and its feed-forward part, three quarters of its matrix products, are computed for one token of a text.
    With 6 layers this saves an eighth of all matrix products, forward and backward.
    """
    if isinstance(model, BertForSequenceClassification | RobertaForSequenceClassification):
        encoder: Any = model.base_model.encoder
        encoder.layer[-1].attention.output.register_forward_pre_hook(_first_token)
    return model


def _first_token(module: Module, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(state[:, :1] for state in states)


def save_checkpoint(
    target: Path,
    info: CheckpointInfo,
    decision: Decision,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    card: str,
) -> None:
    """Write a checkpoint's folder with the whole model: all of it, or nothing.

    Its tokenizer says how many tokens the model was trained to read, so that plain transformers cuts where we do.
    """
    tokenizer.model_max_length = info.max_length
    with new_folder(target) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        _name_tokenizer(folder / "tokenizer_config.json")
        describe_checkpoint(folder, info, decision, folder / WHOLE, card)


def _name_tokenizer(path: Path) -> None:
    """Call a tokenizer that has no class of its own by the name that transformers 4 knows as well as 5."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"TokenizersBackend"', '"PreTrainedTokenizerFast"'), encoding="utf-8")


def compress_checkpoint(source: Path, target: Path, write: WriteDelta) -> None:
    """Write the checkpoint in `source` again as what fine-tuning changed in its encoder. An old `target` is replaced.

    Args:
        source: a checkpoint that holds the whole model.
        target: the folder to write.
        write: writes the delta to a path, from the encoder's tensors and the fine-tuned ones.
    """
    checkpoint = read_checkpoint(source)
    pretrained, tuned = read_tensors(checkpoint)
    with new_folder(target) as folder:
        write(folder / DELTA, pretrained, tuned)
        card = (source / "README.md").read_text(encoding="utf-8")
        describe_checkpoint(folder, checkpoint.info, checkpoint.decision, folder / DELTA, card)
        shutil.rmtree(target, ignore_errors=True)


def read_tensors(checkpoint: Checkpoint) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the tensors of a checkpoint's encoder, and those of its fine-tuned model, by name."""
    model, _ = load_model(checkpoint)
    _, pretrained, _ = _new_model_of(checkpoint.info)
    return pretrained, {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def describe_checkpoint(folder: Path, info: CheckpointInfo, decision: Decision, weights: Path, card: str) -> None:
    """Write all of a checkpoint's files except its weights and its tokenizer."""
    weights.chmod(0o644)
    (folder / "README.md").write_text(card, encoding="utf-8")
    (folder / "decision.json").write_text(decision.as_json(), encoding="utf-8")
    whole = info.model_copy(update={"weights_sha256": sha256(weights)})
    (folder / "checkpoint.json").write_text(whole.model_dump_json(indent=1) + "\n", encoding="utf-8")


def load_model(checkpoint: Checkpoint) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a checkpoint's model and its tokenizer.

    Raises:
        UserError: it holds no weights for torch, its config or tokenizer is damaged, or its encoder is not at hand.
    """
    if not any((checkpoint.folder / name).is_file() for name in (WHOLE, DELTA)):
        raise UserError(
            f"{checkpoint.folder} holds no weights for torch, but an export or a baseline; give an encoder's checkpoint"
        )
    try:
        if (checkpoint.folder / WHOLE).is_file():
            return _load_whole(checkpoint), load_tokenizer(checkpoint.folder)
        model, pretrained, folder = _new_model_of(checkpoint.info)
        changed = read_delta(checkpoint.folder / DELTA, pretrained)
        model.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in changed.items()}, strict=False)
        return model, load_tokenizer(folder)
    except UserError:
        raise
    except Exception as error:  # a damaged file makes transformers or tokenizers raise any kind
        raise UserError(f"{checkpoint.folder} cannot be loaded ({reason(error)}); copy or train it again") from error


def _load_whole(checkpoint: Checkpoint) -> PreTrainedModel:
    folder = checkpoint.folder
    with quiet():
        model, report = AutoModelForSequenceClassification.from_pretrained(
            folder, use_safetensors=True, trust_remote_code=False, dtype=torch.float32, output_loading_info=True
        )
    if differing := sorted(report["missing_keys"] | report["unexpected_keys"]):
        raise UserError(f"{folder} does not hold the tensors of its config.json: {differing[0]}; copy it again")
    return _with_head(model, checkpoint.info.pooling)


def _new_model_of(info: CheckpointInfo) -> tuple[PreTrainedModel, dict[str, np.ndarray], Path]:
    """Return a checkpoint's encoder with a new head, the encoder's pretrained tensors by name, and its folder."""
    weights = fetch_weights(lookup(ENCODERS, info.encoder, "encoder"))
    if weights.revision != info.revision:
        raise UserError(
            f"A checkpoint on '{info.task}' was trained on {info.encoder} at revision {info.revision}, but revision "
            f"{weights.revision} is installed; install the one in requirements.txt"
        )
    config = read_config(weights.folder, info.problem_type, info.labels)
    model, drawn = load_pretrained(weights.folder, config)
    kept = {name: tensor.numpy() for name, tensor in model.state_dict().items() if name not in drawn}
    return _with_head(model, info.pooling), kept, weights.folder
