"""The trials of a search for a recipe: what their file holds, and which of them is chosen."""

import base64
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.statistics.paired import clearly_worse
from benchmark.statistics.resampling import Scored
from benchmark.tasks.registry import Task
from benchmark.training.recipes import Recipe
from benchmark.training.runs import Epoch
from zoo.errors import UserError, first_fault

Line = TypeVar("Line", bound=BaseModel)


class Trial(BaseModel):
    """One training of a search: a line of its file.

    `main_metric` is that of the validation rows, after `best_epoch`. `decided` holds the labels decided there: the bits
    of an (n, num_labels) array, compressed, as base64.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    task: str
    encoder: str
    number: int
    state: Literal["complete", "pruned", "diverged"]
    recipe: Recipe
    epochs: tuple[Epoch, ...]
    best_epoch: int
    main_metric: float
    decided: str
    seconds: float
    commit: str


def read_trials(file: Path) -> list[Trial]:
    """Read the trials that a search has made so far.

    Raises:
        UserError: a line is damaged.
    """
    return read_lines(file, Trial, "search")


def read_lines(file: Path, kind: type[Line], again: str) -> list[Line]:
    """Read a file of trainings, one a line; none where it is not there. `again` says what makes it again.

    Raises:
        UserError: a line is damaged.
    """
    if not file.is_file():
        return []
    try:
        return [kind.model_validate_json(line) for line in file.read_text(encoding="utf-8").splitlines()]
    except (UnicodeDecodeError, ValidationError) as error:
        reason = first_fault(error) if isinstance(error, ValidationError) else "it is not text in UTF-8"
        raise UserError(f"{file} is damaged ({reason}); restore it, or delete it to {again} again") from error


def choose(trials: Sequence[Trial], task: Task, y_true: np.ndarray) -> Trial:
    """Return the trial that read the fewest tokens, of those that are not clearly worse than the best.

    Clearly worse is more than one standard error of the paired difference on the validation rows, whose gold labels
    are `y_true`, shape (n, num_labels). Trials that were ended early or diverged are not chosen.

    Raises:
        UserError: no trial is complete.
    """
    complete = sorted((trial for trial in trials if trial.state == "complete"), key=lambda trial: -trial.main_metric)
    if not complete:
        raise UserError(f"none of its {len(trials)} trials is complete; ask for more with --trials")
    scored = [decided_scored(trial.decided, task, y_true) for trial in complete]
    worse = [clearly_worse(each, scored[0], task.main_metric) for each in scored]
    return min((trial for trial, is_worse in zip(complete, worse, strict=True) if not is_worse), key=_tokens)


def _tokens(trial: Trial) -> int:
    return trial.recipe.epochs * trial.recipe.max_length


def pack(decided: np.ndarray) -> str:
    """Return an array of 0 and 1 as text."""
    return base64.b64encode(zlib.compress(np.packbits(decided).tobytes())).decode("ascii")


def packed_size(what: str | tuple[int, ...]) -> int:
    """Return how many bytes `pack` compresses: those of a text that it made, or of an array of this shape."""
    if isinstance(what, str):
        return len(zlib.decompress(base64.b64decode(what)))
    return -(-int(np.prod(what)) // 8)


def unpack(text: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return the int8 array of this shape that `pack` made the text of."""
    bits = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape).astype(np.int8)


def decided_scored(text: str, task: Task, y_true: np.ndarray) -> Scored:
    """Return the decided labels that `pack` made the text of, on rows with gold labels of shape (n, num_labels)."""
    y_pred = unpack(text, y_true.shape)
    return Scored(task.problem_type, y_true, y_pred.astype(np.float32), y_pred)
