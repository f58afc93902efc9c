"""A model with a classification head: made from an encoder, written to a checkpoint, loaded from one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    RobertaForSequenceClassification,
)
from transformers.utils import logging

from zoo.checkpoints.checkpoint import DELTA, ONNX, WHOLE, Checkpoint, CheckpointInfo, read_checkpoint
from zoo.decision import Decision, ProblemType
from zoo.encoders.deltas import read_delta, write_delta
from zoo.encoders.registry import fetch_weights, get_encoder
from zoo.errors import UserError
from zoo.files import new_folder, sha256


def new_model(
    folder: Path, problem_type: ProblemType, labels: tuple[str, ...], dropout: float | None = None
) -> PreTrainedModel:
    """Return the pretrained encoder in `folder` with a new classification head for `labels`.

    Args:
        folder: a model in transformers' format.
        problem_type: which decides the loss and the decision.
        labels: their names, in order.
        dropout: probability for all of the model's dropout layers; None keeps the model's own.
    """
    return _new_model(folder, problem_type, labels, dropout)[0]


def _new_model(
    folder: Path, problem_type: ProblemType, labels: tuple[str, ...], dropout: float | None = None
) -> tuple[PreTrainedModel, set[str]]:
    """Return the model of `new_model` and the names of its tensors that are not in `folder` but drawn anew."""
    config = AutoConfig.from_pretrained(
        folder,
        problem_type=problem_type,
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
    )
    for name in vars(config):
        if dropout is not None and "dropout" in name and isinstance(getattr(config, name), float):
            setattr(config, name, dropout)
    with quiet():
        model, loading = AutoModelForSequenceClassification.from_pretrained(
            folder, config=config, use_safetensors=True, output_loading_info=True
        )
    return finish_first_token_only(model), set(loading["missing_keys"])


def finish_first_token_only(model: PreTrainedModel) -> PreTrainedModel:
    """Let the last layer of a BERT or RoBERTa finish the first token only, the one that the head reads.

    The logits and the gradients stay the same. The other tokens still serve the last layer as keys and values, but
    its output projection and its feed-forward part, three quarters of its matrix products, are done for one token
    of a text: with 6 layers an eighth of all of them, forward and backward.
    """
    if isinstance(model, BertForSequenceClassification | RobertaForSequenceClassification):
        encoder: Any = model.base_model.encoder
        encoder.layer[-1].attention.output.register_forward_pre_hook(_first_token)
    return model


def _first_token(module: Module, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(state[:, :1] for state in states)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from reporting at length: that the head is new, say, as here it always is, or a bar for the
    loading of weights that takes milliseconds."""
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def save_checkpoint(
    target: Path,
    info: CheckpointInfo,
    decision: Decision,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    card: str,
) -> None:
    """Write a checkpoint's folder with the whole model, there whole or not at all."""
    with new_folder(target) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        describe_checkpoint(folder, info, decision, folder / WHOLE, card)


def compress_checkpoint(source: Path, target: Path, bits: int) -> None:
    """Write the checkpoint in `source` again as what fine-tuning changed in its encoder; a `target` there is replaced.

    Args:
        source: a checkpoint that holds the whole model.
        target: the folder to write.
        bits: 3, 4 or 8, for each weight of a matrix.
    """
    checkpoint = read_checkpoint(source)
    model, _ = load_model(checkpoint)
    tuned = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    _, pretrained = _new_model_of(checkpoint.info)
    with new_folder(target) as folder:
        write_delta(folder / DELTA, pretrained, tuned, bits)
        card = (source / "README.md").read_text(encoding="utf-8")
        describe_checkpoint(folder, checkpoint.info, checkpoint.decision, folder / DELTA, card)
        shutil.rmtree(target, ignore_errors=True)


def describe_checkpoint(folder: Path, info: CheckpointInfo, decision: Decision, weights: Path, card: str) -> None:
    """Write all of a checkpoint's files but its weights and its tokenizer."""
    weights.chmod(0o644)
    (folder / "README.md").write_text(card, encoding="utf-8")
    (folder / "decision.json").write_text(decision.model_dump_json(indent=1) + "\n", encoding="utf-8")
    whole = info.model_copy(update={"weights_sha256": sha256(weights)})
    (folder / "checkpoint.json").write_text(whole.model_dump_json(indent=1) + "\n", encoding="utf-8")


def load_model(checkpoint: Checkpoint) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a checkpoint's model and its tokenizer.

    Raises:
        UserError: its config or tokenizer is damaged, or its encoder cannot be had.
    """
    try:
        return _load(checkpoint)
    except UserError:
        raise
    except Exception as error:  # transformers and tokenizers raise any kind at a damaged file
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UserError(f"{checkpoint.folder} cannot be loaded ({reason}); copy or train it again") from error


def _load(checkpoint: Checkpoint) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    if (checkpoint.folder / ONNX).is_file():
        from zoo.checkpoints.onnx_model import OnnxModel

        return OnnxModel(checkpoint.folder), AutoTokenizer.from_pretrained(checkpoint.folder)  # type: ignore[return-value]
    if (checkpoint.folder / WHOLE).is_file():
        with quiet():
            model = AutoModelForSequenceClassification.from_pretrained(checkpoint.folder, use_safetensors=True)
        return finish_first_token_only(model), AutoTokenizer.from_pretrained(checkpoint.folder)
    model, pretrained = _new_model_of(checkpoint.info)
    changed = read_delta(checkpoint.folder / DELTA, pretrained)
    model.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in changed.items()}, strict=False)
    return model, AutoTokenizer.from_pretrained(model.name_or_path)


def _new_model_of(info: CheckpointInfo) -> tuple[PreTrainedModel, dict[str, np.ndarray]]:
    """Return a checkpoint's encoder with a new head, and those of its tensors that are pretrained, by name."""
    weights = fetch_weights(get_encoder(info.encoder))
    if weights.revision != info.revision:
        raise UserError(
            f"A checkpoint on '{info.task}' was trained on {info.encoder} at revision {info.revision}, but here is "
            f"revision {weights.revision}; install the one in requirements.txt"
        )
    model, drawn = _new_model(weights.folder, info.problem_type, info.labels)
    return model, {name: tensor.numpy() for name, tensor in model.state_dict().items() if name not in drawn}
