"""The grid on a Ray cluster: each cell is a task; what it leaves comes back to the driver, which alone writes results.

So the nodes need no common folder. The driver claims each cell that it sends, as any process does that runs a grid, and
writes each run when it arrives. A task whose node or process died is started again, on another node if need be.
"""

import os
import re
import socket
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.tasks.rows import Rows, Split
from benchmark.training.cell import Cell
from benchmark.training.claims import Claim, owner_of, take
from benchmark.training.grid import Progress, Report, attempt, find_todo, tell_left, why_failed, write_row_facts
from benchmark.training.process import set_up_process
from benchmark.training.recipes import BaselineRecipe
from zoo.errors import UserError
from zoo.files import new_folder

Files = dict[str, bytes]  # by their paths in a folder
_RETRIES = 3  # of a task whose node or process died
_EMPTY = Split([], np.zeros((0, 0), np.int8))
_NO_ROWS = Rows(_EMPTY, _EMPTY, _EMPTY, "")


@dataclass(frozen=True)
class Needs:
    """What a training takes of a node: CPUs, GPUs (0.5 is half of one), bytes of memory (0: not said)."""

    cpus: int = 1
    gpus: float = 0.0
    memory: int = 0

    def of(self, cell: Cell) -> dict[str, float]:
        """Return what a cell takes, as Ray names it. A baseline takes one CPU and no GPU."""
        if isinstance(cell.recipe, BaselineRecipe):
            return {"num_cpus": 1, "num_gpus": 0, "memory": self.memory}
        return {"num_cpus": self.cpus, "num_gpus": self.gpus, "memory": self.memory}


@dataclass(frozen=True)
class Outcome:
    """What comes back of a cell: where it ran, its lines, why it failed or "", the files of its run, and the path and
    the files of its checkpoint if one is kept."""

    host: str
    lines: list[str]
    reason: str
    run: Files
    kept: str
    checkpoint: Files


@contextmanager
def cluster(address: str) -> Iterator[Any]:
    """Yield the module `ray`, connected to a cluster: "local" starts one, "auto" finds the one of this machine.

    Raises:
        UserError: Ray is not installed, or there is no cluster at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent that nobody asked for
    os.environ.setdefault("RAY_worker_niceness", "0")  # a training waits for nobody; Ray's own is 15
    try:
        ray: Any = import_module("ray")
    except ImportError as error:
        raise UserError("Ray is not installed: pip install -r requirements-ray.txt") from error
    if ray.is_initialized():  # several grids of one command share a cluster
        yield ray
        return
    local = {"include_dashboard": False} if address == "local" else {}
    try:
        if port := re.search(r"([^/:]+):(\d+)$", address):
            socket.create_connection((port[1], int(port[2])), timeout=10).close()  # Ray itself would try for minutes
        ray.init(address, log_to_driver=False, logging_level="ERROR", **local)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0]
        step = "give local, auto or ray://HOST:PORT"
        if "Could not find any running" in reason:  # Ray goes on with an option of its own
            reason, step = "this machine belongs to none", "start one with `ray start --head`, or give local"
        raise UserError(f"--ray {address}: no cluster answers ({reason}); {step}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def run_on_ray(
    cells: list[Cell],
    report: Report,
    ray: Any,
    needs: Needs,
    checkpoints: Path | None = None,
    keep: Callable[..., None] | None = None,
) -> dict[str, str]:
    """Run the cells that are not done yet as tasks of a cluster.

    Args:
        cells, report: as in `run_grid`.
        ray: what `cluster` yields.
        needs: what a training takes of a node.
        checkpoints: the folder of the trained models, if they are kept.
        keep: what keeps one: called as by `run_grid`, with the folder before the other arguments.

    Returns:
        Why runs failed, by the cell's name.

    Raises:
        UserError: a run that is there already is damaged.
    """
    todo = find_todo(cells, report)
    report(Progress(0, len(todo), line=_no_room(ray, needs, todo)))
    kept = keep if checkpoints else None
    driver = _Driver(ray, ray.remote(_run_there), kept, needs, report, len(todo), checkpoints)
    try:
        driver.run(deque(todo))
    finally:
        for _, claim in driver.sent.values():
            claim.release()
    tell_left(todo, driver.failed, report)
    return driver.failed


def _no_room(ray: Any, needs: Needs, cells: list[Cell]) -> str:
    """Return a line where a cell takes more than any node has now; a cluster may grow."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for need in {cell.task.name: needs.of(cell) for cell in cells}.values():
        if not any(_slots(node, need) for node in nodes):
            return f"no node of the cluster has {_say(need)} for a run; waiting for one, or stop with Ctrl-C"
    return ""


def _say(need: Mapping[str, float]) -> str:
    return ", ".join(f"{value:g} {name.removeprefix('num_')}" for name, value in need.items() if value)


def _slots(resources: Mapping[str, float], need: Mapping[str, float]) -> int:
    """Return how many cells the resources take at once."""
    names = {"num_cpus": "CPU", "num_gpus": "GPU", "memory": "memory"}
    return int(min(resources.get(names[name], 0.0) / value for name, value in need.items() if value))


@dataclass
class _Driver:
    """Sends cells, receives what they leave, and writes it."""

    ray: Any
    remote: Any
    keep: Callable[..., None] | None
    needs: Needs
    report: Report
    total: int
    checkpoints: Path | None
    sent: dict[Any, tuple[Cell, Claim]] = field(default_factory=dict)
    rows: dict[int, Any] = field(default_factory=dict)  # sent once each
    failed: dict[str, str] = field(default_factory=dict)
    ended: int = 0

    def run(self, waiting: deque[Cell]) -> None:
        """Run the cells; those that another process has are looked at once more at the end."""
        held = list[Cell]()
        while waiting or self.sent:
            # Twice what fits: no node waits for the driver, a cluster that can grow sees why, and most cells stay free
            # for other processes on the same folder.
            while waiting and len(self.sent) < 2 * max(1, self._room(waiting[0])):
                cell = waiting.popleft()
                if not self._send(cell):
                    held.append(cell)
            if self.sent:
                (ref,), _ = self.ray.wait(list(self.sent), num_returns=1)
                self._receive(ref)
            elif not waiting:
                waiting.extend(cell for cell in held if owner_of(cell.folder))
                held = []

    def _room(self, cell: Cell) -> int:
        return _slots(self.ray.cluster_resources(), self.needs.of(cell))

    def _send(self, cell: Cell) -> bool:
        """Send a cell that is free; return False if another process has it."""
        try:
            claim = take(cell.folder, partial(self._tell, cell))
        except OSError as error:
            self._end(cell, why_failed(error))
            return True
        if claim is None:
            return False
        if cell.done:
            claim.release()
            self._end(cell, "")
            return True
        need = self.needs.of(cell)
        if id(cell.rows) not in self.rows:
            self.rows[id(cell.rows)] = self.ray.put(cell.rows)
        task = self.remote.options(**need, max_retries=_RETRIES)
        without = replace(cell, rows=_NO_ROWS)
        ref = task.remote(self.keep, without, self.rows[id(cell.rows)], int(need["num_cpus"]))
        self.sent[ref] = cell, claim
        return True

    def _receive(self, ref: Any) -> None:
        cell, claim = self.sent.pop(ref)
        try:
            outcome: Outcome = self.ray.get(ref)
            for line in outcome.lines:
                self._tell(cell, f"{line}, on {outcome.host}")
            reason = outcome.reason
            if not reason:
                self._write(cell, outcome)
        except (self.ray.exceptions.RayError, OSError) as error:
            reason = why_failed(getattr(error, "cause", None) or error)  # of a task's error, without its traceback
            self._tell(cell, f"failed: {reason}")
        finally:
            claim.release()
        self._end(cell, reason)

    def _write(self, cell: Cell, outcome: Outcome) -> None:
        _write_files(cell.folder, outcome.run)
        write_row_facts(cell)
        if self.checkpoints and outcome.kept:
            _write_files(self.checkpoints / outcome.kept, outcome.checkpoint)

    def _tell(self, cell: Cell, line: str) -> None:
        self.report(Progress(self.ended, self.total, cell.name, line=f"    {cell.name}: {line}"))

    def _end(self, cell: Cell, reason: str) -> None:
        self.ended += 1
        if reason:
            self.failed[cell.name] = reason
        self.report(Progress(self.ended, self.total, cell.name))


def _run_there(keep: Callable[..., None] | None, cell: Cell, rows: Rows, threads: int) -> Outcome:
    """Run a cell in a folder of this node, and return what it left there."""
    lines = list[str]()
    with tempfile.TemporaryDirectory(prefix="encoder-zoo-") as folder:
        checkpoints = Path(folder) / "checkpoints"
        here = replace(cell, rows=rows, folder=Path(folder, *cell.folder.parts[-3:]))
        if cell.encoder.source != "none":
            set_up_process(threads)
        note = partial(_note, lines)
        reason = attempt(partial(here.make, here, note, keep and partial(keep, checkpoints)), note)
        kept = next(checkpoints.glob("*/[!.]*"), None)
        return Outcome(
            socket.gethostname(),
            lines,
            reason,
            _read_files(here.folder),
            str(kept.relative_to(checkpoints)) if kept else "",
            _read_files(kept) if kept else {},
        )


def _note(lines: list[str], share: float, line: str) -> None:
    if line:
        lines.append(line)


def _read_files(folder: Path) -> Files:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _write_files(folder: Path, files: Files) -> None:
    with new_folder(folder) as temporary:
        for name, content in files.items():
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
