"""Reading, splitting and packing a corpus."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from zoo.errors import UserError
from zoo.pretraining.corpus import (
    HELD_OUT,
    chinese_words,
    english_words,
    normalise,
    pack_corpus,
    read_texts,
    split_sentences,
)

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "play", "##ing", "the", "cat", "##s", "."]


@pytest.fixture
def tokenizer() -> Tokenizer:
    found = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    found.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return found


def write(folder: Path, texts: list[str], column: str = "text") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({column: texts}).to_parquet(folder / "part.parquet")
    return folder


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("It costs 3.50 today.", ["It costs 3.50 today."]),
        ("今天很好。明天呢？“走吧。”他说", ["今天很好。", "明天呢？", "“走吧。”", "他说"]),
        ("a line\n\nanother", ["a line", "another"]),
        ("", []),
    ],
)
def test_sentences_end_where_they_should(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_no_character_but_whitespace_is_lost_between_sentences() -> None:
    text = "First here. Then 3.5 there!  又一句。再一句？\nLast"
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())


def test_an_english_word_is_what_stands_between_whitespace() -> None:
    assert list(english_words("don't stop, now")) == [0, 6, 12]


def test_chinese_words_are_jiebas() -> None:
    sentence = "我们在北京大学上课"
    starts = list(chinese_words(sentence))
    words = [sentence[a:b] for a, b in zip(starts, [*starts[1:], len(sentence)], strict=True)]
    assert "北京大学" in words
    assert "".join(words) == sentence


def test_packing_keeps_pieces_words_sentences_and_documents(tmp_path: Path, tokenizer: Tokenizer) -> None:
    corpus = write(tmp_path / "corpus", ["playing cats. the cat"] * (2 * HELD_OUT))
    packed = pack_corpus(corpus, tokenizer, "[SEP]", "en", None, tmp_path / "cache")
    one = [PIECES.index(piece) for piece in ("play", "##ing", "cat", "##s", ".", "the", "cat", "[SEP]")]
    assert packed.train.tokens[:8].tolist() == one
    assert packed.train.word_starts[:8].tolist() == [True, False, True, False, False, True, True, True]
    assert packed.train.sentences[:3].tolist() == [0, 5, 8]
    assert packed.train.documents[:2].tolist() == [0, 2]
    assert len(packed.held_out.documents) - 1 == 2
    assert len(packed.train.documents) - 1 == 2 * HELD_OUT - 2


def test_a_packed_corpus_is_memory_mapped_and_used_again(tmp_path: Path, tokenizer: Tokenizer) -> None:
    corpus = write(tmp_path / "corpus", ["the cat."] * 10)
    first = pack_corpus(corpus, tokenizer, "[SEP]", "en", None, tmp_path / "cache")
    written = (first.folder / "train" / "tokens.npy").stat().st_mtime_ns
    second = pack_corpus(corpus, tokenizer, "[SEP]", "en", None, tmp_path / "cache")
    assert isinstance(second.train.tokens, np.memmap)
    assert (second.folder / "train" / "tokens.npy").stat().st_mtime_ns == written


def test_a_separator_in_a_text_is_characters(tmp_path: Path, tokenizer: Tokenizer) -> None:
    tokenizer.add_special_tokens(["[SEP]"])
    corpus = write(tmp_path / "corpus", ["the [SEP] cat."] * (HELD_OUT + 1))
    train = pack_corpus(corpus, tokenizer, "[SEP]", "en", None, tmp_path / "cache").train
    assert np.sum(np.asarray(train.tokens) == tokenizer.token_to_id("[SEP]")) == len(train.documents) - 1


def test_other_texts_are_packed_elsewhere(tmp_path: Path, tokenizer: Tokenizer) -> None:
    one = pack_corpus(write(tmp_path / "a", ["the cat."] * 3), tokenizer, "[SEP]", "en", None, tmp_path / "cache")
    two = pack_corpus(write(tmp_path / "b", ["the cats."] * 3), tokenizer, "[SEP]", "en", None, tmp_path / "cache")
    assert one.folder != two.folder


@pytest.mark.parametrize("part", ["test.parquet", "validation-00001-of-00002.parquet"])
def test_a_held_out_text_of_a_dataset_is_left_out_and_counted(part: str, tmp_path: Path, tokenizer: Tokenizer) -> None:
    corpus = write(tmp_path / "corpus", [*["playing"] * (HELD_OUT + 1), "the cat."])
    pd.DataFrame({"text": ["The  CAT!"]}).to_parquet(write(tmp_path / "data" / "task", ["x"]) / part)
    packed = pack_corpus(corpus, tokenizer, "[SEP]", "en", tmp_path / "data", tmp_path / "cache")
    assert packed.facts["leaked"] == 1
    assert packed.facts["documents"] == HELD_OUT + 1
    kept = np.concatenate([packed.train.tokens, packed.held_out.tokens])
    assert PIECES.index("cat") not in kept
    assert PIECES.index("play") in kept


def test_a_folder_without_datasets_excludes_nothing_and_is_a_mistake(tmp_path: Path, tokenizer: Tokenizer) -> None:
    corpus = write(tmp_path / "corpus", ["the cat."])
    with pytest.raises(UserError, match="holds no datasets"):
        pack_corpus(corpus, tokenizer, "[SEP]", "en", tmp_path / "nowhere", tmp_path / "cache")


def test_pieces_of_one_character_are_of_one_word(tmp_path: Path) -> None:
    bytes_ = {char: number for number, char in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(bytes_ | {"</s>": len(bytes_)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    corpus = write(tmp_path / "corpus", ["ab \u200bcd"] * (HELD_OUT + 1))
    english = pack_corpus(corpus, tokenizer, "</s>", "en", None, tmp_path / "cache").train
    assert np.flatnonzero(english.word_starts[:9]).tolist() == [0, 3, 8]  # a, the mark before cd, the end
    corpus = write(tmp_path / "zh", ["我们在北京"] * (HELD_OUT + 1))
    chinese = pack_corpus(corpus, tokenizer, "</s>", "zh", None, tmp_path / "cache").train
    assert np.flatnonzero(chinese.word_starts[:16]).tolist() == [0, 6, 9, 15]


def test_normalising_leaves_letters_and_digits() -> None:
    assert normalise("Ｈello, World_ 2!") == "helloworld2"


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no parquet files"):
        read_texts(tmp_path)
    with pytest.raises(UserError, match="no column 'text'; it has: body"):
        read_texts(write(tmp_path / "wrong", ["a"], "body"))
    pd.DataFrame({"text": [1, 2]}).to_parquet(write(tmp_path / "numbers", ["a"]) / "part.parquet")
    with pytest.raises(UserError, match="the column 'text' holds int64, not text"):
        read_texts(tmp_path / "numbers")
    (write(tmp_path / "damaged", ["a"]) / "part.parquet").write_bytes(b"")
    with pytest.raises(UserError, match="is no readable parquet file"):
        read_texts(tmp_path / "damaged")


@pytest.mark.parametrize("texts", [[], ["the cat."], [None, " ", "the cat."]], ids=["none", "one", "one and blanks"])
def test_fewer_texts_than_a_training_needs_are_told(
    texts: list[str | None], tmp_path: Path, tokenizer: Tokenizer
) -> None:
    corpus = write(tmp_path / "corpus", ["a"])
    pd.DataFrame({"text": pd.array(texts, "string")}).to_parquet(corpus / "part.parquet")
    with pytest.raises(UserError, match=r"holds [01] texts; at least 2 are needed"):
        pack_corpus(corpus, tokenizer, "[SEP]", "en", None, tmp_path / "cache")


def test_a_sentence_of_no_piece_leaves_the_words_of_the_others(tmp_path: Path, tokenizer: Tokenizer) -> None:
    tokenizer.normalizer = normalizers.Replace("\u200b", "")
    corpus = write(tmp_path / "corpus", ["the cat.\n\u200b\nplaying"] * (HELD_OUT + 1))
    train = pack_corpus(corpus, tokenizer, "[SEP]", "en", None, tmp_path / "cache").train
    assert train.word_starts.dtype == bool
    assert train.word_starts[:6].tolist() == [True, True, False, True, False, True]


def test_a_damaged_packed_corpus_is_told_with_what_to_do(tmp_path: Path, tokenizer: Tokenizer) -> None:
    corpus = write(tmp_path / "corpus", ["the cat."] * 3)
    folder = pack_corpus(corpus, tokenizer, "[SEP]", "en", None, tmp_path / "cache").folder
    for name in ("train/tokens.npy", "facts.json"):
        (folder / name).write_bytes((folder / name).read_bytes()[:-1])
        with pytest.raises(UserError, match="is damaged; delete it, and it is packed again"):
            pack_corpus(corpus, tokenizer, "[SEP]", "en", None, tmp_path / "cache")
