"""Recipes: what is out of range is refused in one line; variants are named by what differs."""

from typing import Any

import pytest

from benchmark.tasks.registry import TASKS
from benchmark.training.recipes import BaselineRecipe, Recipe, default_recipe, variant_of
from zoo.errors import UserError

FEEDBACK = TASKS["feedback"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("epochs", "many"),
        ("batch_size", 0),
        ("learning_rate", 0),
        ("learning_rate", -1e-4),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("weight_decay", -0.1),
        ("weight_decay", float("nan")),
        ("weight_decay", float("inf")),
        ("warmup", 1.0),
        ("warmup", float("nan")),
        ("max_length", 7),
        ("max_length", 513),
        ("dropout", 1),
        ("dropout", -0.1),
        ("freeze_embeddings", "perhaps"),
        ("loss", "max"),
        ("precision", "fp16"),
    ],
)
def test_a_bad_value_or_name_is_refused_in_one_line_that_names_both(field: str, value: Any) -> None:
    with pytest.raises(UserError) as caught:
        default_recipe(FEEDBACK, 0, False, **{field: value})
    assert field in str(caught.value)
    assert str(value) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["epoch", "task", "baseline", "results"])
def test_an_unknown_name_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(UserError, match=f"Unknown field of the recipe '{name}'.* All: epochs, "):
        default_recipe(FEEDBACK, 0, False, **{name: 1})


def test_changes_reach_the_kind_of_recipe_that_has_them_and_no_unknown_one_is_passed_over() -> None:
    assert default_recipe(FEEDBACK, 0, True, min_df=1, epochs=1) == default_recipe(FEEDBACK, 0, True, min_df=1)
    assert default_recipe(FEEDBACK, 0, True, min_df=1).model_dump()["min_df"] == 1
    assert default_recipe(FEEDBACK, 0, False, min_df=1, epochs=1) == default_recipe(FEEDBACK, 0, False, epochs=1)
    for baseline in (True, False):
        with pytest.raises(UserError, match="nonsense"):
            default_recipe(FEEDBACK, 0, baseline, nonsense=1)


def test_the_seed_is_the_grids_to_choose() -> None:
    with pytest.raises(UserError, match="--first-seed"):
        default_recipe(FEEDBACK, 0, False, seed=5)


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_every_task_has_recipes_of_both_kinds_and_its_default_is_no_variant(task: Any) -> None:
    recipe, baseline = default_recipe(task, 3, False), default_recipe(task, 3, True)
    assert isinstance(recipe, Recipe)
    assert isinstance(baseline, BaselineRecipe)
    assert (recipe.seed, baseline.seed) == (3, 3)
    assert variant_of(recipe, task) == variant_of(baseline, task) == ""
    assert (baseline.analyzer == "char") == (task.language == "zh")


def test_a_variant_is_told_by_what_differs_from_the_tasks_default_whatever_the_seed() -> None:
    assert variant_of(default_recipe(FEEDBACK, 1, False, loss="mean", epochs=2), FEEDBACK) == "epochs=2, loss=mean"
    assert variant_of(default_recipe(FEEDBACK, 1, False, epochs=10), FEEDBACK) == ""  # which is the default


def test_a_change_overrides_the_tasks_default_and_nothing_else() -> None:
    task = TASKS["sst2"]
    plain, changed = (default_recipe(task, 0, False, **change) for change in ({}, {"epochs": 9, "dropout": 0.2}))
    assert plain.model_dump() | {"epochs": 9, "dropout": 0.2} == changed.model_dump()
    assert plain != changed
