"""Fitting a Decision: the temperature against a known scaling, the thresholds against brute force over all cuts."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, logit, softmax
from sklearn.metrics import f1_score, log_loss

from benchmark.statistics.fit_decision import best_threshold, fit_decision, fit_temperature, global_threshold

MULTI, SINGLE = "multi_label_classification", "single_label_classification"
SCORES = st.sampled_from([0.0, 0.05, 0.2, 0.2000001, 0.5, 0.8, 1.0])  # few values: many ties


def _cuts(y_score: np.ndarray) -> list[float]:
    return sorted(set(y_score.ravel().tolist()))


def _f1(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    hits = int((y_true & y_pred).sum())
    total = int(y_true.sum() + y_pred.sum())
    return 2 * hits / total if total else 0.0


@given(st.integers(1, 25).flatmap(lambda n: st.tuples(arrays(float, n, elements=SCORES), arrays(bool, n))))
def test_best_threshold_is_brute_force(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    y_score, y_true = drawn
    y_true[0] = True
    found = best_threshold(y_score, y_true.astype(np.int8))
    assert 0 <= found <= 1
    assert _f1(y_true, y_score >= found) == pytest.approx(max(_f1(y_true, y_score >= cut) for cut in _cuts(y_score)))


@given(
    st.tuples(st.integers(1, 12), st.integers(1, 4)).flatmap(
        lambda shape: st.tuples(arrays(float, shape, elements=SCORES), arrays(bool, shape))
    )
)
def test_global_thresholds_are_brute_force_in_both_averages(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    y_score, y_true = drawn
    y_true[0, 0] = True
    for average in ("macro", "micro"):

        def quality(cut: float, average: str = average) -> float:
            y_pred = y_score >= cut
            if average == "micro":
                return _f1(y_true, y_pred)
            return float(np.mean([_f1(t, p) for t, p in zip(y_true.T, y_pred.T, strict=True)]))

        found = global_threshold(y_score, y_true.astype(np.int8), average)  # type: ignore[arg-type]
        assert 0 <= found <= 1
        assert quality(found) == pytest.approx(max(map(quality, _cuts(y_score))))


def test_a_threshold_stands_midway_between_the_scores_around_the_cut() -> None:
    assert best_threshold(np.array([0.9, 0.7, 0.3, 0.1]), np.array([1, 1, 0, 0])) == pytest.approx(0.5)
    assert best_threshold(np.array([0.8, 0.6]), np.array([1, 1])) == pytest.approx(0.3)  # below the last score: to 0
    assert best_threshold(np.array([0.4]), np.array([1])) == pytest.approx(0.2)


def test_scores_that_differ_by_one_float_are_still_cut_apart() -> None:
    low = 0.5
    high = float(np.nextafter(low, 1))
    threshold = best_threshold(np.array([high, low]), np.array([1, 0]))
    assert low < threshold <= high


def test_tied_scores_are_never_cut_apart() -> None:
    y_score, y_true = np.array([0.5, 0.5, 0.5, 0.1]), np.array([1, 0, 0, 0])
    threshold = best_threshold(y_score, y_true)
    assert threshold == pytest.approx(0.3)
    assert best_threshold(y_score[::-1], y_true[::-1]) == threshold


@settings(max_examples=15)
@given(st.floats(0.2, 8), st.booleans())
def test_temperature_recovers_a_known_scaling(scale: float, single: bool) -> None:
    rng = np.random.default_rng(5)
    true_logits = rng.normal(size=(20_000, 3)) * 2
    if single:
        probabilities = softmax(true_logits, axis=1)
        drawn = (probabilities.cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
        y_true = np.eye(3, dtype=np.int8)[drawn.clip(0, 2)]
    else:
        y_true = (rng.random(true_logits.shape) < expit(true_logits)).astype(np.int8)
    found = fit_temperature(SINGLE if single else MULTI, true_logits * scale, y_true)
    assert found == pytest.approx(scale, rel=0.05)


@pytest.mark.parametrize("problem_type", [SINGLE, MULTI])
def test_temperature_has_the_lowest_log_loss_of_a_fine_grid(problem_type: str) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(80, 2)) * 4
    gold = rng.integers(0, 2, 80)
    y_true = np.eye(2, dtype=np.int8)[gold]

    def loss(temperature: float) -> float:
        if problem_type == SINGLE:
            return float(log_loss(gold, softmax(logits / temperature, axis=1)))
        return float(log_loss(y_true.ravel(), expit(logits / temperature).ravel()))

    found = fit_temperature(problem_type, logits, y_true)  # type: ignore[arg-type]
    assert loss(found) <= min(map(loss, np.geomspace(0.06, 20, 100))) + 1e-6


def test_temperature_stays_in_its_bounds_where_likelihood_has_no_optimum() -> None:
    y_true = np.eye(2, dtype=np.int8)[[0, 1, 0]]
    right = np.where(y_true, 1.0, -1.0)
    for problem_type in (SINGLE, MULTI):
        assert 0.05 <= fit_temperature(problem_type, right, y_true) < 0.06  # type: ignore[arg-type]
        assert 19 < fit_temperature(problem_type, -right, y_true) <= 20  # type: ignore[arg-type]


def test_per_label_thresholds_are_each_labels_best_and_a_label_without_positives_takes_the_global_one() -> None:
    rng = np.random.default_rng(2)
    y_true = (rng.random((300, 4)) < [0.5, 0.2, 0.05, 0.0]).astype(np.int8)
    logits = rng.normal(size=y_true.shape) + 2 * y_true - np.array([0, 1, 2, 1])
    decision = fit_decision(MULTI, logits, y_true, "per_label")
    y_score = decision.scores(logits)
    for label in range(3):
        best = max(_f1(y_true[:, label], y_score[:, label] >= cut) for cut in y_score[:, label])
        assert f1_score(y_true[:, label], decision.decide(y_score)[:, label]) == pytest.approx(best)
    shared = fit_decision(MULTI, logits, y_true, "global")
    assert len(set(shared.thresholds)) == 1
    assert decision.thresholds[3] == shared.thresholds[3]
    assert (decision.rule, shared.rule) == ("per_label", "global")


def test_a_label_without_positives_does_not_move_the_shared_threshold_of_a_macro_average() -> None:
    """By hand: the cut is between .9 and .3, at .6. The scores .8 and .4 of a label that is nowhere change nothing."""
    y_score, y_true = np.array([[0.9, 0.8], [0.3, 0.4]]), np.array([[1, 0], [0, 0]], np.int8)
    assert global_threshold(y_score[:, :1], y_true[:, :1], "macro") == pytest.approx(0.6)
    assert global_threshold(y_score, y_true, "macro") == pytest.approx(0.6)


def test_rules_in_order_of_freedom_are_no_worse_on_the_rows_they_were_fitted_on() -> None:
    rng = np.random.default_rng(4)
    y_true = (rng.random((200, 5)) < [0.6, 0.3, 0.2, 0.1, 0.05]).astype(np.int8)
    logits = rng.normal(size=y_true.shape) + 1.5 * y_true - 1
    found = []
    for rule in ("fixed", "global", "per_label"):
        decision = fit_decision(MULTI, logits, y_true, rule)  # type: ignore[arg-type]
        found.append(f1_score(y_true, decision.decide(decision.scores(logits)), average="macro", zero_division=0))
    assert all(less <= more + 1e-12 for less, more in pairwise(found))
    assert found[0] < found[2]


def test_the_fixed_rule_decides_by_the_sign_of_the_logits() -> None:
    logits = np.array([[-0.1, 0.1], [3.0, -3.0], [0.0, -1.0]])
    y_true = np.array([[0, 1], [1, 0], [0, 1]], np.int8)
    decision = fit_decision(MULTI, logits, y_true, "fixed")
    np.testing.assert_array_equal(decision.decide(decision.scores(logits)), logits >= 0)


def test_a_single_label_decision_is_argmax_whatever_the_temperature() -> None:
    rng = np.random.default_rng(6)
    logits = rng.normal(size=(50, 3))
    decision = fit_decision(SINGLE, logits, np.eye(3, dtype=np.int8)[rng.integers(0, 3, 50)], "argmax")
    y_pred = decision.decide(decision.scores(logits))
    np.testing.assert_array_equal(y_pred.argmax(axis=1), logits.argmax(axis=1))
    assert (y_pred.sum(axis=1) == 1).all()


def test_scores_that_saturate_still_give_a_valid_decision() -> None:
    y_true = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.int8)
    decision = fit_decision(MULTI, np.where(y_true, 60000.0, -60000.0), y_true, "per_label")
    np.testing.assert_array_equal(decision.decide(decision.scores(np.where(y_true, 60000.0, -60000.0))), y_true)
    assert logit(decision.thresholds[0]) == pytest.approx(0)  # between 0 and 1
