"""The model to pretrain: one of transformers' masked language models, made from an encoder or from nothing."""

from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    PreTrainedTokenizerBase,
    RobertaConfig,
    RobertaForMaskedLM,
)

from zoo.errors import UserError
from zoo.pretraining.sequences import IGNORED, Special

# So short a pretraining sees no text often enough to memorise it, and dropout costs a seventh of a step.
NO_DROPOUT: dict[str, Any] = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
Pretrained = BertForPreTraining | RobertaForMaskedLM


class MaskedLanguageModel(torch.nn.Module):
    """Computes the loss on the masked positions alone.

    The product with the vocabulary is as large as the encoder itself. This way it is computed for one token in seven.
    `masked_losses` collects the masked tokens' part of the loss at each training step, for whoever shows it.
    """

    _keys_to_ignore_on_save = None  # Trainer reads it when a saved state has fewer names than the model

    def __init__(self, model: Pretrained) -> None:
        super().__init__()
        self.model = model
        self.masked_losses: list[torch.Tensor] = []

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """Name each tensor once: head and embeddings share a matrix, and safetensors stores no aliases."""
        first: dict[int, str] = {}
        whole = super().state_dict(*args, **kwargs)
        for name, tensor in whole.items():
            first.setdefault(tensor.data_ptr(), name)
        return {name: whole[name] for name in first.values()}

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
        labels: torch.Tensor,
        next_sentence_label: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Return `loss`, and `logits` of shape (number of masked positions, vocabulary).

        Args:
            input_ids, attention_mask, token_type_ids, labels: shape (n, length); labels are `IGNORED` where nothing is
                predicted.
            next_sentence_label: shape (n,), `IGNORED` where there is no second part.
        """
        types = token_type_ids if self.model.config.type_vocab_size > 1 else torch.zeros_like(token_type_ids)
        out = self.model.base_model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=types)
        masked = labels != IGNORED
        logits = mlm_head(self.model)(out.last_hidden_state[masked])
        # A sum over no rows is 0: a few short sequences may all have nothing masked. And without NSP every parameter
        # still is in the graph.
        loss = cross_entropy(logits.float(), labels[masked], reduction="sum") / masked.sum().clamp(min=1)
        if self.training:
            self.masked_losses.append(loss.detach())
        if isinstance(self.model, BertForPreTraining):
            verdict = self.model.cls.seq_relationship(out.pooler_output).float()
            pairs = (next_sentence_label != IGNORED).sum().clamp(min=1)
            loss = loss + cross_entropy(verdict, next_sentence_label, ignore_index=IGNORED, reduction="sum") / pairs
        return {"loss": loss, "logits": logits}


def mlm_head(model: Pretrained) -> torch.nn.Module:
    """Return the part of the model that turns token states into scores over the vocabulary."""
    return model.cls.predictions if isinstance(model, BertForPreTraining) else model.lm_head


def weights_a_token(model: Pretrained, masked_share: float) -> float:
    """Return how many weights a token is multiplied with on average.

    These are the layers' weights and, for the masked share of the tokens, the head's, vocabulary included. The pooler
    sees one token a sequence and is left out.
    """
    layers, head = (
        sum(parameter.numel() for parameter in part.parameters())
        for part in (model.base_model.get_submodule("encoder"), mlm_head(model))
    )
    return layers + masked_share * head


def from_encoder(folder: Path) -> tuple[BertForPreTraining, PreTrainedTokenizerBase, bool]:
    """Return a BERT encoder with heads, its tokenizer, and whether its head for masked tokens is new.

    The head for masked tokens is tied to the embeddings; the other head predicts next sentences.

    Raises:
        UserError: the folder does not hold all weights of the encoder.
    """
    given: Any = BertForPreTraining.from_pretrained(
        folder,
        use_safetensors=True,
        trust_remote_code=False,
        dtype=torch.float32,
        output_loading_info=True,
        **NO_DROPOUT,
    )
    model, loaded = given
    if missing := sorted(n for n in loaded["missing_keys"] if n.startswith("bert.") and "pooler" not in n):
        raise UserError(
            f"{folder} lacks {len(missing)} tensors of the encoder, such as {missing[0]}; save the encoder there with "
            "save_pretrained"
        )
    new_head = any(name.startswith("cls.predictions.transform") for name in loaded["missing_keys"])
    return model, AutoTokenizer.from_pretrained(folder), new_head


def from_nothing(recipe: str, tokenizer: PreTrainedTokenizerBase, length: int) -> Pretrained:
    """Return a nano model with random weights: 4 layers, hidden size 256, of the recipe's class (BERT or RoBERTa)."""
    size = {
        "vocab_size": len(tokenizer),
        "hidden_size": 256,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
        **NO_DROPOUT,
        "pad_token_id": tokenizer.pad_token_id,
    }
    if recipe == "roberta":
        # RoBERTa counts positions from pad_token_id + 1 on.
        return RobertaForMaskedLM(
            RobertaConfig(
                **size,
                max_position_embeddings=length + tokenizer.pad_token_id + 1,
                type_vocab_size=1,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
            )
        )
    return BertForPreTraining(BertConfig(**size, max_position_embeddings=length))


def special_tokens(tokenizer: PreTrainedTokenizerBase) -> Special:
    """Return the ids of a tokenizer's special tokens and the size of its vocabulary."""
    return Special(
        tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.mask_token_id, tokenizer.pad_token_id, len(tokenizer)
    )


def save_encoder(model: Pretrained, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write a BertForMaskedLM or RobertaForMaskedLM with its tokenizer.

    BERT's pooler is kept, as in the published checkpoints, because classification starts from it. The config gets
    BERT's usual dropout again.
    """
    model.config.update(dict.fromkeys(NO_DROPOUT, 0.1))
    if isinstance(model, RobertaForMaskedLM):
        model.save_pretrained(folder)
    else:
        plain = BertForMaskedLM(model.config)
        state = {name: tensor for name, tensor in model.state_dict().items() if "seq_relationship" not in name}
        plain.save_pretrained(folder, state_dict=state)
    tokenizer.save_pretrained(folder)
