"""Many texts, several checkpoints: the handlers behind the Batch tab, free of widgets."""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from demo.batch.inputs import BatchRows, is_missing, quote
from demo.compare.handlers import classify
from demo.shared.gpu import on_gpu
from demo.shared.models import catalogue, computing, load, read
from demo.shared.texts import PageError
from zoo.decision import Decision, ProblemType

BATCH = 32  # texts; a cancel waits for one batch


@dataclass(frozen=True, eq=False)
class Results:
    """The scores and decisions of several checkpoints for n texts, in the order of the texts.

    `scores` (float) and `decided` (int8, at the fitted thresholds) hold an array of shape (n, num_labels) for each
    checkpoint; `decisions` is how the one follows from the other. `y_true` (int8) has the gold labels in the same
    shape, or is None. `numbers` are the rows of the file, from 1; None is 1 to n.
    """

    problem_type: ProblemType
    labels: tuple[str, ...]
    texts: list[str]
    y_true: np.ndarray | None
    scores: dict[str, np.ndarray]
    decisions: dict[str, Decision]
    numbers: list[int] | None = None

    @cached_property
    def decided(self) -> dict[str, np.ndarray]:
        return {name: decision.decide(self.scores[name]) for name, decision in self.decisions.items()}

    def number(self, position: int) -> int:
        """Return the number of the row in the file, from 1."""
        return self.numbers[position] if self.numbers else position + 1

    def names(self, row: np.ndarray) -> list[str]:
        """Return the labels that are set in `row`, shape (num_labels,)."""
        return [self.labels[position] for position in np.flatnonzero(row)]

    def labels_without_gold(self) -> int:
        """Return how many labels are gold in no row (f1_macro counts them as 0); without gold labels, return 0."""
        return 0 if self.y_true is None else int((~self.y_true.any(axis=0)).sum())

    def agreed(self) -> np.ndarray:
        """Return whether all checkpoints decide the same labels, bool of shape (n,)."""
        first, *others = self.decided.values()
        return np.logical_and.reduce([np.ones(len(first), bool), *((first == other).all(axis=1) for other in others)])


def classify_rows(
    rows: BatchRows, task: str, names: Sequence[str], root: Path | None = None
) -> Iterator[int | Results]:
    """Classify every text with each of the task's checkpoints `names`.

    Yields after every batch how many (text, checkpoint) pairs are done, and at the end the results. The models stop as
    soon as the caller takes no more.

    Raises:
        UserError: the task or a checkpoint is unknown or damaged, or a gold label is unknown.
    """
    first = classify(rows.texts[0], task, names, root)  # checks the names, loads the models, compares their labels
    for failure in first.failures:
        raise PageError("batch_failed", name=failure.name, reason=failure.error)
    single = first.problem_type == "single_label_classification"
    y_true = None if rows.gold is None else gold_matrix(rows.gold, first.labels, single, rows.numbers)
    scores, decisions = {}, {}
    for position, answer in enumerate(first.answers):
        folder = catalogue(root)[task][answer.name]
        logits = np.empty((len(rows.texts), len(first.labels)), np.float32)
        for done, batch, found in _logits(folder, rows.texts):
            logits[batch] = found
            yield position * len(rows.texts) + done
        if not np.isfinite(logits).all():
            raise PageError("batch_not_numbers", name=answer.name)
        decisions[answer.name] = read(folder).decision
        scores[answer.name] = decisions[answer.name].scores(logits)
    yield Results(first.problem_type, first.labels, rows.texts, y_true, scores, decisions, rows.numbers)


@on_gpu
def _logits(folder: Path, texts: list[str]) -> Iterator[tuple[int, list[int], np.ndarray]]:
    """Yield, for each batch, how many texts are done after it, its rows, and their logits."""
    classifier = load(folder)
    for done, batch in _batches(texts):
        with computing:
            logits = classifier.predict_logits([texts[row] for row in batch])
        yield done, batch, logits


def _batches(texts: list[str]) -> Iterator[tuple[int, list[int]]]:
    """Yield, for each batch, how many texts are done after it, and its rows. Texts of similar length share a batch, so
    that little is padded."""
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    for start in range(0, len(order), BATCH):
        yield min(start + BATCH, len(order)), order[start : start + BATCH]


def gold_matrix(
    gold: Sequence[object], labels: Sequence[str], single: bool, numbers: Sequence[int] | None = None
) -> np.ndarray:
    """Return gold labels as int8 of shape (n, num_labels).

    Args:
        gold: the labels of each row: a list of names, or a text. A text is one name if `single` is set or if the whole
            text is a label; otherwise it is a JSON list, or "|" separates its names, or "," if there is no "|". An
            empty cell is no label. In place of a name, there may be the label's number in the task, from 0.
        labels: the task's.
        single: every text has exactly one label.
        numbers: of the rows, for messages; None is 1 to n.

    Raises:
        PageError: a label is unknown, or a row that must have one label has none or several.
    """
    position = {str(i): i for i in range(len(labels))} | {label: i for i, label in enumerate(labels)}
    y_true = np.zeros((len(gold), len(labels)), np.int8)
    for row, number, value in zip(y_true, numbers or range(1, len(gold) + 1), gold, strict=True):
        names = _names(value, single or (isinstance(value, str) and value in position))
        if single and len(names) != 1:
            raise PageError("batch_one_label", row=number, count=len(names))
        for name in names:
            key = str(name) if type(name) in (str, int) else None
            if key not in position:
                raise PageError("batch_unknown_label", row=number, label=quote(name), labels=", ".join(labels))
            row[position[key]] = 1
    return y_true


def _names(value: object, single: bool) -> list[object]:
    if isinstance(value, list):
        return value
    if is_missing(value):
        return []
    if not isinstance(value, str):
        return [value]
    if not single and value.lstrip().startswith("["):
        with suppress(ValueError):  # a label may well begin so
            return _names(json.loads(value), single)
    names = [value] if single else value.split("|" if "|" in value else ",")
    return [name.strip() for name in names if name.strip()]


def as_json(results: Results) -> dict[str, Any]:
    """Return results as plain values: the labels, and by checkpoint each text's scores and decided labels."""
    return {
        "labels": list(results.labels),
        "checkpoints": {
            name: {
                "scores": scores.tolist(),
                "decided": [results.names(row) for row in results.decided[name]],
            }
            for name, scores in results.scores.items()
        },
    }


@dataclass(frozen=True)
class Measured:
    """A metric of one checkpoint with its 95 % interval over these rows. One that is not defined is nan, and has no
    interval."""

    value: float
    low: float
    high: float


def metrics(results: Results) -> dict[str, list[Measured]]:
    """Return the leaderboard's metrics by name, each with a value for every checkpoint; none without gold labels.

    The intervals are bootstraps of the rows.
    """
    from benchmark.statistics.intervals import RESAMPLES, interval
    from benchmark.statistics.metrics import bounds, compute_metrics
    from benchmark.statistics.resampling import Scored, draw, resample

    if results.y_true is None:
        return {}
    kind, y_true = results.problem_type, results.y_true
    runs = [Scored(kind, y_true, scores, results.decided[name]) for name, scores in results.scores.items()]
    points = [compute_metrics(kind, y_true, run.y_score, run.y_pred) for run in runs]
    names = [name for name in points[0] if np.isfinite([of_one[name] for of_one in points]).all()]
    draws = draw(len(y_true), RESAMPLES)
    drawn = resample(runs, names, draws)
    found: dict[str, list[Measured]] = {}
    for name in points[0]:
        values = np.array([of_one[name] for of_one in points])
        found[name] = [Measured(value, value, value) for value in values.tolist()]
        for at, measured in enumerate(found[name] if name in drawn else []):
            around = interval(values[at : at + 1], drawn[name][:, at : at + 1], draws.rng, bounds(name))
            found[name][at] = replace(measured, low=around.low, high=around.high)
    return found


def as_view(results: Results, task: str) -> dict[str, Any]:
    """Return what results.js shows: the checkpoints with their scores (float64, row after row, in base64) and how they
    decide, the metrics, and of every row its number, its text, and its gold and decided labels."""
    from benchmark.statistics.metrics import LOWER_IS_BETTER

    gold = None if results.y_true is None else [results.names(row) for row in results.y_true]
    decided = {name: [results.names(row) for row in found] for name, found in results.decided.items()}
    return {
        "task": task,
        "single": results.problem_type == "single_label_classification",
        "labels": list(results.labels),
        "names": list(results.decided),
        "models": [_model(results, name) for name in results.decided],
        "lower": sorted(LOWER_IS_BETTER),
        "metrics": [
            {"name": name, "cells": [asdict(each) if np.isfinite(each.value) else None for each in of_all]}
            for name, of_all in metrics(results).items()
        ],
        "rows": [
            {
                "number": results.number(row),
                "text": text,
                "gold": gold and gold[row],
                "decided": [of_one[row] for of_one in decided.values()],
            }
            for row, text in enumerate(results.texts)
        ],
    }


def _model(results: Results, name: str) -> dict[str, Any]:
    decision = results.decisions[name]
    return {
        "scores": b64encode(results.scores[name].astype("<f8").tobytes()).decode(),
        "thresholds": list(decision.thresholds),
        "at_least_one": decision.policy.at_least_one,
        "at_most": decision.policy.at_most,
    }
