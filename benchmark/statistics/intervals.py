"""How sure a mean over seeds is: a 95 % interval, and the two parts of its variance, seeds and test rows.

The runs of a cell are a crossed design: every seed's model is judged on the same rows. The rows are drawn again by a
bootstrap, with one draw for all seeds; drawing the rows anew for each seed would average away the variance of the test
set, which all seeds share. What the seeds add is a normal distribution with their variance. A handful of seeds tells
little of that variance, so it is pooled over the entries of a task, and the interval as a whole is widened by Student's
t over the normal quantile, at Satterthwaite's (1946) degrees of freedom of the sum of both parts.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95
RESAMPLES = 2000
FEW_SEEDS, FEW_POSITIVES = 4, 10


@dataclass(frozen=True)
class Sample:
    """A mean over seeds, or of differences over seeds, and what its error is computed from.

    `of_seeds` has the value of every seed, shape (seeds,); `means` is their mean in bootstrap resamples of the rows,
    shape (resamples,). `by_row` is the variance of a seed's value that the choice of rows explains: each seed's model
    is right on other rows. `trained` counts the fine-tunings behind one value: 1, 2 for a difference, 0 where nothing
    is random.
    """

    of_seeds: np.ndarray
    means: np.ndarray
    by_row: float
    trained: int = 1


@dataclass(frozen=True)
class SeedVariance:
    """How much the value of one fine-tuning varies by its seed: `own` whatever the test rows are, `between` as seen on
    the same rows; estimated with so many degrees of freedom."""

    own: float
    between: float
    degrees: float


UNKNOWN = SeedVariance(0.0, 0.0, float("inf"))


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its 95 % interval.

    `sd_rows` and `sd_seeds` are the standard errors of the mean that come from the choice of test rows and of seeds;
    `degrees` the degrees of freedom of their sum. `seed_by_row` is the standard deviation of one seed's value that the
    choice of test rows explains: each seed's model is right on other rows.
    """

    value: float
    low: float
    high: float
    sd_rows: float
    sd_seeds: float
    seed_by_row: float
    degrees: float
    seeds: int

    @property
    def sd(self) -> float:
        """The standard error of the mean, both parts together."""
        return float(np.hypot(self.sd_rows, self.sd_seeds))


def sample(of_seeds: np.ndarray, resampled: np.ndarray, trained: int = 1) -> Sample:
    """Return the sample of seeds whose values in resamples of the rows are `resampled`, (resamples, seeds)."""
    return Sample(of_seeds, resampled.mean(axis=1), seed_by_row_variance(resampled), trained)


def pooled(samples: Iterable[Sample]) -> SeedVariance:
    """Return the variance of seeds that samples of one task share; UNKNOWN where none has two seeds.

    Seeds differ on the same rows for two reasons: one model is better, and each model is right on other rows. The
    second is part of the variance of the rows already. The resamples show how large it is, and it is taken out.
    """
    found = [each for each in samples if len(each.of_seeds) > 1 and each.trained]
    if not found:
        return UNKNOWN
    weights = np.array([len(each.of_seeds) - 1 for each in found])
    between, by_row = (
        float(np.average(values, weights=weights))
        for values in (
            [np.var(each.of_seeds, ddof=1) / each.trained for each in found],
            [each.by_row / each.trained for each in found],
        )
    )
    return SeedVariance(max(between - by_row, 0.0), between, float(weights.sum()))


def interval(
    of_seeds: np.ndarray,
    resampled: np.ndarray,
    rng: np.random.Generator,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Interval:
    """Return the interval of a mean over seeds, or of a mean of differences, from these seeds alone.

    With one seed the variance of the seeds is unknown: the interval holds for that one model alone.

    Args:
        of_seeds: the value of every seed, shape (seeds,).
        resampled: the same in bootstrap resamples of the rows, shape (resamples, seeds).
        rng: draws what the seeds add.
        bounds: the lowest and the highest value that there is.
    """
    found = sample(of_seeds, resampled)
    return interval_of(found, pooled([found]), rng, bounds)


def interval_of(
    found: Sample, seeds: SeedVariance, rng: np.random.Generator, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> Interval:
    """Return the interval of a sample, where one fine-tuning varies by its seed as `seeds` says."""
    value, of_mean = float(found.of_seeds.mean()), seeds.own * found.trained / len(found.of_seeds)
    degrees = degrees_of(found, seeds)
    drawn = with_seeds(found.means - found.means.mean(), float(np.sqrt(of_mean)), rng)
    low, high = np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)) * t_over_normal(degrees)
    return Interval(
        value=value,
        # All resamples can lie on one side of what they resample, by rounding or where it is perfect.
        low=max(value + min(float(low), 0.0), bounds[0]),
        high=min(value + max(float(high), 0.0), bounds[1]),
        sd_rows=float(found.means.std()),
        sd_seeds=float(np.sqrt(of_mean)),
        seed_by_row=float(np.sqrt(found.by_row)),
        degrees=degrees,
        seeds=len(found.of_seeds),
    )


def with_seeds(rows: np.ndarray, sd: float, rng: np.random.Generator) -> np.ndarray:
    """Return draws of the rows, shape (draws,), with and less the same normal noise of the seeds: shape (2, draws). So
    a difference and its opposite have mirrored intervals."""
    noise = rng.normal(0, sd, len(rows)) if sd else np.zeros(len(rows))
    return np.stack([rows + noise, rows - noise])


def seed_by_row_variance(resampled: np.ndarray) -> float:
    """Return how much seeds vary because each model is right on other rows. `resampled`: (resamples, seeds)."""
    seeds = resampled.shape[1]
    deviations = resampled - resampled.mean(axis=1, keepdims=True)
    return float(deviations.var(axis=0).sum() / (seeds - 1)) if seeds > 1 else 0.0


def degrees_of(found: Sample, seeds: SeedVariance) -> float:
    """Return the degrees of freedom of the variance of a sample's mean (Satterthwaite 1946), of which only the part of
    the seeds was estimated from a few values."""
    share = found.trained / len(found.of_seeds)
    total, uncertain = float(found.means.var()) + seeds.own * share, seeds.between * share
    return max(total**2 / (uncertain**2 / seeds.degrees), seeds.degrees) if seeds.own * share else float("inf")


def t_over_normal(degrees: float) -> float:
    """Return Student's t quantile over the normal one, for a 95 % interval."""
    tail = (1 + LEVEL) / 2
    return float(stats.t.ppf(tail, degrees) / stats.norm.ppf(tail))


def cautions(found: Interval, y_true: np.ndarray, metric: str, random: bool = True) -> str:
    """Return why an interval may be too narrow: its `flags`, and resamples that are all alike."""
    told = flags(found.seeds if random else FEW_SEEDS, y_true, metric)
    return "; ".join([*told, *([] if found.sd else ["equal resamples"])])


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
