"""Which tokens stand together, and which are masked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.pretraining.corpus import Corpus
from zoo.pretraining.objectives import PretrainRecipe, get_recipe
from zoo.pretraining.sequences import IGNORED, Special, choose_masked, corrupt, lay_out, make_example

SPECIAL = Special(cls=1, sep=2, mask=3, pad=0, vocabulary=1000)
FIRST = 10  # the first ordinary piece


def corpus_of(documents: list[list[int]]) -> Corpus:
    """A corpus with sentences of the given lengths; its tokens count upwards, each third piece goes on a word."""
    lengths = [length for document in documents for length in document]
    for at in np.cumsum([len(document) for document in documents]) - 1:
        lengths[at] += 1  # the separator
    ends = np.cumsum(lengths)
    tokens = FIRST + np.arange(ends[-1]) % 900
    document_ends = ends[np.cumsum([len(document) for document in documents]) - 1]
    tokens[document_ends - 1] = SPECIAL.sep
    starts = np.arange(ends[-1]) % 3 != 2
    offsets = np.concatenate([[0], np.cumsum([len(document) for document in documents])])
    return Corpus(tokens.astype(np.uint16), starts, np.concatenate([[0], ends]), offsets)


documents = st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=6), min_size=2, max_size=12)


@given(documents)
@settings(max_examples=60, deadline=None)
def test_full_sentences_hold_every_token_once_and_fit(lengths: list[list[int]]) -> None:
    corpus, recipe = corpus_of(lengths), get_recipe("roberta", length=32)
    spans = lay_out(corpus, recipe, 10**6)
    covered = np.concatenate([np.arange(a, b) for a, b, *_ in spans])
    assert covered.tolist() == list(range(len(corpus.tokens)))
    assert (spans[:, 1] - spans[:, 0]).max() <= 30
    assert (spans[:, 4] == IGNORED).all()


@given(documents, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_sentence_pairs_fit_and_say_truly_whether_they_follow(lengths: list[list[int]], seed: int) -> None:
    corpus, recipe = corpus_of(lengths), get_recipe("bert", length=32, seed=seed)
    spans = lay_out(corpus, recipe, 10**6)
    bounds = corpus.sentences[corpus.documents]
    for begin_a, end_a, begin_b, end_b, label in spans.tolist():
        assert end_a - begin_a > 0
        assert end_a - begin_a + end_b - begin_b <= 29
        same = np.searchsorted(bounds, begin_a, "right") == np.searchsorted(bounds, begin_b, "right")
        assert bool(label) != bool(same)


def test_half_of_the_pairs_of_long_documents_follow() -> None:
    spans = lay_out(corpus_of([[5] * 60] * 40), get_recipe("bert", length=32), 10**6)
    assert abs(float(spans[:, 4].mean()) - 0.5) < 0.06


def test_the_budget_ends_the_layout() -> None:
    corpus = corpus_of([[10] * 10] * 50)
    for name in ("roberta", "bert"):
        spans = lay_out(corpus, get_recipe(name, length=32), 1000)
        tokens = (spans[:, 1] - spans[:, 0] + spans[:, 3] - spans[:, 2]).sum() + len(spans) * 3
        assert 900 <= tokens <= 1100


@given(st.integers(2, 120), st.integers(0, 100), st.sampled_from(["piece", "word"]))
@settings(max_examples=80, deadline=None)
def test_the_share_is_masked_and_nothing_special(length: int, seed: int, masking: str) -> None:
    tokens = np.concatenate([[SPECIAL.cls], FIRST + np.arange(length), [SPECIAL.sep]])
    starts = np.arange(len(tokens)) % 3 != 2
    recipe = PretrainRecipe(name="t", masking=masking, dynamic=True, nsp=False)
    masked = choose_masked(tokens, starts, recipe, SPECIAL, np.random.default_rng(seed))
    wanted = max(1, round(0.15 * length))
    assert masked.sum() == wanted or (masking == "word" and wanted - 1 <= masked.sum() <= wanted)
    assert not masked[0]
    assert not masked[-1]


def test_whole_words_are_masked_whole() -> None:
    rng = np.random.default_rng(0)
    tokens = np.concatenate([[SPECIAL.cls], FIRST + np.arange(90), [SPECIAL.sep]])
    starts = np.arange(len(tokens)) % 3 == 1
    recipe = PretrainRecipe(name="t", masking="word", dynamic=True, nsp=False)
    for _ in range(50):
        words = choose_masked(tokens, starts, recipe, SPECIAL, rng)[1:-1].reshape(-1, 3)
        assert (words.all(axis=1) == words.any(axis=1)).all()


def test_four_fifths_become_mask_a_tenth_random_a_tenth_stay() -> None:
    tokens = np.full(20_000, 500)
    masked = np.arange(len(tokens)) % 2 == 0
    found = corrupt(tokens, masked, SPECIAL, np.random.default_rng(0))
    assert (found[~masked] == 500).all()
    assert (found[masked] == SPECIAL.mask).mean() == pytest.approx(0.8, abs=0.015)
    assert (found[masked] == 500).mean() == pytest.approx(0.1, abs=0.015)


def test_an_example_has_its_special_tokens_types_and_labels() -> None:
    corpus, recipe = corpus_of([[5] * 20] * 4), get_recipe("bert", length=32)
    span = lay_out(corpus, recipe, 10**6)[0]
    example = make_example(corpus, span, recipe, SPECIAL, np.random.default_rng(0))
    originals = np.where(example.labels == IGNORED, example.input_ids, example.labels)
    assert originals[0] == SPECIAL.cls
    separators = np.flatnonzero(originals == SPECIAL.sep)
    assert len(separators) == 2
    assert separators[-1] == len(originals) - 1
    assert example.token_type_ids.tolist() == [0] * (separators[0] + 1) + [1] * (separators[1] - separators[0])
    assert example.next_sentence_label == span[4]
