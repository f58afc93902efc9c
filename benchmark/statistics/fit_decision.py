"""Fit a Decision on validation: the temperature by likelihood, the thresholds by an exact sweep over the scores."""

from typing import Literal

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, log_softmax

from zoo.decision import Decision, ProblemType, Rule

Average = Literal["macro", "micro"]
MIN_POSITIVES = 10


def fit_decision(
    problem_type: ProblemType,
    logits: np.ndarray,
    y_true: np.ndarray,
    rule: Rule,
    average: Average = "macro",
    temperature: float | None = None,
) -> Decision:
    """Fit temperature and thresholds on the validation rows.

    Args:
        problem_type: single-label takes the rule "argmax", multi-label one of the others.
        logits: shape (n, num_labels).
        y_true: shape (n, num_labels).
        rule: "fixed" keeps 0.5; "global" takes the one threshold with the highest F1; "per_label" takes each label's
            own F1-optimal threshold, or the global one for a label with under MIN_POSITIVES positive rows, too few to
            tell a threshold from luck.
        average: which average of F1 the global threshold is best for.
        temperature: if it is known already.
    """
    num_labels = y_true.shape[1]
    temperature = temperature or fit_temperature(problem_type, logits, y_true)
    if problem_type == "single_label_classification":
        return Decision(
            problem_type=problem_type, rule="argmax", temperature=temperature, thresholds=(0.0,) * num_labels
        )
    plain = Decision(problem_type=problem_type, rule="fixed", temperature=temperature, thresholds=(0.5,) * num_labels)
    if rule == "fixed":
        return plain
    y_score = plain.scores(logits)
    thresholds = np.full(num_labels, global_threshold(y_score, y_true, average))
    if rule == "per_label":
        for label in np.flatnonzero(y_true.sum(axis=0) >= MIN_POSITIVES):
            thresholds[label] = best_threshold(y_score[:, label], y_true[:, label])
    return plain.model_copy(update={"rule": rule, "thresholds": tuple(thresholds.tolist())})


def fit_temperature(problem_type: ProblemType, logits: np.ndarray, y_true: np.ndarray) -> float:
    """Return the temperature in [0.05, 20] with the lowest negative log-likelihood (Guo et al. 2017)."""
    logits, y_true = np.asarray(logits, dtype=np.float64), np.asarray(y_true)
    towards_truth = np.where(y_true, logits, -logits)

    def loss(log_temperature: float) -> float:
        if problem_type == "single_label_classification":
            return float(-np.mean(np.sum(y_true * log_softmax(logits / np.exp(log_temperature), axis=1), axis=1)))
        return float(-np.mean(log_expit(towards_truth / np.exp(log_temperature))))

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded").x))


def best_threshold(y_score: np.ndarray, y_true: np.ndarray) -> float:
    """Return the threshold with the highest F1 of one label: an exact sweep over every cut between distinct scores.

    Args:
        y_score: shape (n,).
        y_true: shape (n,), with at least one positive.
    """
    order = np.argsort(-y_score, kind="stable")
    score, hits = y_score[order], np.cumsum(y_true[order])
    f1 = 2 * hits / (np.arange(1, len(score) + 1) + hits[-1])
    return _cut_after(score, f1)


def global_threshold(y_score: np.ndarray, y_true: np.ndarray, average: Average) -> float:
    """Return the one threshold for all labels with the highest average F1, by an exact sweep.

    For the macro average: going down the scores of all labels together, each score changes the F1 of its own label
    alone, so that the sum over the labels is a running sum of those changes.

    Args:
        y_score: shape (n, num_labels).
        y_true: shape (n, num_labels).
        average: "micro" pools all (text, label) pairs, "macro" averages over the labels.
    """
    if average == "micro":
        return best_threshold(y_score.ravel(), y_true.ravel())
    order = np.argsort(-y_score, axis=0, kind="stable")
    score = np.take_along_axis(y_score, order, axis=0)
    hits = np.cumsum(np.take_along_axis(y_true, order, axis=0), axis=0)
    f1 = 2 * hits / (np.arange(1, len(score) + 1)[:, None] + hits[-1])
    change = np.diff(f1, axis=0, prepend=0.0)
    together = np.argsort(-score.ravel(), kind="stable")
    return _cut_after(score.ravel()[together], np.cumsum(change.ravel()[together]))


def _cut_after(score: np.ndarray, quality: np.ndarray) -> float:
    """Return the middle between the scores around the best cut; `quality[i]` is that of deciding `score[: i + 1]`."""
    possible = np.append(score[:-1] > score[1:], True)
    best = int(np.argmax(np.where(possible, quality, -np.inf)))
    below = score[best + 1] if best + 1 < len(score) else 0.0
    return float(between(score[best], below))


def between(lowest: np.ndarray, below: np.ndarray | float) -> np.ndarray:
    """Return the middle between the lowest decided score and the next one below it; the former, where floating point
    has nothing between them."""
    middle = (lowest + below) / 2
    return np.where(middle > below, middle, lowest)
