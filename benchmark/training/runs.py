"""A Run: the folder that one fine-tuning leaves behind, and the boundary between training and looking.

A run's folder holds `run.json` (what it is, how it was measured) and `predictions.npz` (logits in half precision and
gold labels of the validation and the test rows). It is there whole or not at all.
"""

import hashlib
import json
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal
from zipfile import BadZipFile, is_zipfile

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmark.statistics.seeds import Predictions
from benchmark.tasks.registry import Task
from benchmark.training.recipes import BaselineRecipe, Recipe
from zoo.decision import ProblemType
from zoo.encoders.registry import Encoder
from zoo.errors import UserError
from zoo.files import new_folder, sha256

RESULTS = Path(__file__).parents[1] / "results"
# Raised when a change of the code changes the numbers of a run that its recipe does not tell apart.
PROTOCOL = 3


class Epoch(BaseModel):
    """What one epoch of training ended in, judged on validation."""

    model_config = ConfigDict(frozen=True)

    epoch: int
    loss: float
    main_metric: float


class Latency(BaseModel):
    """How fast the model predicted texts of `length` tokens: alone, and in batches of 32."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    length: int
    p50_ms: float
    p95_ms: float
    texts_per_second: float


class RunInfo(BaseModel):
    """What a run is and how it was measured: `run.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: str
    task: str
    problem_type: ProblemType
    labels: tuple[str, ...]
    reported: str
    split_seed: int
    fingerprint: str
    encoder: str
    family: str
    revision: str
    recipe: Recipe | BaselineRecipe
    runtime: Literal["torch", "onnxruntime"] = "torch"
    protocol: int
    epochs: tuple[Epoch, ...]
    best_epoch: int
    parameters: int
    embedding_parameters: int
    trained_parameters: int
    truncated: float
    train_seconds: float
    train_examples_per_second: float
    inference_examples_per_second: float
    peak_memory_mib: float
    latency: Annotated[tuple[Latency, ...], Field(min_length=1)]
    hardware: dict[str, str | int]
    versions: dict[str, str]
    commit: str
    predictions_sha256: str = ""


@dataclass(frozen=True)
class Run:
    """One complete run as read from its folder."""

    info: RunInfo
    predictions: Predictions
    folder: Path


def run_id(encoder: Encoder, task: Task, fingerprint: str, recipe: Recipe | BaselineRecipe) -> str:
    """Return the hash of all that could change a run's numbers, but for the machine: 12 hex digits.

    The main metric and its rule are in it because the best epoch is chosen by them.
    """
    identity = {
        "encoder": encoder.name,
        "revision": encoder.revision,
        "task": [task.name, task.problem_type, task.labels, task.main_metric, task.rule, task.average],
        "rows": fingerprint,
        "recipe": _identity(recipe),
        "protocol": PROTOCOL,
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


def _identity(recipe: Recipe | BaselineRecipe) -> dict[str, Any]:
    """Return a recipe's fields; one that came later is left out at its default, so that earlier runs keep their id."""
    fields = recipe.model_dump(mode="json")
    return {name: value for name, value in fields.items() if (name, value) != ("long_text", "truncate")}


def run_folder(results: Path, task: str, encoder: str, seed: int, identifier: str) -> Path:
    """Return where the run with this id stands, there or not."""
    return results / task / encoder.replace("/", "--") / f"{seed}-{identifier}"


def as_stored(predictions: Predictions) -> Predictions:
    """Return predictions as they come back from a run's folder: logits rounded to half precision."""
    return Predictions(
        **{
            name: array.astype(np.float16).astype(np.float32) if name.endswith("logits") else array.astype(np.int8)
            for name, array in vars(predictions).items()
        }
    )


def write_run(folder: Path, info: RunInfo, predictions: Predictions) -> None:
    """Write a run's folder, whole or not at all. Logits are stored in half precision."""
    with new_folder(folder) as temporary:
        arrays = {
            name: array.astype(np.float16 if name.endswith("logits") else np.int8)
            for name, array in vars(predictions).items()
        }
        np.savez_compressed(temporary / "predictions.npz", **arrays)
        whole = info.model_copy(update={"predictions_sha256": sha256(temporary / "predictions.npz")})
        (temporary / "run.json").write_text(whole.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_run(folder: Path) -> Run:
    """Read a run's folder.

    Raises:
        UserError: the run is corrupt: a file is missing, unreadable, or not the one that was written.
    """
    remedy = f"delete {folder} and run it again"
    try:
        info = RunInfo.model_validate_json((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise UserError(f"The run in {folder} has no readable run.json; {remedy}") from error
    path = folder / "predictions.npz"
    if not path.is_file() or sha256(path) != info.predictions_sha256:
        raise UserError(f"The run in {folder} has damaged predictions; {remedy}")
    try:
        return Run(info, _read_predictions(path), folder)
    except (OSError, ValueError, KeyError, BadZipFile, zlib.error) as error:
        raise UserError(f"The predictions in {folder} cannot be read ({error}); {remedy}") from error


def _read_predictions(path: Path) -> Predictions:
    if not is_zipfile(path):  # of which numpy says that it may be loaded unsafely
        raise ValueError("it is no .npz archive")
    with np.load(path, allow_pickle=False) as arrays:
        found = {field.name: arrays[field.name] for field in fields(Predictions)}
    for name, array in found.items():
        if name.endswith("y_true") and not np.isin(array, (0, 1)).all():
            raise ValueError(f"{name} has values other than 0 and 1")
    return Predictions(
        **{name: array.astype(np.float32 if name.endswith("logits") else np.int8) for name, array in found.items()}
    )


def read_runs(results: Path) -> list[Run]:
    """Read every run below `results`, in the order of their folders' names.

    Raises:
        UserError: a run is corrupt.
    """
    return [read_run(path.parent) for path in sorted(results.glob("*/*/[!.]*/run.json"))]
