"""The baseline that always stands on the board: TF-IDF and one logistic regression a label (scikit-learn)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from benchmark.training.latency import measure_latency
from benchmark.training.recipes import BaselineRecipe
from benchmark.training.runs import Predictions
from benchmark.training.stopwatch import Measured, Stopwatch
from zoo.errors import UserError
from zoo.tfidf import TfidfModel, Vocabulary

Features: TypeAlias = csr_matrix | np.ndarray  # shape (n, number of features)


@dataclass(frozen=True)
class Baseline:
    """The baseline's model, its predictions and its cost. They do not depend on the seed."""

    model: TfidfModel
    predictions: Predictions
    measured: Measured


def fit_min_df(recipe: BaselineRecipe, texts: Iterable[str]) -> BaselineRecipe:
    """Return the recipe for these train texts, with `min_df` 1 if none of their terms is in `min_df` texts.

    So a small dataset has a baseline, too, and its run and its row on the board say min_df=1.
    """
    return recipe if _has_terms(recipe, texts) else recipe.model_copy(update={"min_df": 1})


def _has_terms(recipe: BaselineRecipe, texts: Iterable[str]) -> bool:
    terms_of, texts_with = _vectorizer(recipe).build_analyzer(), Counter[str]()
    for text in texts:
        for term in set(terms_of(text)):
            texts_with[term] += 1
            if texts_with[term] >= recipe.min_df:
                return True
    return False


def _vectorizer(recipe: BaselineRecipe) -> TfidfVectorizer:
    return TfidfVectorizer(analyzer=recipe.analyzer, ngram_range=recipe.ngrams, min_df=recipe.min_df, sublinear_tf=True)


def train_baseline(task: Task, rows: Rows, recipe: BaselineRecipe) -> Baseline:
    """Train on `rows.train`, predict validation and test.

    Raises:
        UserError: no term of the train texts is in as many of them as the recipe asks for.
    """
    if not _has_terms(recipe, rows.train.texts):
        change = '"min_df": 1' if recipe.min_df > 1 else '"analyzer": "char"'
        raise UserError(
            f"No term is in at least {recipe.min_df} of the {len(rows.train):,} train texts of "
            f"'{task.name}'; set {change} in --recipe"
        )
    watch = Stopwatch()
    with watch.time("training"):
        vectorizer = _vectorizer(recipe)
        features = vectorizer.fit_transform(rows.train.texts)
        models = [train_label(features, rows.train.y_true[:, label], _regression(recipe)) for label in modelled(task)]
    with watch.time("inference"):
        test_logits = logits_of(models, vectorizer.transform(rows.test.texts), task)
    validation_logits = logits_of(models, vectorizer.transform(rows.validation.texts), task)
    parameters = sum(size_of_model(model) for model in models)
    measured = watch.measured(
        train_examples=len(rows.train),
        test_examples=len(rows.test),
        parameters=parameters,
        embedding_parameters=0,
        trained_parameters=parameters,
        truncated=0.0,
        latency=measure_latency(
            lambda texts, length: logits_of(models, vectorizer.transform([_cut(t, length, task) for t in texts]), task),
            rows.test.texts,
        ),
        hardware={"precision": "fp64", "threads": 1},
    )
    predictions = Predictions(validation_logits, rows.validation.y_true, test_logits, rows.test.y_true)
    return Baseline(_as_model(recipe, vectorizer, models, len(task.labels)), predictions, measured)


def _as_model(
    recipe: BaselineRecipe, vectorizer: TfidfVectorizer, models: list[LogisticRegression | float], num_labels: int
) -> TfidfModel:
    """Return the regressions as one matrix. The first of two single labels has no regression, and zeros here."""
    terms = vectorizer.get_feature_names_out().tolist()
    coefficients, intercept = np.zeros((len(terms), num_labels)), np.zeros(num_labels)
    for label, model in enumerate(models, num_labels - len(models)):
        if isinstance(model, float):
            intercept[label] = model
        else:
            coefficients[:, label], intercept[label] = model.coef_[0], model.intercept_[0]
    vocabulary = Vocabulary(analyzer=recipe.analyzer, ngrams=recipe.ngrams, terms=tuple(terms))
    return TfidfModel(vocabulary, vectorizer.idf_, csr_matrix(coefficients), intercept)


def _cut(text: str, length: int, task: Task) -> str:
    """Return the first `length` words, or characters where words have no spaces between."""
    return " ".join(text.split()[:length]) if task.language == "en" else text[:length]


def modelled(task: Task) -> list[int]:
    """Return the labels that have a regression each: of two single labels the second alone."""
    return list(range(len(task.labels))) if task.multi_label or len(task.labels) > 2 else [1]


def train_label(features: Features, target: np.ndarray, model: LogisticRegression) -> LogisticRegression | float:
    """Return the model, fitted, or the smoothed log odds of a label that all train texts have or that none has."""
    if target.min() == target.max():
        return float(np.log((target.sum() + 0.5) / (len(target) - target.sum() + 0.5)))
    return model.fit(features, target)


def _regression(recipe: BaselineRecipe) -> LogisticRegression:
    # liblinear is three times as fast as the default on these sparse features, with the same decisions.
    return LogisticRegression(
        C=recipe.inverse_regularisation, solver="liblinear", max_iter=1000, random_state=recipe.seed
    )


def logits_of(models: list[LogisticRegression | float], features: Features, task: Task) -> np.ndarray:
    """Return the logits of every text, float32 of shape (n, num_labels)."""
    columns = [
        np.full(features.shape[0], model) if isinstance(model, float) else model.decision_function(features)
        for model in models
    ]
    if len(columns) == 1 and len(task.labels) == 2:
        columns.insert(0, np.zeros_like(columns[0]))
    return np.stack(columns, axis=1).astype(np.float32)


def size_of_model(model: LogisticRegression | float) -> int:
    """Return how many numbers a label's model has."""
    return 1 if isinstance(model, float) else model.coef_.size + model.intercept_.size
