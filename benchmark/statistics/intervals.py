"""How sure a mean over seeds is: a 95 % interval, and the two parts of its variance, seeds and test rows.

The runs of a cell are a crossed design: every seed's model is judged on the same rows. So the hierarchical bootstrap
draws seeds, then rows, with one draw of rows for all seeds; drawing the rows anew for each seed would average away
the variance of the test set, which all seeds share. A handful of seeds needs two corrections that a plain bootstrap of
them lacks: their variance is t_over_normaled by S / (S - 1), and the interval as a whole by Student's t over the normal
quantile, at Satterthwaite's (1946) degrees of freedom of the sum of both parts.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95
RESAMPLES = 2000
FEW_SEEDS, FEW_POSITIVES = 4, 10


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its 95 % interval.

    `sd_rows` and `sd_seeds` are the standard errors of the mean that come from the choice of test rows and of seeds;
    `degrees` the degrees of freedom of their sum. `seed_spread` is the standard deviation of one seed's value, and
    `seed_by_row` is the part of it that the choice of test rows explains: each seed's model is right on other rows.
    """

    value: float
    low: float
    high: float
    sd_rows: float
    sd_seeds: float
    seed_spread: float
    seed_by_row: float
    degrees: float
    seeds: int

    @property
    def sd(self) -> float:
        """The standard error of the mean, both parts together."""
        return float(np.hypot(self.sd_rows, self.sd_seeds))


def interval(
    of_seeds: np.ndarray,
    resampled: np.ndarray,
    rng: np.random.Generator,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Interval:
    """Return the interval of a mean over seeds, or of a mean of differences.

    With one seed the variance of the seeds is unknown: the interval holds for that one model alone.

    Args:
        of_seeds: the value of every seed, shape (seeds,).
        resampled: the same in bootstrap resamples of the rows, shape (resamples, seeds).
        rng: draws the seeds.
        bounds: the lowest and the highest value that there is.
    """
    seeds, value = len(of_seeds), float(np.mean(of_seeds))
    mean = resampled.mean(axis=1)
    between, of_mean, degrees = seed_variance(of_seeds, resampled)
    drawn = mean - mean.mean() + seed_noise(of_seeds, of_mean, len(resampled), rng)
    low, high = np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)) * t_over_normal(degrees)
    return Interval(
        value=value,
        # All resamples can lie on one side of what they resample, by rounding or where it is perfect.
        low=max(value + min(float(low), 0.0), bounds[0]),
        high=min(value + max(float(high), 0.0), bounds[1]),
        sd_rows=float(mean.std()),
        sd_seeds=float(np.sqrt(of_mean)),
        seed_spread=float(np.sqrt(between)),
        seed_by_row=float(np.sqrt(seed_by_row_variance(resampled))),
        degrees=degrees,
        seeds=seeds,
    )


def seed_variance(of_seeds: np.ndarray, resampled: np.ndarray) -> tuple[float, float, float]:
    """Return the variance of one seed's value, that of the mean which is the seeds' alone, and the degrees of freedom.

    Seeds differ on the same rows for two reasons: one model is better, and each model is right on other rows. The
    second is part of the variance of the rows already. The resamples show how large it is, and it is taken out.
    """
    seeds = len(of_seeds)
    if seeds == 1:
        return 0.0, 0.0, float("inf")
    between = float(np.var(of_seeds, ddof=1))
    of_mean = max(between - seed_by_row_variance(resampled), 0.0) / seeds
    total = float(resampled.mean(axis=1).var()) + of_mean
    return between, of_mean, satterthwaite(total, between / seeds if of_mean else 0.0, seeds)


def seed_by_row_variance(resampled: np.ndarray) -> float:
    """Return how much seeds vary because each model is right on other rows. `resampled`: (resamples, seeds)."""
    seeds = resampled.shape[1]
    deviations = resampled - resampled.mean(axis=1, keepdims=True)
    return float(deviations.var(axis=0).sum() / (seeds - 1)) if seeds > 1 else 0.0


def satterthwaite(total: float, between: float, seeds: int) -> float:
    """Return the degrees of freedom of a variance of which the part `between` was estimated from so many seeds."""
    return max(total**2 / (between**2 / (seeds - 1)), seeds - 1.0) if between else float("inf")


def seed_noise(of_seeds: np.ndarray, of_mean: float, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Return what drawing the seeds with replacement adds to their mean, scaled to the variance `of_mean`: shape
    (resamples,)."""
    if of_mean == 0:
        return np.zeros(resamples)
    seeds = len(of_seeds)
    drawn = rng.integers(0, seeds, (resamples, seeds))
    noise = (of_seeds - of_seeds.mean())[drawn].mean(axis=1)
    return noise * np.sqrt(of_mean / (np.var(of_seeds) / seeds))


def t_over_normal(degrees: float) -> float:
    """Return Student's t quantile over the normal one, for a 95 % interval."""
    tail = (1 + LEVEL) / 2
    return float(stats.t.ppf(tail, degrees) / stats.norm.ppf(tail))


def cautions(found: Interval, y_true: np.ndarray, metric: str) -> str:
    """Return why an interval may be too narrow: its `flags`, and resamples that are all alike."""
    return "; ".join([*flags(found.seeds, y_true, metric), *([] if found.sd else ["equal resamples"])])


def flags(seeds: int, y_true: np.ndarray, metric: str) -> tuple[str, ...]:
    """Return why an interval may be too narrow: few seeds (under 4), or few positives (under 10 in the test rows: of a
    label, where the metric weighs labels alike, and else in all)."""
    positives = y_true.sum(axis=0)
    rare = int((positives < FEW_POSITIVES).sum()) if metric in ("f1_macro", "map", "auc", "mcc") else 0
    found = [f"{seeds} seed{'s' * (seeds > 1)}"] if seeds < FEW_SEEDS else []
    if rare:
        found.append(f"{rare} label{'s' * (rare > 1)} under {FEW_POSITIVES} positives")
    elif positives.sum() < FEW_POSITIVES:
        found.append(f"{int(positives.sum())} positives")
    return tuple(found)
