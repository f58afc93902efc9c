"""Many texts, several checkpoints: the handlers behind the Batch tab, free of widgets."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from demo.batch.inputs import BatchRows, is_missing, quote
from demo.compare.handlers import classify
from demo.shared.gpu import on_gpu
from demo.shared.models import catalogue, computing, load, read
from demo.shared.texts import Language, PageError, say
from zoo.decision import ProblemType

BATCH = 32  # texts; a cancel waits for one batch
SHOWN_ROWS = 200
_SHOWN_CHARACTERS = 120


@dataclass(frozen=True, eq=False)
class Results:
    """The scores and decisions of several checkpoints for n texts, in the order of the texts.

    `scores` (float) and `decided` (int8, at the fitted thresholds) hold an array of shape (n, num_labels) for each
    checkpoint. `y_true` (int8) has the gold labels in the same shape, or is None.
    """

    problem_type: ProblemType
    labels: tuple[str, ...]
    texts: list[str]
    y_true: np.ndarray | None
    scores: dict[str, np.ndarray]
    decided: dict[str, np.ndarray]

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
    y_true = None if rows.gold is None else gold_matrix(rows.gold, first.labels, single)
    scores, decided = {}, {}
    for position, answer in enumerate(first.answers):
        folder = catalogue(root)[task][answer.name]
        logits = np.empty((len(rows.texts), len(first.labels)), np.float32)
        for done, batch, found in _logits(folder, rows.texts):
            logits[batch] = found
            yield position * len(rows.texts) + done
        if not np.isfinite(logits).all():
            raise PageError("batch_not_numbers", name=answer.name)
        decision = read(folder).decision
        scores[answer.name] = decision.scores(logits)
        decided[answer.name] = decision.decide(scores[answer.name])
    yield Results(first.problem_type, first.labels, rows.texts, y_true, scores, decided)


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


def gold_matrix(gold: Sequence[object], labels: Sequence[str], single: bool) -> np.ndarray:
    """Return gold labels as int8 of shape (n, num_labels).

    Args:
        gold: the labels of each row: a list of names, or a text. A text is one name if `single` is set or if the whole
            text is a label; otherwise it is a JSON list, or "|" separates its names, or "," if there is no "|". An
            empty cell is no label.
        labels: the task's.
        single: every text has exactly one label.

    Raises:
        PageError: a label is unknown, or a row that must have one label has none or several.
    """
    position = {label: i for i, label in enumerate(labels)}
    y_true = np.zeros((len(gold), len(labels)), np.int8)
    for number, value in enumerate(gold, 1):
        names = _names(value, single or (isinstance(value, str) and value in position))
        if single and len(names) != 1:
            raise PageError("batch_one_label", row=number, count=len(names))
        for name in names:
            if not isinstance(name, str) or name not in position:
                raise PageError("batch_unknown_label", row=number, label=quote(name), labels=", ".join(labels))
            y_true[number - 1, position[name]] = 1
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


def metrics(results: Results) -> dict[str, dict[str, float]]:
    """Return the leaderboard's metrics by checkpoint and name; none without gold labels."""
    from benchmark.statistics.metrics import compute_metrics

    if results.y_true is None:
        return {}
    return {
        name: compute_metrics(results.problem_type, results.y_true, scores, results.decided[name])
        for name, scores in results.scores.items()
    }


def metrics_table(results: Results, language: Language = "en") -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of the metrics, one column for each checkpoint; an undefined metric is a dash."""
    found = metrics(results)
    names = next(iter(found.values()), {})
    cells = [[f"{of[name]:.4f}" if np.isfinite(of[name]) else "–" for of in found.values()] for name in names]
    rows = [[name, *row] for name, row in zip(names, cells, strict=True)]
    return [say("batch_metric", language), *found], rows


def shown_table(results: Results, language: Language = "en") -> tuple[list[str], list[list[str | int]]]:
    """Return the header and the first SHOWN_ROWS rows: number, cut text, decided labels, and whether they agree."""
    several = len(results.decided) > 1
    header = [say(f"batch_{name}", language) for name in ("row", "text", *["agree"] * several)]
    agreed = [say("batch_yes" if same else "batch_no", language) for same in results.agreed()]
    rows: list[list[str | int]] = []
    for row, text in enumerate(results.texts[:SHOWN_ROWS]):
        decided = [", ".join(results.names(found[row])) or "–" for found in results.decided.values()]
        rows.append([row + 1, _cut(text), *decided, *[agreed[row]] * several])
    return [*header[:2], *results.decided, *header[2:]], rows


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
