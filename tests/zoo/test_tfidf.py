"""TF-IDF checkpoints: the same logits as scikit-learn's own model, and every damage in one line."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from benchmark.release.reduce import prune
from tests.checkpoints import write_toy_tfidf
from zoo.checkpoints.checkpoint import TFIDF
from zoo.errors import UserError
from zoo.serving import load_classifier
from zoo.tfidf import MOST, TfidfClassifier, TfidfModel, Vocabulary, read_tfidf

TEXTS = ["a parcel came late", "the parcel is good", "good price, good parcel", "late late late", "what is the price"]
TARGET = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 1], [1, 0, 0], [0, 0, 1]])


@pytest.fixture
def fitted() -> tuple[TfidfVectorizer, list[LogisticRegression]]:
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    features = vectorizer.fit_transform(TEXTS)
    return vectorizer, [LogisticRegression(C=10).fit(features, column) for column in TARGET.T]


@pytest.fixture
def model(fitted: tuple[TfidfVectorizer, list[LogisticRegression]]) -> TfidfModel:
    vectorizer, regressions = fitted
    terms = tuple(vectorizer.get_feature_names_out().tolist())
    coefficients = csr_matrix(np.stack([each.coef_[0] for each in regressions], axis=1))
    intercept = np.array([each.intercept_[0] for each in regressions])
    vocabulary = Vocabulary(analyzer="word", ngrams=(1, 2), terms=terms)
    return TfidfModel(vocabulary, vectorizer.idf_, coefficients, intercept)


@pytest.fixture
def folder(model: TfidfModel, tmp_path: Path) -> Path:
    return write_toy_tfidf(tmp_path, model)


def test_a_saved_model_gives_scikit_learns_logits(
    folder: Path, fitted: tuple[TfidfVectorizer, list[LogisticRegression]]
) -> None:
    classifier = load_classifier(folder)
    assert isinstance(classifier, TfidfClassifier)
    texts = [*TEXTS, "", "unknown words", "Good PARCEL"]
    features = fitted[0].transform(texts)
    expected = np.stack([each.decision_function(features) for each in fitted[1]], axis=1)
    np.testing.assert_allclose(classifier.predict_logits(texts), expected, atol=5e-3)
    np.testing.assert_array_equal(classifier.decide(classifier.predict_scores(texts)), expected >= 0)
    assert classifier.predict_logits([]).shape == (0, 3)
    assert classifier.count_tokens("late parcel") == 3  # two words and the pair


def _packed(text: str) -> np.ndarray:
    return np.frombuffer(zlib.compress(text.encode()), np.uint8)


@pytest.mark.parametrize(
    "change",
    [
        {"columns": np.full(99, 7, np.uint8)},
        {"lengths": np.zeros(3, np.uint16)},
        {"idf": np.ones(2, np.float16)},
        {"intercept": np.zeros(4, np.float32)},
        {"vocabulary": _packed("[]")},
        {"vocabulary": _packed('{"analyzer": "word", "ngrams": [1, 2], "terms": ["good", "good"]}')},
        {"vocabulary": _packed("[]")[:-1]},
        {"vocabulary": _packed(" " * (MOST + 1))},
    ],
    ids=["columns", "lengths", "idf", "intercept", "no vocabulary", "a term twice", "cut off", "too large"],
)
def test_parts_that_do_not_fit_are_refused_in_one_line(folder: Path, change: dict[str, np.ndarray]) -> None:
    save_file(load_file(folder / TFIDF) | change, folder / TFIDF)
    with pytest.raises(UserError, match=TFIDF) as caught:
        read_tfidf(folder / TFIDF, 3)
    assert "\n" not in str(caught.value)


def test_pruning_keeps_the_coefficients_with_the_largest_part_hand_worked() -> None:
    coefficients = csr_matrix(np.array([[4.0, 0.0], [1.0, 0.0], [0.0, 0.001], [3.0, 0.002]]))
    vocabulary = Vocabulary(analyzer="word", ngrams=(1, 1), terms=("aa", "bb", "cc", "dd"))
    model = TfidfModel(vocabulary, np.arange(4.0), coefficients, np.zeros(2))
    strength = np.array([1.0, 9.0, 1.0, 1.0])
    # Parts of label 0: 4, 9 and 3, over 10.3. Of label 1, whose logits are small: 1 and 2 over 2.2. In order: 2 (dd),
    # 9 (bb), 1 (cc), 4 (aa), 3 (dd). A term takes 9 bytes, 4 of them for its letters and quotes; a coefficient 3.
    for size, terms in ((11, ""), (12, "dd"), (24, "bb dd"), (36, "bb cc dd"), (48, "aa bb cc dd")):
        assert prune(model, strength, size).vocabulary.terms == tuple(terms.split())
    cut = prune(model, strength, 50)
    np.testing.assert_array_equal(cut.idf, [0, 1, 2, 3])
    np.testing.assert_array_equal(cut.coefficients.toarray(), [[4, 0], [1, 0], [0, 0.001], [0, 0.002]])
