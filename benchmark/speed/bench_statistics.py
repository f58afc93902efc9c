"""How fast a comparison of two encoders is: sums over resamples as matrix products against scikit-learn in a loop;
and how fast a whole board is.

    python -m benchmark.speed.bench_statistics

The first two do the same at the size of GoEmotions (28 labels, 5,427 test rows), with five seeds of two encoders: the
macro-F1 of every run in each of 10,000 bootstrap resamples of the rows, and again after each of 10,000 random swaps
between the encoders. The loop is timed on a few draws, and its time scaled up to all; it would take hours. The board is
of 10 encoders with 5 seeds each on 5 tasks of 5,427 test rows, one of them with 28 labels, two with 8, two with two
classes; made, written, made again with one run more, and asked for again.

On two cores with AVX-512, nothing else running: 2.5 s (4.4 s of processor time), 742 times the loop, 314 MiB. The board
took 58.9 s with an earlier version, and 1.1 s when nothing had changed.
"""

import os
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from sklearn.metrics import f1_score

from benchmark.board.store import publish
from benchmark.statistics.pair_tests import RESAMPLES, compare, gather
from benchmark.statistics.resampling import Draws, Scored, draw
from benchmark.tasks.registry import TASKS
from benchmark.training.process import peak_memory_mib, reset_peak_memory
from benchmark.training.recipes import default_recipe
from benchmark.training.runs import RESULTS, Predictions, read_runs, run_folder, run_id, write_run
from zoo.encoders.registry import ENCODERS

MAX_SECONDS, MIN_RATIO, MAX_MIB = 10, 500, 1024
MAX_BOARD, MAX_AGAIN = 30, 5  # seconds
BOARD_TASKS = ("go_emotions", "feedback", "feedback_zh", "sst2", "chnsenticorp")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Runs = dict[int, Scored]


@app.command()
def main(
    rows: Annotated[int, typer.Option(min=1)] = 5427,
    labels: Annotated[int, typer.Option(min=2)] = 28,
    seeds: Annotated[int, typer.Option(min=1)] = 5,
    resamples: Annotated[int, typer.Option(min=1)] = RESAMPLES,
    looped: Annotated[int, typer.Option(min=1, help="Draws that the loop is timed on.")] = 10,
) -> None:
    """Time both and print the table with the bars that ours is held to."""
    a, b = _two_encoders(rows, labels, seeds)
    reset_peak_memory()
    start, on_processor = time.perf_counter(), time.process_time()
    draws = draw(rows, resamples)
    found = compare(gather(a, "f1_macro", draws), gather(b, "f1_macro", draws), draws.rng)
    seconds, on_processor = time.perf_counter() - start, time.process_time() - on_processor
    peak = peak_memory_mib()
    looped = min(looped, len(draws.counts[0]))
    loop = _time_loop(a, b, draws, looped) / looped * resamples
    table = Table("", "measured", "bar")
    table.add_row(f"ours: {resamples:,} resamples and swaps", f"{seconds:.1f} s", f"at most {MAX_SECONDS} s")
    table.add_row("the same in processor time", f"{on_processor:.1f} s", "")
    table.add_row(f"a loop over f1_score, scaled up from {looped} of them", f"{loop:,.0f} s", "")
    table.add_row("ratio", f"{loop / seconds:,.0f}", f"at least {MIN_RATIO}")
    table.add_row("peak memory of the process", f"{peak:,.0f} MiB", f"below {MAX_MIB:,} MiB")
    console = Console()
    console.print(table)
    gap = found.difference
    console.print(f"difference {gap.value:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}], p = {found.p_value:.2g}")
    console.print(_time_board(rows, seeds))


def _time_board(rows: int, seeds: int) -> Table:
    table = Table("", "measured", "bar")
    with TemporaryDirectory() as temporary:
        results = Path(temporary) / "results"
        os.environ["ENCODER_ZOO_CACHE"] = f"{temporary}/cache"  # nothing is kept of an earlier board
        _write_runs(results, rows, range(seeds))
        _time_publish(table, "a board of 10 encoders on 5 tasks", results, MAX_BOARD)
        _write_runs(results, rows, range(seeds, seeds + 1), BOARD_TASKS[:1], 1)
        _time_publish(table, "the same, one run added", results, MAX_AGAIN)
        _time_publish(table, "the same, nothing changed", results, MAX_AGAIN)
    return table


def _time_publish(table: Table, what: str, results: Path, bar: int) -> None:
    start = time.perf_counter()
    publish(results)
    table.add_row(what, f"{time.perf_counter() - start:.1f} s", f"at most {bar} s")


def _write_runs(results: Path, rows: int, seeds: range, tasks: Sequence[str] = BOARD_TASKS, encoders: int = 10) -> None:
    """Write runs of made-up logits; what else a run says is that of a real one."""
    template, rng = read_runs(RESULTS)[0].info, np.random.default_rng(0)
    for task, encoder in product((TASKS[name] for name in tasks), list(ENCODERS.values())[:encoders]):
        size, gold = len(task.labels), np.random.default_rng(1)
        multi = (gold.random((rows, size)) < np.geomspace(0.005, 0.25, size)).astype(np.int8)
        y_true = multi if task.multi_label else np.eye(size, dtype=np.int8)[gold.integers(0, size, rows)]
        for seed in seeds:
            recipe = default_recipe(encoder, task, seed)
            identifier = run_id(encoder, task, "rows", recipe)
            facts: dict[str, object] = {"id": identifier, "fingerprint": "rows", "recipe": recipe}
            facts |= {"encoder": encoder.name, "family": encoder.family, "revision": encoder.revision}
            facts |= {"task": task.name, "problem_type": task.problem_type, "labels": task.labels}
            both = [(4 * y_true - 2 + 2 * rng.normal(size=y_true.shape)).astype(np.float32) for _ in range(2)]
            folder = run_folder(results, task.name, encoder.name, seed, identifier)
            write_run(folder, template.model_copy(update=facts), Predictions(both[0], y_true, both[1], y_true))


def _two_encoders(rows: int, labels: int, seeds: int) -> tuple[Runs, Runs]:
    """Return runs by seed of two encoders that are wrong about 2.0 and 2.1 % of the (row, label) pairs."""
    rng = np.random.default_rng(0)
    y_true = (rng.random((rows, labels)) < np.geomspace(0.005, 0.25, labels)).astype(np.int8)

    def run(wrong: float) -> Scored:
        y_pred = y_true ^ (rng.random(y_true.shape) < wrong)
        return Scored("multi_label_classification", y_true, y_pred.astype(float), y_pred)

    return {seed: run(0.020) for seed in range(seeds)}, {seed: run(0.021) for seed in range(seeds)}


def _time_loop(a: Runs, b: Runs, draws: Draws, number: int) -> float:
    start = time.perf_counter()
    for counts, signs in zip(draws.counts[0][:number], draws.signs[0][:number], strict=True):
        drawn, kept = np.repeat(np.arange(len(counts)), counts), (signs > 0)[:, None]
        for one, other in zip(a.values(), b.values(), strict=True):
            for run in (one, other):
                _macro_f1(run.y_true[drawn], run.y_pred[drawn])
            _macro_f1(one.y_true, np.where(kept, one.y_pred, other.y_pred))
            _macro_f1(one.y_true, np.where(kept, other.y_pred, one.y_pred))
    return time.perf_counter() - start


def _macro_f1(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    return float(f1_score(y_true, y_pred, average="macro", zero_division=0))


if __name__ == "__main__":
    app()
