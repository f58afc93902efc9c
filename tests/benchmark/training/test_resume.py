"""A training that is killed goes on where it was, and gives what an uninterrupted one gives."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.tasks.registry import Task
from benchmark.training.grid import Cell, make_cell, run_cell
from benchmark.training.recipes import Recipe
from benchmark.training.runs import read_run
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
from benchmark.training.grid import run_cell
torch.set_num_threads(1)
resume.AFTER, resume.EVERY = 0.0, float(sys.argv[3])
cell, said = pickle.loads(Path(sys.argv[1]).read_bytes()), []
def report(share, line):
    print(line, flush=True) if line else None
    if share >= float(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
run_cell(cell, report)
"""


def run_in_child(cell: Cell, folder: Path, die_at: float, every: float) -> tuple[int, str]:
    import pickle

    (folder / "cell").write_bytes(pickle.dumps(cell))
    command = [sys.executable, "-c", CHILD, str(folder / "cell"), str(die_at), str(every)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert done.returncode in (0, -9), done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("die_at", "every", "line"),
    [
        # In the middle of the last epoch, with a state of its middle; and with that of the end of the second.
        (2.7, 0.0, "goes on after 2 of 3 epochs"),
        pytest.param(2.7, 1e9, "goes on after 2 of 3 epochs", marks=pytest.mark.slow),
    ],
)
def test_a_killed_training_ends_as_one_that_was_not(
    die_at: float, every: float, line: str, tiny_bert: Path, toy_task: Task, toy_rows: ToyRows, tmp_path: Path
) -> None:
    encoder, rows = get_encoder(str(tiny_bert)), toy_rows(toy_task)
    whole, stopped = (make_cell(toy_task, encoder, RECIPE, rows, tmp_path / name) for name in ("whole", "stopped"))
    run_cell(whole, lambda share, line: None)

    assert run_in_child(stopped, tmp_path, die_at / 3, every)[0] == -9
    assert not stopped.done
    kept = {int(path.parent.name.partition("-")[2]) for path in stopped.state.glob("checkpoint-*/ours.json")}
    assert (max(kept) % STEPS > 0) == (every == 0)
    code, said = run_in_child(stopped, tmp_path, 2.0, every)
    assert (code, line in said) == (0, True)
    assert not stopped.state.exists()

    expected, found = read_run(whole.folder), read_run(stopped.folder)
    np.testing.assert_array_equal(found.predictions.test_logits, expected.predictions.test_logits)
    np.testing.assert_array_equal(found.predictions.validation_logits, expected.predictions.validation_logits)
    assert found.info.best_epoch == expected.info.best_epoch
    assert [e.main_metric for e in found.info.epochs] == [e.main_metric for e in expected.info.epochs]
    assert found.info.epochs[:2] == expected.info.epochs[:2]
    assert not list(tmp_path.glob("*/*/*/.*"))


def test_a_state_of_other_code_or_a_half_one_is_not_used(
    tiny_bert: Path, toy_task: Task, toy_rows: ToyRows, tmp_path: Path
) -> None:
    cell = make_cell(toy_task, get_encoder(str(tiny_bert)), RECIPE, toy_rows(toy_task), tmp_path / "results")
    assert run_in_child(cell, tmp_path, 0.7, 1e9)[0] == -9
    (mark,) = cell.state.glob("checkpoint-*/ours.json")
    mark.write_text(json.dumps(json.loads(mark.read_text()) | {"code": "other"}))
    shutil.copytree(mark.parent, cell.state / "checkpoint-20")
    (cell.state / "checkpoint-20" / "ours.json").unlink()  # as a kill in the middle of writing leaves it
    said: list[str] = []
    run_cell(cell, lambda share, line: said.append(line))
    assert [line.split(":")[0] for line in said if line] == ["epoch 1", "epoch 2", "epoch 3"]
    assert cell.done
