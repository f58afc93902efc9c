"""A training that has failed is told from one that has not."""

import numpy as np
import pytest

from benchmark.training.divergence import why_diverged
from benchmark.training.runs import Epoch

FELL = [Epoch(epoch=1, loss=0.5, main_metric=0.4)]
GOLD = np.array([[1, 0], [0, 1], [1, 0]], np.int8)
APART = np.array([[1.0, -1.0], [-1.0, 1.0], [0.5, 0.2]])
ONE_CLASS = APART + np.array([3, 0])


@pytest.mark.parametrize(
    ("epochs", "logits", "multi_label", "reason"),
    [
        (FELL, APART, False, ""),
        (FELL, APART, True, ""),
        ([*FELL, Epoch(epoch=2, loss=None, main_metric=0.0)], APART, False, "the training loss is not a finite number"),
        (FELL, APART * np.nan, False, "the model's outputs are not finite numbers"),
        (FELL, ONE_CLASS, False, "the model says the same of every validation row"),  # the first class wins
        (
            [*FELL, Epoch(epoch=2, loss=0.51, main_metric=0.4)],
            APART,
            False,
            "the training loss did not fall: 0.500 in the first epoch, 0.510 in the last",
        ),
        (FELL, ONE_CLASS, True, ""),  # the rows still differ
        (FELL, APART / 1000, True, "the model says the same of every validation row"),
    ],
)
def test_the_reason_is_told(epochs: list[Epoch], logits: np.ndarray, multi_label: bool, reason: str) -> None:
    assert why_diverged(epochs, logits, GOLD, multi_label) == reason


def test_rows_that_are_alike_may_be_answered_alike() -> None:
    assert why_diverged(FELL, ONE_CLASS, GOLD[:1].repeat(3, axis=0), False) == ""
