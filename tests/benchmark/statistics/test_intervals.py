"""Intervals against worked examples, scipy's bootstrap, and worlds whose truth is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmark.statistics.intervals import (
    RESAMPLES,
    UNKNOWN,
    cautions,
    degrees_of,
    flags,
    interval,
    interval_of,
    pooled,
    sample,
    t_over_normal,
)
from benchmark.statistics.resampling import Scored, draw, points, resample

METRICS = ("subset_accuracy", "f1_micro", "f1_macro")
PRIOR = np.array([0.3, 0.2, 0.1, 0.1, 0.05, 0.05, 0.03, 0.02])


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_one_seed_is_scipys_percentile_bootstrap_of_the_accuracy() -> None:
    n, rng = 1000, _rng()
    right = rng.random(n) < 0.8
    y_true, y_pred = np.eye(2, dtype=np.int8)[np.zeros(n, int)], np.eye(2, dtype=np.int8)[(~right).astype(int)]
    run = Scored("single_label_classification", y_true, y_pred.astype(float), y_pred)
    found = interval(points([run], "accuracy"), resample([run], ["accuracy"], draw(n, 10_000))["accuracy"], rng)
    expected = stats.bootstrap((right,), np.mean, n_resamples=10_000, method="percentile", rng=rng, batch=500)
    assert found.value == pytest.approx(right.mean())
    assert (found.low, found.high) == pytest.approx(expected.confidence_interval, abs=0.0015)
    assert found.sd == found.sd_rows == pytest.approx(right.std() / np.sqrt(n), rel=0.05)
    assert (found.seeds, found.sd_seeds, found.degrees) == (1, 0, np.inf)


def test_seeds_that_are_all_the_same_add_no_noise_and_average_none_away() -> None:
    # All seeds stand before the same test rows, so that five of them know no more about those than one.
    resampled = 0.7 + 0.02 * _rng().normal(size=(RESAMPLES, 1))
    one, five = (interval(np.full(k, 0.7), np.repeat(resampled, k, axis=1), _rng()) for k in (1, 5))
    assert five.sd_seeds == pytest.approx(0, abs=1e-9)
    assert (five.low, five.high) == pytest.approx((one.low, one.high))


def test_two_seeds_far_apart_make_a_wide_interval() -> None:
    of_seeds = np.array([0.4, 0.6])
    resampled = of_seeds + 0.001 * _rng().normal(size=(RESAMPLES, 1))
    found = interval(of_seeds, resampled, _rng())
    assert found.sd_seeds == pytest.approx(0.1)  # sd of one 0.1 * sqrt(2), of the mean of two 0.1
    assert found.sd_seeds > 50 * found.sd_rows
    assert found.degrees == pytest.approx(1, abs=0.01)
    # The normal quantile of 0.1, stretched by Student's t at one degree of freedom over the normal one.
    assert found.high - 0.5 == pytest.approx(0.1 * 12.706, rel=0.1)
    assert found.low == pytest.approx(1 - found.high, abs=0.2)


def test_satterthwaites_degrees_worked_by_hand() -> None:
    of_seeds = np.array([0.1, 0.2, 0.3])
    rows = np.tile([[0.05], [-0.05]], (100, 1))  # moves all seeds alike: variance 0.0025, nothing of a single seed's
    found = sample(of_seeds, of_seeds + rows)
    seeds = pooled([found])
    assert (seeds.own, seeds.between, seeds.degrees) == pytest.approx((0.01, 0.01, 2))
    assert degrees_of(found, seeds) == pytest.approx((0.0025 + 0.01 / 3) ** 2 / ((0.01 / 3) ** 2 / 2))  # 6.125


def test_what_the_choice_of_rows_explains_is_taken_out_of_the_seeds_variance() -> None:
    of_seeds = np.array([0.4, 0.6])  # variance 0.02
    opposite = np.tile([[0.05, -0.05], [-0.05, 0.05]], (100, 1))  # each seed is better where the other is worse
    found = sample(of_seeds, of_seeds + opposite)
    seeds = pooled([found])
    assert (seeds.between, seeds.own) == pytest.approx((0.02, 0.02 - 2 * 0.05**2))
    assert degrees_of(found, seeds) == 1  # never fewer than seeds less one, here where the rows move no mean
    # Where the rows explain all of it, the seeds add nothing.
    drowned = interval(of_seeds, of_seeds + 4 * opposite, _rng())
    assert (drowned.low, drowned.high, drowned.sd_seeds, drowned.degrees) == pytest.approx((0.5, 0.5, 0, np.inf))


def test_the_variance_of_seeds_is_pooled_by_hand() -> None:
    calm = np.tile([[0.0, 0.0, 0.0]], (10, 1))
    two, three = np.array([0.5, 0.7]), np.array([0.1, 0.2, 0.3])  # variances 0.02 with 1 degree of freedom, 0.01 with 2
    entries = [sample(two, two + calm[:, :2]), sample(three, three + calm)]
    shared = pooled(entries)
    assert (shared.own, shared.degrees) == pytest.approx(((0.02 + 2 * 0.01) / 3, 3))
    # A single seed and what is not random say nothing; a difference varies twice as much as one side of it.
    alone, fixed = sample(two[:1], two[:1] + calm[:, :1]), sample(two, two + calm[:, :2], trained=0)
    assert pooled([*entries, alone, fixed]) == shared
    assert pooled([sample(two, two + calm[:, :2], trained=2)]).own == pytest.approx(0.01)
    assert pooled([alone, fixed]) == UNKNOWN
    # One seed borrows the variance of the others, and what is not random takes none.
    assert interval_of(alone, shared, _rng()).sd_seeds == pytest.approx(np.sqrt(shared.own))
    assert interval_of(fixed, shared, _rng()).sd_seeds == 0


def test_a_pooled_variance_is_that_of_a_one_way_analysis_of_variance() -> None:
    """Against the residual mean square of statsmodels, for entries with unlike numbers of seeds."""
    from statsmodels.formula.api import ols

    rng = _rng()
    values = [rng.normal(loc=entry, size=seeds) for entry, seeds in enumerate((2, 3, 5, 5))]
    table = {"y": np.concatenate(values), "entry": [str(i) for i, each in enumerate(values) for _ in each]}
    expected = ols("y ~ entry", data=table).fit()
    found = pooled(sample(each, np.tile(each, (5, 1))) for each in values)
    assert (found.own, found.degrees) == pytest.approx((expected.mse_resid, expected.df_resid))


@given(st.integers(1, 6), st.integers(0, 1000))
def test_an_interval_holds_its_value_and_does_not_care_for_the_order_of_seeds(seeds: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    of_seeds = 0.5 + 0.1 * rng.normal(size=seeds)
    resampled = of_seeds + 0.02 * rng.normal(size=(400, 1)) + 0.02 * rng.normal(size=(400, seeds))
    found = interval(of_seeds, resampled, _rng())
    assert found.low < of_seeds.mean() < found.high
    assert found.value == pytest.approx(of_seeds.mean())
    turned = interval(of_seeds[::-1], resampled[:, ::-1], _rng())
    assert (turned.sd_rows, turned.sd_seeds, turned.degrees) == pytest.approx(
        (found.sd_rows, found.sd_seeds, found.degrees)
    )


def test_it_is_students_t_over_the_normal_quantile() -> None:
    # From a printed table of t: 12.706 at one degree of freedom, 2.776 at four.
    assert [t_over_normal(df) for df in (1, 4, np.inf)] == pytest.approx(
        [12.706 / 1.95996, 2.776 / 1.95996, 1], rel=1e-3
    )


def test_flags_say_why_an_interval_may_be_too_narrow() -> None:
    y_true = np.zeros((100, 4), np.int8)
    for label, positives in enumerate((40, 10, 9, 0)):
        y_true[:positives, label] = 1
    assert flags(4, y_true[:, :2], "f1_macro") == ()
    assert flags(5, y_true, "f1_micro") == ()  # rare labels hardly touch an average over all pairs
    assert flags(3, y_true, "subset_accuracy") == ("3 seeds",)
    assert flags(1, y_true, "f1_macro") == ("1 seed", "2 labels under 10 positives")
    found = interval(np.array([0.4, 0.6]), np.array([[0.4, 0.6]] * 10), _rng())
    assert cautions(found, y_true[:, :2], "f1_macro") == "2 seeds"
    assert cautions(found, y_true[:, :2], "f1_macro", random=False) == ""


def _world(rng: np.random.Generator, seeds: int, n: int, prior: np.ndarray, seed_sd: float = 0.05) -> list[Scored]:
    """Runs of one encoder on new rows. Seeds differ by label, in quality, and from row to row."""
    y_true = rng.random((n, len(prior))) < prior
    shift, quality = (seed_sd * rng.normal(size=(seeds, 1, k)) for k in (len(prior), 1))
    score = (2.2 + quality) * y_true + rng.normal(size=y_true.shape) + shift
    score += 0.5 * rng.normal(size=score.shape)
    gold = y_true.astype(np.int8)
    return [Scored("multi_label_classification", gold, each, (each > 1.2).astype(np.int8)) for each in score]


def _truth(rng: np.random.Generator, worlds: int, *args: object) -> dict[str, float]:
    found = [_world(rng, 10, 20_000, *args) for _ in range(worlds)]  # type: ignore[arg-type]
    return {name: float(np.mean([points(runs, name).mean() for runs in found])) for name in METRICS}


def _coverage(experiments: int, truth_worlds: int, seeds: int, n: int, *args: object) -> dict[str, float]:
    """Return in how many experiments, each with new rows and seeds, the interval holds the truth."""
    rng = _rng()
    truth, held = _truth(rng, truth_worlds, *args), dict.fromkeys(METRICS, 0)
    for experiment in range(experiments):
        if experiment % 50 == 0:  # new draws now and then are enough
            draws = draw(n, RESAMPLES, experiment)
        runs = _world(rng, seeds, n, *args)  # type: ignore[arg-type]
        for name, resampled in resample(runs, METRICS, draws).items():
            found = interval(points(runs, name), resampled, rng)
            held[name] += found.low <= truth[name] <= found.high
    return {name: count / experiments for name, count in held.items()}


@pytest.mark.campaign
def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    # 150 experiments at 95 % have a standard deviation of 1.8 points.
    for name, share in _coverage(150, 10, 5, 600, PRIOR).items():
        assert 0.90 <= share <= 0.99, name


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed_sd", [0.05, 0.15])
def test_intervals_of_five_seeds_hold_the_truth_in_95_percent(seed_sd: float) -> None:
    found = _coverage(1000, 150, 5, 1000, PRIOR, seed_sd)
    assert all(0.93 <= share <= 0.97 for share in found.values()), found


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_where_intervals_are_too_narrow_the_flag_is_up() -> None:
    rare = np.append(PRIOR[:-1], 0.005)  # 5 positives of 1,000
    found = _coverage(600, 100, 2, 1000, rare, 0.15)
    assert min(found.values()) < 0.93, found
    y_true = _world(_rng(), 1, 1000, rare)[0].y_true
    assert flags(2, y_true, "f1_macro") == ("2 seeds", "1 label under 10 positives")
    assert all(flags(2, y_true, name) for name in METRICS)
