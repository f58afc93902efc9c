"""Distillation: the loss against one worked out the long way, and a student that follows its teacher."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax, softmax

from benchmark.board.entries import make_entries
from benchmark.release.ship import keep_checkpoint
from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from benchmark.training.grid import plan, run_grid
from benchmark.training.losses import SOFTNESS, make_loss, with_teacher
from benchmark.training.runs import read_runs
from benchmark.training.teacher import read_teacher
from zoo.checkpoints.checkpoint import find_checkpoints, read_checkpoint
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError
from zoo.serving import load_classifier

ToyRows = Callable[..., Rows]
RNG = np.random.default_rng(0)
LOGITS, TEACHER = RNG.normal(size=(2, 6, 4)) * 3
RECIPE = {"epochs": 2, "batch_size": 8, "max_length": 16, "learning_rate": 2e-3}


def test_half_of_the_loss_compares_the_scores_with_the_teachers() -> None:
    multi, single = RNG.integers(0, 2, (6, 4)), np.eye(4)[[0, 1, 2, 3, 3, 1]]
    student, teacher = LOGITS / SOFTNESS, TEACHER / SOFTNESS
    pairs = -(expit(teacher) * np.log(expit(student)) + expit(-teacher) * np.log(expit(-student)))
    rows = -(softmax(teacher, axis=1) * log_softmax(student, axis=1)).sum(axis=1)
    for y_true, soft in ((multi, pairs.sum(axis=1)), (single, rows)):
        hard = make_loss(y_true is multi, "sum", None)
        outputs = {"logits": torch.tensor(LOGITS)}
        alone = float(hard(outputs, torch.tensor(y_true, dtype=torch.float32)))
        taught = torch.tensor(np.hstack([y_true, TEACHER]), dtype=torch.float32)
        found = float(with_teacher(hard, y_true is multi, "sum")(outputs, taught))
        assert found == pytest.approx((alone + SOFTNESS**2 * soft.mean()) / 2, rel=1e-5)


@pytest.fixture(scope="module")
def taught(tiny_bert: Path, toy_task: Task, toy_rows: ToyRows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models of the toy task, below checkpoints."""
    root = tmp_path_factory.mktemp("teacher")
    cells = plan({toy_task: toy_rows(toy_task)}, [get_encoder(str(tiny_bert))], [0, 1], root / "results", **RECIPE)
    assert run_grid(cells, lambda now: None, partial(keep_checkpoint, root / "checkpoints")) == {}
    return root


def test_a_teacher_is_the_mean_of_calibrated_logits(taught: Path, toy_task: Task, toy_rows: ToyRows) -> None:
    folders, rows = find_checkpoints(taught / "checkpoints"), toy_rows(toy_task)
    found = read_teacher(folders).teach(toy_task, rows).train.teacher
    models = [load_classifier(folder) for folder in folders]
    expected = [each.predict_logits(rows.train.texts) / each.decision.temperature for each in models]
    np.testing.assert_allclose(found, np.mean(expected, axis=0))
    names = {read_teacher(chosen).name for chosen in (folders, folders[::-1], folders[:1])}
    assert len(names) == 2
    encoder = models[0].info.encoder
    assert {name.partition(" (")[0] for name in names} == {f"2 x {encoder}", encoder}


@pytest.mark.slow
def test_a_student_follows_its_teacher_rather_than_the_labels(
    taught: Path, tiny_bert: Path, toy_task: Task, toy_rows: ToyRows, tmp_path: Path
) -> None:
    """The teacher says the opposite of the labels, and more surely than they do."""
    rows, encoder = toy_rows(toy_task), get_encoder(str(tiny_bert))
    teacher = read_teacher(find_checkpoints(taught / "checkpoints"))
    contrary = replace(rows, train=replace(rows.train, teacher=20.0 * (1 - 2 * rows.train.y_true)))
    for of, name in ((rows, ""), (contrary, "contrary"), (teacher.teach(toy_task, rows), teacher.name)):
        cells = plan({toy_task: of}, [encoder], [0], tmp_path / "results", **RECIPE, teacher=name)
        assert run_grid(cells, lambda now: None, partial(keep_checkpoint, tmp_path / "checkpoints")) == {}
    by = {run.info.recipe.teacher: run for run in read_runs(tmp_path / "results")}  # type: ignore[union-attr]
    good = rows.test.y_true[:, 0] == 1
    for name in ("", "contrary", teacher.name):
        logits = by[name].predictions.test_logits[:, 0]
        assert (logits[good].mean() > logits[~good].mean()) == (name != "contrary")
    entries = make_entries([by[""], by[teacher.name]], {toy_task.name: toy_task})
    ours = {part for entry in entries for part in entry.variant.split(", ")}
    assert f"teacher={teacher.name}" in ours
    kept = {read_checkpoint(folder).info.run for folder in find_checkpoints(tmp_path / "checkpoints")}
    assert by[teacher.name].info.id in kept


def test_a_teacher_of_other_labels_is_refused(taught: Path, toy_task: Task, toy_rows: ToyRows) -> None:
    other = replace(toy_task, labels=("good", "late"))
    with pytest.raises(UserError, match=r"--teacher .* was made for 'toy' with 3 labels, and 'toy' has 2"):
        read_teacher(find_checkpoints(taught / "checkpoints")).teach(other, toy_rows(toy_task))


def test_a_teacher_that_only_the_recipe_names_is_refused(
    tiny_bert: Path, toy_task: Task, toy_rows: ToyRows, tmp_path: Path
) -> None:
    cells = plan({toy_task: toy_rows(toy_task)}, [get_encoder(str(tiny_bert))], [0], tmp_path, teacher="someone")
    (reason,) = run_grid(cells, lambda now: None).values()
    assert reason == "Recipe: teacher: only --teacher sets it; give the folders of the models there"
