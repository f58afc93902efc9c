"""The part of each row in a ranking metric: its term of the mean, or its influence (Hampel 1974)."""

import numpy as np

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
