"""Paired comparisons against statsmodels, and against swapping rows one by one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests

from benchmark.statistics.intervals import Interval, SeedVariance
from benchmark.statistics.pair_tests import (
    Evidence,
    chance_as_far,
    compare,
    detectable,
    equal_within,
    gather,
    holm,
    mcnemar,
    randomized,
    seeds_of,
    shared_seeds,
)
from benchmark.statistics.resampling import Draws, Scored, draw, points
from zoo.decision import ProblemType

MULTI: ProblemType = "multi_label_classification"
SINGLE: ProblemType = "single_label_classification"


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _single(y_true: np.ndarray, right: np.ndarray) -> Scored:
    """Return a run that decides class 0 or 1 rightly where `right` says so."""
    eye = np.eye(2, dtype=np.int8)
    y_pred = eye[np.where(right, y_true, 1 - y_true)]
    return Scored(SINGLE, eye[y_true], y_pred.astype(float), y_pred)


def _multi(rng: np.random.Generator, y_true: np.ndarray, flipped: float) -> Scored:
    """Return a run that is wrong about a share of the (row, label) pairs."""
    y_pred = np.where(rng.random(y_true.shape) < flipped, 1 - y_true, y_true).astype(np.int8)
    return Scored(MULTI, y_true, y_pred + 0.1 * rng.random(y_true.shape), y_pred)


def _two_encoders(
    seed: int, n: int = 200, num_labels: int = 4, seeds: int = 3, metric: str = "f1_macro", number: int = 500
) -> tuple[Evidence, Evidence, Draws]:
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n, num_labels)) < 0.3).astype(np.int8)
    draws = draw(n, number, seed)
    a, b = ({s: _multi(rng, y_true, wrong) for s in range(seeds)} for wrong in (0.1, 0.12))
    return gather(a, metric, draws), gather(b, metric, draws), draws


@given(st.integers(0, 10_000), st.integers(1, 60))
def test_mcnemar_is_statsmodels_exact_test(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    right_a, right_b = rng.random(n) < 0.8, rng.random(n) < 0.6
    y_true = rng.integers(0, 2, n)
    table = [[int((x & y).sum()) for y in (right_b, ~right_b)] for x in (right_a, ~right_a)]
    expected = min(1.0, reference_mcnemar(table, exact=True).pvalue)
    assert mcnemar(_single(y_true, right_a), _single(y_true, right_b)) == pytest.approx(expected, abs=1e-12)


def test_mcnemar_worked_by_hand() -> None:
    y_true = np.zeros(10, int)
    a = _single(y_true, np.array([1, 1, 1, 1, 1, 1, 0, 1, 1, 0], bool))
    b = _single(y_true, np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 0], bool))
    # Five rows that A alone has right, one that B alone has: 2 * (1 + 6) / 2 ** 6.
    assert mcnemar(a, b) == pytest.approx(14 / 64)
    assert mcnemar(a, a) == 1


def test_one_seed_of_accuracy_is_tested_by_mcnemar_and_more_seeds_by_randomization() -> None:
    y_true, rng = np.zeros(300, int), _rng()
    draws = draw(300, 1000)
    a, b = ({seed: _single(y_true, rng.random(300) < share) for seed in range(2)} for share in (0.9, 0.8))
    one = compare(gather({0: a[0]}, "accuracy", draws), gather({0: b[0]}, "accuracy", draws), rng)
    assert (one.test, one.p_value) == ("exact McNemar", mcnemar(a[0], b[0]))
    assert one.difference.value == pytest.approx(
        accuracy_score(y_true, a[0].y_pred[:, 1]) - accuracy_score(y_true, b[0].y_pred[:, 1])
    )
    two = compare(gather(a, "accuracy", draws), gather(b, "accuracy", draws), rng)
    assert two.test == "approximate randomization with seed noise"


def test_randomization_agrees_with_mcnemar_on_one_seed() -> None:
    # Swapping rows of an accuracy is McNemar's test; scores make another metric of it that has no such shortcut.
    y_true, rng = np.zeros(400, int), _rng()
    draws = draw(400, 20_000)
    a, b = ({0: _single(y_true, rng.random(400) < share)} for share in (0.84, 0.80))
    null = randomized(gather(a, "accuracy", draws), gather(b, "accuracy", draws))
    observed = points([a[0]], "accuracy")[0] - points([b[0]], "accuracy")[0]
    assert np.mean(np.abs(null) >= abs(observed) - 1e-12) == pytest.approx(mcnemar(a[0], b[0]), abs=0.015)


@pytest.mark.parametrize("n", [218, 872, 1_200])
def test_draws_that_tie_with_the_observed_difference_count(n: int) -> None:
    # Of 20 rows that one of two has right, A has 13: with three seeds alike, a fair coin's two-sided binomial test.
    y_true = np.zeros(n, dtype=int)
    a, b = _single(y_true, np.arange(n) >= 7), _single(y_true, ~((np.arange(n) >= 7) & (np.arange(n) < 20)))
    draws = draw(n, 10_000)
    of_a, of_b = (gather(dict.fromkeys(range(3), run), "accuracy", draws) for run in (a, b))
    expected = stats.binomtest(13, 20).pvalue
    found = (np.abs(randomized(of_a, of_b)) >= points([a], "accuracy")[0] - points([b], "accuracy")[0] - 1e-12).mean()
    assert found == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 10_000))


@pytest.mark.parametrize("n", [1, 2, 6, 28])
def test_holm_is_statsmodels(n: int) -> None:
    p_values = (np.random.default_rng(n).random(n) ** 3).round(2)  # with ties
    np.testing.assert_allclose(holm(p_values), multipletests(p_values, method="holm")[1], atol=1e-12)


def test_holm_worked_by_hand() -> None:
    # 3 * 0.01, 2 * 0.02; the last would be 0.03 and may not go below the one before it.
    np.testing.assert_allclose(holm(np.array([0.03, 0.01, 0.02])), [0.04, 0.03, 0.04])


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_randomized_differences_are_those_of_rows_swapped_one_by_one(average: str) -> None:
    a, b, draws = _two_encoders(1, n=60, seeds=1, metric=f"f1_{average}", number=40)
    first, second = a.runs[0].y_pred, b.runs[0].y_pred
    expected = []
    for signs in draws.signs[0]:
        kept = (signs == 1)[:, None]
        pair = np.where(kept, first, second), np.where(kept, second, first)
        values = [f1_score(a.runs[0].y_true, y_pred, average=average, zero_division=0) for y_pred in pair]
        expected.append(values[0] - values[1])
    np.testing.assert_allclose(randomized(a, b), expected, rtol=0, atol=1e-12)


def test_all_seeds_swap_together() -> None:
    a, b, _ = _two_encoders(2)
    alone = [randomized(a.of([seed]), b.of([seed])) for seed in a.seeds]
    np.testing.assert_allclose(randomized(a, b), np.mean(alone, axis=0), atol=1e-12)


def test_the_chance_of_students_tails_is_that_of_drawn_factors() -> None:
    rng, null = np.random.default_rng(0), np.array([0.0, 0.4, -1.0, 3.0])
    drawn = null * np.sqrt(3 / rng.chisquare(3, (200_000, 4)))
    assert chance_as_far(null, -1.5, 3.0) == pytest.approx((np.abs(drawn) >= 1.5).mean(axis=0), abs=0.004)
    normal = rng.normal(size=200_000)
    assert chance_as_far(normal, 2.5, 3.0).mean() == pytest.approx(2 * stats.t.sf(2.5, 3), rel=0.01)
    assert chance_as_far(null, 1.0, np.inf).tolist() == [0, 0, 1, 1]
    assert chance_as_far(null, 0.0, 3.0).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("metric", ["f1_macro", "subset_accuracy", "map"])
def test_the_difference_is_that_of_the_metrics_and_turns_with_the_order(metric: str) -> None:
    a, b, _ = _two_encoders(3, metric=metric)
    ahead, behind = compare(a, b, _rng()), compare(b, a, _rng())
    means = [points(list(each.runs), metric).mean() for each in (a, b)]
    assert ahead.difference.value == pytest.approx(means[0] - means[1], abs=1e-12)
    assert behind.difference.value == pytest.approx(-ahead.difference.value)
    assert (behind.difference.low, behind.difference.high) == pytest.approx(
        (-ahead.difference.high, -ahead.difference.low)
    )
    assert behind.p_value == ahead.p_value
    assert behind.superiority == pytest.approx(1 - ahead.superiority)
    assert behind.detectable == pytest.approx(ahead.detectable)


@pytest.mark.parametrize("metric", ["f1_macro", "lrap", "brier", "map"])
def test_identical_runs_do_not_differ(metric: str) -> None:
    a, _, _ = _two_encoders(4, metric=metric)
    found = compare(a, a, _rng())
    assert (found.difference.value, found.difference.low, found.difference.high) == (0, 0, 0)
    assert (found.p_value, found.superiority, found.detectable) == (1, 0.5, 0)


def test_no_seed_in_common_is_refused() -> None:
    a, b, _ = _two_encoders(5)
    with pytest.raises(ValueError, match="no seed in common"):
        compare(a, replace(b, seeds=(7, 8, 9)), _rng())


def test_only_seeds_that_both_have_are_compared_and_their_order_is_no_matter() -> None:
    a, b, _ = _two_encoders(6, seeds=4)
    seeds = seeds_of([a, b])
    some = compare(a.of([3, 1, 2]), b.of([0, 2, 3]), _rng(), seeds)
    assert some == compare(a.of([2, 3]), b.of([2, 3]), _rng(), seeds)
    assert some.difference.seeds == 2


def test_seeds_are_paired_by_their_number_not_their_place() -> None:
    a, b, _ = _two_encoders(7)
    assert compare(a, b.of([2, 0, 1]), _rng()) == compare(a, b, _rng())


def test_superiority_and_the_detectable_difference_worked_by_hand_for_one_seed() -> None:
    a, b, _ = _two_encoders(8, seeds=1)
    found = compare(a, b, _rng())
    sd = found.difference.sd_rows
    assert sd == pytest.approx((a.resampled - b.resampled).std())
    assert found.superiority == pytest.approx(stats.norm.cdf(found.difference.value / sd))
    gap = found.detectable
    assert gap == pytest.approx(1.95996 * np.sqrt(sd**2 + gap**2 / 200) + 0.84162 * sd, rel=1e-4)  # of 200 rows


def test_the_detectable_difference_of_few_seeds_has_the_power_that_it_states() -> None:
    """Student's t with two degrees of freedom, simulated: two seeds' means would do for a normal distribution."""
    found, rng = detectable(1.0, 2.0, rows=10**9, tests=6), np.random.default_rng(0)
    statistic = (found + rng.normal(size=100_000)) / np.sqrt(rng.chisquare(2, 100_000) / 2)
    critical = stats.t.ppf(1 - 0.025 / 6, 2)
    assert (np.abs(statistic) > critical).mean() == pytest.approx(0.8, abs=0.005)


def test_a_large_gap_on_few_rows_makes_up_for_the_variance_of_rows_that_change_places() -> None:
    # Of swapped rows the variance is the mean of squares, of drawn ones that less the squared mean: simulated.
    rng, rows = np.random.default_rng(0), 20
    gap = detectable(0.1, np.inf, rows)
    answers = gap + 0.1 * np.sqrt(rows) * rng.normal(size=(100_000, rows))
    critical = 1.95996 * np.sqrt(0.1**2 + gap**2 / rows)
    assert (answers.mean(axis=1) > critical).mean() == pytest.approx(0.8, abs=0.005)
    assert detectable(0.1, np.inf, rows=3) == np.inf


def _gap(value: float, sd: float, degrees: float = np.inf) -> Interval:
    return Interval(value, -1, 1, sd_rows=sd, sd_seeds=0.0, seed_by_row=0.0, degrees=degrees, seeds=3)


@pytest.mark.parametrize(("value", "sd", "degrees"), [(0.002, 0.004, 7.0), (-0.006, 0.003, 12.0), (0.02, 0.004, 5.0)])
def test_equality_is_two_one_sided_t_tests(value: float, sd: float, degrees: float) -> None:
    low, high = (value + 0.01) / sd, (value - 0.01) / sd
    expected = max(stats.t.sf(low, degrees), stats.t.cdf(high, degrees))
    assert equal_within(_gap(value, sd, degrees), 0.01) == pytest.approx(expected)


def test_equality_agrees_with_statsmodels_on_paired_samples() -> None:
    from statsmodels.stats.weightstats import ttost_paired

    rng = np.random.default_rng(0)
    a, b = rng.normal(0.8, 0.01, 12), rng.normal(0.802, 0.01, 12)
    gap = _gap((a - b).mean(), (a - b).std(ddof=1) / np.sqrt(12), 11)
    assert equal_within(gap, 0.01) == pytest.approx(ttost_paired(a, b, -0.01, 0.01)[0])


def test_equality_without_any_error_is_a_matter_of_the_margin() -> None:
    assert [equal_within(_gap(value, 0.0), 0.01) for value in (0.009, -0.009, 0.01, 0.02)] == [0, 0, 1, 1]


def test_where_nothing_is_random_one_run_stands_for_every_seed() -> None:
    a, b, draws = _two_encoders(10)
    runs = dict.fromkeys((5, 6), b.runs[0])
    fixed = gather(runs, "f1_macro", draws, random=False)
    assert (fixed.seeds, shared_seeds(a, fixed), shared_seeds(fixed, a)) == ((5,), [0, 1, 2], [0, 1, 2])
    assert shared_seeds(fixed, fixed) == [5]
    found = compare(a, fixed, _rng())
    assert found.difference.value == pytest.approx(a.values.mean() - fixed.values[0])
    # Only one of the two varies, and only it says how much.
    assert seeds_of([a, fixed]) == seeds_of([a])
    assert found.difference.sd_seeds == pytest.approx(np.sqrt(seeds_of([a]).own / 3))


def test_one_variance_of_seeds_serves_interval_and_test() -> None:
    a, b, _ = _two_encoders(11)
    calm, loud = (compare(a, b, _rng(), SeedVariance(own, own, 20.0), 0.1) for own in (0.0, 0.01))
    assert calm.difference.sd_seeds == 0
    assert loud.difference.sd_seeds == pytest.approx(np.sqrt(0.01 * 2 / 3))
    assert loud.p_value > calm.p_value
    assert loud.p_equal > calm.p_equal
    assert loud.detectable > 3 * calm.detectable
    assert (calm.decided_by, loud.decided_by) == ("rows", "seeds")


def test_the_chance_of_superiority_falls_as_seeds_spread() -> None:
    a, b, _ = _two_encoders(9, seeds=2)
    near, far = (compare(a, b, _rng(), SeedVariance(own, own, 8.0)) for own in (0.0, 0.01))
    assert 0.5 < far.superiority < near.superiority < 1


def test_p_values_are_never_zero_and_a_clear_difference_has_the_smallest() -> None:
    rng = _rng()
    y_true = (rng.random((400, 4)) < 0.3).astype(np.int8)
    draws = draw(400, 999)
    good, bad = ({s: _multi(rng, y_true, wrong) for s in range(3)} for wrong in (0.02, 0.3))
    found = compare(gather(good, "f1_macro", draws), gather(bad, "f1_macro", draws), rng)
    assert found.p_value == pytest.approx(1 / 1000, rel=0.1)
    assert found.least
    assert found.difference.low > 0.2
    assert found.superiority > 0.999
