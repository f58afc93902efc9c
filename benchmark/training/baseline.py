"""The baseline that always stands on the board: TF-IDF and one logistic regression a label (scikit-learn)."""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Baseline:
    """The baseline's predictions and cost. It has no randomness: every seed gives the same."""

    predictions: Predictions
    measured: Measured


def train_baseline(task: Task, rows: Rows, recipe: BaselineRecipe) -> Baseline:
    """Train on `rows.train`, predict validation and test."""
    watch = Stopwatch()
    with watch.time("training"):
        vectorizer = TfidfVectorizer(
            analyzer=recipe.analyzer, ngram_range=recipe.ngrams, min_df=recipe.min_df, sublinear_tf=True
        )
        features = vectorizer.fit_transform(rows.train.texts)
        models = [_train_label(features, rows.train.y_true[:, label], recipe) for label in _modelled(task)]
    with watch.time("inference"):
        test_logits = _logits(models, vectorizer.transform(rows.test.texts), task)
    validation_logits = _logits(models, vectorizer.transform(rows.validation.texts), task)
    parameters = sum(_size(model) for model in models)
    measured = watch.measured(
        train_examples=len(rows.train),
        test_examples=len(rows.test),
        parameters=parameters,
        embedding_parameters=0,
        trained_parameters=parameters,
        truncated=0.0,
        latency=measure_latency(
            lambda texts, length: _logits(models, vectorizer.transform([_cut(t, length, task) for t in texts]), task),
            rows.test.texts,
        ),
        hardware={"precision": "fp64", "threads": 1},
    )
    return Baseline(Predictions(validation_logits, rows.validation.y_true, test_logits, rows.test.y_true), measured)


def _cut(text: str, length: int, task: Task) -> str:
    """Return the first `length` words, or characters where words have no spaces between."""
    return " ".join(text.split()[:length]) if task.language == "en" else text[:length]


def _modelled(task: Task) -> list[int]:
    """A single-label task of two labels needs one regression, of the second label against the first."""
    return list(range(len(task.labels))) if task.multi_label or len(task.labels) > 2 else [1]


def _train_label(features: csr_matrix, target: np.ndarray, recipe: BaselineRecipe) -> LogisticRegression | float:
    """Return the regression, or the smoothed log odds of a label that has one class only in train."""
    if target.min() == target.max():
        return float(np.log((target.sum() + 0.5) / (len(target) - target.sum() + 0.5)))
    # liblinear is three times as fast as the default on these sparse features, with the same decisions.
    model = LogisticRegression(
        C=recipe.inverse_regularisation, solver="liblinear", max_iter=1000, random_state=recipe.seed
    )
    return model.fit(features, target)


def _logits(models: list[LogisticRegression | float], features: csr_matrix, task: Task) -> np.ndarray:
    columns = [
        np.full(features.shape[0], model) if isinstance(model, float) else model.decision_function(features)
        for model in models
    ]
    if len(columns) == 1 and len(task.labels) == 2:
        columns.insert(0, np.zeros_like(columns[0]))
    return np.stack(columns, axis=1).astype(np.float32)


def _size(model: LogisticRegression | float) -> int:
    return 1 if isinstance(model, float) else model.coef_.size + model.intercept_.size
