"""A Checkpoint: the folder of one fine-tuned model.

`checkpoint.json` says what the model is, `decision.json` how its scores become labels. The weights are either the
whole model in transformers' format (`model.safetensors`, with its tokenizer) or what fine-tuning changed in an
encoder of the zoo (`delta.safetensors`, see `zoo.deltas`), whose tokenizer is the encoder's.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from zoo.decision import Decision, ProblemType, read_decision
from zoo.deltas import read_delta, write_delta
from zoo.encoders import fetch_weights, get_encoder
from zoo.errors import UserError
from zoo.files import new_folder, sha256

CHECKPOINTS = Path(__file__).parent / "checkpoints"
WHOLE, DELTA = "model.safetensors", "delta.safetensors"


class CheckpointInfo(BaseModel):
    """What a fine-tuned model is: `checkpoint.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    problem_type: ProblemType
    language: str
    labels: tuple[str, ...]
    encoder: str
    revision: str
    max_length: int
    run: str
    weights_sha256: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's folder and its two small files, read and checked; its weights are not loaded yet."""

    folder: Path
    info: CheckpointInfo
    decision: Decision


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
    model, loading = AutoModelForSequenceClassification.from_pretrained(
        folder, config=config, use_safetensors=True, output_loading_info=True
    )
    return model, set(loading["missing_keys"])


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
        _describe(folder, info, decision, folder / WHOLE, card)


def compress_checkpoint(source: Path, target: Path, bits: int) -> None:
    """Write the checkpoint in `source` again as what fine-tuning changed in its encoder; a `target` there is replaced.

    Args:
        source: a checkpoint that holds the whole model.
        target: the folder to write.
        bits: 4 or 8, for each weight of a matrix.
    """
    checkpoint = read_checkpoint(source)
    model, _ = load_model(checkpoint)
    tuned = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    _, pretrained = _new_model_of(checkpoint.info)
    with new_folder(target) as folder:
        write_delta(folder / DELTA, pretrained, tuned, bits)
        card = (source / "README.md").read_text(encoding="utf-8")
        _describe(folder, checkpoint.info, checkpoint.decision, folder / DELTA, card)
        shutil.rmtree(target, ignore_errors=True)


def _describe(folder: Path, info: CheckpointInfo, decision: Decision, weights: Path, card: str) -> None:
    weights.chmod(0o644)
    (folder / "README.md").write_text(card, encoding="utf-8")
    (folder / "decision.json").write_text(decision.model_dump_json(indent=1) + "\n", encoding="utf-8")
    whole = info.model_copy(update={"weights_sha256": sha256(weights)})
    (folder / "checkpoint.json").write_text(whole.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint's small files and check that its weights are whole.

    Raises:
        UserError: a file is missing, unreadable or not the one that was written.
    """
    try:
        info = CheckpointInfo.model_validate_json((folder / "checkpoint.json").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise UserError(f"{folder} is not a checkpoint: it has no readable checkpoint.json") from error
    decision = read_decision(folder / "decision.json")
    if len(decision.thresholds) != len(info.labels):
        raise UserError(
            f"{folder}/decision.json has {len(decision.thresholds)} thresholds for {len(info.labels)} labels"
        )
    weights = next((folder / name for name in (WHOLE, DELTA) if (folder / name).is_file()), None)
    if weights is None or sha256(weights) != info.weights_sha256:
        raise UserError(f"The weights of the checkpoint {folder} are missing or damaged; copy or train it again")
    for name in ("config.json", "tokenizer.json") if weights.name == WHOLE else ():
        if not (folder / name).is_file():  # without a tokenizer.json transformers makes an empty vocabulary
            raise UserError(f"The checkpoint {folder} has no {name}; copy or train it again")
    return Checkpoint(folder, info, decision)


def find_checkpoints(root: Path) -> list[Path]:
    """Return the folders below `root` that hold a checkpoint, as `root/<task>/<name>`, in order."""
    return [path.parent for path in sorted(root.glob("*/[!.]*/checkpoint.json"))]


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
    if (checkpoint.folder / WHOLE).is_file():
        model = AutoModelForSequenceClassification.from_pretrained(checkpoint.folder, use_safetensors=True)
        return model, AutoTokenizer.from_pretrained(checkpoint.folder)
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
