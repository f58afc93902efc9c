"""Grids of an encoder that reads short texts, of rows in a folder, and of a training that diverges."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from benchmark.board.entries import find_runs
from benchmark.release.ship import keep_checkpoint
from benchmark.tasks.registry import TASKS, Task
from benchmark.tasks.rows import Rows, Split, read_rows
from benchmark.training.grid import Progress, plan, run_grid
from benchmark.training.runs import read_runs
from tests.benchmark.training.grids import RECIPE, ignore
from zoo.checkpoints.checkpoint import find_checkpoints
from zoo.encoders.registry import get_encoder

TASK = TASKS["feedback"]
ToyRows = Callable[..., Rows]


def test_a_run_of_a_short_encoder_is_kept_without_the_figures_that_it_cannot_have(short: Path, tmp_path: Path) -> None:
    rows = read_rows(TASK, None)
    part = Rows(*(Split(s.texts[:20], s.y_true[:20]) for s in (rows.train, rows.validation, rows.test)), "part")
    cells = plan({TASK: part}, [get_encoder(str(short))], [0], tmp_path, **RECIPE | {"precision": "fp32"})
    told: list[Progress] = []
    assert run_grid(cells, told.append) == {}
    (run,) = read_runs(tmp_path)
    assert [latency.length for latency in run.info.latency] == [16]
    lines = [f"    the latency at {length} tokens is not measured: the model reads 48 at most" for length in (64, 128)]
    assert [now.line for now in told if "latency" in now.line] == lines
    hardware = run.info.hardware
    assert (hardware["stored_weights"], hardware["trained_weights"]) == ("bfloat16", "float32")
    assert hardware["precision"] == "fp32"


@pytest.mark.parametrize(
    "names",
    [
        ["sst2", "go_emotions"],
        pytest.param(["reuters21578", "duee_event_types", "chnsenticorp"], marks=pytest.mark.campaign),
    ],
    ids=",".join,
)
def test_grids_on_rows_of_a_folder_run_single_and_multi_label(names: list[str], data_dir: Path, tmp_path: Path) -> None:
    rows = {TASKS[name]: read_rows(TASKS[name], data_dir) for name in names}
    cells = plan(rows, [get_encoder("tfidf-lr")], [0], tmp_path)
    assert run_grid(cells, ignore) == {}
    assert sorted(run.info.task for run in read_runs(tmp_path)) == sorted(names)


def test_a_training_that_diverges_is_a_run_that_says_so_and_leaves_no_checkpoint(
    tiny_bert: Path, toy_task: Task, toy_rows: ToyRows, tmp_path: Path
) -> None:
    changes = {**RECIPE, "epochs": 3, "learning_rate": 1e30, "freeze_embeddings": False}
    cells = plan(
        {toy_task: toy_rows(toy_task)}, [get_encoder(str(tiny_bert))], range(1), tmp_path / "results", **changes
    )
    told: list[Progress] = []
    assert run_grid(cells, told.append, partial(keep_checkpoint, tmp_path / "checkpoints")) == {}
    (run,) = read_runs(tmp_path / "results")
    assert run.info.diverged
    assert any(f"diverged: {run.info.diverged}; try a lower rate" in progress.line for progress in told)
    assert find_checkpoints(tmp_path / "checkpoints") == []
    runs, problems = find_runs(tmp_path / "results")
    assert runs == []
    assert list(problems.values()) == [f"diverged: {run.info.diverged}"]
