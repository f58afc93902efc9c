"""A training that is killed goes on where it was, and gives what an uninterrupted one gives."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.tasks.registry import Task
from benchmark.training import resume
from benchmark.training.cell import Cell, run_cell
from benchmark.training.grid import make_cell
from benchmark.training.recipes import Recipe
from benchmark.training.runs import read_run, state_folder
from tests.conftest import ToyRows
from zoo.encoders.registry import get_encoder

# Dropout is on, and the encoder's own: the random numbers must go on, too.
RECIPE = Recipe(epochs=3, batch_size=8, learning_rate=2e-3, max_length=16, precision="fp32", layer_decay=0.9)
STEPS = 8  # of an epoch
CHILD = """
import os, pickle, signal, sys
from pathlib import Path
import torch
from benchmark.training import resume
from benchmark.training.cell import run_cell
torch.set_num_threads(1)
resume.AFTER, resume.EVERY = 0.0, float(sys.argv[3])
cell, said = pickle.loads(Path(sys.argv[1]).read_bytes()), []
def report(share, line):
    print(line, flush=True) if line else None
    if share >= float(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
run_cell(cell, report)
"""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As in the killed process: sums of several threads differ in their last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def killed(cell: Cell, folder: Path, die_at: float, every: float) -> None:
    """Train in a process that is killed as soon as it has done `die_at` of the steps."""
    (folder / "cell").write_bytes(pickle.dumps(cell))
    command = [sys.executable, "-c", CHILD, str(folder / "cell"), str(die_at), str(every)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not cell.done


class Stopped(BaseException):
    """What ends a training like a key: nothing catches it."""


def stopped_by_a_key(cell: Cell, folder: Path, die_at: float, every: float) -> None:
    """Train in this process until `die_at` of the steps are done."""

    def stop(share: float, line: str) -> None:
        if share >= die_at:
            raise Stopped

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resume, "AFTER", 0.0)
        patch.setattr(resume, "EVERY", every)
        with pytest.raises(Stopped):
            run_cell(cell, stop)
    assert not cell.done


@pytest.mark.parametrize(
    ("end", "every", "newest"),
    [
        (stopped_by_a_key, 0.0, 2 * STEPS + 5),  # a state in the middle of the last epoch
        pytest.param(killed, 0.0, 2 * STEPS + 5, marks=pytest.mark.campaign),
        pytest.param(killed, 1e9, 2 * STEPS, marks=pytest.mark.campaign),  # that of the end of the second
    ],
)
def test_a_training_that_was_ended_early_ends_as_one_that_was_not(
    end: Callable[..., None],
    every: float,
    newest: int,
    tiny_bert: Path,
    toy_task: Task,
    toy_rows: ToyRows,
    tmp_path: Path,
) -> None:
    encoder, rows = get_encoder(str(tiny_bert)), toy_rows(toy_task)
    whole, stopped = (make_cell(toy_task, encoder, RECIPE, rows, tmp_path / name) for name in ("whole", "stopped"))
    run_cell(whole, lambda share, line: None)

    end(stopped, tmp_path, (2 * STEPS + 6) / (3 * STEPS), every)
    states = [
        int(path.parent.name.partition("-")[2]) for path in state_folder(stopped.folder).glob("checkpoint-*/ours.json")
    ]
    assert max(states) == newest
    said: list[str] = []
    run_cell(stopped, lambda share, line: said.append(line))
    assert "goes on after 2 of 3 epochs, where it was stopped" in said

    expected, found = read_run(whole.folder), read_run(stopped.folder)
    for name, array in vars(expected.predictions).items():
        np.testing.assert_array_equal(getattr(found.predictions, name), array)
    assert found.info.best_epoch == expected.info.best_epoch
    assert [e.main_metric for e in found.info.epochs] == [e.main_metric for e in expected.info.epochs]
    assert found.info.epochs[:2] == expected.info.epochs[:2]
    assert not list(tmp_path.glob("*/*/*/.*"))


def test_a_state_of_other_code_or_a_half_one_is_not_used(
    tiny_bert: Path, toy_task: Task, toy_rows: ToyRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "AFTER", 0.0)
    cell = make_cell(toy_task, get_encoder(str(tiny_bert)), RECIPE, toy_rows(toy_task), tmp_path / "results")

    def stop(share: float, line: str) -> None:
        if share > 0.7:
            raise Stopped

    with pytest.raises(Stopped):
        run_cell(cell, stop)
    state = state_folder(cell.folder)
    mark = max(state.glob("checkpoint-*/ours.json"))
    assert mark.parent.name == f"checkpoint-{2 * STEPS}"
    mark.write_text(json.dumps(json.loads(mark.read_text()) | {"code": "other"}))
    shutil.copytree(mark.parent, state / "checkpoint-20")
    (state / "checkpoint-20" / "ours.json").unlink()  # as a kill in the middle of writing leaves it
    said: list[str] = []
    run_cell(cell, lambda share, line: said.append(line))
    assert [line.split(":")[0] for line in said if line] == ["epoch 1", "epoch 2", "epoch 3"]
    assert cell.done
