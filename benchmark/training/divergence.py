"""Whether a training has failed, so that its scores say nothing about the encoder."""

import math
from collections.abc import Sequence

import numpy as np

from benchmark.training.runs import Epoch


def why_diverged(epochs: Sequence[Epoch], logits: np.ndarray, y_true: np.ndarray, multi_label: bool) -> str:
    """Return why a training has failed, in one line, or "".

    Args:
        epochs: what was recorded after each.
        logits: of the validation rows, shape (n, num_labels).
        y_true: gold labels of the validation rows, of the same shape.
        multi_label: whether a row can have several labels.

    A training has failed if a loss or a logit is no finite number, if the loss does not fall from the first epoch to
    the last, or if the model says the same of every row although the rows differ. Mosbach et al. 2021 describe the last
    kind: the gradients vanish, and the model never leaves the labels' frequencies.
    """
    losses = [math.nan if epoch.loss is None else epoch.loss for epoch in epochs]
    if not np.isfinite(losses).all():
        return "the training loss is not a finite number"
    if not np.isfinite(logits).all():
        return "the model's outputs are not finite numbers"
    if len(losses) > 1 and losses[-1] >= losses[0]:
        return f"the training loss did not fall: {losses[0]:.3f} in the first epoch, {losses[-1]:.3f} in the last"
    if len(np.unique(y_true, axis=0)) > 1 and _says_the_same(logits, multi_label):
        return "the model says the same of every validation row"
    return ""


def _says_the_same(logits: np.ndarray, multi_label: bool) -> bool:
    """Return whether the rows' logits differ by less than a hundredth, or one class wins in every row."""
    if multi_label:
        return bool(np.ptp(logits, axis=0).max() < 0.01)
    return len(np.unique(logits.argmax(axis=1))) == 1


def finite(loss: float) -> float | None:
    """Return a loss, or None if it is no finite number."""
    return loss if math.isfinite(loss) else None
