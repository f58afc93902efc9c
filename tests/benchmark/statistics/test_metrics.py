"""Metrics against scikit-learn called directly, and against examples worked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sk
from sklearn.exceptions import UndefinedMetricWarning

from benchmark.statistics.evaluate_metric import ClassificationMetrics
from benchmark.statistics.metrics import calibration_error, compute_metrics, get_metric, metrics_of
from benchmark.statistics.resampling import Scored, metrics_of_labels
from zoo.errors import UserError

MULTI, SINGLE = "multi_label_classification", "single_label_classification"
# 4 texts, 3 labels; the last label has no positive, the third text nothing gold and nothing decided.
Y_TRUE = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 0]])
Y_SCORE = np.array([[0.9, 0.6, 0.1], [0.8, 0.4, 0.2], [0.3, 0.2, 0.1], [0.7, 0.6, 0.5]])
Y_PRED = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 1, 1]])


def test_multi_label_metrics_worked_by_hand() -> None:
    found = compute_metrics(MULTI, Y_TRUE, Y_SCORE, Y_PRED)
    # True positives 3 (two of the first label, one of the second); decided 6; gold 4.
    assert found["f1_micro"] == pytest.approx(2 * 3 / (6 + 4))
    assert found["f1_macro"] == pytest.approx((2 * 2 / (3 + 2) + 2 * 1 / (2 + 2) + 0) / 3)
    assert found["f1_samples"] == pytest.approx((2 / 3 + 2 / 3 + 0 + 2 / 4) / 4)
    assert found["subset_accuracy"] == 0.25  # the third text alone
    assert found["jaccard_samples"] == pytest.approx((1 / 2 + 1 / 2 + 0 + 1 / 3) / 4)
    assert found["hamming_loss"] == pytest.approx(4 / 12)
    # Average precision: the first label ranks its two first; the second's stand among 0.6, 0.6, 0.4, 0.2.
    assert found["map"] == pytest.approx((1 + (0.5 * 1 / 2 + 0.5 * 2 / 3)) / 2)
    assert found["lrap"] == pytest.approx((1 + 1 + 1 + 1 / 2) / 4)
    assert found["brier"] == pytest.approx(np.sum((Y_SCORE - Y_TRUE) ** 2) / 12)


def test_single_label_metrics_worked_by_hand() -> None:
    y_true = np.eye(2, dtype=int)[[0, 0, 1, 1, 1]]
    second = np.array([0.1, 0.6, 0.7, 0.4, 0.9])
    y_score = np.stack([1 - second, second], axis=1)
    found = compute_metrics(SINGLE, y_true, y_score, (y_score == y_score.max(axis=1, keepdims=True)).astype(int))
    assert found["accuracy"] == pytest.approx(3 / 5)
    assert found["f1_macro"] == pytest.approx((2 * 1 / (2 + 2) + 2 * 2 / (3 + 3)) / 2)
    assert found["mcc"] == pytest.approx((2 * 1 - 1 * 1) / np.sqrt(3 * 3 * 2 * 2))
    assert found["auc"] == pytest.approx(5 / 6)  # of the pairs (0.1, 0.6) x (0.7, 0.4, 0.9), one is wrong
    assert found["brier"] == pytest.approx(np.mean((second - y_true[:, 1]) ** 2))


def test_an_undecided_single_label_text_is_wrong() -> None:
    y_true = np.eye(2, dtype=int)[[0, 1]]
    y_score = np.array([[0.9, 0.1], [0.45, 0.55]])
    assert compute_metrics(SINGLE, y_true, y_score, np.array([[1, 0], [0, 0]]))["accuracy"] == 0.5


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(2, 30), st.integers(2, 5))
def test_multi_label_metrics_are_scikit_learns(seed: int, n: int, num_labels: int) -> None:
    rng = np.random.default_rng(seed)
    y_true, y_pred = rng.integers(0, 2, (2, n, num_labels))
    y_true[0], y_score = 1, rng.random((n, num_labels)).round(1)
    found = compute_metrics(MULTI, y_true, y_score, y_pred)
    for average in ("micro", "macro", "samples"):
        assert found[f"f1_{average}"] == sk.f1_score(y_true, y_pred, average=average, zero_division=0)
    assert found["jaccard_samples"] == sk.jaccard_score(y_true, y_pred, average="samples", zero_division=0)
    assert found["subset_accuracy"] == np.mean([a.tolist() == b.tolist() for a, b in zip(y_true, y_pred, strict=True)])
    assert found["hamming_loss"] == pytest.approx(np.mean(y_true != y_pred))
    assert found["lrap"] == pytest.approx(sk.label_ranking_average_precision_score(y_true, y_score))
    ap = [sk.average_precision_score(y_true[:, i], y_score[:, i]) for i in range(num_labels)]
    assert found["map"] == pytest.approx(np.mean(ap))
    assert set(found) == set(metrics_of(MULTI))


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(4, 30), st.integers(2, 4))
def test_single_label_metrics_are_scikit_learns_on_class_numbers(seed: int, n: int, num_labels: int) -> None:
    rng = np.random.default_rng(seed)
    gold = np.append(np.arange(num_labels), rng.integers(0, num_labels, n))
    y_score = rng.dirichlet(np.ones(num_labels), len(gold))
    best = y_score.argmax(axis=1)
    eye = np.eye(num_labels, dtype=int)
    found = compute_metrics(SINGLE, eye[gold], y_score, eye[best])
    assert found["accuracy"] == sk.accuracy_score(gold, best)
    assert found["f1_macro"] == pytest.approx(
        sk.f1_score(gold, best, labels=range(num_labels), average="macro", zero_division=0)
    )
    assert found["mcc"] == pytest.approx(sk.matthews_corrcoef(gold, best))
    auc = (
        sk.roc_auc_score(gold, y_score[:, 1])
        if num_labels == 2
        else sk.roc_auc_score(gold, y_score, multi_class="ovr", average="macro")
    )
    assert found["auc"] == pytest.approx(auc)


def test_nothing_gold_at_all_gives_zeros_and_nan_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    nothing = np.zeros((3, 2), int)
    found = compute_metrics(MULTI, nothing, np.full((3, 2), 0.2), nothing)
    assert found["f1_macro"] == found["f1_samples"] == found["jaccard_samples"] == 0
    assert np.isnan(found["map"])
    assert found["subset_accuracy"] == 1
    one_class = np.eye(2, dtype=int)[[1, 1]]
    assert np.isnan(compute_metrics(SINGLE, one_class, np.array([[0.4, 0.6], [0.1, 0.9]]), one_class)["auc"])
    # Threads of an app that an earlier test has started may warn of something else meanwhile.
    numeric = (RuntimeWarning, UndefinedMetricWarning)
    assert [str(each.message) for each in recwarn if issubclass(each.category, numeric)] == []


def test_ece_worked_by_hand() -> None:
    confidence = np.array([0.2, 0.9, 0.4, 0.8])
    correct = np.array([0, 1, 1, 0])
    # Two bins of equal mass: (0.2, 0.4) with 1 of 2 right, (0.8, 0.9) with 1 of 2 right.
    assert calibration_error(confidence, correct, bins=2) == pytest.approx(0.5 * 0.2 + 0.5 * 0.35)
    # More bins than rows: every row is a bin.
    assert calibration_error(confidence, correct) == pytest.approx((0.2 + 0.1 + 0.6 + 0.8) / 4)
    # Three rows over two bins: two and one.
    assert calibration_error(np.array([0.1, 0.3, 0.5]), np.array([0, 0, 1]), bins=2) == pytest.approx(
        2 / 3 * 0.2 + 1 / 3 * 0.5
    )


def test_single_label_ece_looks_at_the_top_label_only() -> None:
    y_score = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
    y_true = np.array([[1, 0, 0], [1, 0, 0]])
    found = compute_metrics(SINGLE, y_true, y_score, np.array([[1, 0, 0], [0, 0, 1]]))
    assert found["ece"] == pytest.approx((0.3 + 0.4) / 2)


@given(arrays(float, st.integers(1, 40), elements=st.floats(0, 1)), st.integers(1, 20))
def test_ece_is_at_most_one_and_at_least_the_mean_gap(confidence: np.ndarray, bins: int) -> None:
    correct = (np.arange(len(confidence)) % 3 == 0).astype(int)
    found = calibration_error(confidence, correct, bins)
    assert abs(confidence.mean() - correct.mean()) - 1e-9 <= found <= 1


def test_perfect_calibration_has_no_error() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(200_000)
    assert calibration_error(confidence, rng.random(200_000) < confidence) < 0.01


def test_per_label_numbers_worked_by_hand() -> None:
    found = metrics_of_labels(Scored(MULTI, Y_TRUE, Y_SCORE, Y_PRED))
    np.testing.assert_allclose(found["precision"], [2 / 3, 1 / 2, 0])
    np.testing.assert_allclose(found["recall"], [1, 1 / 2, 0])
    np.testing.assert_allclose(found["f1"], [4 / 5, 1 / 2, 0])
    np.testing.assert_array_equal(found["support"], [2, 2, 0])
    np.testing.assert_allclose(found["average_precision"], [1, 7 / 12, np.nan])


def test_per_label_numbers_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(4)
    y_true, y_score = (rng.random((200, 5)) < 0.2).astype(np.int8), np.round(rng.random((200, 5)), 2)  # with ties
    y_pred = (y_score > 0.6).astype(np.int8)
    found = metrics_of_labels(Scored(MULTI, y_true, y_score, y_pred))
    precision, recall, f1, support = sk.precision_recall_fscore_support(y_true, y_pred, average=None)
    for name, expected in {"precision": precision, "recall": recall, "f1": f1, "support": support}.items():
        np.testing.assert_allclose(found[name], expected, atol=1e-12)
    expected = sk.average_precision_score(y_true, y_score, average=None)
    np.testing.assert_allclose(found["average_precision"], expected, atol=1e-12)


@pytest.mark.parametrize("problem_type", [MULTI, SINGLE])
def test_the_evaluate_metric_gives_the_same_numbers(problem_type: str) -> None:
    rng = np.random.default_rng(3)
    y_score = rng.integers(0, 1024, (50, 4)) / 1024  # exact in single precision
    y_true = rng.integers(0, 2, (50, 4)) if problem_type == MULTI else np.eye(4, dtype=int)[rng.integers(0, 4, 50)]
    y_pred = (y_score > 0.5).astype(np.int8)
    metric = ClassificationMetrics(problem_type)
    assert metric.compute(predictions=y_score, references=y_true, y_pred=y_pred) == pytest.approx(
        compute_metrics(problem_type, y_true, y_score, y_pred), abs=1e-12
    )
    again = metric.compute(predictions=y_score[:20], references=y_true[:20], y_pred=y_pred[:20])
    assert again == pytest.approx(compute_metrics(problem_type, y_true[:20], y_score[:20], y_pred[:20]), abs=1e-12)


def test_an_unknown_metric_is_met_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"'f1_macr'.*Did you mean 'f1_macro'"):
        get_metric(MULTI, "f1_macr")
    with pytest.raises(UserError, match="accuracy"):
        get_metric(MULTI, "accuracy")  # has two meanings there, so is not one
    assert get_metric(SINGLE, "mcc")(np.eye(2), np.eye(2), np.eye(2)) == 1
