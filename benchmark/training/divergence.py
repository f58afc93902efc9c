"""Whether a training has failed, so that its scores say nothing about the encoder."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import expit, softmax

from benchmark.training.runs import Epoch

_SPREAD = 0.01


def why_diverged(epochs: Sequence[Epoch], logits: np.ndarray, y_true: np.ndarray, multi_label: bool) -> str:
    """Return why a training has failed, in one line, or "".

    Args:
        epochs: what was recorded after each.
        logits: of the validation rows, shape (n, num_labels).
        y_true: their gold labels, of the same shape.
        multi_label: whether a row can have several labels.

    A training has failed if a loss is no finite number, if the loss does not fall from the first epoch to the last, or
    if the model says the same of every row although the rows differ: no label's score varies by more than _SPREAD,
    before any temperature, which makes the scores of a weak model alike.
    Mosbach et al. 2021 describe the last kind: the gradients vanish, and the model never leaves the labels'
    frequencies. That one class wins in every row is no sign: where it is frequent, it may.
    """
    losses = [math.nan if epoch.loss is None else epoch.loss for epoch in epochs]
    if not np.isfinite(losses).all():
        return "the training loss is not a finite number"
    if len(losses) > 1 and losses[-1] >= losses[0]:
        return f"the training loss did not fall: {losses[0]:.3f} in the first epoch, {losses[-1]:.3f} in the last"
    y_score = expit(logits) if multi_label else softmax(logits, axis=1)
    if len(np.unique(y_true, axis=0)) > 1 and np.ptp(y_score, axis=0).max() < _SPREAD:
        return "the model says the same of every validation row"
    return ""


def finite(loss: float) -> float | None:
    """Return a loss, or None if it is no finite number."""
    return loss if math.isfinite(loss) else None
