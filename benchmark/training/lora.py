"""LoRA: an encoder's matrices stay as they are, and each learns a difference of low rank (Hu et al. 2021)."""

from collections.abc import Callable
from importlib.util import find_spec

from torch.nn import Linear
from transformers import PreTrainedModel

from zoo.errors import UserError

SCALE = 2  # alpha over rank, as in Biderman et al. 2024, "LoRA Learns Less and Forgets Less"


def find_peft() -> None:
    """Raise UserError where peft is not installed."""
    if find_spec("peft") is None:
        raise UserError("lora_rank needs peft; install it: pip install -r requirements-lora.txt")


def add_lora(model: PreTrainedModel, rank: int) -> Callable[[], object]:
    """Let every matrix of the encoder's layers learn a difference of `rank` alone; return what merges it at the end.

    The head, and a pooler, which can be new, are trained whole. Embeddings, norms and biases stay as they are.

    Raises:
        UserError: peft is not installed.
    """
    find_peft()
    from peft import LoraConfig, LoraModel

    body = f"{model.base_model_prefix}."
    frozen = [name for name, _ in model.named_parameters() if name.startswith(body) and "pooler" not in name]
    whole = [parameter for name, parameter in model.named_parameters() if name not in set(frozen)]
    targets = [
        name
        for name, module in model.named_modules()
        if isinstance(module, Linear) and name.startswith(body) and "pooler" not in name
    ]
    adapted = LoraModel(model, LoraConfig(r=rank, lora_alpha=SCALE * rank, target_modules=targets), "default")
    for parameter in whole:
        parameter.requires_grad_(True)
    return adapted.merge_and_unload
