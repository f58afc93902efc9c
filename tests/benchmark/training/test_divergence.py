"""A training that has failed is told from one that has not."""

import numpy as np
import pytest

from benchmark.training.divergence import why_diverged
from benchmark.training.runs import Epoch

FELL = [Epoch(epoch=1, loss=0.5, main_metric=0.4)]
GOLD = np.array([[1, 0], [0, 1], [1, 0]], np.int8)
APART = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
ONE_CLASS = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])  # it wins in every row, but the scores still differ
ALIKE = np.array([[0.667, 0.333], [0.668, 0.332], [0.666, 0.334]])


@pytest.mark.parametrize(
    ("epochs", "y_score", "reason"),
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
def test_the_reason_is_told(epochs: list[Epoch], y_score: np.ndarray, reason: str) -> None:
    assert why_diverged(epochs, y_score, GOLD) == reason


def test_rows_that_are_alike_may_be_answered_alike() -> None:
    assert why_diverged(FELL, ALIKE, GOLD[:1].repeat(3, axis=0)) == ""
