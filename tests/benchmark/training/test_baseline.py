"""The baseline against scikit-learn put together here, and on labels that leave nothing to learn."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows, Split
from benchmark.training.baseline import train_baseline
from benchmark.training.grid import plan
from benchmark.training.recipes import BaselineRecipe, variant_of
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError

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


def _tiny(texts: list[str], labels: list[int], num_labels: int = 2) -> Rows:
    split = Split(texts, np.eye(num_labels, dtype=np.int8)[labels])
    return Rows(split, split, split, "tiny")


def _planned(task: Task, rows: Rows, **changes: object) -> BaselineRecipe:
    (cell,) = plan({task: rows}, [get_encoder("tfidf-lr")], [0], Path("results"), **changes)
    assert isinstance(cell.recipe, BaselineRecipe)
    return cell.recipe


def test_a_tiny_dataset_without_a_word_that_occurs_twice_has_a_baseline_whose_recipe_says_so(toy_task: Task) -> None:
    task = replace(toy_task, problem_type=SINGLE, labels=("bad", "good"), main_metric="accuracy")
    rows = _tiny(["good film", "awful plot", "fine cast", "weak script"], [1, 0, 1, 0])
    recipe = _planned(task, rows)
    assert recipe.min_df == 1
    assert variant_of(recipe, task, "small") == "min_df=1"
    logits = train_baseline(task, rows, recipe).predictions.test_logits
    np.testing.assert_array_equal(logits.argmax(axis=1), [1, 0, 1, 0])


def test_a_word_that_occurs_twice_leaves_the_recipe_as_it_is(toy_task: Task) -> None:
    rows = _tiny(["good film", "awful film", "fine cast"], [1, 0, 1], 3)
    assert _planned(toy_task, rows) == RECIPE
    twice_in_one_text = _tiny(["good good", "awful", "fine"], [1, 0, 1], 3)
    assert _planned(toy_task, twice_in_one_text).min_df == 1


def test_what_the_user_asked_for_is_refused_in_one_line_if_it_leaves_nothing(toy_task: Task) -> None:
    rows = _tiny(["good film", "awful film", "fine cast"], [1, 0, 1], 3)
    recipe = _planned(toy_task, rows, min_df=3)
    assert recipe.min_df == 3
    told = "No term is in at least 3 of the 3 train texts of 'toy'; set \"min_df\": 1 in --recipe$"
    with pytest.raises(UserError, match=told):
        train_baseline(toy_task, rows, recipe)


def test_texts_without_words_are_refused_with_what_to_do(toy_task: Task) -> None:
    rows = _tiny(["!!", "??", "a b"], [1, 0, 1], 3)
    recipe = _planned(toy_task, rows)
    with pytest.raises(UserError, match=r'No term is in at least 1 of the 3 .* set "analyzer": "char" in --recipe$'):
        train_baseline(toy_task, rows, recipe)
    by_character = _planned(toy_task, rows, analyzer="char")
    assert np.isfinite(train_baseline(toy_task, rows, by_character).predictions.test_logits).all()


@pytest.mark.parametrize("labels", [("bad", "good"), ("bad", "good", "other")])
@pytest.mark.parametrize("only", [0, 1])
def test_one_class_only_in_train_is_always_decided(toy_task: Task, labels: tuple[str, ...], only: int) -> None:
    task = replace(toy_task, problem_type=SINGLE, labels=labels, main_metric="accuracy")
    texts = ["good film", "good plot", "bad film", "bad plot"]
    rows = _tiny(texts, [only] * 4, len(labels))
    logits = train_baseline(task, rows, RECIPE).predictions.test_logits
    assert logits.shape == (4, len(labels))
    assert (logits.argmax(axis=1) == only).all()


def test_its_parameters_are_its_coefficients(toy_task: Task, toy_rows: ToyRows) -> None:
    rows = toy_rows(toy_task)
    features = TfidfVectorizer(ngram_range=(1, 2), min_df=2).fit(rows.train.texts).get_feature_names_out()
    measured = train_baseline(toy_task, rows, RECIPE).measured
    assert measured.parameters == 2 * (len(features) + 1) + 1  # the third label has one class, so one number
    assert measured.embedding_parameters == 0
