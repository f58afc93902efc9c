"""Fine-tuning with tiny random encoders: it learns, it repeats itself, and it looks at nothing that is reported."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.metrics import f1_score

from benchmark.statistics.fit_decision import fit_decision
from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows, Split
from benchmark.training.epoch_selector import EpochSelector
from benchmark.training.fine_tune import FineTuned, fine_tune
from benchmark.training.recipes import Recipe
from benchmark.training.trainer import prepare_model
from tests.checkpoints import MULTI, SINGLE, TINY_MODELS
from zoo.encoders.registry import get_encoder
from zoo.encoders.weights import Weights, fetch_weights

RECIPE = Recipe(
    epochs=2,
    batch_size=8,
    learning_rate=2e-3,
    max_length=16,
    dropout=0.0,
    freeze_embeddings=False,
    precision="fp32",
)
ToyRows = Callable[..., Rows]


def _train(folder: Path, task: Task, rows: Rows, recipe: Recipe = RECIPE, **changes: Any) -> FineTuned:
    return fine_tune(
        fetch_weights(get_encoder(str(folder))), task, rows, recipe.model_copy(update=changes), lambda share, line: None
    )


@pytest.fixture(scope="module")
def plain(tiny_bert: Path, toy_task: Task, toy_rows: ToyRows) -> FineTuned:
    """The run that others are held against: tiny BERT, two epochs."""
    return _train(tiny_bert, toy_task, toy_rows(toy_task))


@TINY_MODELS
def test_it_learns_a_separable_task(
    kind: str, problem_type: Any, toy_task: Task, toy_rows: ToyRows, request: pytest.FixtureRequest
) -> None:
    task = toy_task
    if problem_type == SINGLE:
        task = replace(task, problem_type=SINGLE, labels=("bad", "good"), main_metric="accuracy")
    rows = toy_rows(task, (120, 40, 40))
    found = _train(request.getfixturevalue(kind), task, rows, epochs=5)
    predictions = found.predictions
    decision = fit_decision(
        problem_type, predictions.validation_logits, predictions.validation_y_true, task.rule, task.average
    )
    y_pred = decision.decide(decision.scores(predictions.test_logits))
    assert f1_score(rows.test.y_true[:, :2], y_pred[:, :2], average="macro") > 0.95
    assert found.epochs[-1].loss < found.epochs[0].loss / 2
    assert predictions.test_logits.shape == (40, len(task.labels))
    np.testing.assert_array_equal(predictions.validation_y_true, rows.validation.y_true)


def test_the_same_recipe_and_seed_give_the_same_logits(
    plain: FineTuned, tiny_bert: Path, toy_task: Task, toy_rows: ToyRows
) -> None:
    torch.manual_seed(12345)
    again = _train(tiny_bert, toy_task, toy_rows(toy_task))
    for name, array in vars(plain.predictions).items():
        np.testing.assert_array_equal(getattr(again.predictions, name), array)
    assert again.epochs == plain.epochs


@pytest.mark.parametrize(
    "change",
    [
        {"layer_decay": 0.5, "pooling": "mean"},
        *(
            pytest.param(change, marks=pytest.mark.slow)
            for change in (
                {"seed": 1},
                {"loss": "mean"},
                {"label_prior": False},
                {"balanced": True},
                {"dropout": 0.3},
                {"freeze_embeddings": True},
                {"max_length": 8},
            )
        ),
    ],
    ids=str,
)
def test_a_change_of_the_recipe_changes_the_numbers(
    change: dict[str, Any], plain: FineTuned, tiny_bert: Path, toy_task: Task, toy_rows: ToyRows
) -> None:
    rows = toy_rows(toy_task)
    if "max_length" in change:  # the toy texts are shorter than either length
        rows = replace(rows, train=Split([f"{text} {'very ' * 9}" for text in rows.train.texts], rows.train.y_true))
        plain = _train(tiny_bert, toy_task, rows)
    changed = _train(tiny_bert, toy_task, rows, **change)
    assert np.abs(changed.predictions.validation_logits - plain.predictions.validation_logits).max() > 1e-4


@pytest.mark.slow
def test_bf16_runs_and_is_told(tiny_bert: Path, toy_task: Task, toy_rows: ToyRows, plain: FineTuned) -> None:
    found = _train(tiny_bert, toy_task, toy_rows(toy_task), precision="bf16")
    assert (found.measured.hardware["precision"], plain.measured.hardware["precision"]) == ("bf16", "fp32")
    for logits in (found.predictions.validation_logits, found.predictions.test_logits):
        assert logits.dtype == np.float32
        assert np.isfinite(logits).all()
        assert not np.array_equal(logits, torch.tensor(logits).bfloat16().float())  # scored in float32, as it is served
    difference = np.abs(found.predictions.test_logits - plain.predictions.test_logits)
    assert 0 < difference.mean() < np.abs(plain.predictions.test_logits).mean() / 2


@pytest.mark.slow
def test_weights_in_half_precision_are_trained_in_float32(
    tiny_bert: Path, tmp_path: Path, toy_task: Task, toy_rows: ToyRows
) -> None:
    """The bug: an AdamW step on a LayerNorm's bf16 weight of 1 is rounded away, so that it never moved."""
    folder = shutil.copytree(tiny_bert, tmp_path / "half")
    path = folder / "model.safetensors"
    save_file({name: tensor.bfloat16() for name, tensor in load_file(path).items()}, path, {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "bfloat16"}))
    rows = toy_rows(toy_task)
    weights = fetch_weights(get_encoder(str(folder)))
    before = prepare_model(weights, toy_task, rows.train, RECIPE).state_dict()
    found = _train(folder, toy_task, rows, epochs=1, learning_rate=1e-4)
    norms = [name for name in before if "LayerNorm.weight" in name]
    assert len(norms) == 5
    for name in norms:
        assert found.model.state_dict()[name].dtype == torch.float32
        assert not torch.equal(found.model.state_dict()[name], before[name])
    hardware = found.measured.hardware
    assert (hardware["stored_weights"], hardware["trained_weights"]) == ("bfloat16", "float32")


def test_the_best_epoch_is_the_one_whose_weights_are_kept(tiny_bert: Path, toy_task: Task, toy_rows: ToyRows) -> None:
    """What is learned from train is wrong on this validation, so that the first epochs are better than the last."""
    task = replace(toy_task, problem_type=SINGLE, labels=("bad", "good"), main_metric="accuracy")
    rows = toy_rows(task)
    wrong = Split(rows.validation.texts, 1 - rows.validation.y_true)
    found = _train(tiny_bert, task, replace(rows, validation=wrong), epochs=4)
    scores = [epoch.main_metric for epoch in found.epochs]
    assert [epoch.epoch for epoch in found.epochs] == [1, 2, 3, 4]
    assert max(scores) > scores[-1]
    assert found.best_epoch < 4
    predictions = found.predictions
    kept = np.mean(predictions.validation_logits.argmax(axis=1) == predictions.validation_y_true.argmax(axis=1))
    assert kept == pytest.approx(scores[found.best_epoch - 1], abs=1e-6)
    assert kept > scores[-1]


def test_a_later_epoch_is_kept_unless_an_earlier_one_is_clearly_better(toy_task: Task) -> None:
    """1,000 rows: 5 more errors are within one standard error of the paired difference, 40 more are not."""
    task = replace(toy_task, problem_type=SINGLE, labels=("bad", "good"), main_metric="accuracy")
    y_true = np.eye(2, dtype=np.int8)[np.arange(1000) % 2]

    def epoch(wrong: slice) -> np.ndarray:
        logits = 4.0 * y_true - 2
        logits[wrong] *= -1
        return logits

    selector = EpochSelector(task)
    judged = [selector(epoch(wrong), y_true) for wrong in (slice(0, 50), slice(25, 80), slice(20, 110), slice(40, 90))]
    assert [each["main_metric"] for each in judged] == pytest.approx([0.95, 0.945, 0.91, 0.95])
    assert [each["best_epoch"] for each in judged] == [1, 2, 2, 4]
    assert selector.best_epoch == 4


def test_nothing_is_tuned_on_what_is_reported(
    plain: FineTuned, tiny_bert: Path, toy_task: Task, toy_rows: ToyRows
) -> None:
    """Other reported texts and labels leave everything as it was but what is computed from them."""
    rng = np.random.default_rng(9)
    garbage = Split(
        ["".join(rng.choice(list("qxz ,0"), 30)) + "x" for _ in range(11)], rng.integers(0, 2, (11, 3)).astype(np.int8)
    )
    rows = replace(toy_rows(toy_task), test=garbage)
    found = _train(tiny_bert, toy_task, rows)
    ours, theirs = found.predictions, plain.predictions
    assert ours.test_logits.shape == (11, 3)
    np.testing.assert_array_equal(ours.validation_logits, theirs.validation_logits)
    assert (found.best_epoch, found.epochs) == (plain.best_epoch, plain.epochs)
    for rule in ("fixed", "global", "per_label"):
        decisions = [fit_decision(MULTI, p.validation_logits, p.validation_y_true, rule) for p in (ours, theirs)]  # type: ignore[arg-type]
        assert decisions[0] == decisions[1]
    for (name, tensor), other in zip(found.model.state_dict().items(), plain.model.state_dict().values(), strict=True):
        assert torch.equal(tensor, other), name


@pytest.mark.slow
def test_what_is_trained_on_and_what_is_tuned_on_do_matter(
    plain: FineTuned, tiny_bert: Path, toy_task: Task, toy_rows: ToyRows
) -> None:
    """The twin of the test above, which could pass if nothing were looked at at all."""
    rows = toy_rows(toy_task)
    flipped = Split(rows.train.texts, 1 - rows.train.y_true)
    found = _train(tiny_bert, toy_task, replace(rows, train=flipped))
    assert np.abs(found.predictions.test_logits - plain.predictions.test_logits).max() > 0.1
    relabelled = Split(rows.validation.texts, 1 - rows.validation.y_true)
    tuned = _train(tiny_bert, toy_task, replace(rows, validation=relabelled))
    assert [epoch.main_metric for epoch in tuned.epochs] != [epoch.main_metric for epoch in plain.epochs]


def test_frozen_embeddings_stay_and_are_not_counted_as_trained(
    plain: FineTuned, tiny_bert: Path, toy_task: Task, toy_rows: ToyRows
) -> None:
    weights = fetch_weights(get_encoder(str(tiny_bert)))
    rows = toy_rows(toy_task)
    before = prepare_model(weights, toy_task, rows.train, RECIPE).get_input_embeddings().weight.detach().clone()
    frozen = _train(tiny_bert, toy_task, rows, freeze_embeddings=True)
    assert torch.equal(frozen.model.get_input_embeddings().weight, before)
    assert not torch.equal(plain.model.get_input_embeddings().weight, before)
    assert frozen.measured.embedding_parameters == before.numel()
    assert frozen.measured.parameters - frozen.measured.trained_parameters == before.numel()
    assert plain.measured.trained_parameters == plain.measured.parameters == frozen.measured.parameters


def test_the_head_starts_at_the_prior(tiny_bert: Path, toy_task: Task, toy_rows: ToyRows) -> None:
    weights: Weights = fetch_weights(get_encoder(str(tiny_bert)))
    rows = toy_rows(toy_task)
    with_prior = prepare_model(weights, toy_task, rows.train, RECIPE)
    without = prepare_model(weights, toy_task, rows.train, RECIPE.model_copy(update={"label_prior": False}))
    share = (rows.train.y_true.sum(axis=0) + 0.5) / (len(rows.train) + 1)
    np.testing.assert_allclose(torch.sigmoid(with_prior.classifier.bias).detach().numpy(), share, rtol=1e-5)
    assert torch.equal(without.classifier.bias, torch.zeros(3))


def test_progress_is_told_to_the_end_and_costs_are_measured(tiny_bert: Path, toy_task: Task, toy_rows: ToyRows) -> None:
    told: list[tuple[float, str]] = []
    found = fine_tune(
        fetch_weights(get_encoder(str(tiny_bert))),
        toy_task,
        toy_rows(toy_task),
        RECIPE,
        lambda share, line: told.append((share, line)),
    )
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert [line.split(":")[0] for _, line in told if line] == ["epoch 1", "epoch 2"]
    measured = found.measured
    assert measured.train_seconds > 0
    assert measured.train_examples_per_second == pytest.approx(2 * 64 / measured.train_seconds)
    assert measured.peak_memory_mib > 50
    assert measured.truncated == 0


def test_small_data_is_trained_for_the_least_number_of_steps(
    tiny_bert: Path, toy_task: Task, toy_rows: ToyRows
) -> None:
    found = _train(tiny_bert, toy_task, toy_rows(toy_task, (16, 16, 8)), epochs=1, min_steps=5)  # 2 steps an epoch
    assert [epoch.epoch for epoch in found.epochs] == [1, 2, 3]
    assert found.diverged == ""
