"""Losses against torch and scikit-learn, worked out the long way."""

from typing import Literal

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax
from scipy.special import logit as scipy_logit
from sklearn.utils.class_weight import compute_class_weight

from benchmark.training.losses import balanced_weights, last_linear, make_loss, start_at_prior
from zoo.checkpoints.loading import new_model

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 4)) * 3
MULTI = RNG.integers(0, 2, (6, 4))
SINGLE = np.eye(4)[[0, 1, 2, 3, 3, 1]]
WEIGHTS = np.array([1.0, 2.0, 0.5, 4.0])


def _loss(
    multi_label: bool, over: Literal["sum", "mean"], weights: np.ndarray | None, y_true: np.ndarray, kind: torch.dtype
) -> float:
    outputs = {"logits": torch.tensor(LOGITS, dtype=kind)}
    labels = torch.tensor(y_true, dtype=torch.float32)
    return float(make_loss(multi_label, over, weights)(outputs, labels, num_items_in_batch=torch.tensor(99)))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_multi_label_loss_is_binary_cross_entropy_summed_or_averaged_over_labels(weights: np.ndarray | None) -> None:
    weight = np.ones(4) if weights is None else weights
    each = -(weight * MULTI * np.log(expit(LOGITS)) + (1 - MULTI) * np.log(expit(-LOGITS)))
    assert _loss(True, "sum", weights, MULTI, torch.float32) == pytest.approx(each.sum(axis=1).mean(), rel=1e-5)
    assert _loss(True, "mean", weights, MULTI, torch.float32) == pytest.approx(each.mean(), rel=1e-5)


def test_the_mean_is_the_loss_that_transformers_takes_itself() -> None:
    theirs = torch.nn.BCEWithLogitsLoss()(torch.tensor(LOGITS), torch.tensor(MULTI, dtype=torch.float64))
    assert _loss(True, "mean", None, MULTI, torch.float32) == pytest.approx(float(theirs), rel=1e-5)


def test_single_label_loss_is_cross_entropy() -> None:
    each = -(SINGLE * log_softmax(LOGITS, axis=1)).sum(axis=1)
    assert _loss(False, "sum", None, SINGLE, torch.float32) == pytest.approx(each.mean(), rel=1e-5)
    weight = SINGLE @ WEIGHTS
    expected = (weight * each).sum() / weight.sum()
    assert _loss(False, "sum", WEIGHTS, SINGLE, torch.float32) == pytest.approx(expected, rel=1e-5)


def test_half_precision_logits_are_summed_in_single_precision() -> None:
    exact = _loss(True, "sum", None, MULTI, torch.float32)
    assert _loss(True, "sum", None, MULTI, torch.bfloat16) == pytest.approx(exact, rel=0.02)
    loss = make_loss(True, "sum", None)({"logits": torch.zeros(2, 3, dtype=torch.bfloat16)}, torch.zeros(2, 3))
    assert loss.dtype == torch.float32


def test_single_label_weights_are_scikit_learns_balanced_ones() -> None:
    gold = RNG.integers(0, 4, 200)
    ours = balanced_weights(np.eye(4, dtype=np.int8)[gold], multi_label=False)
    np.testing.assert_allclose(ours, compute_class_weight("balanced", classes=np.arange(4), y=gold))


def test_multi_label_weights_are_negatives_over_positives_bounded() -> None:
    y_true = np.zeros((1000, 4), np.int8)
    y_true[:500, 0] = y_true[:100, 1] = y_true[:1, 2] = 1
    np.testing.assert_allclose(balanced_weights(y_true, multi_label=True), [1, 9, 100, 100])


def test_a_class_without_rows_has_a_finite_weight() -> None:
    y_true = np.array([[1, 0], [1, 0]], np.int8)
    for multi_label in (True, False):
        assert np.isfinite(balanced_weights(y_true, multi_label)).all()


def test_the_head_starts_at_the_logit_of_the_labels_frequencies() -> None:
    y_true = (RNG.random((20_000, 3)) < [0.5, 0.1, 0.01]).astype(np.int8)
    head = torch.nn.Linear(5, 3)
    start_at_prior(head, y_true, multi_label=True)
    np.testing.assert_allclose(head.bias.detach().numpy(), scipy_logit(y_true.mean(axis=0)), atol=0.01)


def test_a_single_label_head_starts_at_scores_equal_to_the_classes_shares() -> None:
    y_true = np.eye(3, dtype=np.int8)[np.repeat([0, 1, 2], [6000, 3000, 1000])]
    head = torch.nn.Linear(5, 3)
    start_at_prior(head, y_true, multi_label=False)
    np.testing.assert_allclose(torch.softmax(head.bias, 0).detach().numpy(), [0.6, 0.3, 0.1], atol=1e-3)


def test_a_label_without_positives_or_negatives_has_finite_log_odds() -> None:
    y_true = np.column_stack([np.zeros(9), np.ones(9)]).astype(np.int8)
    head = torch.nn.Linear(5, 2)
    start_at_prior(head, y_true, multi_label=True)
    np.testing.assert_allclose(head.bias.detach().numpy(), [np.log(0.5 / 9.5), np.log(9.5 / 0.5)], rtol=1e-6)


@pytest.mark.parametrize("kind", ["tiny_bert", "tiny_roberta"])
@pytest.mark.parametrize("num_labels", [2, 32, 64])  # 32 and 64 are sizes of hidden layers, too
def test_the_layer_found_is_the_one_that_gives_the_logits(
    kind: str, num_labels: int, request: pytest.FixtureRequest
) -> None:
    labels = tuple(f"label {i}" for i in range(num_labels))
    model = new_model(request.getfixturevalue(kind), "multi_label_classification", labels).eval()
    head = last_linear(model, num_labels)
    with torch.inference_mode():
        head.weight.zero_()
        head.bias.copy_(torch.arange(num_labels))
        logits = model(torch.tensor([[5, 6, 7]])).logits
    np.testing.assert_allclose(logits.numpy(), [np.arange(num_labels)])
