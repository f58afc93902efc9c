"""The grid in several processes on this machine: each claims runs until none is free, and one view shows them all."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from benchmark.training.cell import Cell, Keep
from benchmark.training.grid import Progress, Report, find_todo, run_free, tell_left
from zoo.errors import UserError

_SPAWN = multiprocessing.get_context("spawn")  # torch does not survive a fork
Environment = Mapping[str, str]


@dataclass
class _Worker:
    """A process, the pipe from it, and what it told last."""

    process: BaseProcess
    pipe: Connection
    now: Progress = field(default_factory=lambda: Progress(0, 0))


def run_on_workers(
    cells: list[Cell], report: Report, keep: Keep | None, environments: Sequence[Environment], threads: int
) -> dict[str, str]:
    """Run the cells that are not done yet in one process for each of the environments.

    Args:
        cells, report, keep: as in `run_grid`; `keep` is sent to the processes.
        environments: what each process has in its environment on top of this one's.
        threads: CPU threads of each process.

    Returns:
        Why runs failed, by the cell's name. A run whose process was ended is taken over by another one if it can be.

    Raises:
        UserError: a run that is there already is damaged.
    """
    todo = find_todo(cells, report)
    workers = [_start(todo, keep, environment, threads) for environment in environments[: len(todo)]]
    try:
        failed = _follow(workers, todo, report)
    finally:
        for worker in workers:
            worker.process.terminate()
            worker.process.join()
    tell_left(todo, failed, report)
    return failed


def gpus_asked(names: str) -> list[str]:
    """Return the GPUs that `names` means, as CUDA_VISIBLE_DEVICES takes them: "all", or numbers with commas between.

    The numbers count the GPUs that this process sees. A number given twice gets two processes.

    Raises:
        UserError: this process sees no such GPU.
    """
    import torch

    number = torch.cuda.device_count()
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name][:number]
    visible = visible or [str(each) for each in range(number)]
    wanted = [str(each) for each in range(number)] if names == "all" else [name.strip() for name in names.split(",")]
    strange = [name for name in wanted if not (name.isdecimal() and int(name) < number)]
    if strange or not wanted:
        seen = f"its GPUs are {', '.join(map(str, range(number)))}" if number else "no GPU is seen here"
        raise UserError(f"--gpus {names}: {seen}; give 'all' or numbers with commas between them")
    return [visible[int(name)] for name in wanted]


def _start(todo: list[Cell], keep: Keep | None, environment: Environment, threads: int) -> _Worker:
    here, there = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=_work, args=(todo, keep, environment, threads, there), daemon=True)
    with _without_ctrl_c():
        process.start()
    there.close()  # the worker's end alone is open now, so that its death is read as the end of the pipe
    return _Worker(process, here)


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Hold Ctrl-C back. A process that is started meanwhile never gets it, not even while it imports its modules."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(todo: list[Cell], keep: Keep | None, environment: Environment, threads: int, pipe: Connection) -> None:
    """What a worker does: claim and run cells, tell every step, and at last why runs failed."""
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, too, and that one ends its workers
    leave_in_order()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if any(cell.encoder.source != "none" for cell in todo):
        from benchmark.training.process import set_up_process

        set_up_process(threads)
    pipe.send(run_free(todo, pipe.send, keep))


def leave_in_order() -> None:
    """Make a request to end (SIGTERM) release this process's claims, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _end_with_parent() -> None:
    """End this process where its parent was killed: nobody would know that it still trains."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _follow(workers: Sequence[_Worker], todo: list[Cell], report: Report) -> dict[str, str]:
    """Show what the workers tell until all have ended; return why runs failed."""
    failed, shares, open_pipes = dict[str, str](), dict[str, float](), {each.pipe: each for each in workers}
    while open_pipes:
        for pipe in wait(list(open_pipes)):
            assert isinstance(pipe, Connection)
            worker = open_pipes[pipe]
            try:
                told = pipe.recv()
            except EOFError:
                del open_pipes[pipe]
                if reason := _why_ended(worker):
                    failed[worker.now.run] = reason
                    report(_joined(Progress(0, 0, worker.now.run, 1.0, f"{worker.now.run}: {reason}"), shares, todo))
            else:
                if isinstance(told, Progress):
                    worker.now = told
                    report(_joined(told, shares, todo))
                else:
                    failed |= told
    done = {cell.name for cell in todo if cell.done}
    return {name: reason for name, reason in failed.items() if name not in done}


def _joined(told: Progress, shares: dict[str, float], todo: list[Cell]) -> Progress:
    """Return how far all workers are together. `shares`, by the run's name, is brought up to date."""
    shares[told.run] = told.share
    ended = sum(share >= 1 for share in shares.values())
    running = sum(share for share in shares.values() if share < 1)
    line = f"{told.run}: {told.line.strip()}" if told.line.startswith(" ") else told.line
    return Progress(ended, len(todo), told.run, running, line)


def _why_ended(worker: _Worker) -> str:
    """Return why a worker ended before its work was done, or ""."""
    worker.process.join()
    code = worker.process.exitcode or 0
    if code < 0:
        return f"its process was ended by signal {-code}" + ("; is there enough memory?" if code == -9 else "")
    return f"its process ended with exit code {code}" if code else ""
