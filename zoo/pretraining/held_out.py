"""Measures how well a pretrained model fills in masked pieces in documents that it has not seen."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from zoo.errors import UserError
from zoo.pretraining.corpus import Corpus
from zoo.pretraining.masked_model import MaskedLanguageModel, Pretrained
from zoo.pretraining.objectives import PretrainRecipe
from zoo.pretraining.sequences import IGNORED, Example, Special, lay_out, make_example
from zoo.pretraining.train import collate


@dataclass(frozen=True)
class HeldOut:
    """Masked-LM loss and accuracy on held-out documents, with masks of single pieces and of whole words.

    `word_accuracy` uses masks of whole words and counts a word when all of its pieces are right.
    `longer_word_accuracy` does so for words of two pieces and more, where the two ways of masking differ.
    """

    piece_loss: float
    piece_accuracy: float
    word_loss: float
    word_piece_accuracy: float
    word_accuracy: float
    longer_word_accuracy: float
    masked_pieces: int
    masked_words: int
    masked_longer_words: int


@dataclass(frozen=True)
class WordHits:
    """Which masked words were filled in correctly, in all their pieces; int32, uint8 and bool of shape (num_words,).

    `sequence` is the number of the word's sequence, `pieces` the number of its pieces. Both are the same for every
    model with one tokenizer, so that models can be compared word by word.
    """

    sequence: np.ndarray
    pieces: np.ndarray
    right: np.ndarray


def check_measurable(corpus: Corpus, recipe: PretrainRecipe, special: Special, tokens: int) -> None:
    """Check before hours of training that `evaluate` will have something to measure.

    Raises:
        UserError: nothing is masked in the first `tokens` of the corpus.
    """
    for way in _ways(recipe):
        spans = lay_out(corpus, way, tokens)
        if not any(
            (_example(corpus, span, way, special, row).labels != IGNORED).any() for row, span in enumerate(spans)
        ):
            raise UserError("The documents held out are too short to mask anything in; give a larger --corpus")


def evaluate(
    model: Pretrained, corpus: Corpus, recipe: PretrainRecipe, special: Special, tokens: int
) -> tuple[HeldOut, WordHits]:
    """Measure the model on the first `tokens` of a corpus, as full sentences without pairs.

    The masks are the same for every model with one tokenizer.
    """
    by_piece, by_word = (_fill(model, corpus, way, special, tokens) for way in _ways(recipe))
    words = _word_hits(by_word)
    longer = words.right[words.pieces > 1]
    measured = HeldOut(
        piece_loss=by_piece.loss,
        piece_accuracy=float(by_piece.right.mean()),
        word_loss=by_word.loss,
        word_piece_accuracy=float(by_word.right.mean()),
        word_accuracy=float(words.right.mean()),
        longer_word_accuracy=float(longer.mean()) if len(longer) else float("nan"),
        masked_pieces=len(by_piece.right),
        masked_words=len(words.right),
        masked_longer_words=len(longer),
    )
    return measured, words


def _ways(recipe: PretrainRecipe) -> tuple[PretrainRecipe, PretrainRecipe]:
    """Return the recipe with masks of single pieces, and with masks of whole words."""
    single = recipe.model_copy(update={"masking": "piece", "nsp": False, "seed": 0})
    return single, single.model_copy(update={"masking": "word"})


def _example(corpus: Corpus, span: np.ndarray, way: PretrainRecipe, special: Special, row: int) -> Example:
    return make_example(corpus, span, way, special, np.random.default_rng((0, row)))


_MOST_WORDS = 1_000  # more than a sequence has


@dataclass(frozen=True)
class _Filled:
    """`right`: bool for each masked piece; `word`: its word's number, plus `_MOST_WORDS` for each sequence before."""

    loss: float
    right: np.ndarray
    word: np.ndarray


def _fill(model: Pretrained, corpus: Corpus, recipe: PretrainRecipe, special: Special, tokens: int) -> _Filled:
    wrapped = MaskedLanguageModel(model).eval()
    spans, losses, right, words = lay_out(corpus, recipe, tokens), [], [], []
    for first in range(0, len(spans), recipe.batch_size):
        rows = range(first, min(first + recipe.batch_size, len(spans)))
        examples = [_example(corpus, spans[row], recipe, special, row) for row in rows]
        batch = {name: tensor.to(model.device) for name, tensor in collate(examples, special.pad).items()}
        with torch.inference_mode():
            logits = wrapped(**batch)["logits"].float()
        gold = batch["labels"][batch["labels"] != IGNORED]
        losses.append(float(cross_entropy(logits, gold, reduction="sum")))
        right.append((logits.argmax(dim=1) == gold).cpu().numpy())
        for row, example in zip(rows, examples, strict=True):
            words.append(_words_of(corpus, spans[row], example.labels) + _MOST_WORDS * row)
    hits = np.concatenate(right)
    return _Filled(sum(losses) / len(hits), hits, np.concatenate(words))


def _words_of(corpus: Corpus, span: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the number, within the sequence, of each masked piece's word. The first position is [CLS]."""
    numbers = np.cumsum(np.asarray(corpus.word_starts[span[0] : span[1]]))
    return numbers[np.flatnonzero(labels != IGNORED) - 1]


def _word_hits(filled: _Filled) -> WordHits:
    numbers, word, sizes = np.unique(filled.word, return_inverse=True, return_counts=True)
    right = np.bincount(word, weights=filled.right) == sizes
    return WordHits((numbers // _MOST_WORDS).astype(np.int32), sizes.astype(np.uint8), right)
