"""How the time and the memory of the leaderboard grow with the number of runs: `make bench-board`.

The runs are made up: five encoders with five seeds each on one task more for each 25 runs, 200 test texts a task. Each
board is built in a process of its own. The seconds are those of the processor, so that other work on
the machine does not count.
"""

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmark.board import build as board
from benchmark.statistics.seeds import Predictions
from benchmark.tasks.registry import TASKS, Task, write_task
from benchmark.training.process import peak_memory_mib
from benchmark.training.runs import RESULTS, RunInfo, read_run, run_folder, write_run

SIZES = (250, 500, 1_000, 2_000)
ENCODERS, SEEDS, TEXTS = 5, 5, 200


def main() -> None:
    """Measure every size and print the table."""
    console, table = Console(), Table("runs", "CPU seconds", "CPU ms / run", "peak MiB")
    for runs, seconds, peak in map(measure, SIZES):
        console.print(f"{runs:,} runs: {seconds:.1f} s")
        table.add_row(f"{runs:,}", f"{seconds:.1f}", f"{1000 * seconds / runs:.0f}", f"{peak:.0f}")
    console.print(table)


def measure(runs: int) -> tuple[int, float, float]:
    """Return the number of runs, the CPU seconds that their board takes, and its process's peak memory in MiB."""
    with tempfile.TemporaryDirectory() as results:
        make_runs(Path(results), runs)
        command = [sys.executable, "-m", "benchmark.speed.bench_board", results]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return runs, float(told[0]), float(told[1])


def make_runs(results: Path, runs: int) -> None:
    """Write made-up runs, all of which a board can rank."""
    template = next(RESULTS.glob("feedback/minilm-l6/*/run.json")).parent
    info, rng = read_run(template).info, np.random.default_rng(0)
    for number in range(runs // (ENCODERS * SEEDS)):
        task = replace(TASKS["feedback"], name=f"task{number}")
        write_task(results, task)
        truth = [(rng.uniform(size=(TEXTS, len(task.labels))) < 0.3).astype(np.int8) for _ in range(2)]
        for encoder in range(ENCODERS):
            for seed in range(SEEDS):
                made = _made_up(truth, 1 + encoder / ENCODERS, rng)
                _write(results, info, task, f"encoder{encoder}", seed, made)


def _made_up(truth: list[np.ndarray], skill: float, rng: np.random.Generator) -> Predictions:
    validation, test = (
        (skill * (2 * y_true - 1) + rng.normal(size=y_true.shape)).astype(np.float32) for y_true in truth
    )
    return Predictions(validation, truth[0], test, truth[1])


def _write(results: Path, info: RunInfo, task: Task, encoder: str, seed: int, made: Predictions) -> None:
    recipe = info.recipe.model_copy(update={"seed": seed})
    identifier = f"{seed:012x}"
    changes = {"id": identifier, "task": task.name, "encoder": encoder, "recipe": recipe}
    folder = run_folder(results, task.name, encoder, seed, identifier)
    write_run(folder, info.model_copy(update=changes), made)


def _build(results: Path) -> None:
    board.MANY_LOOKS = board.MANY_TASKS = sys.maxsize  # so that all the work is in this process
    board.build(results)
    sys.stdout.write(f"{time.process_time()} {peak_memory_mib()}\n")


if __name__ == "__main__":
    _build(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
