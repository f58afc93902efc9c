"""A Run: the folder that one fine-tuning writes, and all that the evaluation reads.

A run's folder holds `run.json` (what the run is, and its costs) and `predictions.npz` (logits in half precision and
gold labels of the validation and the test rows). The folder is written completely or not at all.

Half precision is as coarse as shown scores allow: with logits in steps of 1/128, a run on GoEmotions has a macro-F1 of
.5019 instead of .5023, and its file is a tenth smaller.
"""

import hashlib
import json
import shutil
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile, is_zipfile

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.statistics.seeds import Predictions
from benchmark.tasks.registry import Task
from benchmark.tasks.row_facts import find_row_facts, groups_of
from benchmark.training.recipes import AnyRecipe, ImportedRecipe
from zoo.decision import ProblemType
from zoo.encoders.encoder import Encoder
from zoo.errors import UserError
from zoo.files import new_folder, sha256

RunReport = Callable[[float, str], None]  # the share of a run that is done, and a line to show or ""
RESULTS = Path(__file__).parents[1] / "results"
CURVES = "learning-curves"  # the folder of the runs of learning curves, below the results: no board reads them
# Fields that recipes did not always have, with the value that older runs have: these keep their ids.
_LATER_FIELDS = {
    "long_text": "truncate",
    "min_steps": 0,
    "layer_decay": 1.0,
    "pooling": "head",
    "lora_rank": 0,
    "teacher": "",
}
# Increased when a change of the code changes the numbers that a recipe gives.
PROTOCOL = 3


class Epoch(BaseModel):
    """The training loss of one epoch, and the main metric on validation after it. A loss that is no finite number is
    None."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    epoch: int
    loss: float | None
    main_metric: float


class Latency(BaseModel):
    """How fast the model predicted texts of `length` tokens: alone, and in batches of 32."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    length: int
    p50_ms: float
    p95_ms: float
    texts_per_second: float


class RunInfo(BaseModel):
    """What a run is and how it was measured: `run.json`.

    `diverged` says why its training failed; "" if it did not. `trials` counts those that its recipe was chosen from; 0
    if nothing was searched. An imported run was not trained here: what is not known of its costs is 0.
    """

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
    recipe: AnyRecipe | ImportedRecipe
    runtime: Literal["torch", "onnxruntime", "onnxruntime int8", "elsewhere"] = "torch"
    protocol: int
    epochs: tuple[Epoch, ...]
    best_epoch: int
    diverged: str = ""
    trials: int = 0
    parameters: int
    embedding_parameters: int
    trained_parameters: int
    truncated: float
    train_seconds: float
    train_examples_per_second: float
    inference_examples_per_second: float
    peak_memory_mib: float
    latency: tuple[Latency, ...]
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


def run_id(encoder: Encoder, task: Task, fingerprint: str, recipe: AnyRecipe, trials: int = 0) -> str:
    """Return a hash of everything that can change a run's numbers, except the machine: 12 hex digits.

    It includes the main metric and its rule, since they choose the best epoch; and the number of trials that the recipe
    was chosen from, which makes a tuned run another one.
    """
    identity = {
        "encoder": encoder.name,
        "revision": encoder.revision,
        "task": [task.name, task.problem_type, task.labels, task.main_metric, task.rule, task.average],
        "rows": fingerprint,
        "recipe": _identity(recipe),
        "protocol": PROTOCOL,
    } | ({"trials": trials} if trials else {})
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


def _identity(recipe: AnyRecipe) -> dict[str, Any]:
    """Return a recipe's fields without those of `_LATER_FIELDS` at their old values."""
    found = recipe.model_dump(mode="json")
    return {name: value for name, value in found.items() if name not in _LATER_FIELDS or value != _LATER_FIELDS[name]}


def run_folder(results: Path, task: str, encoder: str, seed: int, identifier: str) -> Path:
    """Return the folder of the run with this id, whether it exists or not."""
    return encoder_folder(results, task, encoder) / f"{seed}-{identifier}"


def encoder_folder(results: Path, task: str, encoder: str) -> Path:
    """Return the folder of an encoder's runs on a task; its trials and refits are kept beside them."""
    return results / task / encoder.replace("/", "--").replace(":", "--")


def state_folder(folder: Path) -> Path:
    """Return where the state of a run's training stands until the run is written, so that a stopped one goes on."""
    return folder.with_name(f".{folder.name}.training")


def as_stored(predictions: Predictions) -> Predictions:
    """Return predictions as `read_run` returns them: with logits rounded to half precision."""
    return Predictions(**_typed(_typed(vars(predictions), np.float16), np.float32))


def _typed(arrays: Mapping[str, np.ndarray], of_logits: type) -> dict[str, Any]:
    """Return the logits in a type of their own, and gold labels in int8."""
    return {name: array.astype(of_logits if name.endswith("logits") else np.int8) for name, array in arrays.items()}


def write_run(folder: Path, info: RunInfo, predictions: Predictions) -> None:
    """Write a run's folder, completely or not at all, and remove the state of its training. Logits are stored in half
    precision."""
    with new_folder(folder) as temporary:
        np.savez_compressed(temporary / "predictions.npz", **_typed(vars(predictions), np.float16))
        whole = info.model_copy(update={"predictions_sha256": sha256(temporary / "predictions.npz")})
        (temporary / "run.json").write_text(whole.model_dump_json(indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(state_folder(folder), ignore_errors=True)


def read_run(folder: Path) -> Run:
    """Read a run's folder.

    Raises:
        UserError: the run is damaged: a file is missing, unreadable, or was changed.
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
    if not is_zipfile(path):  # numpy's own message would suggest an unsafe way to load it
        raise ValueError("it is no .npz archive")
    with np.load(path, allow_pickle=False) as arrays:
        found = {field.name: arrays[field.name] for field in fields(Predictions)}
    for name, array in found.items():
        if name.endswith("y_true") and not np.isin(array, (0, 1)).all():
            raise ValueError(f"{name} has values other than 0 and 1")
    return Predictions(**_typed(found, np.float32))


def groups_of_run(run: Run) -> np.ndarray | None:
    """Return the group of every test row of a run below a folder of results, shape (n,); None where rows stand alone.

    Raises:
        UserError: a file of facts about the rows is damaged.
    """
    return groups_of(find_row_facts(run.folder.parents[2], run.info.task).get(run.info.fingerprint))


def run_folders(results: Path) -> list[Path]:
    """Return the folders of all runs below `results`, in the order of their names."""
    return [path.parent for path in sorted(results.glob("*/*/[!.]*/run.json"))]


def read_runs(results: Path) -> list[Run]:
    """Read every run below `results`, in the order of their folders' names.

    Raises:
        UserError: a run is damaged.
    """
    return list(map(read_run, run_folders(results)))
