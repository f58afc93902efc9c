"""Is the difference between two encoders on a task real, or are they equal? Paired by test row and by seed."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from benchmark.statistics.intervals import (
    LEVEL,
    Interval,
    Sample,
    SeedVariance,
    interval_of,
    pooled,
    sample,
    with_seeds,
)
from benchmark.statistics.resampling import Draws, Scored, Summable, resample, summables, weighted_sums

RESAMPLES = 10_000
POWER = 0.8
MARGIN = 0.01  # entries whose difference is surely smaller are called equal
_NEARLY_NORMAL = 1e6  # degrees of freedom, where Student's t is the normal distribution to six digits


@dataclass(frozen=True)
class Evidence:
    """What a comparison needs of one encoder's runs, by seed: made once, compared with any number of others.

    `totals` are the metric's sums over the test rows, shape (seeds, k). `sign_flipped` are the same sums with a random
    sign for each row, shape (draws, seeds, k). `resampled` is the metric in bootstrap resamples, (draws, seeds).
    `random` is False where a seed changes nothing, as for a baseline that is computed and not trained by chance.
    `groups` counts the groups of rows that were drawn, None where it was single rows.
    """

    seeds: tuple[int, ...]
    runs: tuple[Scored, ...]
    metric: str
    summable: Summable
    totals: np.ndarray
    sign_flipped: np.ndarray
    resampled: np.ndarray
    random: bool = True
    groups: int | None = None

    def of(self, seeds: list[int]) -> "Evidence":
        """Return the evidence of some seeds; without randomness, the first run is that of any seed."""
        at = [self.seeds.index(seed) if self.random else 0 for seed in seeds]
        parts = self.totals[at], self.sign_flipped[:, at], self.resampled[:, at]
        runs = tuple(self.runs[i] for i in at)
        return Evidence(tuple(seeds), runs, self.metric, self.summable, *parts, self.random, self.groups)

    @property
    def units(self) -> int:
        """How many independent parts the test rows have: groups, or rows."""
        return self.groups or len(self.runs[0].y_true)

    @property
    def values(self) -> np.ndarray:
        """The metric of every seed, shape (seeds,)."""
        return self.summable.value(self.totals)

    @property
    def sample(self) -> Sample:
        """The mean over its seeds."""
        return sample(self.values, self.resampled, int(self.random))


@dataclass(frozen=True)
class Comparison:
    """Encoder A against encoder B by one metric.

    `difference` is A less B, over the seeds that both have. `p_value` is two-sided, from `test`; `least` says that the
    number of draws does not let it fall further. `p_equal` is that of the two one-sided tests: the chance of a
    difference as small as this one where the true one is just the margin. `superiority` is the effect size: the chance
    that a new fine-tuning of A has a higher value than one of B on as many new test rows (the common language effect
    size, McGraw and Wong 1992, under a normal distribution). `detectable` is the smallest true difference that these
    rows and this number of seeds would have shown with a power of 80 %. `decided_by` says what would narrow the
    interval more: "rows" or "seeds".
    """

    difference: Interval
    p_value: float
    least: bool
    p_equal: float
    test: str
    superiority: float
    detectable: float
    decided_by: str


def gather(runs: dict[int, Scored], metric: str, draws: Draws, random: bool = True) -> Evidence:
    """Return the evidence of one encoder's runs, given by seed, on the rows that were drawn.

    Args:
        runs: by seed, all of the same rows.
        metric: by name.
        draws: of these rows.
        random: whether a seed changes anything. Where not, the first run stands for all.
    """
    runs = runs if random else dict([next(iter(runs.items()))])
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
        random=random,
        groups=draws.units,
    )


def seeds_of(evidence: Iterable[Evidence]) -> SeedVariance:
    """Return the one variance of seeds of some entries of a task."""
    return pooled(each.sample for each in evidence)


def shared_seeds(a: Evidence, b: Evidence) -> list[int]:
    """Return the seeds to compare two entries by: those that both have, or all of the one that is random."""
    if a.random and b.random:
        return sorted(set(a.seeds) & set(b.seeds))
    return sorted(a.seeds if a.random else b.seeds)


def compare(
    a: Evidence, b: Evidence, rng: np.random.Generator, seeds: SeedVariance | None = None, margin: float = MARGIN
) -> Comparison:
    """Compare two entries on the same test rows, by the seeds that both have.

    Args:
        a: one entry's.
        b: the other's.
        rng: draws what the seeds add.
        seeds: how much one fine-tuning varies by its seed; if not given, as these two say.
        margin: below which a difference is as good as none, in the metric's unit.

    Raises:
        ValueError: they have no seed in common.
    """
    common = shared_seeds(a, b)
    if not common:
        raise ValueError("no seed in common")
    seeds = seeds or seeds_of([a, b])
    a, b = a.of(common), b.of(common)
    found = sample(a.values - b.values, a.resampled - b.resampled, int(a.random) + int(b.random))
    difference = interval_of(found, seeds, rng)
    if a.metric == "accuracy" and len(common) == 1 and not difference.sd_seeds and a.groups is None:
        p_value, least, test = mcnemar(a.runs[0], b.runs[0]), False, "exact McNemar"
    else:
        null = with_seeds(randomized(a, b), difference.sd_seeds, rng)
        as_far = chance_as_far(null, difference.value, difference.degrees).mean(axis=0).sum()
        p_value, least = float((1 + as_far) / (1 + null.shape[1])), bool(as_far < 1)
        test = "approximate randomization" + (" with seed noise" if len(common) > 1 or difference.sd_seeds else "")
    one_against_one = _one_against_one(found, seeds)
    return Comparison(
        difference=difference,
        p_value=p_value,
        least=least,
        p_equal=equal_within(difference, margin),
        test=test,
        superiority=float(stats.norm.cdf(difference.value / one_against_one)) if one_against_one else 0.5,
        detectable=detectable(difference.sd, difference.degrees, a.units),
        decided_by=_decided_by(difference),
    )


def _one_against_one(found: Sample, seeds: SeedVariance) -> float:
    """The standard deviation of one new fine-tuning of each side on as many new rows."""
    others = 1 - 1 / len(found.of_seeds)  # the rows' part of one seed's value that the mean over seeds does not have
    return float(np.sqrt(found.means.var() + found.by_row * others + seeds.own * found.trained))


def _decided_by(difference: Interval) -> str:
    """Endless rows would leave `sd_seeds`, endless seeds the rows' part without that of each seed's own mistakes."""
    of_rows = difference.sd_rows**2 - difference.seed_by_row**2 / difference.seeds
    return "rows" if of_rows >= difference.sd_seeds**2 else "seeds"


def equal_within(difference: Interval, margin: float) -> float:
    """Return the p-value of two one-sided tests (Schuirmann 1987) that the true difference is under the margin."""
    room = margin - abs(difference.value)
    if not difference.sd:
        return float(room <= 0)
    return float(stats.t.sf(room / difference.sd, difference.degrees))


def detectable(sd: float, degrees: float, rows: int, tests: int = 1) -> float:
    """Return the smallest true difference that a comparison shows with a power of 80 %.

    Rows that change places between two unlike encoders vary more than resamples of them do, by the square of the
    difference over the number of rows. So a large gap on few rows has a larger critical value to pass.

    Args:
        sd: the standard error of the difference.
        degrees: the degrees of freedom of its square.
        rows: how many test rows there are.
        tests: how many comparisons a correction will be over; the difference is for its strictest step.
    """
    critical = stats.t.ppf(1 - (1 - LEVEL) / 2 / tests, degrees)
    beyond = float(special.nctdtrinc(min(degrees, _NEARLY_NORMAL), 1 - POWER, critical)) - critical
    # The gap, in standard errors, is critical * sqrt(1 + gap**2 / rows) + beyond.
    rest = 1 - critical**2 / rows
    return sd * float(beyond + np.sqrt(beyond**2 - rest * (beyond**2 - critical**2))) / rest if rest > 0 else np.inf


def randomized(a: Evidence, b: Evidence) -> np.ndarray:
    """Return mean differences over seeds under the null hypothesis that A and B answer alike, shape (draws,).

    Approximate randomization (Noreen 1989): what A and B said about a row changes places with a chance of one half,
    for all seeds at once. Sums after the swaps are half the total of both, plus or minus half their signed difference.
    """
    middle, half = (a.totals + b.totals) / 2, (a.sign_flipped - b.sign_flipped).astype(np.float64) / 2
    return (a.summable.value(middle + half) - a.summable.value(middle - half)).mean(axis=1)


def chance_as_far(null: np.ndarray, difference: float, degrees: float) -> np.ndarray:
    """Return how likely each draw under the null hypothesis, of any shape, is as far from 0 as the difference, once
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
