"""Metrics as functions of sums over the test rows, so that thousands of resamples of the rows are one matrix product.

An F1 needs only the sums of true positives, of decided and of gold labels, and a mean over rows is a sum itself.
The average precision of a rare label is a function of a few sums for each of its positives, and exact. That of other
labels and the ROC AUC are expanded to first order in the weights of the rows: the sum of the rows' influences (Hampel
1974) over a resample approximates how far the metric moves. Resampled expected calibration errors keep the bins of the
whole sample.

The memory is that of the columns and of what is returned, and at most about 400 MiB more, whatever the numbers of rows,
labels and draws: the work is done in blocks of at most 2**23 numbers.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.statistics.draw_blocks import CELLS, OfGroups, drawn_blocks
from benchmark.statistics.influences import (
    auc_columns,
    average_precision_columns,
    average_precision_influence,
    label_ranking_precision,
    match_columns,
    mcc,
    mean_average_precision,
)
from benchmark.statistics.metrics import ECE_BINS
from zoo.decision import ProblemType


@dataclass(frozen=True)
class Scored:
    """The predictions of one run on the test rows: y_true, y_score and y_pred, each (n, num_labels)."""

    problem_type: ProblemType
    y_true: np.ndarray
    y_score: np.ndarray
    y_pred: np.ndarray

    def take(self, rows: np.ndarray) -> "Scored":
        """Return the predictions on some rows, given by number."""
        return Scored(self.problem_type, self.y_true[rows], self.y_score[rows], self.y_pred[rows])


@dataclass(frozen=True)
class Summable:
    """A metric as `value(sums)`, where `sums` has the shape (..., k) and adds up `columns(scored)`, shape (n, k)."""

    columns: Callable[[Scored], np.ndarray]
    value: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Draws:
    """Random draws of n test rows, shared by all runs of a task, which pairs them.

    `counts` are bootstrap resamples: how often each row was drawn (uint8). `signs` are +1 or -1 for each row (int8),
    for randomization tests. Both come in blocks of shape (draws, n) with at most 1,000 draws and 2**23 numbers, and may
    be drawn again, the same each time, whenever they are looked at. `rng` draws whatever else is needed. `units` counts
    what is drawn, if that is whole groups of rows: None where it is single rows.
    """

    counts: Sequence[np.ndarray]
    signs: Sequence[np.ndarray]
    rng: np.random.Generator
    units: int | None = None


def draw(n: int, number: int, seed: int = 0, groups: np.ndarray | None = None) -> Draws:
    """Draw `number` resamples and as many sign vectors of n rows. The size of the blocks does not change the draws.

    Where rows have `groups`, shape (n,), such as the threads that they are from, whole groups are drawn, and the rows
    of one have one sign: a cluster bootstrap (Davison and Hinkley 1997, section 3.8).
    """
    group = None if groups is None else np.unique(groups, return_inverse=True)[1]
    units = n if group is None else int(group.max()) + 1
    counts, signs, state = drawn_blocks(units, number, seed, n)
    rng = np.random.default_rng(seed)
    rng.bit_generator.state = state
    if group is None:
        return Draws(counts, signs, rng)
    return Draws(OfGroups(counts, group), OfGroups(signs, group), rng, units)


def weighted_sums(blocks: Iterable[np.ndarray], columns: np.ndarray) -> np.ndarray:
    """Return the sums of `columns`, shape (n, k), weighted by every row of the blocks: shape (draws, k)."""
    return np.vstack(list(_sums(blocks, [columns])))


def _sums(blocks: Iterable[np.ndarray], columns: list[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the sums of all columns side by side, a few draws at a time; `columns` are arrays of shape (n, k)."""
    step = max(1, CELLS // sum(part.shape[1] for part in columns))
    for block in blocks:
        for start in range(0, len(block), step):
            yield _product(block[start : start + step], columns, step)


def _product(weights: np.ndarray, columns: list[np.ndarray], step: int) -> np.ndarray:
    """Multiply in single precision, `step` rows at a time, which bounds both factors."""
    total = np.zeros((), np.float32)
    for rows in (slice(start, start + step) for start in range(0, weights.shape[1], step)):
        total = total + weights[:, rows].astype(np.float32) @ np.hstack([p[rows].astype(np.float32) for p in columns])
    return total


def resample(runs: list[Scored], metrics: Iterable[str], draws: Draws) -> dict[str, np.ndarray]:
    """Return each metric's values in the bootstrap resamples, shape (resamples, len(runs)).

    All runs must be of the same rows in the same order, those that were drawn.
    """
    chosen = {name: summables(runs[0].problem_type)[name] for name in metrics}
    parts = {name: np.stack([summable.columns(run) for run in runs], axis=1) for name, summable in chosen.items()}
    ends = np.cumsum([part.shape[1] * part.shape[2] for part in parts.values()])
    found: dict[str, list[np.ndarray]] = {name: [] for name in parts}
    for sums in _sums(draws.counts, [part.reshape(len(part), -1) for part in parts.values()]):
        for (name, part), of_part in zip(parts.items(), np.split(sums, ends[:-1], axis=1), strict=True):
            found[name].append(chosen[name].value(of_part.reshape(-1, *part.shape[1:]).astype(np.float64)))
    return {name: np.concatenate(values) for name, values in found.items()}


def points(runs: list[Scored], metric: str) -> np.ndarray:
    """Return the metric on the rows themselves, shape (len(runs),)."""
    summable = summables(runs[0].problem_type)[metric]
    return np.array([summable.value(summable.columns(run).sum(axis=0, dtype=np.float64)) for run in runs])


def metrics_of_labels(scored: Scored) -> dict[str, np.ndarray]:
    """Return precision, recall, f1, average_precision and support of every label, each of shape (num_labels,).

    A division by zero counts 0, as in scikit-learn; the average precision of a label without positives is nan.
    """
    hits, decided, gold = _counts(scored).sum(axis=0, dtype=np.float64).reshape(3, -1)
    ap = [
        average_precision_influence(scored.y_true[:, label], scored.y_score[:, label])[0] if gold[label] else np.nan
        for label in range(len(gold))
    ]
    return {
        "precision": _ratio(hits, decided),
        "recall": _ratio(hits, gold),
        "f1": _ratio(2 * hits, decided + gold),
        "average_precision": np.array(ap),
        "support": gold,
    }


def summables(problem_type: ProblemType) -> dict[str, Summable]:
    """Return the metrics of a problem type as sums, by name."""
    return _MULTI_LABEL if problem_type == "multi_label_classification" else _SINGLE_LABEL


def _counts(scored: Scored) -> np.ndarray:
    """True positives, decided and gold, label by label: shape (n, 3 * num_labels)."""
    return np.hstack([scored.y_true & scored.y_pred, scored.y_pred, scored.y_true])


def pooled_counts(scored: Scored, columns: slice | list[int] = slice(None)) -> np.ndarray:
    """Return hits, decided and gold of each row, of some labels or all, shape (n, 3)."""
    y_true, y_pred = scored.y_true[:, columns], scored.y_pred[:, columns]
    return np.column_stack([(y_true & y_pred).sum(axis=1), y_pred.sum(axis=1), y_true.sum(axis=1)])


def _macro_columns(scored: Scored) -> np.ndarray:
    """True positives, and decided and gold together, label by label: shape (n, 2 * num_labels)."""
    return np.hstack([scored.y_true & scored.y_pred, np.add(scored.y_pred, scored.y_true, dtype=np.int8)])


def _micro_columns(scored: Scored) -> np.ndarray:
    hits, decided, gold = pooled_counts(scored).T
    return np.column_stack([hits, decided + gold])


def _f1(sums: np.ndarray) -> np.ndarray:
    """F1 from sums of shape (..., 2 * k), averaged over the k; one with nothing gold and nothing decided is 0."""
    hits, both = np.moveaxis(sums.reshape(*sums.shape[:-1], 2, -1), -2, 0)
    return np.divide(2 * hits, both, out=np.zeros_like(hits), where=both > 0).mean(axis=-1)


def _mean(of_rows: Callable[[Scored], np.ndarray]) -> Summable:
    return _share(of_rows, lambda scored: np.ones(len(scored.y_true)))


def _share(of_rows: Callable[[Scored], np.ndarray], whole: Callable[[Scored], np.ndarray]) -> Summable:
    """A ratio of two sums over the rows, divided after summing: sums of whole numbers are exact in single precision, so
    a draw that equals the observed value is recognised as equal."""
    return Summable(
        lambda scored: np.column_stack([of_rows(scored), whole(scored)]), lambda sums: sums[..., 0] / sums[..., 1]
    )


def _ratio(hits: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(hits, whole, out=np.zeros(len(hits)), where=whole > 0)


def _f1_of_rows(scored: Scored) -> np.ndarray:
    hits, decided, gold = pooled_counts(scored).T
    return _ratio(2 * hits, decided + gold)


def _jaccard_of_rows(scored: Scored) -> np.ndarray:
    hits, decided, gold = pooled_counts(scored).T
    return _ratio(hits, decided + gold - hits)


def _exact(scored: Scored) -> np.ndarray:
    return (scored.y_true == scored.y_pred).all(axis=1)


def _squared_error(scored: Scored) -> np.ndarray:
    return ((scored.y_score - scored.y_true) ** 2).mean(axis=1)


def _gaps(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Confidence minus correctness, summed over the pairs of a row in each equal-mass bin: shape (n, bins). Both
    arguments have the shape (n, pairs)."""
    n, pairs = confidence.shape
    cell = np.repeat(np.arange(n), pairs) * ECE_BINS + equal_mass_bins(confidence.ravel())
    gap = (confidence - correct).ravel() / confidence.size
    return np.bincount(cell, weights=gap, minlength=n * ECE_BINS).reshape(n, ECE_BINS)


def _distance(gaps: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(gaps).sum(axis=-1))


def equal_mass_bins(confidence: np.ndarray) -> np.ndarray:
    """Return the bin of each confidence, shape (n,): 15 bins with as many in each, in ascending order.

    With fewer confidences than bins, the last bins stay empty.
    """
    bins = np.empty(len(confidence), np.intp)
    for number, part in enumerate(np.array_split(np.argsort(confidence, kind="stable"), ECE_BINS)):
        bins[part] = number
    return bins


def top_label(y_true: np.ndarray, y_score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the highest score of each row, and whether its label is gold (0 or 1), both of shape (n, 1)."""
    best = y_score.argmax(axis=1)[:, None]
    return np.take_along_axis(y_score, best, axis=1), np.take_along_axis(y_true, best, axis=1)


_MULTI_LABEL = {
    "f1_micro": Summable(_micro_columns, _f1),
    "f1_macro": Summable(_macro_columns, _f1),
    "f1_samples": _mean(_f1_of_rows),
    "subset_accuracy": _mean(_exact),
    "jaccard_samples": _mean(_jaccard_of_rows),
    "hamming_loss": _share(
        lambda scored: (scored.y_true != scored.y_pred).sum(axis=1),
        lambda scored: np.full(*scored.y_true.shape),
    ),
    "lrap": _mean(lambda scored: label_ranking_precision(scored.y_true, scored.y_score)),
    "map": Summable(lambda scored: average_precision_columns(scored.y_true, scored.y_score), mean_average_precision),
    "ece": Summable(lambda scored: _gaps(scored.y_score, scored.y_true), _distance),
    "brier": _mean(_squared_error),
}
_SINGLE_LABEL = {
    "accuracy": _mean(_exact),
    "f1_macro": Summable(_macro_columns, _f1),
    "mcc": Summable(lambda scored: match_columns(scored.y_true, scored.y_score), mcc),
    "auc": Summable(lambda scored: auc_columns(scored.y_true, scored.y_score), lambda sums: sums[..., 0]),
    "ece": Summable(lambda scored: _gaps(*top_label(scored.y_true, scored.y_score)), _distance),
    "brier": _mean(_squared_error),
}
