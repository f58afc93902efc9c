"""Classifier: texts in, scores and labels out, for a model in memory or a checkpoint on disk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from zoo.checkpoint import CheckpointInfo, read_checkpoint
from zoo.decision import Decision
from zoo.model import load_model


def encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """Return the token ids of every text, special tokens included, cut to `max_length` tokens."""
    if not texts:
        return []
    return tokenizer(list(texts), truncation=True, max_length=max_length, return_attention_mask=False)["input_ids"]


def predict_logits(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    token_ids: Sequence[Sequence[int]],
    batch_size: int = 64,
    advance: Callable[[int], object] = lambda done: None,
) -> np.ndarray:
    """Return float32 logits of shape (n, num_labels), in the order of `token_ids`.

    Texts are batched by length, so that little is padded; `advance` is told after each batch how many rows it had.
    """
    order = sorted(range(len(token_ids)), key=lambda row: len(token_ids[row]))
    num_labels: int = model.config.num_labels or 0
    logits = np.zeros((len(token_ids), num_labels), np.float32)
    training = model.training
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            batch = tokenizer.pad({"input_ids": [list(token_ids[row]) for row in rows]}, return_tensors="pt").to(
                model.device
            )
            logits[rows] = model(**batch).logits.float().cpu().numpy()
            advance(len(rows))
    model.train(training)
    return logits


@dataclass(frozen=True)
class Classifier:
    """A checkpoint, loaded: `predict_scores(texts)` then `decide(scores)`, both (n, num_labels)."""

    info: CheckpointInfo
    decision: Decision
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    @classmethod
    def load(cls, folder: Path) -> "Classifier":
        """Load the checkpoint in `folder`.

        Raises:
            UserError: the checkpoint is missing, incomplete or damaged, or its encoder cannot be had.
        """
        checkpoint = read_checkpoint(folder)
        model, tokenizer = load_model(checkpoint)
        return cls(checkpoint.info, checkpoint.decision, model.eval(), tokenizer)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the whole text has, special tokens included."""
        return len(self.tokenizer(text, verbose=False)["input_ids"])

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 logits of shape (n, num_labels)."""
        return predict_logits(self.model, self.tokenizer, encode(self.tokenizer, texts, self.info.max_length))

    def predict_scores(self, texts: Sequence[str]) -> np.ndarray:
        """Return calibrated scores of shape (n, num_labels)."""
        return self.decision.scores(self.predict_logits(texts))

    def decide(self, y_score: np.ndarray) -> np.ndarray:
        """Return the decided labels, int8 of shape (n, num_labels), for scores of that shape."""
        return self.decision.decide(y_score)
