"""A claim is one process's: it is taken once, told when it is taken over, and never trusted to two clocks."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmark.training import claims
from benchmark.training.claims import owner_of, take


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "task" / "encoder" / "0-abc"


@pytest.fixture
def ended() -> Iterator[int]:
    """The pid of a process that has ended but that nobody has waited for."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        while not _is_zombie(process.pid):
            time.sleep(0.01)
        yield process.pid


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def _change(run: Path, **fields: object) -> Path:
    """Change what the claim on a run says of its owner."""
    path = run.with_name(".0-abc.claim") / "owner.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return path


def _ignore(line: str) -> None:
    """What a line that nobody reads is said to."""


def test_a_claim_is_taken_once_and_leaves_nothing_when_it_is_released(run: Path) -> None:
    claim = take(run, _ignore)
    assert claim is not None
    assert take(run, _ignore) is None
    assert str(owner_of(run)) == f"process {os.getpid()} on {os.uname().nodename}"
    assert not run.exists()
    claim.release()
    assert owner_of(run) is None
    assert list(run.parent.iterdir()) == []


def test_of_many_at_once_one_gets_it(run: Path) -> None:
    for _ in range(20):
        with ThreadPoolExecutor(8) as pool:
            taken = [claim for claim in pool.map(lambda _: take(run, _ignore), range(8)) if claim]
        assert len(taken) == 1
        taken[0].release()
    assert list(run.parent.iterdir()) == []


def test_of_many_that_find_it_stale_one_takes_it_over(run: Path, ended: int) -> None:
    said: list[str] = []
    for _ in range(20):
        assert take(run, _ignore)
        _change(run, pid=ended)
        with ThreadPoolExecutor(8) as pool:
            taken = [claim for claim in pool.map(lambda _: take(run, said.append), range(8)) if claim]
        assert len(taken) == 1
        taken[0].release()
    assert said == [f"taken over from process {ended} on {os.uname().nodename}: it has ended"] * 20
    assert list(run.parent.iterdir()) == []


def test_a_process_with_the_pid_of_an_earlier_one_is_another(run: Path) -> None:
    assert take(run, _ignore)
    assert take(run, _ignore) is None
    _change(run, started="0")
    assert take(run, _ignore)


def test_here_a_living_process_is_believed_whatever_the_clock_says(run: Path) -> None:
    assert take(run, _ignore)
    owner = _change(run)
    for then in (0, time.time() + 1e6):
        os.utime(owner, (then, then))
        assert take(run, _ignore) is None


@pytest.mark.parametrize(("ago", "minutes"), [(660, 11), (-7200, 120)], ids=["silent", "the clock was set back"])
def test_another_machine_is_believed_until_it_is_silent(run: Path, ago: int, minutes: int) -> None:
    assert take(run, _ignore)
    owner = _change(run, host="node7", place="elsewhere", pid=1)
    then = time.time() - claims.STALE / 2
    os.utime(owner, (then, then))
    assert take(run, _ignore) is None
    then = time.time() - ago
    os.utime(owner, (then, then))
    said: list[str] = []
    assert take(run, said.append)
    assert said == [f"taken over from process 1 on node7: it gave no sign for {minutes} min"]


def test_a_claim_is_touched_until_it_is_released(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "BEAT", 0.01)
    claim = take(run, _ignore)
    assert claim is not None
    owner = _change(run)
    os.utime(owner, (0, 0))
    deadline = time.monotonic() + 20
    while owner.stat().st_mtime == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert owner.stat().st_mtime > 0
    claim.release()
    assert owner_of(run) is None


def test_who_was_taken_over_does_not_take_the_claim_away(run: Path, ended: int) -> None:
    first = take(run, _ignore)
    assert first is not None
    _change(run, pid=ended)
    second = take(run, _ignore)
    assert second is not None
    first.release()
    assert take(run, _ignore) is None
    second.release()
    assert owner_of(run) is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"], ids=["empty", "cut", "no text"])
def test_a_damaged_claim_is_one_of_a_machine_that_nobody_knows(run: Path, content: bytes) -> None:
    assert take(run, _ignore)
    owner = _change(run)
    owner.write_bytes(content)
    assert take(run, _ignore) is None
    os.utime(owner, (0, 0))
    said: list[str] = []
    assert take(run, said.append)
    assert said[0].startswith("taken over from an unknown machine: it gave no sign for")
