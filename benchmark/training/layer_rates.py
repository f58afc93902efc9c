"""Layer-wise decay of the learning rate: the lower a layer, the less it changes (Howard and Ruder 2018)."""

import re

from torch.nn import Parameter
from torch.optim import AdamW
from transformers import PreTrainedModel

from benchmark.training.recipes import Recipe

_LAYER = re.compile(r"\.layers?\.(\d+)\.")


def layerwise_optimizer(model: PreTrainedModel, recipe: Recipe) -> AdamW:
    """Return AdamW with a learning rate for each layer: the head has the recipe's, the embeddings the lowest."""
    groups: dict[tuple[int, bool], list[Parameter]] = {}
    depth = model.config.num_hidden_layers
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            is_matrix = parameter.ndim > 1  # biases and norms do not decay, as in transformers
            groups.setdefault((_steps_down(name, model.base_model_prefix, depth), is_matrix), []).append(parameter)
    return AdamW(
        [
            {
                "params": parameters,
                "lr": recipe.learning_rate * recipe.layer_decay**down,
                "weight_decay": recipe.weight_decay if is_matrix else 0.0,
            }
            for (down, is_matrix), parameters in groups.items()
        ],
        fused=True,
    )


def _steps_down(name: str, body: str, depth: int) -> int:
    """Return how many layers lie above a parameter: 0 for the head, 1 for the last layer."""
    if not name.startswith(f"{body}."):
        return 0
    if found := _LAYER.search(name):
        return depth - int(found[1])
    return depth + 1 if "embedding" in name else 0
