"""Several processes on one folder of results: they share the runs, and whatever is killed, the board is the same."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.commands.where_cli import Where
from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from benchmark.training.cell import Cell
from benchmark.training.claims import take
from benchmark.training.grid import Progress, plan, run_grid
from benchmark.training.process import set_up_process
from benchmark.training.runs import read_runs
from benchmark.training.workers import gpus_asked, run_on_workers
from tests.boards import assert_same_board
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError

ROOT = Path(__file__).parents[3]
Cells = Callable[[Path], list[Cell]]


def _ignore(*_: object) -> None:
    """What a report that nobody reads is called with."""


@pytest.fixture(scope="module")
def cells(toy_task: Task, toy_rows: Callable[..., Rows]) -> Cells:
    """Plan a grid of six short runs into a folder."""
    rows = {}
    for number in range(3):
        task = replace(toy_task, name=f"toy{number}")
        rows[task] = replace(toy_rows(task, seed=number), fingerprint=f"toy{number}")
    return lambda results: plan(rows, [get_encoder("tfidf-lr")], range(2), results)


@pytest.fixture(scope="module")
def serial(cells: Cells, tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("serial")
    assert run_grid(cells(results), _ignore) == {}
    return results


def _owner(cell: Cell) -> Path:
    return cell.folder.with_name(f".{cell.folder.name}.claim") / "owner.json"


@pytest.mark.slow
def test_what_another_process_is_at_is_left_to_it_and_told(cells: Cells, serial: Path, tmp_path: Path) -> None:
    todo = cells(tmp_path)
    claim = take(todo[1].folder, _ignore)
    assert claim is not None
    told: list[Progress] = []
    assert run_grid(todo, told.append) == {}
    assert [cell.done for cell in todo] == [True, False, True, True, True, True]
    assert told[-1].line == f"{todo[1].name}: process {os.getpid()} on {os.uname().nodename} is still at it"
    claim.release()
    assert run_grid(cells(tmp_path), _ignore) == {}
    assert_same_board(tmp_path, serial)
    assert not list(tmp_path.glob("**/.*"))


def test_what_a_process_left_that_ended_in_the_meantime_is_run_at_the_end(cells: Cells, tmp_path: Path) -> None:
    todo = cells(tmp_path)
    assert take(todo[0].folder, _ignore)
    told: list[Progress] = []

    def report(now: Progress) -> None:
        told.append(now)
        if now.line.startswith("[6/6]"):  # the owner of the first run ends while the last one is made
            owner = _owner(todo[0])
            owner.write_text(json.dumps(json.loads(owner.read_text()) | {"started": "0"}))

    assert run_grid(todo, report) == {}
    assert all(cell.done for cell in todo)
    assert any(f"taken over from process {os.getpid()}" in now.line for now in told)


@pytest.mark.slow
def test_workers_make_the_board_of_one_process(cells: Cells, serial: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    assert run_on_workers(cells(tmp_path), told.append, None, [{}, {}], threads=1) == {}
    assert_same_board(tmp_path, serial)
    assert (told[-1].ended, told[-1].total) == (6, 6)
    done = [now.ended for now in told]
    assert done == sorted(done)
    assert sum("done in" in now.line for now in told) == 6
    assert not list(tmp_path.glob("**/.*"))


def test_gpus_are_named_as_this_process_sees_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for names in ("all", "0"):
        with pytest.raises(UserError, match=rf"^--gpus {names}: no GPU is seen here; give"):
            gpus_asked(names)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert gpus_asked("all") == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-7")
    assert gpus_asked("all") == ["5", "GPU-7"]
    assert gpus_asked("1, 1") == ["GPU-7", "GPU-7"]
    for names in ("2", "-1", "x", ""):
        with pytest.raises(UserError, match=rf"^--gpus {names}: its GPUs are 0, 1; give"):
            gpus_asked(names)


def test_a_process_of_its_own_trains_on_the_first_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for visible in ("", "3", "5,7"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible) if visible else monkeypatch.delenv(
            "CUDA_VISIBLE_DEVICES", raising=False
        )
        set_up_process(1)
        assert os.environ["CUDA_VISIBLE_DEVICES"] == (visible or "0")[0]


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({"gpus": "all", "workers": 2}, "--gpus and --workers are two ways"),
        ({"ray": "local", "gpus": "0"}, "--gpus and --ray are two ways"),
        ({"gpu_share": 0.5}, "--gpu-share and --memory are what a run takes on Ray"),
        ({"workers": 2, "memory": 1.0}, "--gpu-share and --memory are what a run takes on Ray"),
    ],
)
def test_two_places_at_once_are_refused(asked: dict[str, object], line: str) -> None:
    with pytest.raises(UserError, match=line):
        Where(**asked)  # type: ignore[arg-type]


def test_processes_of_one_training_are_refused_before_each_trains_a_run_into_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match=r"one training in 2 processes.*--gpus all puts a run on each GPU"):
        Where()


# Campaigns


@pytest.mark.campaign
def test_fifty_kills_at_random_points_leave_the_board_of_a_grid_without_any(
    cells: Cells, serial: Path, tmp_path: Path
) -> None:
    rng, fork = np.random.default_rng(0), multiprocessing.get_context("fork")
    start = time.perf_counter()
    assert run_grid(cells(tmp_path / "timed"), _ignore) == {}
    longest = (time.perf_counter() - start) / 2
    kills = completed = 0
    while kills < 50:
        results = tmp_path / str(completed)
        process = fork.Process(target=run_grid, args=(cells(results), _ignore))
        process.start()
        process.join(rng.uniform(0, longest))
        if process.is_alive():
            process.kill()
            kills += 1
        process.join()
        read_runs(results)  # what is there is whole
        if all(cell.done for cell in cells(results)):
            assert_same_board(results, serial)
            completed += 1
    results = tmp_path / str(completed)
    assert run_grid(cells(results), _ignore) == {}
    assert_same_board(results, serial)
    assert completed


@pytest.mark.campaign
def test_a_worker_that_is_killed_costs_no_run(cells: Cells, serial: Path, tmp_path: Path) -> None:
    killed: list[int] = []

    def report(now: Progress) -> None:
        owners = list(tmp_path.glob("*/*/.*.claim/owner.json"))
        if owners and not killed:
            killed.append(json.loads(owners[0].read_text())["pid"])
            os.kill(killed[0], signal.SIGKILL)

    failed = run_on_workers(cells(tmp_path), report, None, [{}, {}], threads=1)
    assert killed
    assert failed == {}
    assert_same_board(tmp_path, serial)


@pytest.mark.campaign
def test_ctrl_c_and_a_killed_parent_end_the_workers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmark", "run", "--tasks", "feedback,feedback_zh", "--encoders", "tfidf-lr"]
    command += ["--seeds", "40", "--workers", "2", "--results", str(tmp_path)]
    for how in (signal.SIGINT, signal.SIGKILL):
        before = len(list(tmp_path.glob("*/*/[!.]*/run.json")))
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        _wait(lambda before=before: len(list(tmp_path.glob("*/*/[!.]*/run.json"))) > before + 1)
        pids = {json.loads(path.read_text())["pid"] for path in tmp_path.glob("*/*/.*.claim/owner.json")}
        os.killpg(process.pid, how) if how == signal.SIGINT else process.kill()
        _, stderr = process.communicate(timeout=60)
        if how == signal.SIGINT:
            assert stderr.decode().startswith("Stopped; what is complete is kept")
            assert not list(tmp_path.glob("*/*/.*.claim"))
        _wait(lambda pids=pids: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    read_runs(tmp_path)


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.campaign
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root")
def test_a_full_disk_is_told_and_costs_no_other_run(cells: Cells, serial: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        results, filler = disk / "results", disk / "filler"
        for room in range(0, 240_000, 8_000):
            filler.write_bytes(b"")
            filler.write_bytes(bytes(max(0, os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - room)))
            try:
                failed = run_grid(cells(results), _ignore)
            except OSError as error:  # of the grid as a whole, such as the task's own file
                failed = {"": f"OSError: {error}"}
            assert all("No space left on device" in reason for reason in failed.values())
            read_runs(results)
        filler.unlink()
        assert run_grid(cells(results), _ignore) == {}
        assert_same_board(results, serial)
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.campaign
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a disk takes root")
def test_a_folder_that_becomes_read_only_is_told_and_costs_no_complete_run(
    cells: Cells, serial: Path, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk]).returncode:
        pytest.skip("no disk can be mounted here")
    try:

        def report(now: Progress) -> None:
            if now.line.startswith("[3/6]"):
                subprocess.run(["mount", "-o", "remount,ro", disk], check=True)

        failed = run_grid(cells(disk / "results"), report)
        assert len(failed) == 4
        assert all("Read-only file system" in reason for reason in failed.values())
        assert len(read_runs(disk / "results")) == 2
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        told: list[Progress] = []
        owner = _owner(cells(disk / "results")[2])
        assert owner.is_file()  # it could not be released
        owner.write_text(json.dumps(json.loads(owner.read_text()) | {"started": "0"}))
        assert run_grid(cells(disk / "results"), told.append) == {}
        assert_same_board(disk / "results", serial)
    finally:
        subprocess.run(["umount", disk], check=True)
