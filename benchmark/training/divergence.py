"""Whether a training has failed, so that its scores say nothing about the encoder."""

import math
from collections.abc import Sequence

import numpy as np

from benchmark.training.runs import Epoch

_SPREAD = 0.01


def why_diverged(epochs: Sequence[Epoch], y_score: np.ndarray, y_true: np.ndarray) -> str:
    """Return why a training has failed, in one line, or "".

    Args:
        epochs: what was recorded after each.
        y_score: scores of the validation rows, shape (n, num_labels).
        y_true: their gold labels, of the same shape.

    A training has failed if a loss is no finite number, if the loss does not fall from the first epoch to the last, or
    if the model says the same of every row although the rows differ: no label's score varies by more than _SPREAD.
    Mosbach et al. 2021 describe the last kind: the gradients vanish, and the model never leaves the labels'
    frequencies. That one class wins in every row is no sign: where it is frequent, it may.
    """
    losses = [math.nan if epoch.loss is None else epoch.loss for epoch in epochs]
    if not np.isfinite(losses).all():
        return "the training loss is not a finite number"
    if len(losses) > 1 and losses[-1] >= losses[0]:
        return f"the training loss did not fall: {losses[0]:.3f} in the first epoch, {losses[-1]:.3f} in the last"
    if len(np.unique(y_true, axis=0)) > 1 and np.ptp(y_score, axis=0).max() < _SPREAD:
        return "the model says the same of every validation row"
    return ""


def finite(loss: float) -> float | None:
    """Return a loss, or None if it is no finite number."""
    return loss if math.isfinite(loss) else None
