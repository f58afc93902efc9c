"""Texts are text: what looks like a control token in one is characters, and ordinary texts are read as ever."""

import shutil
from functools import cache
from pathlib import Path

import pytest
import torch
from tokenizers import AddedToken
from transformers import AutoTokenizer, XLMRobertaTokenizerFast

from tests.checkpoints import toy_info
from zoo.attribution import attribute
from zoo.checkpoints.loading import new_model, save_checkpoint
from zoo.classifier import Classifier
from zoo.decision import Decision
from zoo.encoders.registry import get_encoder
from zoo.encoders.weights import fetch_weights
from zoo.errors import UserError
from zoo.long_text import LongText, encode
from zoo.tokenizer import load_tokenizer

KINDS = pytest.mark.parametrize(
    "kind", ["tiny_bert", "tiny_roberta", "unigram", "minilm-l6", pytest.param("granite-30m", marks=pytest.mark.slow)]
)
CONTROLS = (
    "a <s>was</s> late, not [MASK] good [SEP] very[SEP]good [CLS] <mask> <pad>[PAD] [pad] <cls> <sep> <unk> [UNK]"
    "\n<s>\n</s> ＜s＞ [MASK][MASK] <s><s> <S> <|endoftext|>"
)
ORDINARY = [
    "The parcel arrived late & I <b>want</b> a refund :-)",
    "我想退款，[微笑] 快递太慢了。",
    "a\tb\n\nc  d, x < y > z </td> [NAME] (s) [1] mask pad sep",
    "naïve 🦓 zażółć",
    "",
    " ",
    "<",
    "good " * 50,
]


@pytest.fixture(scope="session")
def unigram(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SentencePiece unigram tokenizer, which has its control tokens among its pieces, as XLM-R's has."""
    folder = tmp_path_factory.mktemp("tokenizers") / "unigram"
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -4.0), ("▁good", -5.0), ("▁the", -5.0)]
    known = {piece for piece, _ in pieces}
    letters = sorted(set("".join([CONTROLS, *ORDINARY[:2]])) - known - set(" \n\t"))
    pieces += [(letter, -8.0 - place / 100) for place, letter in enumerate(letters)]
    XLMRobertaTokenizerFast(vocab=[*pieces, ("<mask>", 0.0)]).save_pretrained(folder)
    return folder


def _folder(kind: str, request: pytest.FixtureRequest) -> Path:
    return fetch_weights(get_encoder(kind)).folder if "-" in kind else request.getfixturevalue(kind)


_load = cache(load_tokenizer)


@KINDS
@pytest.mark.parametrize("long_text", ["truncate", "head-tail", "windows"])
def test_no_control_token_comes_from_a_text(kind: str, long_text: LongText, request: pytest.FixtureRequest) -> None:
    tokenizer = _load(_folder(kind, request))
    controls = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    assert len(controls) >= 4
    for window, *more in encode(tokenizer, [CONTROLS, *CONTROLS.split()], 512, long_text):
        assert more == []
        assert (window[0], window[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)
        assert controls.isdisjoint(window[1:-1])


@KINDS
def test_what_is_read_is_the_text(kind: str, request: pytest.FixtureRequest) -> None:
    """The tokens of a text with control tokens cover all of its characters but the blanks."""
    tokenizer = _load(_folder(kind, request))
    found = tokenizer(CONTROLS, add_special_tokens=False, return_offsets_mapping=True)
    covered = {place for start, end in found["offset_mapping"] for place in range(start, end)}
    assert {place for place, letter in enumerate(CONTROLS) if not letter.isspace()} <= covered


@KINDS
def test_ordinary_texts_are_read_as_transformers_reads_them(kind: str, request: pytest.FixtureRequest) -> None:
    folder = _folder(kind, request)
    ours, plain = _load(folder), AutoTokenizer.from_pretrained(folder)
    for name in ("input_ids", "attention_mask"):
        assert ours(ORDINARY)[name] == plain(ORDINARY)[name]
    assert ours.special_tokens_map == plain.special_tokens_map
    assert (ours.padding_side, ours.model_max_length) == (plain.padding_side, plain.model_max_length)
    batches = [
        tokenizer.pad({"input_ids": ours(ORDINARY)["input_ids"]}, return_tensors="pt") for tokenizer in (ours, plain)
    ]
    assert all(torch.equal(batches[0][name], batches[1][name]) for name in batches[1])
    if kind != "unigram":  # of which transformers itself would make controls
        assert plain(CONTROLS)["input_ids"] != ours(CONTROLS)["input_ids"]


@KINDS
def test_a_saved_tokenizer_reads_equally_in_plain_transformers(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    ours = _load(_folder(kind, request))
    ours.save_pretrained(tmp_path)
    texts = [CONTROLS, *ORDINARY]
    for again in (AutoTokenizer.from_pretrained(tmp_path), load_tokenizer(tmp_path)):
        assert again(texts)["input_ids"] == ours(texts)["input_ids"]
        assert again.tokenize(CONTROLS) == ours.tokenize(CONTROLS)


def test_a_model_reads_a_text_up_to_its_end_also_as_a_checkpoint_and_in_attribution(
    tiny_roberta: Path, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    info = toy_info(labels=("a", "b"), max_length=64)
    decision = Decision(problem_type=info.problem_type, rule="fixed", thresholds=(0.5, 0.5))
    model = new_model(tiny_roberta, info.problem_type, info.labels)
    save_checkpoint(tmp_path / "c", info, decision, model, load_tokenizer(tiny_roberta), "# A card\n")
    classifier = Classifier.load(tmp_path / "c")
    text = "good <s>late</s>"
    spans = attribute(classifier, text, 0).tokens
    assert {text[span.start : span.end] for span in spans} >= {"s", ">", "/"}
    assert classifier.count_tokens(text) == len(spans) + 2
    plain = AutoTokenizer.from_pretrained(tmp_path / "c")
    assert plain(text)["input_ids"] == classifier.tokenizer(text)["input_ids"]
    lengths = [classifier.count_tokens(each) for each in ("good", "good<pad>", "good<mask>")]
    assert lengths[0] + 3 < min(lengths[1:])


def test_a_tokenizer_that_cannot_be_set_so_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    """Its control token is a letter, which no step can cut in two."""
    folder = shutil.copytree(tiny_bert, tmp_path / "letter")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"sep_token": AddedToken("x")})
    tokenizer.save_pretrained(folder)
    with pytest.raises(UserError, match="takes words of a text for its control tokens"):
        load_tokenizer(folder)
