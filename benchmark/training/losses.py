"""The training losses, also with a teacher, and the start of the head's bias, for single- and multi-label tasks."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

Loss = Callable[..., torch.Tensor]
SOFTNESS = 2.0  # the temperature at which a student learns a teacher's logits


def make_loss(multi_label: bool, over_labels: Literal["sum", "mean"], weights: np.ndarray | None) -> Loss:
    """Return the loss in the signature of Trainer's `compute_loss_func`, averaged over the rows of a batch.

    Args:
        multi_label: binary cross-entropy of each label; otherwise cross-entropy over the labels.
        over_labels: how the losses of the labels are combined in a multi-label task. transformers takes the mean, which
            makes the gradient num_labels times smaller.
        weights: class weights of shape (num_labels,); in a multi-label task they weight the positives.
    """
    weight = None if weights is None else torch.tensor(weights, dtype=torch.float32)

    def loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        logits = outputs["logits"].float()
        on_device = None if weight is None else weight.to(logits.device)
        if not multi_label:
            return cross_entropy(logits, labels.argmax(dim=1), weight=on_device)
        each = binary_cross_entropy_with_logits(logits, labels, reduction="none", pos_weight=on_device)
        return (each.sum(dim=1) if over_labels == "sum" else each.mean(dim=1)).mean()

    return loss


def with_teacher(loss: Loss, multi_label: bool, over_labels: Literal["sum", "mean"]) -> Loss:
    """Return the mean of a loss and of one that compares the logits with a teacher's, in the signature of `loss`.

    The second is the cross-entropy with the teacher's scores, both at the temperature SOFTNESS; its square keeps the
    gradient's size (Hinton et al. 2015, "Distilling the Knowledge in a Neural Network").

    Args:
        loss, multi_label, over_labels: as `make_loss` gives and takes them. `labels` then holds each row's labels and
            the teacher's logits after them, shape (n, 2 * num_labels).
    """

    def both(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        y_true, teacher = labels.chunk(2, dim=1)
        student = outputs["logits"].float() / SOFTNESS
        if multi_label:
            target = torch.sigmoid(teacher / SOFTNESS)
            each = binary_cross_entropy_with_logits(student, target, reduction="none")
            soft = (each.sum(dim=1) if over_labels == "sum" else each.mean(dim=1)).mean()
        else:
            soft = cross_entropy(student, torch.softmax(teacher / SOFTNESS, dim=1))
        return (loss(outputs, y_true) + SOFTNESS**2 * soft) / 2

    return both


def make_divisor(multi_label: bool, weights: np.ndarray | None) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return what tells, of the labels of some rows, by how much `make_loss` divides its sum over them.

    It is their number; with class weights in a single-label task, the sum of the weights of their classes. So the loss
    of a batch is the mean of the losses of its parts, weighted by their divisors.
    """
    weight = None if weights is None or multi_label else torch.tensor(weights, dtype=torch.float32)

    def divisor(labels: torch.Tensor) -> torch.Tensor:
        if weight is None:
            return torch.tensor(float(len(labels)), device=labels.device)
        return weight.to(labels.device)[labels.argmax(dim=1)].sum()

    return divisor


def balanced_weights(y_true: np.ndarray, multi_label: bool) -> np.ndarray:
    """Return weights, shape (num_labels,), that give every class the same influence.

    Multi-label: negatives over positives, at most 100, since a rare label would otherwise dominate the others.
    Single-label: n / (num_labels * count), as scikit-learn's `class_weight="balanced"`.
    """
    positives = np.maximum(y_true.sum(axis=0), 1)
    if multi_label:
        return np.minimum((len(y_true) - positives) / positives, 100.0)
    return len(y_true) / (y_true.shape[1] * positives)


def start_at_prior(head: torch.nn.Linear, y_true: np.ndarray, multi_label: bool) -> None:
    """Set the bias of the last layer to the labels' log odds (multi-label) or log frequencies (single-label).

    Half a row is added to positives and negatives, so that a label without any has finite log odds.
    """
    positives = y_true.sum(axis=0) + 0.5
    negatives = len(y_true) - y_true.sum(axis=0) + 0.5
    prior = np.log(positives / negatives) if multi_label else np.log(positives / (len(y_true) + 0.5 * y_true.shape[1]))
    with torch.no_grad():
        head.bias.copy_(torch.tensor(prior, dtype=head.bias.dtype))


def last_linear(model: torch.nn.Module, num_labels: int) -> torch.nn.Linear:
    """Return the layer that computes the logits: the last linear one with `num_labels` outputs."""
    layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear) and m.out_features == num_labels]
    return layers[-1]
