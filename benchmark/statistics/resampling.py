"""Metrics as functions of sums over the test rows, so that thousands of resamples of the rows are one matrix product.

An F1 needs only the sums of true positives, of decided and of gold labels; a mean over rows is a sum itself. Where a
metric is no function of sums (average precision, ROC AUC) its first-order expansion in the rows' weights is: the
influence of each row (Hampel 1974), whose sum over a resample tells how far the metric moves. Resampled expected
calibration errors keep the bins of the whole sample.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from benchmark.statistics.metrics import ECE_BINS
from zoo.decision import ProblemType

# This many draws, in single precision, take about 20 MiB at 5,000 test rows.
_BLOCK = 1000


@dataclass(frozen=True)
class Scored:
    """What one run says about the test rows: y_true, y_score and y_pred, each (n, num_labels)."""

    problem_type: ProblemType
    y_true: np.ndarray
    y_score: np.ndarray
    y_pred: np.ndarray

    def take(self, rows: np.ndarray) -> "Scored":
        """Return the same of some rows."""
        return Scored(self.problem_type, self.y_true[rows], self.y_score[rows], self.y_pred[rows])


@dataclass(frozen=True)
class Summable:
    """A metric as `value(sums)`, where `sums` has the shape (..., k) and adds up `columns(scored)`, shape (n, k)."""

    columns: Callable[[Scored], np.ndarray]
    value: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Draws:
    """Random draws of n test rows, in blocks of at most 1,000 draws; shared by all runs of a task, which pairs them.

    `counts` are bootstrap resamples, how often each row was drawn (uint8); `signs` are +1 or -1 for each row (int8),
    for randomization tests. `rng` draws whatever else is needed.
    """

    counts: list[np.ndarray]
    signs: list[np.ndarray]
    rng: np.random.Generator


def draw(n: int, number: int, seed: int = 0) -> Draws:
    """Draw `number` resamples and as many sign vectors of n rows."""
    rng = np.random.default_rng(seed)
    sizes = [min(_BLOCK, number - start) for start in range(0, number, _BLOCK)]
    signs = [rng.integers(0, 2, (size, n), dtype=np.int8) * np.int8(2) - np.int8(1) for size in sizes]
    return Draws([_count(n, size, rng) for size in sizes], signs, rng)


def _count(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    drawn = rng.integers(0, n, (size, n), dtype=np.int32)
    drawn += np.arange(size, dtype=np.int32)[:, None] * n
    return np.minimum(np.bincount(drawn.ravel(), minlength=size * n), 255).reshape(size, n).astype(np.uint8)


def weighted_sums(blocks: list[np.ndarray], columns: np.ndarray) -> np.ndarray:
    """Return the sums of `columns`, shape (n, k), weighted by every row of the blocks: shape (draws, k)."""
    columns = columns.astype(np.float32)
    return np.vstack([block.astype(np.float32) @ columns for block in blocks])


def resample(runs: list[Scored], metrics: Iterable[str], draws: Draws) -> dict[str, np.ndarray]:
    """Return each metric's values in the bootstrap resamples, shape (resamples, len(runs)).

    All runs must be of the same rows in the same order, those that were drawn.
    """
    chosen = {name: summables(runs[0].problem_type)[name] for name in metrics}
    parts = {name: np.stack([summable.columns(run) for run in runs], axis=1) for name, summable in chosen.items()}
    sums = weighted_sums(draws.counts, np.hstack([part.reshape(len(part), -1) for part in parts.values()]))
    values, start = {}, 0
    for name, part in parts.items():
        end = start + part.shape[1] * part.shape[2]
        values[name] = chosen[name].value(sums[:, start:end].reshape(-1, *part.shape[1:]).astype(np.float64))
        start = end
    return values


def points(runs: list[Scored], metric: str) -> np.ndarray:
    """Return the metric on the rows as they are, shape (len(runs),)."""
    summable = summables(runs[0].problem_type)[metric]
    return np.array([summable.value(summable.columns(run).sum(axis=0, dtype=np.float64)) for run in runs])


def of_labels(scored: Scored) -> dict[str, np.ndarray]:
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


def _pooled_counts(scored: Scored) -> np.ndarray:
    hits = (scored.y_true & scored.y_pred).sum(axis=1)
    return np.column_stack([hits, scored.y_pred.sum(axis=1), scored.y_true.sum(axis=1)])


def _f1(sums: np.ndarray) -> np.ndarray:
    """F1 from sums of shape (..., 3 * k), averaged over the k; one with nothing gold and nothing decided is 0."""
    hits, decided, gold = np.moveaxis(sums.reshape(*sums.shape[:-1], 3, -1), -2, 0)
    both = decided + gold
    return np.divide(2 * hits, both, out=np.zeros_like(hits), where=both > 0).mean(axis=-1)


def _mean(of_rows: Callable[[Scored], np.ndarray]) -> Summable:
    return _share(of_rows, lambda scored: np.ones(len(scored.y_true)))


def _share(of_rows: Callable[[Scored], np.ndarray], whole: Callable[[Scored], np.ndarray]) -> Summable:
    """What rows have over what they could have. Divided after the sums: those of whole numbers are exact in single
    precision, so that a draw that ties with what was observed is seen to."""
    return Summable(
        lambda scored: np.column_stack([of_rows(scored), whole(scored)]), lambda sums: sums[..., 0] / sums[..., 1]
    )


def _ratio(hits: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(hits, whole, out=np.zeros(len(hits)), where=whole > 0)


def _f1_of_rows(scored: Scored) -> np.ndarray:
    hits, decided, gold = _pooled_counts(scored).T
    return _ratio(2 * hits, decided + gold)


def _jaccard_of_rows(scored: Scored) -> np.ndarray:
    hits, decided, gold = _pooled_counts(scored).T
    return _ratio(hits, decided + gold - hits)


def _exact(scored: Scored) -> np.ndarray:
    return (scored.y_true == scored.y_pred).all(axis=1)


def _squared_error(scored: Scored) -> np.ndarray:
    return ((scored.y_score - scored.y_true) ** 2).mean(axis=1)


def label_ranking_precision(y_true: np.ndarray, y_score: np.ndarray) -> np.ndarray:
    """Return each row's part of the label ranking average precision, shape (n,), as scikit-learn defines it.

    Of each gold label: the share of gold labels among those with at least its score. A row without gold labels, or
    with all of them, counts 1.
    """
    at_least = y_score[:, None, :] >= y_score[:, :, None]
    gold = y_true.astype(bool)
    precision = (at_least & gold[:, None, :]).sum(axis=2) / at_least.sum(axis=2)
    number = gold.sum(axis=1)
    mean = np.where(gold, precision, 0).sum(axis=1) / np.maximum(number, 1)
    return np.where((number == 0) | (number == y_true.shape[1]), 1.0, mean)


def _in_blocks(function: Callable[[np.ndarray, np.ndarray], np.ndarray], scored: Scored) -> np.ndarray:
    """Call `function` on a few rows at a time, to bound the memory of what is quadratic in the labels."""
    step = min(256, max(1, 2**24 // scored.y_true.shape[1] ** 2))
    starts = range(0, len(scored.y_true), step)
    return np.concatenate([function(scored.y_true[i : i + step], scored.y_score[i : i + step]) for i in starts])


def _confusion(scored: Scored) -> np.ndarray:
    gold, decided = scored.y_true.argmax(axis=1), scored.y_score.argmax(axis=1)
    num_labels = scored.y_true.shape[1]
    return np.eye(num_labels * num_labels)[gold * num_labels + decided]


def _mcc(sums: np.ndarray) -> np.ndarray:
    """Gorodkin 2004, the form of scikit-learn; 0 where all is one class."""
    num_labels = int(np.sqrt(sums.shape[-1]))
    table = sums.reshape(*sums.shape[:-1], num_labels, num_labels)
    gold, decided = table.sum(axis=-1), table.sum(axis=-2)
    n, correct = gold.sum(axis=-1), np.trace(table, axis1=-2, axis2=-1)
    covariance = n * correct - (gold * decided).sum(axis=-1)
    scale = np.sqrt((n**2 - (gold**2).sum(axis=-1)) * (n**2 - (decided**2).sum(axis=-1)))
    return np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0)


def _gaps(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Confidence less correctness of every pair in the column of its equal-mass bin, summed over a row's pairs:
    shape (n, bins). Both arguments have the shape (n, pairs)."""
    order = np.argsort(confidence.ravel(), kind="stable")
    bins = np.empty(confidence.size, int)
    for number, part in enumerate(np.array_split(order, ECE_BINS)):
        bins[part] = number
    row = np.repeat(np.arange(len(confidence)), confidence.shape[1])
    gap = (confidence - correct).ravel() / confidence.size
    flat = np.bincount(row * ECE_BINS + bins, weights=gap, minlength=len(confidence) * ECE_BINS)
    return flat.reshape(len(confidence), ECE_BINS)


def _top(scored: Scored) -> tuple[np.ndarray, np.ndarray]:
    best = scored.y_score.argmax(axis=1)[:, None]
    return np.take_along_axis(scored.y_score, best, axis=1), np.take_along_axis(scored.y_true, best, axis=1)


def _gap_size(sums: np.ndarray) -> np.ndarray:
    return np.abs(sums).sum(axis=-1)


def _expanded(of_label: Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]], both: bool) -> Summable:
    """A mean over labels, expanded to first order; `both` asks for negatives too, as an AUC does."""

    def columns(scored: Scored) -> np.ndarray:
        present = scored.y_true.any(axis=0) & ~(scored.y_true.all(axis=0) & both)
        found = [of_label(scored.y_true[:, label], scored.y_score[:, label]) for label in np.flatnonzero(present)]
        if not found:
            return np.full((len(scored.y_true), 1), np.nan)
        value, influence = np.mean([v for v, _ in found]), np.mean([rows for _, rows in found], axis=0)
        return (value / len(influence) + influence)[:, None]

    return Summable(columns, lambda sums: sums[..., 0])


def average_precision_influence(y_true: np.ndarray, y_score: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the average precision of one label and its derivative by the weight of each row, both from sums over
    the groups of equal scores. Shapes (n,); at least one positive."""
    score, group, size = np.unique(-y_score, return_inverse=True, return_counts=True)
    hits = np.bincount(group, weights=y_true, minlength=len(score))
    above_hits, above = np.cumsum(hits), np.cumsum(size)
    precision, positives = above_hits / above, hits.sum()
    value = float((hits * precision).sum() / positives)
    # A row's weight moves the precision at its own score and at all lower ones.
    lower_gain = np.cumsum((hits / above)[::-1])[::-1][group]
    lower_loss = np.cumsum((hits * precision / above)[::-1])[::-1][group]
    influence = (y_true * (precision[group] - value + lower_gain) - lower_loss) / positives
    return value, influence


def auc_influence(y_true: np.ndarray, y_score: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the ROC AUC of one label and its derivative by the weight of each row: the structural components of
    DeLong et al. 1988. Shapes (n,); positives and negatives."""
    order = np.sort(y_score[y_true == 0]), np.sort(y_score[y_true == 1])
    negatives, positives = map(len, order)
    beats = (np.searchsorted(order[0], y_score, "left") + np.searchsorted(order[0], y_score, "right")) / 2 / negatives
    loses = 1 - (np.searchsorted(order[1], y_score, "left") + np.searchsorted(order[1], y_score, "right")) / (
        2 * positives
    )
    value = float(beats[y_true == 1].mean())
    return value, np.where(y_true == 1, (beats - value) / positives, (loses - value) / negatives)


_MULTI_LABEL = {
    "f1_micro": Summable(_pooled_counts, _f1),
    "f1_macro": Summable(_counts, _f1),
    "f1_samples": _mean(_f1_of_rows),
    "subset_accuracy": _mean(_exact),
    "jaccard_samples": _mean(_jaccard_of_rows),
    "hamming_loss": _share(
        lambda scored: (scored.y_true != scored.y_pred).sum(axis=1),
        lambda scored: np.full(*scored.y_true.shape),
    ),
    "lrap": _mean(lambda scored: _in_blocks(label_ranking_precision, scored)),
    "map": _expanded(average_precision_influence, both=False),
    "ece": Summable(lambda scored: _gaps(scored.y_score, scored.y_true), _gap_size),
    "brier": _mean(_squared_error),
}
_SINGLE_LABEL = {
    "accuracy": _mean(_exact),
    "f1_macro": Summable(_counts, _f1),
    "mcc": Summable(_confusion, _mcc),
    "auc": _expanded(auc_influence, both=True),
    "ece": Summable(lambda scored: _gaps(*_top(scored)), _gap_size),
    "brier": _mean(_squared_error),
}
