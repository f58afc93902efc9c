"""Which states of a text's tokens the classification head reads: those of the first token, or of all of them."""

from typing import TYPE_CHECKING, Any, Literal

from zoo.errors import UserError

if TYPE_CHECKING:  # recipes name the kinds of pooling, and are read without torch
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel

Pooling = Literal["head", "cls", "mean", "max"]
# Architectures whose head takes the first token's state, by their model_type.
_FIRST_TOKEN = frozenset(
    "albert bert camembert data2vec-text deberta deberta-v2 distilbert electra ernie ibert megatron-bert mpnet "
    "rembert roberta xlm-roberta xlm-roberta-xl".split()
)


def pool_tokens(model: "PreTrainedModel", pooling: Pooling) -> "PreTrainedModel":
    """Give the model's head another summary of a text; return the same model.

    The head of these architectures takes the state of the first token, BERT's through a layer of its own, the pooler.
    "head" keeps that. "cls" gives the head the first token's state without a pooler. "mean" and "max" give it the mean
    or the maximum of the states of all tokens that are not padding.

    Raises:
        UserError: the head of this architecture does not take the first token's state.
    """
    if pooling == "head":
        return model
    kind = model.config.model_type
    if kind not in _FIRST_TOKEN:
        raise UserError(f"pooling: '{pooling}' is not available for models of the type '{kind}'; leave it at 'head'")

    import torch

    def pooled(module: "Module", args: Any, kwargs: dict[str, Any], output: Any) -> Any:
        summary = summarise(output.last_hidden_state, kwargs["attention_mask"], pooling)
        if "pooler_output" in output:
            output.pooler_output = summary
        else:
            output.last_hidden_state = torch.cat([summary[:, None], output.last_hidden_state[:, 1:]], dim=1)
        return output

    model.base_model.register_forward_hook(pooled, with_kwargs=True)
    return model


def summarise(states: "Tensor", mask: "Tensor", pooling: Pooling) -> "Tensor":
    """Return (n, hidden_size) for states (n, length, hidden_size) and a mask (n, length) that is 0 at padding."""
    if pooling == "cls":
        return states[:, 0]
    real = mask[:, :, None].to(states.dtype)
    if pooling == "mean":
        return (states * real).sum(dim=1) / real.sum(dim=1)
    return states.masked_fill(real == 0, float("-inf")).amax(dim=1)
