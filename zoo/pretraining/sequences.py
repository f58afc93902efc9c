"""Makes the sequences that a model sees from a packed corpus: which tokens are together, and which are masked."""

from dataclasses import dataclass

import numpy as np

from zoo.pretraining.corpus import Corpus
from zoo.pretraining.objectives import PretrainRecipe

IGNORED = -100


@dataclass(frozen=True)
class Special:
    """The ids of a tokenizer's special tokens, and the size of its vocabulary."""

    cls: int
    sep: int
    mask: int
    pad: int
    vocabulary: int


@dataclass(frozen=True)
class Example:
    """One sequence for the model; arrays are int64 of the sequence's own length.

    `labels` holds the original token at each masked position and `IGNORED` elsewhere. `next_sentence_label` is 0 where
    the second part follows the first, 1 where it does not, and `IGNORED` where there is no second part.
    """

    input_ids: np.ndarray
    token_type_ids: np.ndarray
    labels: np.ndarray
    next_sentence_label: int


def lay_out(corpus: Corpus, recipe: PretrainRecipe, budget: int) -> np.ndarray:
    """Return the spans of the sequences, int64 of shape (n, 5), until they hold `budget` tokens or the corpus ends.

    The columns are the first part's first token and end, the second part's (0, 0 where there is none), and the next
    sentence label.
    """
    if recipe.nsp:
        return _sentence_pairs(corpus, recipe.length - 3, budget, np.random.default_rng(recipe.seed))
    return _full_sentences(corpus, recipe.length - 2, budget)


def _full_sentences(corpus: Corpus, room: int, budget: int) -> np.ndarray:
    """Return whole sentences in order, across the ends of documents; a sentence longer than `room` is cut."""
    spans, start, previous = [], 0, 0
    for end in map(int, corpus.sentences[1:]):
        if end - start > room and previous > start:
            spans.append((start, previous, 0, 0, IGNORED))
            start = previous
        while end - start > room:
            spans.append((start, start + room, 0, 0, IGNORED))
            start += room
        previous = end
        if start + 2 * len(spans) >= budget:
            return np.array(spans, np.int64)
    if previous > start:
        spans.append((start, previous, 0, 0, IGNORED))
    return np.array(spans, np.int64)


def _sentence_pairs(corpus: Corpus, room: int, budget: int, rng: np.random.Generator) -> np.ndarray:
    """Return pairs as BERT draws them, without its tenth of shorter pairs.

    A pair is two runs of sentences of one document. Half of the time, and wherever a run is one sentence alone, the
    second run comes from another document; then the sentences that it displaces open the next pair.
    """
    spans, seen = [], 0
    for document in range(len(corpus.documents) - 1):
        first, last = int(corpus.documents[document]), int(corpus.documents[document + 1])
        while first < last and seen < budget:
            end = first + 1
            while end < last and corpus.sentences[end] - corpus.sentences[first] < room:
                end += 1
            middle = first + 1 if end - first < 2 else int(rng.integers(first + 1, end))
            begin_a, end_a = int(corpus.sentences[first]), int(corpus.sentences[middle])
            unrelated = end - first < 2 or rng.random() < 0.5
            if unrelated:
                begin_b, end_b = _elsewhere(corpus, document, room, rng)
                first = middle
            else:
                begin_b, end_b = int(corpus.sentences[middle]), int(corpus.sentences[end])
                first = end
            end_a, end_b = _cut_pair(begin_a, end_a, begin_b, end_b, room)
            spans.append((begin_a, end_a, begin_b, end_b, int(unrelated)))
            seen += end_a - begin_a + end_b - begin_b + 3
    return np.array(spans, np.int64)


def _elsewhere(corpus: Corpus, document: int, room: int, rng: np.random.Generator) -> tuple[int, int]:
    """Return a run of sentences from a random place in another document."""
    number = len(corpus.documents) - 1
    other = (document + int(rng.integers(1, number))) % number if number > 1 else document
    first, last = int(corpus.documents[other]), int(corpus.documents[other + 1])
    start = int(rng.integers(first, last))
    begin = int(corpus.sentences[start])
    return begin, min(begin + room, int(corpus.sentences[last]))


def _cut_pair(begin_a: int, end_a: int, begin_b: int, end_b: int, room: int) -> tuple[int, int]:
    """Shorten the longer part, then both parts, until the two fit into `room`; return the two ends."""
    a, b = end_a - begin_a, end_b - begin_b
    keep_a = min(a, max(room - b, room // 2))
    return begin_a + keep_a, begin_b + min(b, room - keep_a)


def make_example(
    corpus: Corpus, span: np.ndarray, recipe: PretrainRecipe, special: Special, rng: np.random.Generator
) -> Example:
    """Return the sequence of one row of `lay_out`. The recipe and the draws of `rng` decide what is masked."""
    begin_a, end_a, begin_b, end_b, label = map(int, span)
    pieces, starts, types = [_part(special.cls)], [True], [0]
    for kind, (begin, end) in enumerate([(begin_a, end_a), (begin_b, end_b)]):
        if end > begin and corpus.tokens[end - 1] == special.sep:  # the document's end; ours replaces it
            end -= 1
        if end > begin:
            pieces += [corpus.tokens[begin:end].astype(np.int64), _part(special.sep)]
            starts += [*corpus.word_starts[begin:end].tolist(), True]
            types += [kind] * (end - begin + 1)
    tokens = np.concatenate(pieces)
    masked = choose_masked(tokens, np.array(starts), recipe, special, rng)
    labels = np.where(masked, tokens, IGNORED)
    return Example(corrupt(tokens, masked, special, rng), np.array(types, np.int64), labels, label)


def _part(token: int) -> np.ndarray:
    return np.array([token], np.int64)


def choose_masked(
    tokens: np.ndarray, word_starts: np.ndarray, recipe: PretrainRecipe, special: Special, rng: np.random.Generator
) -> np.ndarray:
    """Return which positions are to be predicted, bool of the shape of `tokens`.

    They are the recipe's share of the ordinary tokens, rounded, and at least one. With masks of whole words, a word
    that would exceed the share is left out, so there may be none.
    """
    ordinary = ~np.isin(tokens, (special.cls, special.sep, special.pad, special.mask))
    wanted = max(1, round(recipe.masked_share * int(ordinary.sum())))
    units = np.cumsum(word_starts | ~ordinary) if recipe.masking == "word" else np.arange(len(tokens))
    masked = np.zeros(len(tokens), bool)
    candidates, sizes = np.unique(units[ordinary], return_counts=True)
    chosen = []
    for at in rng.permutation(len(candidates)):
        if sizes[at] <= wanted:
            chosen.append(candidates[at])
            wanted -= int(sizes[at])
        if not wanted:
            break
    masked[ordinary] = np.isin(units[ordinary], chosen)
    return masked


def corrupt(tokens: np.ndarray, masked: np.ndarray, special: Special, rng: np.random.Generator) -> np.ndarray:
    """Return the tokens; of the masked ones, 80 % become [MASK], 10 % a random piece, and 10 % stay as they are."""
    draw = rng.random(len(tokens))
    random_pieces = rng.integers(0, special.vocabulary, len(tokens))
    corrupted = np.where(masked & (draw < 0.8), special.mask, tokens)
    return np.where(masked & (draw >= 0.8) & (draw < 0.9), random_pieces, corrupted)
