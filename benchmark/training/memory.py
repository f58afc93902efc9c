"""How much memory a training will take, by the encoder's shape and the recipe, before its weights are there."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark.training.recipes import Recipe
from zoo.errors import UserError
from zoo.hardware import device, multiplies_in_bf16

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class MemoryOptions:
    """How a training is made to fit into memory. The gradient stays that of the recipe's batch. On a CPU, memory that
    is freed is also given back at once, which takes time (see `zoo.hardware.spare_memory`).

    micro_batch: texts that are in memory at once at most; 0 for the recipe's batch. Parts that do not fit are halved.
    gradient_checkpointing: each layer keeps its input alone; the rest is computed again for the gradient.
    """

    micro_batch: int = 0
    gradient_checkpointing: bool = False


WHOLE_BATCHES = MemoryOptions()
_PROCESS = 0.6 * 2**30  # Python, torch and transformers
USUAL = 512  # tokens: longer texts are told to be costly


def memory_estimate(model: "PreTrainedModel", recipe: Recipe, options: MemoryOptions = WHOLE_BATCHES) -> float:
    """Return about how many bytes a training takes with each text as long as the recipe reads.

    Weights take 4 bytes, and 2 more under bf16 autocast; a trained one takes 12 more for its gradient and AdamW's two
    means. A layer keeps 34 bytes for each token and hidden unit, and 5 for each pair of tokens and head, in 16 bits
    (Korthikanti et al. 2022, equation 2), and twice as many in 32; half as many more were measured under autocast,
    which leaves some in 32 bits, and again with LoRA. With gradient checkpointing a layer keeps its input, and one
    layer at a time the rest. On a CPU the process itself is counted. In float32, freed memory that a CPU's process
    keeps in pieces adds 4 bytes for each trained weight, and with LoRA 1.5 times what the layers keep; both were
    measured.

    Args:
        model: one without memory will do, such as `zoo.checkpoints.pretrained.empty_model` makes.
        recipe: how it is trained.
        options: how it is made to fit.
    """
    config, length = model.config, recipe.max_length
    held = sum(tensor.numel() for tensor in model.parameters())
    bf16 = use_bf16(recipe)
    tokens = min(options.micro_batch or recipe.batch_size, recipe.batch_size) * length
    in_pieces = device() == "cpu" and not bf16 and options == WHOLE_BATCHES
    widths = (1.5 if bf16 else 2) * (1 if not recipe.lora_rank else 1.5 if bf16 else 2.5 if in_pieces else 1)
    layer = widths * tokens * (34 * config.hidden_size + 5 * config.num_attention_heads * length)
    layers = config.num_hidden_layers
    kept = layer + layers * tokens * 4 * config.hidden_size if options.gradient_checkpointing else layers * layer
    process = _PROCESS if device() == "cpu" else 0
    each = 16 if in_pieces else 12
    return (6 if bf16 else 4) * held + each * _trained(model, recipe, held) + kept + process


def use_bf16(recipe: Recipe) -> bool:
    """Return whether to train under bf16 autocast: as the recipe says, or where the hardware multiplies in bf16."""
    return multiplies_in_bf16() if recipe.precision == "auto" else recipe.precision == "bf16"


def _trained(model: "PreTrainedModel", recipe: Recipe, held: int) -> int:
    """Return how many weights are trained."""
    if recipe.lora_rank:
        matrices = (tensor.shape for name, tensor in model.named_parameters() if tensor.ndim == 2 and "layer" in name)
        return sum(recipe.lora_rank * sum(shape) for shape in matrices)
    embeddings: Any = model.get_input_embeddings()
    return held - (embeddings.weight.numel() if recipe.freeze_embeddings else 0)


def tell_length(model: "PreTrainedModel", recipe: Recipe, longest: int, options: MemoryOptions) -> str:
    """Return what texts of `longest` tokens cost, in one line, or "" where they are not longer than USUAL."""
    if longest <= USUAL:
        return ""
    work = _work(model, longest) / _work(model, 128)
    asked = recipe.model_copy(update={"max_length": longest})
    least = MemoryOptions(micro_batch=1, gradient_checkpointing=model.supports_gradient_checkpointing)
    here, there = (memory_estimate(model, asked, each) / 2**30 for each in (options, least))
    how = "--micro-batch 1" + " --gradient-checkpointing" * least.gradient_checkpointing
    return (
        f"texts of {longest:,} tokens: each takes about {work:.0f} times the work of one of 128, and training about "
        f"{here:.1f} GiB of memory" + (f"; with {how} about {there:.1f} GiB" if options != least else "")
    )


def _work(model: "PreTrainedModel", length: int) -> float:
    """Return the operations for a text in units of two: a product for each weight and token, two for each pair."""
    embeddings: Any = model.get_input_embeddings()
    weights = sum(tensor.numel() for tensor in model.parameters()) - embeddings.weight.numel()
    return length * (weights + 2 * length * model.config.hidden_size * model.config.num_hidden_layers)


def check_checkpointing(model: "PreTrainedModel", options: MemoryOptions) -> None:
    """Raise UserError where gradient checkpointing is asked for, and the architecture has none."""
    if options.gradient_checkpointing and not model.supports_gradient_checkpointing:
        raise UserError(
            f"transformers has no gradient checkpointing for models of the type '{model.config.model_type}'; leave "
            "--gradient-checkpointing out, or give a lower --micro-batch"
        )
