"""Is the difference between two encoders on a task real? Paired by test row and by seed."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmark.intervals import LEVEL, Interval, interval, seed_noise, seed_variance, stretch
from benchmark.resampling import Scored, points, resample, summables

RESAMPLES = 10_000
POWER = 0.8
_BLOCK = 1000


@dataclass(frozen=True)
class Comparison:
    """Encoder A against encoder B by one metric.

    `difference` is A less B, over the seeds that both have. `p_value` is two-sided, from `test`. `superiority` is the
    effect size: the chance that a new fine-tuning of A beats one of B on new test rows of the same number (the
    common language effect size, McGraw and Wong 1992, under a normal distribution). `detectable` is the smallest true
    difference that these rows and this number of seeds would have shown with a power of 80 %.
    """

    difference: Interval
    p_value: float
    test: str
    superiority: float
    detectable: float


def compare(a: list[Scored], b: list[Scored], metric: str, seed: int = 0, resamples: int = RESAMPLES) -> Comparison:
    """Compare two encoders' runs: `a[i]` and `b[i]` have one seed, and all are of the same test rows in one order.

    Args:
        a: the runs of encoder A.
        b: the runs of encoder B.
        metric: which is the larger the better, but for the sign nothing hangs on it.
        seed: of the resamples.
        resamples: how many, of the bootstrap and of the randomization.
    """
    rng = np.random.default_rng(seed)
    of_seeds = points(a, metric) - points(b, metric)
    values = resample([*a, *b], [metric], resamples, rng)[metric]
    resampled = values[:, : len(a)] - values[:, len(a) :]
    difference = interval(of_seeds, resampled, rng)
    if metric == "accuracy" and len(a) == 1:
        p_value, test = mcnemar(a[0], b[0]), "exact McNemar"
    else:
        noise = _noise(of_seeds, resampled, resamples, rng)
        null = randomized(a, b, metric, resamples, rng) + noise
        extreme = np.abs(null) * stretch(difference.degrees) >= abs(difference.value) - 1e-12
        p_value = (1 + int(extreme.sum())) / (1 + resamples)
        test = "approximate randomization" + (" with seed noise" if len(a) > 1 else ", these two models alone")
    one_against_one = np.hypot(difference.sd_rows, difference.seed_spread)
    quantiles = stats.t.ppf(((1 + LEVEL) / 2, POWER), difference.degrees)
    return Comparison(
        difference=difference,
        p_value=p_value,
        test=test,
        superiority=float(stats.norm.cdf(difference.value / one_against_one)) if one_against_one else 0.5,
        detectable=float(quantiles.sum()) * difference.sd,
    )


def _noise(of_seeds: np.ndarray, resampled: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    return seed_noise(of_seeds, seed_variance(of_seeds, resampled)[1], number, rng)


def randomized(
    a: list[Scored], b: list[Scored], metric: str, number: int, rng: np.random.Generator
) -> np.ndarray:
    """Return mean differences under the null hypothesis that A and B answer alike, shape (number,).

    Approximate randomization (Noreen 1989): what A and B said about a row changes places with a chance of one half,
    for all seeds at once.
    """
    summable = summables(a[0].problem_type)[metric]
    of_a, of_b = (np.stack([summable.columns(run) for run in runs], axis=1) for runs in (a, b))
    n, seeds, width = of_a.shape
    together = of_a.sum(axis=0) + of_b.sum(axis=0)
    apart = (of_a - of_b).reshape(n, -1).astype(np.float32)
    found = []
    for start in range(0, number, _BLOCK):
        signs = rng.integers(0, 2, (min(_BLOCK, number - start), n), dtype=np.int8).astype(np.float32) * 2 - 1
        half = (signs @ apart).reshape(-1, seeds, width).astype(np.float64) / 2
        found.append((summable.value(together / 2 + half) - summable.value(together / 2 - half)).mean(axis=1))
    return np.concatenate(found)


def mcnemar(a: Scored, b: Scored) -> float:
    """Return the exact two-sided p-value of McNemar's test on which of two models decides more rows right."""
    right_a, right_b = ((run.y_true == run.y_pred).all(axis=1) for run in (a, b))
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    return float(stats.binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return p-values adjusted for all of a family by Holm's (1979) step-down method, shape (n,)."""
    order = np.argsort(p_values)
    steps = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(steps, 1)
    return adjusted
