"""Recipes: what is out of range is refused in one line; variants are named by what differs."""

from typing import Any

import pytest

from benchmark.tasks.registry import TASKS
from benchmark.training.recipes import BaselineRecipe, Recipe, default_recipe, epochs_of, size_of, variant_of
from zoo.encoders.encoder import Encoder
from zoo.encoders.registry import ENCODERS, get_encoder
from zoo.errors import UserError

FEEDBACK = TASKS["feedback"]
MINILM, TFIDF = ENCODERS["minilm-l6"], ENCODERS["tfidf-lr"]


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
        ("lora_rank", -1),
        ("dropout", 1),
        ("dropout", -0.1),
        ("freeze_embeddings", "perhaps"),
        ("loss", "max"),
        ("precision", "fp16"),
    ],
)
def test_a_bad_value_or_name_is_refused_in_one_line_that_names_both(field: str, value: Any) -> None:
    with pytest.raises(UserError) as caught:
        default_recipe(MINILM, FEEDBACK, 0, **{field: value})
    assert field in str(caught.value)
    assert str(value) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["epoch", "task", "baseline", "results"])
def test_an_unknown_name_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(UserError, match=f"Unknown field of the recipe '{name}'.* All: epochs, "):
        default_recipe(MINILM, FEEDBACK, 0, **{name: 1})


def test_changes_reach_the_kind_of_recipe_that_has_them_and_no_unknown_one_is_passed_over() -> None:
    assert default_recipe(TFIDF, FEEDBACK, 0, min_df=1, epochs=1) == default_recipe(TFIDF, FEEDBACK, 0, min_df=1)
    assert default_recipe(TFIDF, FEEDBACK, 0, min_df=1).model_dump()["min_df"] == 1
    assert default_recipe(MINILM, FEEDBACK, 0, min_df=1, epochs=1) == default_recipe(MINILM, FEEDBACK, 0, epochs=1)
    for encoder in (MINILM, TFIDF):
        with pytest.raises(UserError, match="nonsense"):
            default_recipe(encoder, FEEDBACK, 0, nonsense=1)


@pytest.mark.parametrize("use", ["", "probe:", "zero-shot:", "setfit-8:"])
def test_every_use_of_an_encoder_takes_as_long_a_text_as_it_reads(use: str) -> None:
    recipe = default_recipe(get_encoder(f"{use}minilm-l6"), FEEDBACK, 0, max_length=8192)
    assert recipe.model_dump()["max_length"] == 8192


@pytest.mark.parametrize(
    ("encoder", "changes", "told"),
    [
        (TFIDF, {"ngrams": [2, 1]}, "ngrams go from the shortest to the longest"),
        (MINILM, {"teacher": "x", "balanced": True}, "a teacher's logits know no class weights; leave balanced or"),
    ],
)
def test_fields_that_do_not_fit_each_other_are_told_without_the_whole_recipe(
    encoder: Encoder, changes: Any, told: str
) -> None:
    with pytest.raises(UserError, match=f"^Recipe: {told}") as caught:
        default_recipe(encoder, FEEDBACK, 0, **changes)
    assert len(str(caught.value)) < 120


def test_the_seed_is_the_grids_to_choose() -> None:
    with pytest.raises(UserError, match="--first-seed"):
        default_recipe(MINILM, FEEDBACK, 0, seed=5)


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_every_task_has_recipes_of_both_kinds_and_its_default_is_no_variant(task: Any) -> None:
    recipe, baseline = default_recipe(MINILM, task, 3), default_recipe(TFIDF, task, 3)
    assert isinstance(recipe, Recipe)
    assert isinstance(baseline, BaselineRecipe)
    assert (recipe.seed, baseline.seed) == (3, 3)
    assert variant_of(recipe, task, "small") == variant_of(baseline, task, "small") == ""
    assert (baseline.analyzer == "char") == (task.language == "zh")


def test_a_variant_is_told_by_what_differs_from_the_tasks_default_whatever_the_seed() -> None:
    assert (
        variant_of(default_recipe(MINILM, FEEDBACK, 1, loss="mean", epochs=2), FEEDBACK, "small")
        == "epochs=2, loss=mean"
    )
    assert variant_of(default_recipe(MINILM, FEEDBACK, 1, epochs=36), FEEDBACK, "small") == ""  # which is the default


def test_a_change_overrides_the_tasks_default_and_nothing_else() -> None:
    task = TASKS["sst2"]
    plain, changed = (default_recipe(MINILM, task, 0, **change) for change in ({}, {"epochs": 9, "dropout": 0.2}))
    assert plain.model_dump() | {"epochs": 9, "dropout": 0.2} == changed.model_dump()
    assert plain != changed


@pytest.mark.parametrize(
    ("name", "size", "learning_rate"),
    [("zoo-bert-en", "small", 3e-4), ("bert-base-uncased", "base", 5e-5), ("roberta-large", "large", 2e-5)],
)
def test_the_larger_the_encoder_the_lower_its_default_rate(name: str, size: str, learning_rate: float) -> None:
    encoder, task = ENCODERS[name], TASKS["go_emotions"]
    recipe = default_recipe(encoder, task, 0)
    assert isinstance(recipe, Recipe)
    assert (size_of(encoder.parameters), recipe.learning_rate) == (size, learning_rate)
    assert variant_of(recipe, task, size_of(encoder.parameters)) == ""
    assert variant_of(default_recipe(ENCODERS["minilm-l6"], task, 0), task, "large") != ""


def test_small_data_gets_as_many_epochs_as_the_least_number_of_steps_needs() -> None:
    recipe = Recipe(epochs=3, min_steps=500, batch_size=16)
    assert epochs_of(recipe, 223) == 36  # 14 steps an epoch: 35 epochs are 490 steps
    assert epochs_of(recipe, 60_000) == 3
    assert epochs_of(Recipe(epochs=3, batch_size=16), 223) == 3


def test_who_asks_for_epochs_gets_so_many() -> None:
    encoder = ENCODERS["bert-base-uncased"]
    asked = default_recipe(encoder, FEEDBACK, 0, epochs=2)
    assert isinstance(asked, Recipe)
    assert epochs_of(asked, 223) == 2
    assert variant_of(asked, FEEDBACK, "base") == "epochs=2"
