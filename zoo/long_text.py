"""Texts longer than a model reads at once: cut at the end, kept at both ends, or read in overlapping windows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

LongText = Literal["truncate", "head-tail", "windows"]
MOST_WINDOWS = 16  # of a text: at 128 tokens each about 1,500 of them, at 512 about 6,000


def encode(
    tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], max_length: int, long_text: LongText = "truncate"
) -> list[list[list[int]]]:
    """Return the windows of every text as token ids, special tokens included; every text has at least one window.

    - `truncate`: the first `max_length` tokens.
    - `head-tail`: a quarter of `max_length` from the text's start and the rest from its end. It did best in Sun et al.
      2019, "How to Fine-Tune BERT for Text Classification?", section 5.3.1.
    - `windows`: the first `MOST_WINDOWS` windows of `max_length` tokens; a window shares a quarter of its tokens with
      the one before.
    """
    if not texts:
        return []
    if long_text == "head-tail":
        ids = tokenizer(list(texts), return_attention_mask=False, verbose=False)["input_ids"]
        return [windows_of([row], max_length, long_text) for row in ids]
    windowed = long_text == "windows"
    found = tokenizer(
        list(texts),
        truncation=True,
        max_length=max_length,
        stride=overlap(max_length) if windowed else 0,
        return_overflowing_tokens=windowed,
        return_attention_mask=False,
    )
    if not windowed:
        return [[row] for row in found["input_ids"]]
    windows: list[list[list[int]]] = [[] for _ in texts]
    for text, row in zip(found["overflow_to_sample_mapping"], found["input_ids"], strict=True):
        windows[text].append(row)
    return [windows_of(of, max_length, long_text) for of in windows]


def windows_of(found: list[list[int]], max_length: int, long_text: LongText) -> list[list[int]]:
    """Return the windows of a text that are read, of those that its tokenizer made: cut as `encode` says, but for
    head-tail, where there is one of any length."""
    if long_text == "head-tail":
        return [_both_ends(found[0], max_length)]
    return found[: MOST_WINDOWS if long_text == "windows" else 1]


def capacity(tokenizer: "PreTrainedTokenizerBase | Tokenizer", max_length: int, long_text: LongText) -> int:
    """Return how many tokens of a text are read at most, special ones included."""
    if long_text != "windows":
        return max_length
    step = max_length - tokenizer.num_special_tokens_to_add(False) - overlap(max_length)
    return max_length + (MOST_WINDOWS - 1) * step


def pool(logits: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """Return each text's logits (n, num_labels): the mean over its windows' (sum of counts, num_labels)."""
    starts = np.cumsum([0, *counts[:-1]])
    return np.add.reduceat(logits, starts, axis=0) / np.array(counts, logits.dtype)[:, None]


def overlap(max_length: int) -> int:
    """Return how many tokens a window shares with the one before."""
    return max_length // 4


def _both_ends(ids: list[int], max_length: int) -> list[int]:
    if len(ids) <= max_length:
        return ids
    head = max_length // 4
    return ids[:head] + ids[head - max_length :]
