"""What Ray adds to a grid: `make bench-ray` starts a cluster on this machine and gives it cells that only wait.

- 1,000 cells of no time: how long until all are done.
- The same cells of some seconds, one after the other in one process and on the cluster: the overhead.
"""

import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmark.statistics.seeds import Predictions
from benchmark.tasks.registry import TASKS
from benchmark.tasks.rows import Rows, Split
from benchmark.training.cell import Cell
from benchmark.training.grid import Progress, make_cell
from benchmark.training.ray_grid import Needs, cluster, run_on_ray
from benchmark.training.recipes import BaselineRecipe, default_recipe
from benchmark.training.runs import RESULTS, RunReport, read_run, write_run
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    cells: Annotated[int, typer.Option(min=1, help="How many cells of no time.")] = 1_000,
    long: Annotated[int, typer.Option(min=1, help="How many cells that take time.")] = 3,
    seconds: Annotated[float, typer.Option(min=0, help="How long each of these takes.")] = 60.0,
) -> None:
    """Measure both and print them."""
    with cluster("local") as ray:
        took = _time(partial(_on_ray, ray, cells, 0.0))
        sys.stdout.write(f"{cells:,} cells of no time: {took:.1f} s, {1000 * took / cells:.0f} ms each\n")
        most = int(0.6 * ray.cluster_resources()["memory"])  # so that one runs at a time
        alone, there = _time(partial(_serial, long, seconds)), _time(partial(_on_ray, ray, long, seconds, most))
    overhead = f"{alone:.1f} s in one process, {there:.1f} s on Ray, {there / alone - 1:+.1%}"
    sys.stdout.write(f"{long} cells of {seconds:g} s, one after the other: {overhead}\n")


def wait(seconds: float, cell: Cell, report: RunReport, keep: object) -> None:
    """Stand in for a training: take so many seconds, then write a run."""
    time.sleep(seconds)
    report(1.0, "waited")
    template = read_run(next(RESULTS.glob("feedback/tfidf-lr/*/run.json")).parent)
    y_true = np.zeros((1, len(cell.task.labels)), np.int8)
    made = Predictions(y_true.astype(np.float32), y_true, y_true.astype(np.float32), y_true)
    write_run(cell.folder, template.info.model_copy(update={"id": cell.id, "recipe": cell.recipe}), made)


def _cells(results: Path, number: int) -> list[Cell]:
    task, encoder = TASKS["feedback"], get_encoder("tfidf-lr")
    split = Split(["a text"], np.zeros((1, len(task.labels)), np.int8))
    rows = Rows(split, split, split, "made up")
    recipes = (default_recipe(encoder, task, seed) for seed in range(number))
    return [make_cell(task, encoder, recipe, rows, results) for recipe in recipes if isinstance(recipe, BaselineRecipe)]


def _serial(number: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as results:
        for cell in _cells(Path(results), number):
            wait(seconds, cell, lambda share, line: None, None)


def _on_ray(ray: object, number: int, seconds: float, memory: int = 0) -> None:
    with tempfile.TemporaryDirectory() as results:
        cells = [replace(cell, make=partial(wait, seconds)) for cell in _cells(Path(results), number)]
        failed = run_on_ray(cells, _ignore, ray, Needs(memory=memory))
        if failed or not all(cell.done for cell in cells):
            raise UserError(f"{len(failed)} cells failed: {next(iter(failed.values()), 'not all are done')}")


def _ignore(now: Progress) -> None:
    """What a report that nobody reads is called with."""


def _time(run: partial[None]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    app()
