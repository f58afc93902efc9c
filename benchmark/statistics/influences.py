"""The part of each row in a ranking metric: its term of the mean, or its influence (Hampel 1974); and the columns that
the metrics are functions of the sums of."""

import numpy as np

from benchmark.statistics.intervals import FEW_POSITIVES

_SLOTS = FEW_POSITIVES - 1  # the positives that a rare label can have
_CELLS = 2**24  # (row, label, label) triples that are compared at a time: 16 MiB


def label_ranking_precision(y_true: np.ndarray, y_score: np.ndarray) -> np.ndarray:
    """Return each row's part of the label ranking average precision, shape (n,), as scikit-learn defines it.

    Of each gold label: the share of gold labels among those with at least its score. A row without gold labels, or
    with all of them, counts 1.
    """
    step = min(256, max(1, _CELLS // y_true.shape[1] ** 2))
    starts = range(0, len(y_true), step)
    return np.concatenate([_ranking_precision(y_true[i : i + step], y_score[i : i + step]) for i in starts])


def _ranking_precision(y_true: np.ndarray, y_score: np.ndarray) -> np.ndarray:
    at_least = y_score[:, None, :] >= y_score[:, :, None]
    gold = y_true.astype(bool)
    precision = (at_least & gold[:, None, :]).sum(axis=2) / at_least.sum(axis=2)
    number = gold.sum(axis=1)
    mean = np.where(gold, precision, 0).sum(axis=1) / np.maximum(number, 1)
    return np.where((number == 0) | (number == y_true.shape[1]), 1.0, mean)


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


def auc_columns(y_true: np.ndarray, y_score: np.ndarray) -> np.ndarray:
    """Return each row's part of the mean ROC AUC over the labels that have positives and negatives, expanded to first
    order, shape (n, 1). Shapes (n, num_labels)."""
    both = y_true.any(axis=0) & ~y_true.all(axis=0)
    if not both.any():
        return np.full((len(y_true), 1), np.nan)
    found = [auc_influence(y_true[:, label], y_score[:, label]) for label in np.flatnonzero(both)]
    values, influences = zip(*found, strict=True)
    return np.asarray(np.mean(values) / len(y_true) + np.mean(influences, axis=0))[:, None]


def average_precision_columns(y_true: np.ndarray, y_score: np.ndarray) -> np.ndarray:
    """Return what `mean_average_precision` needs the sums of, shape (n, 2 + 3 * _SLOTS * rare labels).

    The first two add up the frequent labels' values, expanded to first order, and how many these labels are. A rare
    label, under FEW_POSITIVES positives, has three for each of its positives, so that its resampled values are exact:
    whether a row is that positive, whether it scores at least as high, and whether it is a positive that does. Unused
    ones are 0. Shapes (n, num_labels).
    """
    positives = y_true.sum(axis=0)
    frequent, rare = np.flatnonzero(positives > _SLOTS), np.flatnonzero((positives > 0) & (positives <= _SLOTS))
    expanded = np.zeros((len(y_true), 2))
    for label in frequent:
        value, influence = average_precision_influence(y_true[:, label], y_score[:, label])
        expanded[:, 0] += value / len(y_true) + influence
    expanded[:, 1] = len(frequent) / len(y_true)
    return np.hstack([expanded, *(_slots(y_true[:, label], y_score[:, label]) for label in rare)])


def _slots(y_true: np.ndarray, y_score: np.ndarray) -> np.ndarray:
    at = np.flatnonzero(y_true)
    found = np.zeros((3, _SLOTS, len(y_true)), np.float32)
    found[0, np.arange(len(at)), at] = 1
    found[1, : len(at)] = y_score >= y_score[at][:, None]
    found[2] = found[1] * y_true
    return found.reshape(3 * _SLOTS, -1).T


def mean_average_precision(sums: np.ndarray) -> np.ndarray:
    """Return the mean average precision from sums of `average_precision_columns`, shape (..., k); a label without a
    positive in a draw does not count in it, and nan stands where that is all labels."""
    drawn, above, hits = np.moveaxis(sums[..., 2:].reshape(*sums.shape[:-1], -1, 3, _SLOTS), -2, 0)
    positives = drawn.sum(axis=-1)
    precision = np.divide(hits, above, out=np.zeros_like(hits), where=above > 0)
    of_labels = np.divide(
        (drawn * precision).sum(axis=-1), positives, out=np.zeros_like(positives), where=positives > 0
    )
    labels = sums[..., 1] + (positives > 0).sum(axis=-1)
    return np.divide(sums[..., 0] + of_labels.sum(axis=-1), labels, out=np.full(labels.shape, np.nan), where=labels > 0)


def match_columns(y_true: np.ndarray, y_score: np.ndarray) -> np.ndarray:
    """Return columns of 0 and 1, shape (n, 2 * num_labels): whether the highest label is right; the gold class; the
    highest class without the last one, which `mcc` computes. A confusion matrix would be quadratic in the labels."""
    gold, highest = (_one_hot(array.argmax(axis=1), array.shape[1]) for array in (y_true, y_score))
    return np.hstack([(gold & highest).any(axis=1, keepdims=True), gold, highest[:, :-1]])


def _one_hot(classes: np.ndarray, num_labels: int) -> np.ndarray:
    return (classes[:, None] == np.arange(num_labels)).astype(np.int8)


def mcc(sums: np.ndarray) -> np.ndarray:
    """Return Matthews' correlation coefficient from sums of `match_columns`, shape (..., k), as Gorodkin 2004 and
    scikit-learn define it; 0 if all rows are of one class."""
    correct, gold, decided = np.split(sums, (1, 1 + sums.shape[-1] // 2), axis=-1)
    correct, n = correct[..., 0], gold.sum(axis=-1)
    decided = np.concatenate([decided, (n - decided.sum(axis=-1))[..., None]], axis=-1)
    covariance = n * correct - (gold * decided).sum(axis=-1)
    scale = np.sqrt((n**2 - (gold**2).sum(axis=-1)) * (n**2 - (decided**2).sum(axis=-1)))
    return np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0)
