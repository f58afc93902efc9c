"""Is the difference between two encoders on a task real? Paired by test row and by seed."""

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from benchmark.statistics.intervals import LEVEL, Interval, interval, satterthwaite, seed_noise, seed_variance
from benchmark.statistics.resampling import Draws, Scored, Summable, resample, summables, weighted_sums

RESAMPLES = 10_000
POWER = 0.8
_NEARLY_NORMAL = 1e6  # degrees of freedom, where Student's t is the normal distribution to six digits


@dataclass(frozen=True)
class Evidence:
    """What a comparison needs of one encoder's runs, by seed: made once, compared with any number of others.

    `totals` are the metric's sums over the test rows, shape (seeds, k). `sign_flipped` are the same sums with a random
    sign for each row, shape (draws, seeds, k). `resampled` is the metric in bootstrap resamples, (draws, seeds).
    """

    seeds: tuple[int, ...]
    runs: tuple[Scored, ...]
    metric: str
    summable: Summable
    totals: np.ndarray
    sign_flipped: np.ndarray
    resampled: np.ndarray

    def of(self, seeds: list[int]) -> "Evidence":
        """Return the evidence of some seeds."""
        at = [self.seeds.index(seed) for seed in seeds]
        parts = self.totals[at], self.sign_flipped[:, at], self.resampled[:, at]
        return Evidence(tuple(seeds), tuple(self.runs[i] for i in at), self.metric, self.summable, *parts)


@dataclass(frozen=True)
class Comparison:
    """Encoder A against encoder B by one metric.

    `difference` is A less B, over the seeds that both have. `p_value` is two-sided, from `test`. `superiority` is the
    effect size: the chance that a new fine-tuning of A has a higher value than one of B on as many new test rows (the
    common language effect size, McGraw and Wong 1992, under a normal distribution). `detectable` is the smallest true
    difference that these rows and this number of seeds would have shown with a power of 80 %.
    """

    difference: Interval
    p_value: float
    test: str
    superiority: float
    detectable: float


def gather(runs: dict[int, Scored], metric: str, draws: Draws) -> Evidence:
    """Return the evidence of one encoder's runs, given by seed, on the rows that were drawn."""
    scored = list(runs.values())
    summable = summables(scored[0].problem_type)[metric]
    columns = np.stack([summable.columns(run) for run in scored], axis=1)
    return Evidence(
        seeds=tuple(runs),
        runs=tuple(scored),
        metric=metric,
        summable=summable,
        totals=columns.sum(axis=0, dtype=np.float64),
        sign_flipped=weighted_sums(draws.signs, columns.reshape(len(columns), -1)).reshape(-1, *columns.shape[1:]),
        resampled=resample(scored, [metric], draws)[metric],
    )


def compare(a: Evidence, b: Evidence, rng: np.random.Generator) -> Comparison:
    """Compare two encoders on the same test rows, by the seeds that both have.

    Args:
        a: one encoder's.
        b: the other's.
        rng: draws the seeds.

    Raises:
        ValueError: they have no seed in common.
    """
    common = sorted(set(a.seeds) & set(b.seeds))
    if not common:
        raise ValueError("no seed in common")
    a, b = a.of(common), b.of(common)
    of_seeds, resampled = a.summable.value(a.totals) - b.summable.value(b.totals), a.resampled - b.resampled
    difference = interval(of_seeds, resampled, rng)
    if a.metric == "accuracy" and len(common) == 1:
        p_value, test = mcnemar(a.runs[0], b.runs[0]), "exact McNemar"
    else:
        noise = seed_noise(of_seeds, seed_variance(of_seeds, resampled)[1], len(resampled), rng)
        as_far = chance_as_far(randomized(a, b) + noise, difference.value, difference.degrees)
        p_value = float((1 + as_far.sum()) / (1 + len(as_far)))
        test = "approximate randomization" + (" with seed noise" if len(common) > 1 else "")
    one_against_one = np.hypot(difference.sd_rows, difference.seed_spread)
    return Comparison(
        difference=difference,
        p_value=p_value,
        test=test,
        superiority=float(stats.norm.cdf(difference.value / one_against_one)) if one_against_one else 0.5,
        detectable=detectable(difference, [difference]),
    )


def detectable(gap: Interval, alike: list[Interval], tests: int = 1) -> float:
    """Return the smallest true difference that a comparison on `gap`'s rows and seeds shows with a power of 80 %.

    A few seeds tell little of how much seeds matter (one pair in two of three seeds seems to have none), so a pair has
    at least the variance of seeds that the median of those `alike` has. Simulated, five encoders and ten tests, the
    differences that are stated have a power of .84 to .91 with three seeds and .81 to .85 with five, where seeds vary
    .25 to 2.25 times as much as rows do; from each pair alone, half were under 5.4 standard errors where 7.7 is right.

    Args:
        gap: the difference.
        alike: those on the same task that share an encoder with it, `gap` among them.
        tests: how many comparisons a correction will be over; the difference is for its strictest step.
    """
    own, usual = gap.sd_seeds**2, float(np.median([each.sd_seeds**2 * each.seeds for each in alike])) / gap.seeds
    by_row = gap.seed_spread**2 / gap.seeds - own  # each seed's model is right on other rows
    total = gap.sd_rows**2 + max(own, usual)
    degrees = satterthwaite(total, max(own, usual) + by_row if max(own, usual) else 0.0, gap.seeds)
    critical = stats.t.ppf(1 - (1 - LEVEL) / 2 / tests, degrees)
    return float(special.nctdtrinc(min(degrees, _NEARLY_NORMAL), 1 - POWER, critical) * np.sqrt(total))


def randomized(a: Evidence, b: Evidence) -> np.ndarray:
    """Return mean differences over seeds under the null hypothesis that A and B answer alike, shape (draws,).

    Approximate randomization (Noreen 1989): what A and B said about a row changes places with a chance of one half,
    for all seeds at once. Sums after the swaps are half the total of both, plus or minus half their signed difference.
    """
    middle, half = (a.totals + b.totals) / 2, (a.sign_flipped - b.sign_flipped).astype(np.float64) / 2
    return (a.summable.value(middle + half) - a.summable.value(middle - half)).mean(axis=1)


def chance_as_far(null: np.ndarray, difference: float, degrees: float) -> np.ndarray:
    """Return how likely each draw under the null hypothesis, shape (draws,), is as far from 0 as the difference, once
    a factor of its own makes normal draws Student's t at these degrees of freedom.

    Over the factor, the root of degrees / chi-squared, the chance is exact instead of drawn: with drawn factors one
    pair of 15 had p from .036 to .075 over six streams of random numbers, so from .053 to .066. One factor for all
    draws, right at 5 %, is too small further out, where Holm's correction looks: of families of four equal models at 5
    seeds, 5.5 % had a false alarm with it.
    """
    size = abs(difference) - 1e-12  # sums in another order may differ in their last digits
    if np.isinf(degrees) or size <= 0:
        return (np.abs(null) >= size).astype(float)
    return np.asarray(stats.chi2.cdf(degrees * (null / size) ** 2, degrees))


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
