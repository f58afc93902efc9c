"""How far scores can be read as probabilities: raw, with one temperature, and with one temperature a label.

Calibrators are fitted on validation and judged on the test rows. Every metric is a function of sums over the rows, as
in `benchmark.statistics.resampling`; resamples keep the bins of the whole sample. Where a metric speaks of pairs, these
are all (row, label) pairs of a multi-label task; a single-label task has one pair a row for the calibration errors, its
top label, with "is it gold" for y (Guo et al. 2017, "On Calibration of Modern Neural Networks").
"""

from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from benchmark.statistics.fit_decision import MIN_POSITIVES, fit_temperature
from benchmark.statistics.intervals import interval
from benchmark.statistics.metrics import ECE_BINS
from benchmark.statistics.resampling import Draws, equal_mass_bins, top_label, weighted_sums
from benchmark.statistics.seeds import Seeds
from zoo.decision import ProblemType

METRICS = ("ece", "ece_debiased", "brier", "nll")
_EPS = float(np.finfo(np.float64).eps)


def calibration(seeds: Seeds, draws: Draws) -> pd.DataFrame:
    """Return how well each calibrator does on the test rows, one row a (calibrator, metric).

    Columns: calibrator, metric, value (mean over seeds), low, high (95 % for seeds and test rows), seeds. The debiased
    calibration error is averaged and given its interval as a square, and the root is taken last: roots cut off at 0
    make an interval near 0 too narrow. No metric can be negative, so neither is `low`.

    Args:
        seeds: of one entry; the calibrators are fitted on validation.
        draws: resamples of the test rows.
    """
    rows = []
    for calibrator, of_seeds in scores(seeds).items():
        columns = np.stack(
            [row_sums(seeds.task.problem_type, seeds.y_true, each) for each in of_seeds.values()], axis=1
        )
        points = values(columns.sum(axis=0))
        sums = weighted_sums(draws.counts, columns.reshape(len(columns), -1)).astype(np.float64)
        resampled = values(sums.reshape(-1, *columns.shape[1:]))
        for metric in METRICS:
            found = interval(points[metric], resampled[metric], draws.rng)
            value, low, high = (_shown(metric, each) for each in (found.value, found.low, found.high))
            row = {"calibrator": calibrator, "metric": metric, "value": value, "low": low, "high": high}
            rows.append(row | {"seeds": found.seeds})
    return pd.DataFrame(rows)


def _shown(metric: str, value: float) -> float:
    return max(value, 0.0) ** (0.5 if metric == "ece_debiased" else 1.0)


def reliability(seeds: Seeds) -> pd.DataFrame:
    """Return a reliability diagram's points for each calibrator: the test pairs of all seeds in equal-mass bins.

    Columns: calibrator, bin, confidence (mean score), frequency (mean y), count. A bin without pairs has no row.
    """
    parts = []
    for calibrator, of_seeds in scores(seeds).items():
        judged = [pairs(seeds.task.problem_type, seeds.y_true, each) for each in of_seeds.values()]
        confidence, correct = (np.concatenate(part).ravel() for part in zip(*judged, strict=True))
        table = pd.DataFrame({"bin": equal_mass_bins(confidence), "confidence": confidence, "frequency": correct})
        means = table.groupby("bin").mean()
        means["count"] = table["bin"].value_counts()
        parts.append(means.reset_index().assign(calibrator=calibrator))
    return pd.concat(parts, ignore_index=True)[["calibrator", "bin", "confidence", "frequency", "count"]]


def label_temperatures(logits: np.ndarray, y_true: np.ndarray, shared: float) -> np.ndarray:
    """Return the temperature with the lowest negative log-likelihood of each label by itself, shape (num_labels,).

    A label with under 10 positives, or without negatives, takes the shared one: a temperature fitted on so few would
    say more about them than about the label.

    Args:
        logits: of a multi-label task, shape (n, num_labels).
        y_true: shape (n, num_labels).
        shared: the temperature fitted on all labels.
    """
    found = np.full(y_true.shape[1], shared)
    for label in np.flatnonzero((y_true.sum(axis=0) >= MIN_POSITIVES) & ~y_true.all(axis=0)):
        found[label] = fit_temperature("multi_label_classification", logits[:, [label]], y_true[:, [label]])
    return found


@lru_cache(maxsize=1)  # both tables of an entry ask for them
def scores(seeds: Seeds) -> dict[str, dict[int, np.ndarray]]:
    """Return the test scores of every seed, shape (n, num_labels), under each calibrator: "raw", "temperature" and,
    for a multi-label task, "per_label"."""
    squash = expit if seeds.task.multi_label else lambda logits: softmax(logits, axis=1)
    found = seeds.predictions
    logits = {seed: each.test_logits.astype(np.float64) for seed, each in found.items()}
    shared = seeds.temperatures
    result = {
        "raw": {seed: squash(each) for seed, each in logits.items()},
        "temperature": {seed: squash(each / shared[seed]) for seed, each in logits.items()},
    }
    if seeds.task.multi_label:
        result["per_label"] = {
            seed: squash(
                logits[seed] / label_temperatures(each.validation_logits, each.validation_y_true, shared[seed])
            )
            for seed, each in found.items()
        }
    return result


def pairs(problem_type: ProblemType, y_true: np.ndarray, y_score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the confidence and the correctness (0 or 1) of the pairs of every row, both of shape (n, pairs).

    Args:
        problem_type: multi-label has a pair for each label, single-label one for the label with the highest score.
        y_true: shape (n, num_labels).
        y_score: shape (n, num_labels).
    """
    return (y_score, y_true) if problem_type == "multi_label_classification" else top_label(y_true, y_score)


def row_sums(problem_type: ProblemType, y_true: np.ndarray, y_score: np.ndarray) -> np.ndarray:
    """Return what each row adds to the sums that `values` takes, shape (n, 3 * 15 + 2).

    In each bin: confidence less correctness, correctness, and the number of its pairs; then its part of the Brier
    score and of the negative log-likelihood. Scores are kept a rounding error away from 0 and 1, as in scikit-learn's
    `log_loss`, so that no likelihood is infinite. Both arguments have the shape (n, num_labels).
    """
    n, (confidence, correct) = len(y_true), pairs(problem_type, y_true, y_score)
    cell = np.repeat(np.arange(n), confidence.shape[1]) * ECE_BINS + equal_mass_bins(confidence.ravel())
    binned = [
        np.bincount(cell, weights=weights.ravel(), minlength=n * ECE_BINS).reshape(n, ECE_BINS)
        for weights in (confidence - correct, correct, np.ones(confidence.shape))
    ]
    squared = ((y_score - y_true) ** 2).mean(axis=1)
    return np.column_stack([*binned, squared / n, _loss(problem_type, y_true, y_score) / n])


def _loss(problem_type: ProblemType, y_true: np.ndarray, y_score: np.ndarray) -> np.ndarray:
    """Negative log-likelihood of each row, shape (n,): of its gold label, or the mean over its labels."""
    clipped = np.clip(y_score, _EPS, 1 - _EPS)
    if problem_type == "single_label_classification":
        return -np.log(clipped[y_true.astype(bool)])
    return -np.log(np.where(y_true, clipped, 1 - clipped)).mean(axis=1)


def values(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Return METRICS, each of shape (...), from sums of `row_sums` of shape (..., 3 * 15 + 2).

    "ece" is the mean distance of confidence and frequency over the bins (see `metrics.calibration_error`), which
    chance alone keeps above 0. "ece_debiased" is the mean squared distance less what chance adds to it, so that it can
    be negative; its root is the error of Kumar, Liang and Ma 2019, "Verified Uncertainty Calibration". Like their code
    it skips a bin of one pair, whose chance is unknown; it takes pairs to be independent, which labels of one row are
    not quite. "brier" and "nll" are means over all pairs of row and label, but "nll" of a single-label task over rows.
    """
    gap, hits, count = np.split(sums[..., :-2], 3, axis=-1)
    share, size = count / count.sum(axis=-1, keepdims=True), np.maximum(count, 1)
    frequency = hits / size
    chance = frequency * (1 - frequency) / np.maximum(count - 1, 1)
    square = np.where(count > 1, share * ((gap / size) ** 2 - chance), 0).sum(axis=-1)
    return {
        "ece": (share * np.abs(gap / size)).sum(axis=-1),
        "ece_debiased": square,
        "brier": sums[..., -2],
        "nll": sums[..., -1],
    }
