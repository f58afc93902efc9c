"""Metrics as sums against scikit-learn on the rows themselves, and resamples in bounded memory."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from benchmark.statistics.metrics import ECE_BINS, compute_metrics, metrics_of
from benchmark.statistics.resampling import (
    Draws,
    Scored,
    draw,
    metrics_of_labels,
    points,
    resample,
    summables,
    weighted_sums,
)
from zoo.decision import ProblemType

MULTI: ProblemType = "multi_label_classification"
SINGLE: ProblemType = "single_label_classification"
OF_WHOLE_SUMS = {"f1_micro", "f1_macro", "mcc"}  # float32 adds whole numbers without error
EXPANDED = {"map", "auc"}  # true to first order only
Make = Callable[..., Scored]


def _multi(seed: int, n: int, num_labels: int, digits: int = 1) -> Scored:
    """Scores with ties; labels that are absent, rare, common or everywhere; the first row has none."""
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n, num_labels)) < rng.choice([0, 0.05, 0.4, 1], num_labels)).astype(np.int8)
    y_true[0] = 0
    y_score = (0.4 * rng.random((n, num_labels)) + 0.6 * rng.random((n, num_labels)) * y_true).round(digits)
    return Scored(MULTI, y_true, y_score, (y_score >= 0.3).astype(np.int8))


def _single(seed: int, n: int, num_labels: int, digits: int = 1) -> Scored:
    """Scores with ties; the last class may be absent; rows below the threshold are undecided."""
    rng = np.random.default_rng(seed)
    eye = np.eye(num_labels, dtype=np.int8)
    y_true = eye[rng.integers(0, num_labels - seed % 2, n)]
    y_score = (rng.dirichlet(np.ones(num_labels), n) + y_true * rng.random((n, 1))).round(digits) / 2
    return Scored(SINGLE, y_true, y_score, eye[y_score.argmax(axis=1)] & (y_score >= 0.3))


def _computed(scored: Scored, *names: str) -> dict[str, float]:
    return compute_metrics(scored.problem_type, scored.y_true, scored.y_score, scored.y_pred, names)


def _repeated(scored: Scored, counts: np.ndarray) -> Scored:
    return scored.take(np.repeat(np.arange(len(counts)), counts))


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(2, 6), st.sampled_from([_multi, _single]))
def test_points_are_the_metrics(seed: int, n: int, num_labels: int, make: Make) -> None:
    runs = [make(seed, n, num_labels), make(seed + 1, n, num_labels)]
    expected = [_computed(run) for run in runs]
    for name in metrics_of(runs[0].problem_type):
        np.testing.assert_allclose(
            points(runs, name), [each[name] for each in expected], rtol=0, atol=1e-12, err_msg=name
        )


def test_every_metric_is_a_sum() -> None:
    for problem_type in (MULTI, SINGLE):
        assert set(summables(problem_type)) == set(metrics_of(problem_type))


def test_points_of_rows_that_say_nothing() -> None:
    nothing = Scored(MULTI, np.zeros((20, 3), np.int8), np.full((20, 3), 0.2), np.zeros((20, 3), np.int8))
    assert points([nothing], "f1_macro") == points([nothing], "jaccard_samples") == 0
    assert points([nothing], "subset_accuracy") == pytest.approx(1)
    assert np.isnan(points([nothing], "map"))
    assert np.isnan(resample([nothing], ["map"], draw(20, 3))["map"]).all()


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(2, 60), st.integers(2, 5), st.sampled_from([_multi, _single]))
def test_a_resample_is_the_metric_on_repeated_rows(seed: int, n: int, num_labels: int, make: Make) -> None:
    runs = [make(seed, n, num_labels), make(seed + 1, n, num_labels)]
    draws = draw(n, 3, seed)
    names = set(metrics_of(runs[0].problem_type)) - EXPANDED - {"ece"}
    found = resample(runs, names, draws)
    for i, counts in enumerate(draws.counts[0]):
        for j, run in enumerate(runs):
            expected = _computed(_repeated(run, counts), *names)
            for name in names:
                close = 1e-12 if name in OF_WHOLE_SUMS else 1e-6
                assert found[name][i, j] == pytest.approx(expected[name], abs=close), name


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(2, 6))
def test_numbers_of_labels_are_scikit_learns(seed: int, n: int, num_labels: int) -> None:
    scored = _multi(seed, n, num_labels)
    found = metrics_of_labels(scored)
    expected = sk.precision_recall_fscore_support(scored.y_true, scored.y_pred, average=None, zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-12, err_msg=name)
    for label, value in enumerate(found["average_precision"]):
        gold = scored.y_true[:, label]
        ap = sk.average_precision_score(gold, scored.y_score[:, label]) if gold.any() else np.nan
        assert value == pytest.approx(ap, abs=1e-12, nan_ok=True)


def test_resampled_calibration_errors_keep_the_bins_of_all_rows() -> None:
    scored = _multi(3, 50, 3, digits=9)
    draws = draw(50, 5)
    confidence, gold = scored.y_score.ravel(), scored.y_true.ravel()
    bins = np.array_split(np.argsort(confidence, kind="stable"), ECE_BINS)
    for found, counts in zip(resample([scored], ["ece"], draws)["ece"][:, 0], draws.counts[0], strict=True):
        weight = np.repeat(counts.astype(float), 3)
        expected = sum(abs((weight[part] * (confidence[part] - gold[part])).sum()) for part in bins) / 150
        assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("positives", [1, 4, 9])
def test_the_average_precision_of_rare_labels_is_resampled_exactly(positives: int) -> None:
    """Against scikit-learn on the repeated rows, with equal scores, and labels that some draws have no positive of."""
    rng, n = np.random.default_rng(positives), 60
    y_true = np.zeros((n, 3), np.int8)
    for label in range(3):
        y_true[rng.choice(n, positives, replace=False), label] = 1
    y_score = (0.3 * y_true + 0.7 * rng.random(y_true.shape)).round(1)
    scored, draws = Scored("multi_label_classification", y_true, y_score, y_true), draw(n, 40)
    assert points([scored], "map") == pytest.approx(_computed(scored, "map")["map"], abs=1e-12)
    found = resample([scored], ["map"], draws)["map"][:, 0]
    expected = [_computed(_repeated(scored, counts), "map")["map"] for counts in draws.counts[0]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_rare_and_frequent_labels_are_averaged_together() -> None:
    rng, n = np.random.default_rng(0), 3000
    y_true = (rng.random((n, 3)) < (0.3, 0.1, 0.002)).astype(np.int8)
    y_score = 0.2 * y_true + rng.random(y_true.shape)
    scored, draws = Scored("multi_label_classification", y_true, y_score, y_true), draw(n, 60)
    assert 0 < y_true[:, 2].sum() < 10
    assert points([scored], "map") == pytest.approx(_computed(scored, "map")["map"], abs=1e-12)
    found = resample([scored], ["map"], draws)["map"][:, 0]
    expected = np.array([_computed(_repeated(scored, counts), "map")["map"] for counts in draws.counts[0]])
    assert np.abs(found - expected).max() < 0.002


@pytest.mark.parametrize(("name", "make"), [("map", _multi), ("auc", _single)])
def test_expanded_metrics_move_with_the_true_ones(name: str, make: Make) -> None:
    scored, draws = make(4, 2000, 3, digits=2), draw(2000, 60)
    found = resample([scored], [name], draws)[name][:, 0]
    expected = np.array([_computed(_repeated(scored, counts), name)[name] for counts in draws.counts[0]])
    assert np.corrcoef(found, expected)[0, 1] > 0.99
    assert np.abs(found - expected).mean() < 0.1 * expected.std()
    assert found.std() == pytest.approx(expected.std(), rel=0.05)


def test_draws_are_resamples_and_signs_and_come_again() -> None:
    n, number = 300, 2500
    first, again, other = draw(n, number, seed=1), draw(n, number, seed=1), draw(n, number, seed=2)
    counts, signs = np.vstack(first.counts), np.vstack(first.signs)
    assert counts.shape == signs.shape == (number, n)
    assert (counts.sum(axis=1, dtype=int) == n).all()
    assert set(np.unique(signs)) == {-1, 1}
    # A row's count has the mean 1 and the variance 1 - 1/n, a sign the mean 0.
    assert counts.mean(axis=0) == pytest.approx(np.ones(n), abs=0.1)
    assert counts.var() == pytest.approx(1 - 1 / n, abs=0.01)
    assert abs(signs.mean()) < 0.005
    for kind in ("counts", "signs"):
        np.testing.assert_array_equal(np.vstack(getattr(first, kind)), np.vstack(getattr(again, kind)))
        assert (np.vstack(getattr(first, kind)) != np.vstack(getattr(other, kind))).any()
    assert first.rng.random() == again.rng.random()
    assert [len(block) for block in first.counts] == [1000, 1000, 500]


def test_runs_are_resampled_with_the_same_rows() -> None:
    runs, draws = [_multi(seed, 80, 4) for seed in range(3)], draw(80, 1200)
    together = resample(runs, ["f1_macro", "lrap"], draws)
    for at, run in enumerate(runs):
        alone = resample([run], ["f1_macro", "lrap"], draws)
        for name, values in alone.items():
            np.testing.assert_allclose(together[name][:, at], values[:, 0], atol=1e-6)


def _drawn_at_once(n: int, number: int, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """All draws as one array each, as they were made before blocks were sized by n: the committed board is of them."""
    rng = np.random.default_rng(seed)
    sizes = [min(1000, number - start) for start in range(0, number, 1000)]
    signs = [rng.integers(0, 2, (size, n), dtype=np.int8) * 2 - 1 for size in sizes]
    rows = [rng.integers(0, n, (size, n), dtype=np.int32) for size in sizes]
    counts = [np.bincount(row, minlength=n) for block in rows for row in block]
    return np.stack(counts), np.vstack(signs), rng.random()


@pytest.mark.parametrize(
    ("n", "number"), [(1, 5), (31, 1503), (9_001, 1_007), pytest.param(33_333, 1_100, marks=pytest.mark.campaign)]
)
def test_blocks_sized_by_n_change_no_draw(n: int, number: int) -> None:
    draws = draw(n, number, seed=3)
    counts, signs, after = _drawn_at_once(n, number, 3)
    for blocks, expected in ((draws.counts, counts), (draws.signs, signs)):
        found = list(blocks)
        assert max(block.size for block in found) <= 2**23
        np.testing.assert_array_equal(np.vstack(found), expected)
        np.testing.assert_array_equal(blocks[-1], found[-1])  # drawn again, it is the same
    assert draws.rng.random() == after


def test_a_resample_does_not_depend_on_the_blocks() -> None:
    n = 20_000  # three blocks a thousand draws
    run, draws = _multi(5, n, 4), draw(n, 1_000)
    assert len(draws.counts) == 3
    at_once = Draws([np.vstack(draws.counts)], [], draws.rng)
    names = ["f1_macro", "subset_accuracy", "brier"]
    for name, values in resample([run], names, draws).items():
        np.testing.assert_allclose(values, resample([run], [name], at_once)[name], rtol=0, atol=1e-6, err_msg=name)


def _peak_mib(function: Callable[[], object]) -> float:
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_a_test_split_of_200_000_rows_is_resampled_in_bounded_memory() -> None:
    n = 200_000
    runs = [_multi(seed, n, 4) for seed in range(2)]

    def compare() -> None:
        draws = draw(n, 200)
        assert resample(runs, ["f1_macro", "subset_accuracy"], draws)["f1_macro"].shape == (200, 2)
        assert weighted_sums(draws.signs, runs[0].y_true).shape == (200, 4)

    # The counts alone, all at once and as NumPy makes them (int64), would be 305 MiB, and 10,000 draws 15 GiB.
    assert _peak_mib(compare) < 150


def test_1_000_classes_have_an_mcc_in_bounded_memory() -> None:
    """The bug: a column for each pair of classes, so that 151 classes took 3.9 GiB."""
    run, draws = _single(1, 2_000, 1_000, digits=9), draw(2_000, 300)
    found: list[np.ndarray] = []
    peak = _peak_mib(lambda: found.extend((points([run], "mcc"), resample([run], ["mcc"], draws)["mcc"][:, 0])))
    assert peak < 150
    gold, decided = run.y_true.argmax(axis=1), run.y_score.argmax(axis=1)
    assert found[0] == pytest.approx(sk.matthews_corrcoef(gold, decided), abs=1e-12)
    for value, counts in zip(found[1][:3], draws.counts[0], strict=False):
        rows = np.repeat(np.arange(2_000), counts)
        assert value == pytest.approx(sk.matthews_corrcoef(gold[rows], decided[rows]), abs=1e-12)


def test_one_row_can_be_drawn_every_time() -> None:
    assert (np.vstack(draw(1, 5).counts) == 1).all()
    draws = Draws([np.array([[3, 0, 0]], np.uint8)], [], np.random.default_rng(0))
    np.testing.assert_array_equal(weighted_sums(draws.counts, np.arange(6).reshape(3, 2)), [[0, 3]])
