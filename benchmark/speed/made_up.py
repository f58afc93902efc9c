"""Encoders of random weights, and rows that they can learn, for `make test-gpu`: nothing is downloaded."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows, Split
from benchmark.training.fine_tune import FineTuned, fine_tune
from benchmark.training.memory import WHOLE_BATCHES, MemoryOptions
from benchmark.training.recipes import Recipe, default_recipe
from zoo.encoders.registry import get_encoder
from zoo.encoders.weights import fetch_weights

MULTI = Task("made_up", "multi_label_classification", "en", ("a", "b", "c"), "f1_macro")
SINGLE = replace(MULTI, problem_type="single_label_classification", labels=("a", "b"), main_metric="accuracy")


@dataclass(frozen=True)
class Size:
    """How large the checks are: the encoders' shapes by name, the words, and what is trained on how much."""

    shapes: dict[str, tuple[int, int, int]]  # hidden size, layers, heads
    words: int
    learning_rate: float
    rows: int
    batch: int
    length: int
    steps: int
    pretraining_steps: int


FULL = Size(
    {"bert-base": (768, 12, 12), "minilm": (384, 6, 12)},
    words=30_000, learning_rate=1e-4, rows=2_000, batch=32, length=128, steps=50, pretraining_steps=200,
)  # fmt: skip
TINY = Size(
    dict.fromkeys(FULL.shapes, (32, 2, 2)),
    words=200, learning_rate=1e-3, rows=64, batch=16, length=32, steps=10, pretraining_steps=20,
)  # fmt: skip


@dataclass(frozen=True)
class At:
    """Where a check works, how large, and on which encoder."""

    folder: Path
    size: Size
    name: str

    @property
    def encoder(self) -> Path:
        return self.folder / "encoders" / self.name

    def rows(self, task: Task, long: int = 1) -> Rows:
        n = self.size.rows
        train, validation, test = (
            make_split(task, self.size, rows, seed, long) for seed, rows in enumerate((n, n // 4, n // 4))
        )
        return Rows(train, validation, test, "made up")

    def recipe(self, task: Task, **changes: Any) -> Recipe:
        given = {"epochs": 1, "min_steps": 0, "batch_size": self.size.batch, "max_length": self.size.length,
                 "learning_rate": self.size.learning_rate, "freeze_embeddings": False, **changes}  # fmt: skip
        recipe = default_recipe(get_encoder(str(self.encoder)), task, 0, **given)
        assert isinstance(recipe, Recipe)
        return recipe

    def tune(self, task: Task, rows: Rows, memory: MemoryOptions = WHOLE_BATCHES, **changes: Any) -> FineTuned:
        weights = fetch_weights(get_encoder(str(self.encoder)))
        return fine_tune(weights, task, rows, self.recipe(task, **changes), lambda share, line: None, memory)


def make_encoder(at: At) -> None:
    from transformers import BertConfig, BertModel, BertTokenizerFast  # type: ignore[attr-defined]

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", *_words(at.size)]
    torch.manual_seed(0)
    hidden, layers, heads = at.size.shapes[at.name]
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * hidden,
        initializer_range=1.2 / hidden**0.5,  # with smaller random weights it tells texts hardly apart
    )
    BertModel(config).save_pretrained(at.encoder)
    BertTokenizerFast(vocab={piece: i for i, piece in enumerate(pieces)}).save_pretrained(at.encoder)


def _words(size: Size) -> list[str]:
    letters = "abcdefghij"
    return ["w" + "".join(letters[int(digit)] for digit in str(number)) for number in range(size.words)]


def make_split(task: Task, size: Size, rows: int, seed: int, long: int = 1) -> Split:
    """Return texts whose labels follow from one word each, `long` times the length limit at most."""
    rng, words = np.random.default_rng(seed), _words(size)
    truth = rng.integers(0, 2, (rows, len(task.labels)))
    if not task.multi_label:
        truth[:, 1] = 1 - truth[:, 0]
    frequency = 1 / np.arange(1, size.words - 9)  # as of the words of a language
    texts = []
    for row in truth:
        told = 3 * [words[2 * label + on] for label, on in enumerate(row)]
        length = rng.integers(size.length // 4, long * size.length - len(told) - 2)
        rest = rng.choice(words[10:], length, p=frequency / frequency.sum())
        texts.append(" ".join(rng.permutation([*told, *rest])))
    return Split(texts, truth.astype(np.int8))
