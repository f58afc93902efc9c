"""Commands killed at random points: what they write is whole or absent, and in the end as without any kill."""

import multiprocessing
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
from typer.testing import CliRunner

from benchmark.release import export_run
from benchmark.release.ship import checkpoint_folder, keep_checkpoint
from benchmark.tasks.registry import TASKS, Task
from benchmark.tasks.rows import read_rows, write_splits
from benchmark.training import recipes, tuning
from benchmark.training.grid import plan, run_grid
from benchmark.training.runs import read_runs
from benchmark.training.trials import read_trials
from encoder_zoo import commands
from tests.conftest import ToyRows
from zoo import onnx_classifier, predict
from zoo.encoders.registry import get_encoder

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(3600)]
KILLS = 20
LOADED = (export_run, onnx_classifier, tuning)  # before the forks, so that the kills fall into the work
RECIPE = {"epochs": 1, "batch_size": 16, "learning_rate": 3e-3, "max_length": 16, "min_steps": 0}


@pytest.fixture(scope="module")
def trained(
    tiny_bert: Path, toy_task: Task, toy_rows: ToyRows, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """The folder of the rows, and one with `results` and `checkpoints` of one run; made in another process, since a
    process that has trained is not to be forked."""
    root = tmp_path_factory.mktemp("trained")
    data = write_splits(toy_task, toy_rows(toy_task), root / "data").parent
    rows = read_rows(toy_task, data)
    cells = plan({toy_task: rows}, [get_encoder(str(tiny_bert))], [0], root / "results", **RECIPE)
    _fork(lambda: run_grid(cells, lambda now: None, partial(keep_checkpoint, root / "checkpoints")))
    assert cells[0].done
    return data, root


def _fork(work: Callable[[], object], seconds: float = float("inf")) -> bool:
    """Do the work in a child, killed when it has computed for some seconds; return whether it ended by itself. Its own
    seconds, so that other work on the machine moves no kill."""

    def one_thread() -> None:
        torch.set_num_threads(1)
        work()

    process = multiprocessing.get_context("fork").Process(target=one_thread)
    process.start()
    watched = psutil.Process(process.pid)
    while process.is_alive() and sum(watched.cpu_times()[:2]) < seconds:
        process.join(0.02)
    ended = not process.is_alive()
    process.kill()
    process.join()
    assert process.exitcode in (0, -9)
    return ended


def _seconds_of_children() -> float:
    """Return how long the children that have ended have computed."""
    return os.times().children_user + os.times().children_system


def _campaign(work: Callable[[Path], object], same: Callable[[Path, Path], None], tmp_path: Path) -> None:
    """Kill `work(folder)` so often, going on in its folder each time; compare it with what no kill touched.

    `same(folder, whole)` fails where something in the folder is neither absent nor as in the other one.
    """
    rng, whole, before = np.random.default_rng(0), tmp_path / "whole", _seconds_of_children()
    assert _fork(partial(work, whole))
    longest, kills, number = _seconds_of_children() - before, 0, 0
    while kills < KILLS:
        folder = tmp_path / str(number)
        ended = _fork(partial(work, folder), rng.uniform(0, longest))
        kills += not ended
        number += ended
        same(folder, whole)
    folder = tmp_path / str(number)
    assert _fork(partial(work, folder))
    same(folder, whole)
    assert {path.name for path in folder.iterdir()} >= {path.name for path in whole.iterdir()}


def _command(*words: object) -> None:
    ended = CliRunner().invoke(commands, [str(word) for word in words])
    assert ended.exit_code == 0 or "is there already" in ended.output, ended.output


def test_kills_of_predict(trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "CHUNK", 64)
    (checkpoint,) = (trained[1] / "checkpoints" / "toy").iterdir()
    texts = tmp_path / "texts.csv"
    pd.DataFrame({"text": [f"good parcel, number {row}, very late" for row in range(2_000)]}).to_csv(texts)

    def work(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _command("predict", checkpoint, "--input", texts, "--output", folder / "out.csv")

    def same(folder: Path, whole: Path) -> None:
        if (folder / "out.csv").exists():
            assert (folder / "out.csv").read_bytes() == (whole / "out.csv").read_bytes()

    _campaign(work, same, tmp_path / "campaign")


def test_kills_of_export(
    trained: tuple[Path, Path], toy_task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TASKS, toy_task.name, toy_task)
    data, root = trained
    (run,) = read_runs(root / "results")
    checkpoint = checkpoint_folder(root / "checkpoints", run.folder)

    def work(folder: Path) -> None:
        results = folder / "results" / run.folder.relative_to(root / "results")
        results.parent.mkdir(parents=True, exist_ok=True)
        if not results.exists():
            results.symlink_to(run.folder)
        _command("export", checkpoint, "--to", folder / "onnx", "--results", folder / "results", "--data-dir", data)

    def same(folder: Path, whole: Path) -> None:
        for path in (whole / "onnx").iterdir():
            if (folder / "onnx").exists() and path.name != "README.md":
                assert (folder / "onnx" / path.name).read_bytes() == path.read_bytes(), path.name
        for found in read_runs(folder / "results") if (folder / "results").exists() else []:
            (other,) = [each for each in read_runs(whole / "results") if each.info.id == found.info.id]
            np.testing.assert_array_equal(found.predictions.test_logits, other.predictions.test_logits)

    _campaign(work, same, tmp_path / "campaign")


def test_kills_of_tune(
    trained: tuple[Path, Path], tiny_bert: Path, toy_task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TASKS, toy_task.name, toy_task)
    monkeypatch.setitem(recipes._TASK_DEFAULTS, toy_task.name, RECIPE)

    def work(folder: Path) -> None:
        asked = ["--tasks", "toy", "--encoders", tiny_bert, "--trials", 4, "--seeds", 1, "--threads", 1]
        _command("tune", *asked, "--results", folder, "--data-dir", trained[0])

    def same(folder: Path, whole: Path) -> None:
        for file in folder.glob("toy/*/trials-*.jsonl"):
            made, expected = ([t.model_dump(exclude={"seconds", "commit"}) for t in read_trials(each)]
                              for each in (file, whole / file.relative_to(folder)))  # fmt: skip
            assert made == expected[: len(made)]
        for run in read_runs(folder):
            (other,) = read_runs(whole)
            assert run.info.id == other.info.id
            np.testing.assert_array_equal(run.predictions.test_logits, other.predictions.test_logits)

    _campaign(work, same, tmp_path / "campaign")
