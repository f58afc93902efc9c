"""The grid on clusters of several nodes on this machine: whatever dies, the board is that of one process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.release.ship import keep_checkpoint
from benchmark.tasks.registry import TASKS, Task
from benchmark.tasks.rows import Rows, read_rows
from benchmark.training.cell import Cell
from benchmark.training.grid import Progress, plan, run_grid
from benchmark.training.ray_grid import Needs, cluster, run_on_ray
from benchmark.training.runs import read_runs
from benchmark.training.tuning import Search, run_trials
from tests.boards import assert_same_board
from zoo.checkpoints.checkpoint import find_checkpoints
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError

pytest.importorskip("ray", reason="needs requirements-ray.txt")
pytestmark = pytest.mark.campaign
ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "benchmark", "run", "--tasks", "feedback,feedback_zh", "--encoders", "tfidf-lr"]


def _ignore(*_: object) -> None:
    """What a report that nobody reads is called with."""


def _grid(results: Path) -> list[Cell]:
    rows = {TASKS[name]: read_rows(TASKS[name], None) for name in ("feedback", "feedback_zh")}
    return plan(rows, [get_encoder("tfidf-lr")], range(4), results)


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("serial")
    assert run_grid(_grid(results), _ignore) == {}
    return results


@pytest.fixture
def nodes() -> Iterator[Any]:
    """A cluster of two nodes of one CPU each."""
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_worker_niceness="0")
    from ray.cluster_utils import Cluster

    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    started.second = started.add_node(num_cpus=1)
    yield started
    started.shutdown()


def test_a_node_that_dies_in_mid_grid_costs_no_run(nodes: Any, serial: Path, tmp_path: Path) -> None:
    told: list[Progress] = []

    def report(now: Progress) -> None:
        told.append(now)
        if now.ended == 2 and nodes.second:
            nodes.remove_node(nodes.second, allow_graceful=False)
            nodes.second = None

    with cluster(nodes.address) as ray:
        assert run_on_ray(_grid(tmp_path), report, ray, Needs()) == {}
    assert nodes.second is None
    assert_same_board(tmp_path, serial)
    assert (told[-1].ended, told[-1].total) == (8, 8)
    assert not list(tmp_path.glob("**/.*"))


def test_two_drivers_on_one_folder_one_of_which_is_killed(nodes: Any, serial: Path, tmp_path: Path) -> None:
    command = [*COMMAND, "--seeds", "4", "--ray", nodes.address, "--results", str(tmp_path)]
    start = partial(subprocess.Popen, command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with start() as first, start() as second:
        _wait(lambda: len(list(tmp_path.glob("*/*/[!.]*/run.json"))) > 1)
        first.send_signal(signal.SIGKILL)
        told, _ = second.communicate(timeout=300)
        assert second.returncode == 0, told
    whole = len(read_runs(tmp_path))
    with start() as third:
        told, _ = third.communicate(timeout=300)
        assert third.returncode == 0, told
    assert f"8 runs: {whole} complete, {8 - whole} to do" in told
    assert_same_board(tmp_path, serial)


def test_ctrl_c_keeps_what_is_complete(nodes: Any, serial: Path, tmp_path: Path) -> None:
    command = [*COMMAND, "--seeds", "4", "--ray", nodes.address, "--results", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as driver:
        _wait(lambda: len(list(tmp_path.glob("*/*/[!.]*/run.json"))) > 1)
        driver.send_signal(signal.SIGINT)
        _, stderr = driver.communicate(timeout=60)
    assert stderr.splitlines()[-1].startswith("Stopped; what is complete is kept")
    assert not list(tmp_path.glob("*/*/.*.claim"))
    assert 2 <= len(read_runs(tmp_path)) < 8
    with cluster(nodes.address) as ray:
        assert run_on_ray(_grid(tmp_path), _ignore, ray, Needs()) == {}
    assert_same_board(tmp_path, serial)


def test_an_encoder_comes_back_with_the_checkpoint_and_the_logits_of_one_process(
    nodes: Any, tiny_bert: Path, toy_task: Task, toy_rows: Callable[..., Rows], tmp_path: Path
) -> None:
    rows = {toy_task: toy_rows(toy_task)}
    recipe = {"epochs": 1, "batch_size": 32, "max_length": 32, "min_steps": 0}
    here, there = (
        plan(rows, [get_encoder(str(tiny_bert))], range(2), tmp_path / name / "results", **recipe)
        for name in ("here", "there")
    )
    assert run_grid(here, _ignore, partial(keep_checkpoint, tmp_path / "here" / "checkpoints")) == {}
    kept = tmp_path / "there" / "checkpoints"
    with cluster(nodes.address) as ray:
        assert run_on_ray(there, _ignore, ray, Needs(memory=2**28), kept, keep_checkpoint) == {}
    for ours, theirs in zip(
        read_runs(tmp_path / "here" / "results"), read_runs(tmp_path / "there" / "results"), strict=True
    ):
        np.testing.assert_array_equal(ours.predictions.test_logits, theirs.predictions.test_logits)
        np.testing.assert_array_equal(ours.predictions.validation_logits, theirs.predictions.validation_logits)
    found, other = (find_checkpoints(tmp_path / name / "checkpoints") for name in ("here", "there"))
    assert [path.name for path in found] == [path.name for path in other]
    for mine, yours in zip(found, other, strict=True):
        assert (mine / "model.safetensors").read_bytes() == (yours / "model.safetensors").read_bytes()


@pytest.mark.timeout(900)  # a guard against hanging: it takes four minutes on two slow cores
def test_a_search_makes_the_trials_of_one_process(
    nodes: Any, tiny_bert: Path, toy_task: Task, toy_rows: Callable[..., Rows], tmp_path: Path
) -> None:
    here, there = (
        Search(toy_task, get_encoder(str(tiny_bert)), toy_rows(toy_task), tmp_path / name) for name in ("here", "there")
    )
    (expected,) = run_trials([here], 3, lambda cells: run_grid(cells, _ignore))
    with cluster(nodes.address) as ray:
        (found,) = run_trials([there], 3, lambda cells: run_on_ray(cells, _ignore, ray, Needs()))
    mine, yours = ([trial.model_dump(exclude={"seconds"}) for trial in made] for made in (expected, found))
    assert mine == yours


def _full(cell: Cell, report: Any, keep: Any) -> None:
    report(0.5, "half")
    raise OSError(28, "No space left on device")


def test_a_node_whose_disk_is_full_is_told_and_the_others_go_on(nodes: Any, serial: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    with cluster(nodes.address) as ray:
        full = [replace(cell, make=_full) for cell in _grid(tmp_path)]
        failed = run_on_ray(full, told.append, ray, Needs())
        assert set(failed.values()) == {"OSError: No space left on device; make room, and run it again"}
        assert len(failed) == 8
        assert run_on_ray(_grid(tmp_path), _ignore, ray, Needs()) == {}
    assert_same_board(tmp_path, serial)


def test_what_no_node_has_is_told(nodes: Any, tiny_bert: Path, toy_task: Task, toy_rows: Callable[..., Rows],
                                  tmp_path: Path) -> None:  # fmt: skip
    cells = plan(
        {toy_task: toy_rows(toy_task)}, [get_encoder(str(tiny_bert))], range(1), tmp_path, epochs=1, min_steps=0
    )

    class Seen(Exception):
        pass

    def report(now: Progress) -> None:
        if "no node" in now.line:
            assert now.line.startswith("no node of the cluster has 64 cpus, 2 gpus for a run; waiting for one")
            raise Seen

    with cluster(nodes.address) as ray, pytest.raises(Seen):
        run_on_ray(cells, report, ray, Needs(cpus=64, gpus=2))


@pytest.mark.parametrize(
    ("address", "reason"), [("127.0.0.1:1", ".*refused"), ("nonsense", ""), ("auto", "this machine belongs to none")]
)
def test_where_no_cluster_is_one_line_says_so(address: str, reason: str) -> None:
    with pytest.raises(UserError, match=rf"^--ray {address}: no cluster answers \({reason}"), cluster(address):
        pass


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.05)
