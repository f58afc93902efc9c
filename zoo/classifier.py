"""Classifier: turns texts into scores and labels, with a model in memory or a checkpoint on disk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from zoo.checkpoints.checkpoint import CheckpointInfo, read_checkpoint
from zoo.checkpoints.loading import load_model
from zoo.decision import Decision
from zoo.hardware import device
from zoo.long_text import capacity, encode, pool

PADDED = 1.25
ROWS, TOKENS = 64, 64 * 128  # of a batch at most; a longer window is a batch of its own


def predict_logits(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    windows: Sequence[Sequence[Sequence[int]]],
) -> np.ndarray:
    """Return float32 logits of shape (n, num_labels), in the order of the texts, pooled over each text's `windows`.

    Windows are batched by length. A batch has at most ROWS of them and TOKENS with its padding, so that memory is
    bounded whatever the length, and its longest window has about PADDED times the tokens of its shortest at most.
    """
    if not windows:
        return np.zeros((0, model.config.num_labels or 0), np.float32)
    token_ids = [window for of_text in windows for window in of_text]
    order = sorted(range(len(token_ids)), key=lambda row: len(token_ids[row]))
    logits = np.zeros((len(token_ids), model.config.num_labels or 0), np.float32)
    training = model.training
    model.eval()
    with torch.inference_mode():
        for rows in _batches(order, token_ids):
            batch = tokenizer.pad({"input_ids": [list(token_ids[row]) for row in rows]}, return_tensors="pt").to(
                model.device
            )
            logits[rows] = model(**batch).logits.float().cpu().numpy()
    model.train(training)
    return pool(logits, [len(of_text) for of_text in windows])


def _batches(order: Sequence[int], token_ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield the rows of each batch, which are in the order of their lengths."""
    batch: list[int] = []
    for row in order:
        length = len(token_ids[row])
        full = len(batch) == ROWS or (len(batch) + 1) * length > TOKENS
        if batch and (full or length > PADDED * len(token_ids[batch[0]]) + 4):
            yield batch
            batch = []
        batch.append(row)
    yield batch


@dataclass(frozen=True)
class Classifier:
    """A checkpoint, loaded: `predict_scores(texts)` then `decide(scores)`, both (n, num_labels)."""

    info: CheckpointInfo
    decision: Decision
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    @classmethod
    def load(cls, folder: Path) -> "Classifier":
        """Load the checkpoint in `folder`, onto a GPU where there is one.

        Raises:
            UserError: the checkpoint is missing, incomplete or damaged, or its encoder is not at hand.
        """
        checkpoint = read_checkpoint(folder)
        model, tokenizer = load_model(checkpoint)
        model.eval().to(torch.device(device()))
        return cls(checkpoint.info, checkpoint.decision, model, tokenizer)

    def warm_up(self) -> None:
        """Make the first prediction as fast as any after it."""
        self.predict_logits(["the first pass is slower than any after it"])
        # Weights are mapped from their file: without this, each new word would read its page from the disk.
        for parameter in self.model.get_input_embeddings().parameters():
            parameter.sum()

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the whole text has, special tokens included."""
        return len(self.tokenizer(text, verbose=False)["input_ids"])

    @property
    def capacity(self) -> int:
        """How many tokens of a text are read at most, special tokens included."""
        return capacity(self.tokenizer, self.info.max_length, self.info.long_text)

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 logits of shape (n, num_labels)."""
        info = self.info
        windows = encode(self.tokenizer, texts, info.max_length, info.long_text)
        return predict_logits(self.model, self.tokenizer, windows)

    def predict_scores(self, texts: Sequence[str]) -> np.ndarray:
        """Return calibrated scores of shape (n, num_labels)."""
        return self.decision.scores(self.predict_logits(texts))

    def decide(self, y_score: np.ndarray) -> np.ndarray:
        """Return the decided labels, int8 of shape (n, num_labels), for scores of that shape."""
        return self.decision.decide(y_score)
