"""The baseline against scikit-learn put together here, and on labels that leave nothing to learn."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows, Split
from benchmark.training.baseline import train_baseline
from benchmark.training.recipes import BaselineRecipe

SINGLE = "single_label_classification"
RECIPE = BaselineRecipe()
ToyRows = Callable[..., Rows]


def _reference(rows: Rows, target: np.ndarray) -> np.ndarray:
    """The probability of class 1 of every test row."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    pipeline = make_pipeline(vectorizer, LogisticRegression(C=10, solver="liblinear", max_iter=1000))
    return pipeline.fit(rows.train.texts, target).predict_proba(rows.test.texts)[:, 1]


def test_multi_label_logits_are_one_regressions_a_label(toy_task: Task, toy_rows: ToyRows) -> None:
    rows = toy_rows(toy_task)
    found = train_baseline(toy_task, rows, RECIPE)
    for label in (0, 1):
        expected = _reference(rows, rows.train.y_true[:, label])
        np.testing.assert_allclose(expit(found.predictions.test_logits[:, label]), expected, atol=1e-5)
    assert found.predictions.validation_logits.shape == (32, 3)
    np.testing.assert_array_equal((found.predictions.test_logits > 0)[:, :2], rows.test.y_true[:, :2])


@pytest.mark.parametrize("value", [0, 1])
def test_a_label_of_one_class_gets_its_smoothed_log_odds(value: int, toy_task: Task, toy_rows: ToyRows) -> None:
    rows = toy_rows(toy_task)
    rows.train.y_true[:, 2] = value
    logits = train_baseline(toy_task, rows, RECIPE).predictions.test_logits[:, 2]
    sign = 1 if value else -1
    np.testing.assert_allclose(logits, sign * np.log(64.5 / 0.5), rtol=1e-6)


def test_two_single_labels_are_one_regression(toy_task: Task, toy_rows: ToyRows) -> None:
    task = replace(toy_task, problem_type=SINGLE, labels=("bad", "good"), main_metric="accuracy")
    rows = toy_rows(task)
    found = train_baseline(task, rows, RECIPE)
    scores = softmax(found.predictions.test_logits, axis=1)
    np.testing.assert_allclose(scores[:, 1], _reference(rows, rows.train.y_true[:, 1]), atol=1e-5)
    np.testing.assert_array_equal(scores.argmax(axis=1), rows.test.y_true.argmax(axis=1))


def test_three_single_labels_are_told_apart(toy_task: Task) -> None:
    task = replace(toy_task, problem_type=SINGLE, labels=("a", "b", "c"), main_metric="accuracy")
    gold = np.arange(60) % 3
    split = Split([f"{('red', 'green', 'blue')[i]} thing" for i in gold], np.eye(3, dtype=np.int8)[gold])
    found = train_baseline(task, Rows(split, split, split, "x"), RECIPE)
    np.testing.assert_array_equal(found.predictions.test_logits.argmax(axis=1), gold)


def test_every_seed_gives_the_same(toy_task: Task, toy_rows: ToyRows) -> None:
    first, second = (train_baseline(toy_task, toy_rows(toy_task), BaselineRecipe(seed=seed)) for seed in (0, 1))
    np.testing.assert_array_equal(first.predictions.test_logits, second.predictions.test_logits)


def test_nothing_of_the_reported_rows_is_used(toy_task: Task, toy_rows: ToyRows) -> None:
    rows = toy_rows(toy_task)
    garbage = Split(["zzz qqq"] * 5, np.ones((5, 3), np.int8))
    plain, other = (train_baseline(toy_task, r, RECIPE) for r in (rows, replace(rows, test=garbage)))
    np.testing.assert_array_equal(other.predictions.validation_logits, plain.predictions.validation_logits)


def test_characters_serve_a_language_without_spaces(toy_task: Task) -> None:
    task = replace(toy_task, language="zh", labels=("a", "b"))
    texts = ["快递太慢了", "价格很贵", "快递很慢", "太贵了价格"] * 5
    y_true = np.array([[1, 0], [0, 1]] * 10, np.int8)
    split = Split(texts, y_true)
    recipe = BaselineRecipe(analyzer="char", ngrams=(1, 3))
    found = train_baseline(task, Rows(split, split, split, "x"), recipe)
    np.testing.assert_array_equal(found.predictions.test_logits > 0, y_true)


def test_its_parameters_are_its_coefficients(toy_task: Task, toy_rows: ToyRows) -> None:
    rows = toy_rows(toy_task)
    features = TfidfVectorizer(ngram_range=(1, 2), min_df=2).fit(rows.train.texts).get_feature_names_out()
    measured = train_baseline(toy_task, rows, RECIPE).measured
    assert measured.parameters == 2 * (len(features) + 1) + 1  # the third label has one class, so one number
    assert measured.embedding_parameters == 0
