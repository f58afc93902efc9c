"""A training that has failed is told from one that has not."""

import numpy as np
import pytest

from benchmark.training.divergence import why_diverged
from benchmark.training.runs import Epoch

FELL = [Epoch(epoch=1, loss=0.5, main_metric=0.4)]
GOLD = np.array([[1, 0], [0, 1], [1, 0]], np.int8)
APART = np.array([[2.0, -2.0], [-1.0, 1.0], [0.5, -0.5]])
ONE_CLASS = np.array([[2.0, -2.0], [1.0, -1.0], [0.5, -0.5]])  # it wins in every row, but the scores still differ
ALIKE = np.array([[0.7, -0.7], [0.701, -0.7], [0.7, -0.701]])


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize(
    ("epochs", "logits", "reason"),
    [
        (FELL, APART, ""),
        (FELL, ONE_CLASS, ""),
        (FELL, ALIKE, "the model says the same of every validation row"),
        ([*FELL, Epoch(epoch=2, loss=0.4, main_metric=0.4)], APART, ""),
        ([*FELL, Epoch(epoch=2, loss=None, main_metric=0.0)], APART, "the training loss is not a finite number"),
        (
            [*FELL, Epoch(epoch=2, loss=0.51, main_metric=0.4)],
            APART,
            "the training loss did not fall: 0.500 in the first epoch, 0.510 in the last",
        ),
    ],
)
def test_the_reason_is_told(epochs: list[Epoch], logits: np.ndarray, reason: str, multi_label: bool) -> None:
    assert why_diverged(epochs, logits, GOLD, multi_label) == reason


def test_rows_that_are_alike_may_be_answered_alike() -> None:
    assert why_diverged(FELL, ALIKE, GOLD[:1].repeat(3, axis=0), False) == ""
