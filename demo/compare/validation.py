"""The effect of each threshold on the validation split: counts from the stored logits of the checkpoint's run.

The browser computes precision, recall and F1 from them (`figures.js`), so that a moved slider sends no request.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from zoo.checkpoints.checkpoint import CheckpointInfo
from zoo.decision import Decision
from zoo.errors import UserError
from zoo.policy import DEFAULT

THRESHOLDS = np.arange(101) / 100


@dataclass(frozen=True)
class Counts:
    """How often a label is decided on the validation rows, and how often that is right.

    `predicted` and `right` have a list for each label: the counts at each of THRESHOLDS, then at the label's fitted
    threshold. Only the latter know how many labels the checkpoint's policy lets a text have.
    """

    predicted: list[list[int]]
    right: list[list[int]]


@dataclass(frozen=True)
class Validation:
    """The counts of calibrated and of raw scores over `rows` validation rows, of which `positives` have each label."""

    rows: int
    positives: list[int]
    calibrated: Counts
    raw: Counts


def validation(info: CheckpointInfo, decision: Decision, results: Path | None = None) -> Validation | None:
    """Return the counts of a checkpoint's thresholds; None if the run that trained it is not in `results`.

    Args:
        info: of the checkpoint; it names the run.
        decision: of the checkpoint, with the fitted thresholds.
        results: the folder of runs; None is the project's own.
    """
    from benchmark.training.runs import RESULTS

    found = sorted((results or RESULTS).glob(f"{info.task}/{info.encoder.replace('/', '--')}/*-{info.run}"))
    return _of_run(found[0], decision) if found else None


@lru_cache(maxsize=32)
def _of_run(folder: Path, decision: Decision) -> Validation | None:
    from benchmark.training.runs import read_run

    try:
        predictions = read_run(folder).predictions
    except UserError:  # a damaged run is the leaderboard's business; the texts are classified without it
        return None
    logits, y_true = predictions.validation_logits, predictions.validation_y_true
    return Validation(
        rows=len(y_true),
        positives=y_true.sum(axis=0).tolist(),
        calibrated=count(decision.temperature, decision, logits, y_true),
        raw=count(1.0, decision, logits, y_true),
    )


def count(temperature: float, fitted: Decision, logits: np.ndarray, y_true: np.ndarray) -> Counts:
    """Return the counts of the scores at a temperature.

    Args:
        temperature: the fitted one for calibrated scores, 1 for raw ones.
        fitted: the checkpoint's decision; it decides the same whichever scores are shown.
        logits: shape (n, num_labels).
        y_true: gold labels, the same shape.
    """
    plain = {"temperature": temperature, "thresholds": (0.0,) * y_true.shape[1], "policy": DEFAULT}
    free = fitted.model_copy(update=plain)
    y_score, decided = free.scores(logits), fitted.decide(fitted.scores(logits))
    can_be = free.decide(y_score) == 1
    predicted: list[list[int]] = []
    right: list[list[int]] = []
    for label in range(y_true.shape[1]):
        for rows, counts in (
            (can_be[:, label], predicted),
            (can_be[:, label] & (y_true[:, label] == 1), right),
        ):
            reached = rows.sum() - np.searchsorted(np.sort(y_score[rows, label]), THRESHOLDS)
            counts.append([*reached.tolist(), int(decided[rows, label].sum())])
    return Counts(predicted, right)
