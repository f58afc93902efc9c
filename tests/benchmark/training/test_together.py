"""One training in two processes, as `accelerate launch` starts them: it gives what one process gives."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.tasks.registry import Task
from benchmark.training.runs import Run, read_runs
from tests.conftest import ToyRows

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(1800)]
# No dropout, which each process draws for itself. 58 rows: the last batch has two, and five texts do not halve.
RECIPE = {"epochs": 2, "batch_size": 7, "max_length": 16, "learning_rate": 2e-3, "dropout": 0.0, "precision": "fp32"}
# A process that is killed in the middle of its training, with a state that is as new as can be.
KILLED = """
import os, signal, sys
from benchmark.training import progress, resume
resume.AFTER = resume.EVERY = 0.0
dies, step = sys.argv.pop(1), progress.Progress.on_step_end
def on_step_end(self, args, state, control, **kwargs):
    step(self, args, state, control, **kwargs)
    if state.global_step == 11 and os.environ["RANK"] == dies:
        os.kill(os.getpid(), signal.SIGKILL)
progress.Progress.on_step_end = on_step_end
from encoder_zoo import main
main()
"""


@pytest.fixture
def texts(toy_task: Task, toy_rows: ToyRows, tmp_path: Path) -> Path:
    """A file of rows with one label."""
    rows = toy_rows(toy_task, (84, 1, 1)).train
    with (tmp_path / "texts.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(
            (f"{text} {text}", "yes" if truth[0] else "no") for text, truth in zip(rows.texts, rows.y_true, strict=True)
        )
    return tmp_path / "texts.csv"


def _command(source: Path, encoders: str, results: Path, *more: str, **recipe: object) -> list[str]:
    given = ["run-data", str(source), "--label-column", "label", "--name", "toys", "--encoders", encoders]
    given += ["--seeds", "1", "--threads", "1", "--results", str(results), *more]
    return [*given, "--recipe", json.dumps(RECIPE | recipe)]


def _run(*command: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _both(*command: str) -> "list[subprocess.Popen[str]]":
    """Start two processes of one training."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return [_run(*command, **shared, RANK=rank, LOCAL_RANK=rank) for rank in ("0", "1")]


def _ended(process: "subprocess.Popen[str]") -> tuple[str, str]:
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out, err


def _only(results: Path) -> Run:
    (run,) = [run for run in read_runs(results) if run.info.encoder != "tfidf-lr"]
    return run


def _assert_near(found: Run, expected: Run) -> None:
    assert found.info.id == expected.info.id
    assert found.info.best_epoch == expected.info.best_epoch
    for name, array in vars(expected.predictions).items():
        np.testing.assert_allclose(getattr(found.predictions, name), array, atol=4e-3, err_msg=name)  # of float16


@pytest.mark.parametrize(
    ("more", "recipe"),
    [
        ((), {}),
        (("--micro-batch", "2", "--gradient-checkpointing"), {"balanced": True, "lora_rank": 4, "pooling": "mean"}),
        ((), {"long_text": "windows", "max_length": 8, "freeze_embeddings": True}),
    ],
)
def test_two_processes_train_what_one_trains(
    more: tuple[str, ...], recipe: dict[str, object], texts: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    encoders = f"tfidf-lr,{tiny_bert}"
    alone = _run("-m", "encoder_zoo", *_command(texts, encoders, one, *more, **recipe))
    first, second = _both("-m", "encoder_zoo", *_command(texts, encoders, two, *more, **recipe))
    alone_said, _ = _ended(alone)
    said, _ = _ended(first)
    assert _ended(second)[0] == ""
    assert said.count("done in") == alone_said.count("done in") == 2
    assert _only(two).info.hardware["processes"] == 2
    assert len(read_runs(two)) == 2
    assert not list(two.glob("**/.*"))
    _assert_near(_only(two), _only(one))


@pytest.mark.parametrize("dies", ["0", "1"])
def test_after_a_kill_both_go_on_in_the_middle(dies: str, texts: Path, tiny_bert: Path, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    for process in _both("-m", "encoder_zoo", *_command(texts, str(tiny_bert), whole, dropout=0.1)):
        _ended(process)
    command = _command(texts, str(tiny_bert), stopped, dropout=0.1)
    both = _both("-c", KILLED, dies, *command)
    dead, other = both[int(dies)], both[1 - int(dies)]
    assert dead.wait() == -signal.SIGKILL
    said = other.communicate()[1]
    assert other.returncode == 1
    assert said.count("Error: ") == 1
    assert not read_runs(stopped)
    first, second = _both("-m", "encoder_zoo", *command)
    assert "goes on after 1 of 2 epochs" in _ended(first)[0]
    _ended(second)
    for name, array in vars(_only(whole).predictions).items():
        np.testing.assert_array_equal(getattr(_only(stopped).predictions, name), array, err_msg=name)
    assert not list(stopped.glob("**/.*"))


def test_what_fails_before_a_training_is_told_once_and_the_grid_goes_on(
    texts: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    command = _command(texts, f"{tiny_bert},tfidf-lr", tmp_path / "results", max_length=4000)
    first, second = _both("-m", "encoder_zoo", *command)
    said = first.communicate()
    assert first.returncode == 1
    assert "4000" in said[0] + said[1]
    assert "Traceback" not in said[1]
    assert _ended(second) == ("", "")
    assert [run.info.encoder for run in read_runs(tmp_path / "results")] == ["tfidf-lr"]
