"""Texts longer than the limit: which tokens are read, worked by hand, and pooled against a loop."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from tests.checkpoints import toy_info
from zoo.attribution import attribute
from zoo.checkpoints.loading import new_model
from zoo.classifier import Classifier
from zoo.decision import Decision
from zoo.errors import UserError
from zoo.long_text import MOST_WINDOWS, capacity, encode, pool

KINDS = pytest.mark.parametrize("kind", ["tiny_bert", "tiny_roberta"])
WORDS = "the parcel arrived late refund price good bad great awful happy sad service and was it very".split()


def _places(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> list[int]:
    """Where in WORDS the words stand that are read; each is one token."""
    return [WORDS.index(word) for word in tokenizer.decode(ids, skip_special_tokens=True).split()]


def _classifier(folder: Path, long_text: str) -> Classifier:
    torch.manual_seed(0)
    info = toy_info(labels=("a", "b"), max_length=8, long_text=long_text)
    decision = Decision(problem_type=info.problem_type, rule="fixed", temperature=1.0, thresholds=(0.5, 0.5))
    model = new_model(folder, info.problem_type, info.labels).eval()
    return Classifier(info, decision, model, AutoTokenizer.from_pretrained(folder))


@KINDS
def test_what_is_read_of_seventeen_words_by_eight_tokens(kind: str, request: pytest.FixtureRequest) -> None:
    tokenizer = AutoTokenizer.from_pretrained(request.getfixturevalue(kind))
    text = " ".join(WORDS)
    (cut,) = encode(tokenizer, [text], 8)
    assert [_places(tokenizer, ids) for ids in cut] == [[0, 1, 2, 3, 4, 5]]
    (ends,) = encode(tokenizer, [text], 8, "head-tail")  # a quarter from the head, a special token among it
    assert [_places(tokenizer, ids) for ids in ends] == [[0, 12, 13, 14, 15, 16]]
    (windows,) = encode(tokenizer, [text], 8, "windows")
    starts = [list(range(start, min(start + 6, 17))) for start in (0, 4, 8, 12)]
    assert [_places(tokenizer, ids) for ids in windows] == starts
    specials = {ids[0] for ids in [*cut, *ends, *windows]} | {ids[-1] for ids in [*cut, *ends, *windows]}
    assert specials == {tokenizer.cls_token_id, tokenizer.sep_token_id}


@KINDS
@pytest.mark.parametrize("long_text", ["truncate", "head-tail", "windows"])
def test_a_text_within_the_limit_is_read_whole_and_once(
    kind: str, long_text: str, request: pytest.FixtureRequest
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(request.getfixturevalue(kind))
    texts = ["", "good", "the bad parcel was very late"]
    assert encode(tokenizer, texts, 8, long_text) == [[tokenizer(text)["input_ids"]] for text in texts]
    assert encode(tokenizer, [], 8, long_text) == []


@pytest.mark.parametrize("long_text", ["truncate", "head-tail", "windows"])
def test_the_capacity_is_how_much_of_an_endless_text_is_read(tiny_bert: Path, long_text: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    (windows,) = encode(tokenizer, ["good " * 5000], 16, long_text)
    assert len(windows) == (MOST_WINDOWS if long_text == "windows" else 1)
    assert all(len(window) <= 16 for window in windows)
    shared = (len(windows) - 1) * (4 + 2)  # a quarter, and a window's special tokens
    assert sum(map(len, windows)) - shared == capacity(tokenizer, 16, long_text)
    longest = capacity(tokenizer, 16, long_text) - 2
    for words, more in ((longest, 0), (longest + 1, 1)):
        (found,) = encode(tokenizer, ["good " * words], 16, long_text)
        assert words + 2 - (sum(map(len, found)) - (len(found) - 1) * 6) == more


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.integers(1, 4))
def test_pooling_is_the_mean_of_each_texts_windows(counts: list[int], num_labels: int) -> None:
    logits = np.random.default_rng(sum(counts)).normal(size=(sum(counts), num_labels)).astype(np.float32)
    parts = np.split(logits, np.cumsum(counts)[:-1])
    np.testing.assert_allclose(pool(logits, counts), [part.mean(axis=0) for part in parts], rtol=1e-5, atol=1e-6)


@KINDS
def test_a_long_text_has_the_mean_logits_of_its_windows(kind: str, request: pytest.FixtureRequest) -> None:
    classifier = _classifier(request.getfixturevalue(kind), "windows")
    tokenizer = classifier.tokenizer
    texts = [" ".join(WORDS), "good", " ".join(WORDS[5:15])]
    with torch.inference_mode():
        expected = [
            np.mean([classifier.model(torch.tensor([w])).logits[0].numpy() for w in windows], axis=0)
            for windows in encode(tokenizer, texts, 8, "windows")
        ]
    np.testing.assert_allclose(classifier.predict_logits(texts), expected, atol=1e-5)
    assert classifier.capacity == 8 + 15 * 4


def test_attribution_tells_that_it_is_for_texts_read_at_once(tiny_bert: Path) -> None:
    classifier = _classifier(tiny_bert, "windows")
    assert attribute(classifier, "good bad late", 0).unread == 0
    with pytest.raises(UserError, match="texts of up to 8 tokens only; shorten"):
        attribute(classifier, " ".join(WORDS), 0)
