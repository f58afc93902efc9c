"""What a fine-tuned model's logits notice: the second moments of each layer's inputs, and of the logits' gradients at
its outputs. `zoo.encoders.low_rank` weights the error of a smaller checkpoint by them. No gold labels are needed."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Embedding, Linear, Module
from transformers import PreTrainedModel

from zoo.encoders.low_rank import Moments


def measure_moments(model: PreTrainedModel, token_ids: Sequence[Sequence[int]]) -> dict[str, Moments]:
    """Return the moments of each matrix that multiplies or looks up something, by its name in the model.

    The logits of a text are summed with random signs. So their gradients' second moments are those of all logits
    together (Hutchinson 1990), for one backward pass a text.

    Args:
        model: a model with a classification head.
        token_ids: those of each text, special ones included.
    """
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, Embedding | Linear)}
    handles = [layer.register_forward_hook(partial(_remember, seen, name)) for name, layer in layers.items()]
    signs = torch.Generator().manual_seed(0)
    inputs, gradients, counts = dict[str, Any](), dict[str, Any](), Counter[str]()
    model.eval()
    for ids in token_ids:
        own = torch.tensor([list(ids)])
        logits = model(input_ids=own, attention_mask=torch.ones_like(own)).logits
        signed = logits * (torch.randint(0, 2, logits.shape, generator=signs) * 2 - 1)
        outputs = [output for _, output in seen.values()]
        for (name, (given, _)), slope in zip(seen.items(), torch.autograd.grad(signed.sum(), outputs), strict=True):
            inputs[name] = inputs.get(name, 0) + _inputs(layers[name], given)
            gradients[name] = gradients.get(name, 0) + _square(slope)
            counts[name] += slope.shape[:-1].numel()
        seen.clear()
    for handle in handles:
        handle.remove()
    return {f"{name}.weight": _moments(layers[name], inputs[name] / counts[name], gradients[name]) for name in inputs}


def _remember(
    seen: dict[str, tuple[Tensor, Tensor]], name: str, _: Module, given: tuple[Tensor], output: Tensor
) -> None:
    seen[name] = given[0], output


def _inputs(layer: Module, given: Tensor) -> np.ndarray:
    """Return the sum of the inputs' squares; an embedding's inputs are ones and zeros, so their squares are counts."""
    if isinstance(layer, Embedding):
        return np.bincount(given.flatten().numpy(), minlength=layer.num_embeddings).astype(np.float64)
    return _square(given)


def _square(values: Tensor) -> np.ndarray:
    flat = values.detach().flatten(0, -2).double()
    return (flat.T @ flat).numpy()


def _moments(layer: Module, inputs: np.ndarray, gradients: np.ndarray) -> Moments:
    """Return moments by the rows and columns of the layer's matrix: an embedding has a row for each input."""
    return Moments(inputs, gradients) if isinstance(layer, Embedding) else Moments(gradients, inputs)
