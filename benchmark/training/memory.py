"""How much memory a training will take, by the encoder's shape and the recipe, before its weights are there."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark.training.recipes import Recipe
from zoo.hardware import multiplies_in_bf16

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class MemoryOptions:
    """How a training is made to fit into memory. The gradient stays that of the recipe's batch.

    micro_batch: texts that are in memory at once at most; 0 for the recipe's batch. Parts that do not fit are halved.
    gradient_checkpointing: each layer keeps its input alone; the rest is computed again for the gradient.
    """

    micro_batch: int = 0
    gradient_checkpointing: bool = False


WHOLE_BATCHES = MemoryOptions()


def memory_estimate(model: "PreTrainedModel", recipe: Recipe, memory: MemoryOptions = WHOLE_BATCHES) -> float:
    """Return about how many bytes a training takes with each text as long as the recipe reads.

    Weights take 4 bytes; a trained one takes 12 more for its gradient and AdamW's two means. A layer keeps 34 bytes for
    each token and hidden unit, and 5 for each pair of tokens and head, in 16 bits (Korthikanti et al. 2022, equation
    2), and twice as many in 32. What the process takes without a model, from half a GiB to one, is not in it.

    Args:
        model: one without memory will do, such as `zoo.checkpoints.pretrained.empty_model` makes.
        recipe: how it is trained.
    """
    config, length = model.config, recipe.max_length
    held = sum(tensor.numel() for tensor in model.parameters())
    embeddings: Any = model.get_input_embeddings()
    frozen = embeddings.weight.numel() if recipe.freeze_embeddings else 0
    bf16 = recipe.precision == "bf16" or (recipe.precision == "auto" and multiplies_in_bf16())
    tokens = recipe.batch_size * length * config.num_hidden_layers
    kept = tokens * (34 * config.hidden_size + 5 * config.num_attention_heads * length)
    return 4 * held + 12 * (held - frozen) + kept * (1 if bf16 else 2)
