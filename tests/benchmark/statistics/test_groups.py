"""Rows that belong together are drawn together: by hand, and against plain draws of what they are copies of."""

import numpy as np
import pytest

from benchmark.statistics.intervals import interval
from benchmark.statistics.pair_tests import compare, gather
from benchmark.statistics.resampling import Scored, draw, points, resample

SINGLE, MULTI = "single_label_classification", "multi_label_classification"


def _scored(right: np.ndarray) -> Scored:
    """One label a row, all gold labels the first: `right` says which rows are decided so."""
    y_true = np.tile(np.array([1, 0], np.int8), (len(right), 1))
    y_pred = np.where(right[:, None], y_true, 1 - y_true).astype(np.int8)
    return Scored(SINGLE, y_true, y_pred.astype(float), y_pred)


def test_two_groups_by_hand() -> None:
    """One thread of two texts is right, one is wrong. Of two drawn threads both are right with a chance of 1/4, one
    with 1/2: accuracies of 0, 1/2 and 1 with a standard deviation of the root of 1/8. Single rows would give 1/4."""
    run = _scored(np.array([True, False, True, False]))
    groups = np.array([7, 3, 7, 3])
    drawn = resample([run], ["accuracy"], draw(4, 20_000, groups=groups))["accuracy"]
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [0, 0.5, 1]
    assert counts / 20_000 == pytest.approx([0.25, 0.5, 0.25], abs=0.02)
    assert drawn.std() == pytest.approx(np.sqrt(1 / 8), abs=0.005)
    alone = resample([run], ["accuracy"], draw(4, 20_000))["accuracy"]
    assert alone.std() == pytest.approx(0.25, abs=0.005)
    assert np.all([sign[:, 0] == sign[:, 2] for sign in draw(4, 100, groups=groups).signs])


def test_copies_of_rows_say_no_more_than_the_rows() -> None:
    """Every row three times, as a group: interval and p-value are to the last digit those of the rows themselves."""
    rng = np.random.default_rng(0)
    y_true = (rng.random((60, 4)) < 0.4).astype(np.int8)
    runs = [(y_true ^ (rng.random(y_true.shape) < wrong)).astype(np.int8) for wrong in (0.1, 0.2)]
    group = np.repeat(np.arange(60), 3)
    once = [{0: Scored(MULTI, y_true, y_pred.astype(float), y_pred)} for y_pred in runs]
    thrice = [{0: run[0].take(group)} for run in once]
    plain, grouped = draw(60, 500), draw(180, 500, groups=group)
    found = [
        compare(*(gather(run, "f1_micro", draws) for run in both), np.random.default_rng(1))
        for both, draws in ((once, plain), (thrice, grouped))
    ]
    for name in ("p_value", "p_equal", "detectable", "superiority"):
        assert getattr(found[1], name) == pytest.approx(getattr(found[0], name), rel=1e-6)
    ends = [
        interval(points([run[0][0]], "f1_micro"), resample([run[0][0]], ["f1_micro"], draws)["f1_micro"], plain.rng)
        for run, draws in ((once, plain), (thrice, grouped))
    ]
    assert (ends[1].low, ends[1].high) == pytest.approx((ends[0].low, ends[0].high), abs=1e-9)
    by_row = compare(*(gather(run, "f1_micro", draw(180, 500)) for run in thrice), np.random.default_rng(1))
    assert by_row.difference.sd < 0.7 * found[1].difference.sd  # about the root of 1/3


def test_a_single_seed_of_grouped_rows_takes_no_test_of_independent_rows() -> None:
    runs = [{0: _scored(np.arange(40) % number > 0)} for number in (4, 3)]
    alone, grouped = draw(40, 200), draw(40, 200, groups=np.arange(40) // 2)
    tests = [compare(*(gather(run, "accuracy", draws) for run in runs), draws.rng).test for draws in (alone, grouped)]
    assert tests == ["exact McNemar", "approximate randomization"]
