"""The metrics: plain functions of (y_true, y_score, y_pred), thin over scikit-learn.

All arrays have the shape (n, num_labels); y_true and y_pred hold 0 and 1, y_score probabilities. A division by zero
(a label or a text with nothing gold and nothing decided) counts 0, as in scikit-learn.
"""

import warnings
from collections.abc import Callable, Iterable

import numpy as np
from sklearn import metrics as sk

from zoo.decision import ProblemType
from zoo.errors import lookup

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
ECE_BINS = 15


def _f1(average: str) -> Metric:
    return lambda y_true, y_score, y_pred: float(sk.f1_score(y_true, y_pred, average=average, zero_division=0))


def _mean_average_precision(y_true: np.ndarray, y_score: np.ndarray, y_pred: np.ndarray) -> float:
    """Macro average precision over the labels that occur in y_true; nan if none does."""
    present = y_true.any(axis=0)
    if not present.any():
        return float("nan")
    return float(sk.average_precision_score(y_true[:, present], y_score[:, present], average="macro"))


def _auc(y_true: np.ndarray, y_score: np.ndarray, y_pred: np.ndarray) -> float:
    """One-vs-rest ROC AUC averaged over the labels that have both positives and negatives; nan if none has."""
    both = y_true.any(axis=0) & ~y_true.all(axis=0)
    return float(sk.roc_auc_score(y_true[:, both], y_score[:, both], average="macro")) if both.any() else float("nan")


def _mcc(y_true: np.ndarray, y_score: np.ndarray, y_pred: np.ndarray) -> float:
    return float(sk.matthews_corrcoef(y_true.argmax(axis=1), y_score.argmax(axis=1)))


def calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int = ECE_BINS) -> float:
    """Expected calibration error over equal-mass bins (Naeini et al. 2015; Nguyen and O'Connor 2015).

    Args:
        confidence: predicted probabilities, shape (n,).
        correct: 0 or 1, shape (n,).
        bins: the number of bins; n if n is smaller.
    """
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return float(sum(abs(confidence[part].mean() - correct[part].mean()) * len(part) for part in parts) / len(order))


def _ece(y_true: np.ndarray, y_score: np.ndarray, y_pred: np.ndarray) -> float:
    """Multi-label: over all (text, label) pairs."""
    return calibration_error(y_score.ravel(), y_true.ravel())


def _ece_top(y_true: np.ndarray, y_score: np.ndarray, y_pred: np.ndarray) -> float:
    """Single-label: the score of the highest label, against whether that label is gold (Guo et al. 2017)."""
    best = y_score.argmax(axis=1)
    rows = np.arange(len(best))
    return calibration_error(y_score[rows, best], y_true[rows, best])


def _brier(y_true: np.ndarray, y_score: np.ndarray, y_pred: np.ndarray) -> float:
    """Mean squared error of a (text, label) pair's score."""
    return float(np.mean((y_score - y_true) ** 2))


def _sk(function: Callable[..., float]) -> Metric:
    return lambda y_true, y_score, y_pred: float(function(y_true, y_pred))


def bounds(metric: str) -> tuple[float, float]:
    """Return the lowest and the highest value that a metric can have."""
    return (-1.0, 1.0) if metric == "mcc" else (0.0, 1.0)


MULTI_LABEL: dict[str, Metric] = {
    "f1_micro": _f1("micro"),
    "f1_macro": _f1("macro"),
    "f1_samples": _f1("samples"),
    "subset_accuracy": _sk(sk.accuracy_score),
    "jaccard_samples": lambda y_true, y_score, y_pred: float(
        sk.jaccard_score(y_true, y_pred, average="samples", zero_division=0)
    ),
    "hamming_loss": _sk(sk.hamming_loss),
    "lrap": lambda y_true, y_score, y_pred: float(sk.label_ranking_average_precision_score(y_true, y_score)),
    "map": _mean_average_precision,
    "ece": _ece,
    "brier": _brier,
}
SINGLE_LABEL: dict[str, Metric] = {
    "accuracy": _sk(sk.accuracy_score),
    "f1_macro": _f1("macro"),
    "mcc": _mcc,
    "auc": _auc,
    "ece": _ece_top,
    "brier": _brier,
}
LOWER_IS_BETTER = frozenset({"hamming_loss", "ece", "brier"})
# These use the scores alone, not the decisions.
OF_SCORES = frozenset({"lrap", "map", "auc", "ece", "brier"})


def metrics_of(problem_type: ProblemType) -> dict[str, Metric]:
    """Return the metrics by name for a problem type."""
    return MULTI_LABEL if problem_type == "multi_label_classification" else SINGLE_LABEL


def get_metric(problem_type: ProblemType, name: str) -> Metric:
    """Return one metric by name.

    Raises:
        UserError: no metric has that name.
    """
    return lookup(metrics_of(problem_type), name, "metric")


def compute_metrics(
    problem_type: ProblemType,
    y_true: np.ndarray,
    y_score: np.ndarray,
    y_pred: np.ndarray,
    names: Iterable[str] | None = None,
) -> dict[str, float]:
    """Return the values of the metrics in `names`, or of all metrics of the problem type, by name."""
    metrics = metrics_of(problem_type)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=UserWarning)
        return {name: metrics[name](y_true, y_score, y_pred) for name in names or metrics}
