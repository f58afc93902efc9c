"""A Checkpoint: the folder of one fine-tuned model. Its description is read here, without torch.

`checkpoint.json` says what the model is, and `decision.json` how its scores become labels. The weights come in one of
four forms; `zoo.checkpoints.loading` loads the first two:

- `model.safetensors`: the whole model in transformers' format, with its tokenizer.
- `delta.safetensors`: what fine-tuning changed in a registered encoder (see `zoo.encoders.deltas`). The tokenizer is
  the encoder's.
- `model.onnx`: an export, with its tokenizer (see `zoo.onnx_classifier`).
- `tfidf.safetensors`: a linear model on TF-IDF, with its vocabulary (see `zoo.tfidf`).
"""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from zoo.decision import Decision, ProblemType, read_decision
from zoo.encoders.deltas import DELTA
from zoo.errors import UserError
from zoo.files import WHOLE, sha256
from zoo.long_text import LongText
from zoo.pooling import Pooling

CHECKPOINTS = Path(__file__).parent / "shipped"
ONNX, TFIDF = "model.onnx", "tfidf.safetensors"
ONNX_MISSING = "ONNX needs packages that are not installed; install them: pip install -r requirements-onnx.txt"


class Reduction(BaseModel):
    """How a checkpoint was made small: the form of its weights, and the main metric on validation before and after."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    form: str
    before: float
    after: float


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
    long_text: LongText = "truncate"
    pooling: Pooling = "head"
    run: str
    reduction: Reduction | None = None
    weights_sha256: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's folder and its two small files, read and checked. Its weights are not loaded yet."""

    folder: Path
    info: CheckpointInfo
    decision: Decision


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint's small files and check that its weights are whole.

    Raises:
        UserError: a file is missing, unreadable, or not the one that was written.
    """
    try:
        info = CheckpointInfo.model_validate_json((folder / "checkpoint.json").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        if not folder.is_dir():
            raise UserError(f"There is no folder {folder}; give the folder of a fine-tuned model") from error
        raise UserError(f"{folder} is not a checkpoint: it has no readable checkpoint.json") from error
    decision = read_decision(folder / "decision.json")
    if len(decision.thresholds) != len(info.labels):
        raise UserError(
            f"{folder}/decision.json has {len(decision.thresholds)} thresholds for {len(info.labels)} labels"
        )
    weights = next((folder / name for name in (WHOLE, DELTA, ONNX, TFIDF) if (folder / name).is_file()), None)
    if weights is None or sha256(weights) != info.weights_sha256:
        raise UserError(f"The weights of the checkpoint {folder} are missing or damaged; copy or train it again")
    for name in ("config.json", "tokenizer.json") if weights.name in (WHOLE, ONNX) else ():
        if not (folder / name).is_file():  # without a tokenizer.json transformers makes an empty vocabulary
            raise UserError(f"The checkpoint {folder} has no {name}; copy or train it again")
    return Checkpoint(folder, info, decision)


def find_checkpoints(root: Path) -> list[Path]:
    """Return the folders below `root` that hold a checkpoint, as `root/<task>/<name>`, in order."""
    return [path.parent for path in sorted(root.glob("*/[!.]*/checkpoint.json"))]
