"""The corpus: parquet files of texts, read once, tokenised, and kept as memory-mapped arrays.

The arrays hold the documents in an order that a fixed seed shuffles, so that any part from the front is a sample of all
sources. Each document ends in one separator token.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from zoo.errors import UserError
from zoo.files import new_folder, sha256

HELD_OUT = 200  # one document in this many is held out of training
_SENTENCE = re.compile(r"[^\n]*?(?:[.!?](?=\s)|[。！？；]+[”’」』]?|\n|$)")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_BATCH = 2_000
_ARRAYS = ("tokens", "word_starts", "sentences", "documents")


@dataclass(frozen=True)
class Corpus:
    """A tokenised corpus.

    tokens: uint16 of shape (num_tokens,), all documents one after another.
    word_starts: bool of shape (num_tokens,), true where a word starts.
    sentences: int64, the first token of each sentence, and num_tokens at the end.
    documents: int64, the first sentence of each document, and the number of sentences at the end.
    """

    tokens: np.ndarray
    word_starts: np.ndarray
    sentences: np.ndarray
    documents: np.ndarray


@dataclass(frozen=True)
class Packed:
    """The folder of a packed corpus, its two parts, and its facts."""

    folder: Path
    train: Corpus
    held_out: Corpus
    facts: dict[str, int | str]


def pack_corpus(
    source: Path, tokenizer: Tokenizer, separator: str, language: str, exclude: Path | None, cache: Path
) -> Packed:
    """Tokenise the corpus below `source` into `cache`, or return the copy that is there from before.

    Args:
        source: a folder of parquet files with a column `text`.
        tokenizer: turns sentences into pieces.
        separator: the token that ends a document.
        language: "en" or "zh", which decides what a word is.
        exclude: a folder of datasets; texts that equal one of their validation or test texts are left out and counted.
        cache: where packed corpora are kept.

    Raises:
        UserError: there is nothing to read, or `exclude` holds no datasets.
    """
    corpus, tokenizer_hash = corpus_hash(source), hashlib.sha256(tokenizer.to_str().encode()).hexdigest()[:8]
    excluded = read_excluded(exclude)
    folder = cache / f"corpus-{corpus}-{tokenizer_hash}-{language}-{texts_hash(excluded)}"
    if not (folder / "facts.json").is_file():
        read = read_texts(source)
        texts = without(excluded, read)
        if len(texts) < 2:
            raise UserError(
                f"{source} holds {len(texts)} texts; at least 2 are needed: one to train on, one to hold out"
            )
        words = english_words if language == "en" else chinese_words
        encode = _Encoder(tokenizer, separator, words)
        kept = {"train": not_held_out(texts), "held_out": texts[::HELD_OUT]}
        with new_folder(folder) as temporary:
            for part, documents in kept.items():
                _write(temporary / part, encode(documents))
            facts = {"corpus": corpus, "documents": len(texts), "leaked": len(read) - len(texts)}
            (temporary / "facts.json").write_text(json.dumps(facts))
    try:
        facts = json.loads((folder / "facts.json").read_text())
        return Packed(folder, _read(folder / "train"), _read(folder / "held_out"), facts)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"The packed corpus {folder} is damaged; delete it, and it is packed again") from error


def read_texts(source: Path) -> list[str]:
    """Return the texts of all parquet files in a folder, in an order that a fixed seed shuffles.

    Raises:
        UserError: there are no such files, or one is damaged or has no texts in a column `text`.
    """
    texts = [text for path in _files(source) for text in _texts(path)]
    order = np.random.default_rng(0).permutation(len(texts))
    return [texts[row] for row in order]


def _texts(path: Path) -> list[str]:
    try:
        schema = pq.read_schema(path)
        if "text" not in schema.names:
            raise UserError(f"{path} has no column 'text'; it has: {', '.join(schema.names)}")
        column = pq.read_table(path, columns=["text"]).column("text")
    except pa.ArrowException as error:
        raise UserError(f"{path} is no readable parquet file ({str(error).splitlines()[0]})") from error
    if not any(holds(column.type) for holds in (pa.types.is_string, pa.types.is_large_string, pa.types.is_null)):
        raise UserError(f"{path}: the column 'text' holds {column.type}, not text")
    return [text for text in column.to_pylist() if text and text.strip()]


def not_held_out(texts: list[str]) -> list[str]:
    """Return the documents for training: all except one in `HELD_OUT`."""
    return [text for row, text in enumerate(texts) if row % HELD_OUT]


def corpus_hash(source: Path) -> str:
    """Return a hash of a corpus's files."""
    return hashlib.sha256("".join(map(sha256, _files(source))).encode()).hexdigest()[:12]


def _files(source: Path) -> list[Path]:
    files = sorted(source.glob("*.parquet"))
    if not files:
        raise UserError(f"{source} has no parquet files; give the folder of a corpus with --corpus")
    return files


def read_excluded(datasets: Path | None) -> frozenset[str]:
    """Return the validation and test texts of all datasets in a folder, normalised.

    Raises:
        UserError: there are no datasets in it, or one cannot be read.
    """
    if datasets is None:
        return frozenset()
    files = [*datasets.glob("*/validation*.parquet"), *datasets.glob("*/test*.parquet")]  # in one part or several
    if not files:
        raise UserError(f"{datasets} holds no datasets (<name>/validation.parquet, <name>/test.parquet)")
    return frozenset(normalise(text) for path in files for text in _texts(path))


def without(excluded: frozenset[str], texts: list[str]) -> list[str]:
    """Return the texts that are not excluded."""
    return [text for text in texts if normalise(text) not in excluded] if excluded else texts


def texts_hash(texts: frozenset[str]) -> str:
    """Return a short hash of a set of texts."""
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()[:8]


def normalise(text: str) -> str:
    """Return the text in NFKC and lower case, letters and digits only. Texts that agree in this count as the same."""
    return _NOT_ALPHANUMERIC.sub("", unicodedata.normalize("NFKC", text).lower())


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text, in order. They end at . ! ? before whitespace, at 。！？；, and at line ends."""
    return [found for match in _SENTENCE.finditer(text) if (found := match.group().strip())]


def english_words(sentence: str) -> Iterator[int]:
    """Yield where each word starts. Whitespace separates words."""
    return (match.start() for match in re.finditer(r"\S+", sentence))


def chinese_words(sentence: str) -> Iterator[int]:
    """Yield where each word starts, by jieba's segmentation."""
    import jieba

    start = 0
    for word in jieba.cut(sentence):
        yield start
        start += len(word)


class _Encoder:
    """Turns documents into the arrays of a Corpus."""

    def __init__(self, tokenizer: Tokenizer, separator: str, words: Callable[[str], Iterable[int]]) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True  # what looks like a separator in a text is characters
        if tokenizer.get_vocab_size() > np.iinfo(np.uint16).max:
            raise UserError(f"A vocabulary of {tokenizer.get_vocab_size():,} pieces is too large; the most is 65,535")
        self.tokenizer, self.separator, self.words = tokenizer, tokenizer.token_to_id(separator), words

    def __call__(self, documents: list[str]) -> Corpus:
        tokens, starts, lengths, sentence_counts = [], [], [], []
        for first in range(0, len(documents), _BATCH):
            split = [split_sentences(text) for text in documents[first : first + _BATCH]]
            flat = [sentence for sentences in split for sentence in sentences]
            encoded = iter(self.tokenizer.encode_batch(flat, add_special_tokens=False))
            for sentences in split:
                for number, sentence in enumerate(sentences, 1):
                    encoding = next(encoded)
                    end = [self.separator] if number == len(sentences) else []
                    tokens.append(np.array(encoding.ids + end, np.uint16))
                    starts.append(
                        np.array([*self._word_starts(sentence, encoding.offsets), *(True for _ in end)], bool)
                    )
                    lengths.append(len(tokens[-1]))
                sentence_counts.append(len(sentences))
        return Corpus(np.concatenate(tokens), np.concatenate(starts), _offsets(lengths), _offsets(sentence_counts))

    def _word_starts(self, sentence: str, offsets: list[tuple[int, int]]) -> np.ndarray:
        """Return which pieces belong to another word than the piece before, bool of shape (num_pieces,).

        Several pieces can share one character, and a piece can begin with the space before its word. So a piece belongs
        to the word of its last character.
        """
        last = [max(start, end - 1) for start, end in offsets]
        words = np.searchsorted(np.fromiter(self.words(sentence), np.int64), last, side="right")
        return np.diff(words, prepend=-1) != 0


def _offsets(lengths: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _write(folder: Path, corpus: Corpus) -> None:
    folder.mkdir()
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", getattr(corpus, name))


def _read(folder: Path) -> Corpus:
    return Corpus(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS))
