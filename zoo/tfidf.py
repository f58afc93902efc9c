"""TF-IDF and a linear model as a checkpoint: numbers and a vocabulary, loaded without torch and without unpickling.

`tfidf.safetensors` holds the coefficients term by term (`values`, their `columns`, and how many each term has:
`lengths`), each term's inverse document frequency `idf`, each label's `intercept`, and the `vocabulary` as JSON, in
zlib's format.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict
from safetensors.numpy import load_file, save_file

from zoo.checkpoints.checkpoint import TFIDF, CheckpointInfo, read_checkpoint
from zoo.decision import Decision
from zoo.errors import UserError, reason

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer

UNLIMITED = 2**31 - 1  # the max_length of a model that reads whole texts
MOST = 2**26  # bytes of a vocabulary: a small file must not unpack to gigabytes


class Vocabulary(BaseModel):
    """The terms by column, and how a text is taken apart into such terms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    analyzer: Literal["word", "char"]
    ngrams: tuple[int, int]
    terms: tuple[str, ...]


@dataclass(frozen=True)
class TfidfModel:
    """Attributes: `idf` (terms,), `coefficients` (terms, num_labels) and `intercept` (num_labels,)."""

    vocabulary: Vocabulary
    idf: np.ndarray
    coefficients: "csr_matrix"
    intercept: np.ndarray

    @cached_property
    def vectorizer(self) -> "TfidfVectorizer":
        """scikit-learn's vectorizer of these terms."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        made = TfidfVectorizer(
            analyzer=self.vocabulary.analyzer,
            ngram_range=self.vocabulary.ngrams,
            vocabulary={term: column for column, term in enumerate(self.vocabulary.terms)},
            sublinear_tf=True,
        )
        made.idf_ = self.idf.astype(np.float64)
        return made

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 logits of shape (n, num_labels)."""
        if not texts:
            return np.zeros((0, len(self.intercept)), np.float32)
        features = self.vectorizer.transform(texts)
        return ((features @ self.coefficients).toarray() + self.intercept).astype(np.float32)


@dataclass(frozen=True)
class TfidfClassifier:
    """Turns texts into scores and labels, as `zoo.classifier.Classifier` does."""

    info: CheckpointInfo
    decision: Decision
    model: TfidfModel

    @classmethod
    def load(cls, folder: Path) -> "TfidfClassifier":
        """Load the checkpoint in `folder`.

        Raises:
            UserError: the checkpoint is missing, incomplete or damaged.
        """
        checkpoint = read_checkpoint(folder)
        return cls(checkpoint.info, checkpoint.decision, read_tfidf(folder / TFIDF, len(checkpoint.info.labels)))

    def warm_up(self) -> None:
        """Make the first prediction as fast as any after it."""
        self.predict_logits(["a first text"])

    def count_tokens(self, text: str) -> int:
        """Return how many terms the whole text has, known or not."""
        return len(self.model.vectorizer.build_analyzer()(text))

    @property
    def capacity(self) -> int:
        """How many terms of a text are read at most."""
        return self.info.max_length

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 logits of shape (n, num_labels)."""
        return self.model.predict_logits(texts)

    def predict_scores(self, texts: Sequence[str]) -> np.ndarray:
        """Return calibrated scores of shape (n, num_labels)."""
        return self.decision.scores(self.predict_logits(texts))

    def decide(self, y_score: np.ndarray) -> np.ndarray:
        """Return the decided labels, int8 of shape (n, num_labels), for scores of that shape."""
        return self.decision.decide(y_score)


def write_tfidf(path: Path, model: TfidfModel) -> None:
    """Write a model's numbers in half precision, and its vocabulary."""
    coefficients = model.coefficients
    small = len(model.intercept) <= 256
    vocabulary = zlib.compress(model.vocabulary.model_dump_json().encode(), 9)
    tensors = {
        "values": coefficients.data.astype(np.float16),
        "columns": coefficients.indices.astype(np.uint8 if small else np.int32),
        "lengths": np.diff(coefficients.indptr).astype(np.uint16 if small else np.int32),
        "idf": model.idf.astype(np.float16),
        "intercept": model.intercept.astype(np.float32),
        "vocabulary": np.frombuffer(vocabulary, np.uint8),
    }
    save_file(tensors, path)


def read_tfidf(path: Path, num_labels: int) -> TfidfModel:
    """Read a model for `num_labels` labels.

    Raises:
        UserError: the file's parts do not fit each other or the labels.
    """
    from scipy.sparse import csr_matrix

    try:
        tensors = load_file(path)
        values, columns, lengths, idf, intercept = (
            tensors[name] for name in ("values", "columns", "lengths", "idf", "intercept")
        )
        vocabulary = Vocabulary.model_validate_json(_unpack(tensors["vocabulary"].tobytes()))
        terms = len(vocabulary.terms)
        if idf.shape != (terms,) or intercept.shape != (num_labels,) or len(set(vocabulary.terms)) != terms:
            raise ValueError(f"{terms} terms, {len(idf)} frequencies, {len(intercept)} labels")
        parts = (values.astype(np.float32), columns.astype(np.int32), np.append(0, lengths.cumsum()))
        coefficients = csr_matrix(parts, shape=(terms, num_labels))
        coefficients.check_format()
    except Exception as error:  # safetensors, pydantic and scipy raise many kinds
        raise UserError(f"{path} cannot be read ({reason(error)}); copy or train the checkpoint again") from error
    return TfidfModel(vocabulary, idf, coefficients, intercept)


def _unpack(packed: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    unpacked = unpacking.decompress(packed, MOST)
    if not unpacking.eof:
        raise ValueError(f"the vocabulary is cut off, or has more than {MOST:,} bytes")
    return unpacked
