"""Influences of rows against numeric derivatives; label ranking precision against scikit-learn."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from benchmark.statistics.influences import auc_influence, average_precision_influence, label_ranking_precision

OfLabel = Callable[..., tuple[float, np.ndarray]]


@pytest.mark.parametrize(
    ("function", "reference"),
    [(average_precision_influence, sk.average_precision_score), (auc_influence, sk.roc_auc_score)],
)
@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 15))
def test_influences_are_derivatives_by_the_weight_of_a_row(
    function: OfLabel, reference: Callable[..., float], seed: int, n: int
) -> None:
    rng = np.random.default_rng(seed)
    y_true, y_score = rng.integers(0, 2, n), rng.integers(0, 8, n) / 8
    y_true[:2] = 0, 1
    value, influence = function(y_true, y_score)
    assert value == pytest.approx(reference(y_true, y_score), abs=1e-12)
    assert influence.sum() == pytest.approx(0, abs=1e-12)  # weighing all rows alike changes nothing
    step = 1e-4
    for found, moved in zip(influence, step * np.eye(n), strict=True):
        up, down = (reference(y_true, y_score, sample_weight=1 + by) for by in (moved, -moved))
        assert found == pytest.approx((up - down) / (2 * step), abs=1e-6)


def test_influences_worked_by_hand() -> None:
    # Gold at ranks 1 and 3: average precision (1 + 2/3) / 2. The last row stands below both and moves nothing; one
    # more of the second row would make the second precision 2/4, so its weight w gives 2 / (3 + w), slope -2/9.
    y_true, y_score = np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1])
    value, influence = average_precision_influence(y_true, y_score)
    assert value == pytest.approx(5 / 6)
    np.testing.assert_allclose(influence[[1, 3]], [-1 / 9, 0], atol=1e-15)
    # AUC: three of four pairs are right. Each row's part: its share of pairs won less the mean, over its class's size.
    value, influence = auc_influence(y_true, y_score)
    assert value == 3 / 4
    np.testing.assert_allclose(influence, np.array([1 - 0.75, 0.5 - 0.75, 0.5 - 0.75, 1 - 0.75]) / 2)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(2, 6))
def test_label_ranking_precision_is_scikit_learns_row_by_row(seed: int, n: int, num_labels: int) -> None:
    rng = np.random.default_rng(seed)
    y_true, y_score = rng.integers(0, 2, (n, num_labels)), rng.integers(0, 4, (n, num_labels)) / 4
    y_true[0] = seed % 2  # no label at all, or every one
    expected = [
        sk.label_ranking_average_precision_score(y_true[row : row + 1], y_score[row : row + 1]) for row in range(n)
    ]
    np.testing.assert_allclose(label_ranking_precision(y_true, y_score), expected, rtol=0, atol=1e-12)
