"""The grid: every (task, encoder, seed), one run each; what is complete is skipped, what fails is told at the end."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmark.tasks.registry import TASKS, Task, write_task
from benchmark.tasks.row_facts import keep_row_facts
from benchmark.tasks.rows import Rows
from benchmark.training.baseline import fit_min_df, train_baseline
from benchmark.training.process import commit
from benchmark.training.recipes import BaselineRecipe, Recipe, default_recipe
from benchmark.training.runs import PROTOCOL, RunInfo, read_run, run_folder, run_id, write_run
from zoo.encoders.encoder import Encoder
from zoo.encoders.weights import Weights, fetch_weights
from zoo.hardware import library_versions


@dataclass(frozen=True)
class Cell:
    """One run to be: what it is, and where its folder stands once it is done."""

    task: Task
    encoder: Encoder
    recipe: Recipe | BaselineRecipe
    rows: Rows
    folder: Path
    id: str

    @property
    def done(self) -> bool:
        return (self.folder / "run.json").is_file()

    @property
    def name(self) -> str:
        return f"{self.task.name} / {self.encoder.name} / seed {self.recipe.seed} ({self.id})"


def plan(
    rows: Mapping[Task, Rows],
    encoders: Iterable[Encoder],
    seeds: Iterable[int],
    results: Path,
    /,
    **changes: Any,
) -> list[Cell]:
    """Return the cells of the grid, seed by seed, so that an interrupted grid has every encoder with fewer seeds.

    Raises:
        UserError: `changes` does not fit a recipe.
    """
    encoders = list(encoders)
    cells = []
    for seed in seeds:
        for task in rows:
            for encoder in encoders:
                recipe = default_recipe(task, seed, encoder.source == "none", **changes)
                if isinstance(recipe, BaselineRecipe) and "min_df" not in changes:
                    recipe = fit_min_df(recipe, rows[task].train.texts)
                identifier = run_id(encoder, task, rows[task].fingerprint, recipe)
                folder = run_folder(results, task.name, encoder.name, seed, identifier)
                cells.append(Cell(task, encoder, recipe, rows[task], folder, identifier))
    return cells


def run_grid(cells: list[Cell], console: Console, checkpoints: Path | None) -> dict[str, str]:
    """Run the cells that are not done yet; return what went wrong, by the cell's name."""
    for cell in cells:
        if cell.task.name not in TASKS:
            write_task(cell.folder.parents[2], cell.task)
    failed = {}
    todo = [cell for cell in cells if not _is_complete(cell)]
    for cell in cells:
        if cell.done:
            _keep_row_facts(cell)
    console.print(f"{len(cells)} runs: {len(cells) - len(todo)} complete, {len(todo)} to do")
    if checkpoints and (without := _without_checkpoint(cells, checkpoints)):
        console.print(f"{len(without)} complete runs left no checkpoint in {checkpoints}; to train them again, delete:")
        console.print("\n".join(f"    {cell.folder}" for cell in without), markup=False, highlight=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        for number, cell in enumerate(todo, 1):
            console.print(f"[{number}/{len(todo)}] {cell.name}", markup=False, highlight=False)
            bar = progress.add_task(f"{number}/{len(todo)} {cell.name}", total=1.0)

            def report(share: float, line: str, bar: Any = bar) -> None:
                progress.update(bar, completed=share)
                if line:
                    console.print(f"    {line}", markup=False, highlight=False)

            start = time.perf_counter()
            try:
                run_cell(cell, report, checkpoints)
                _keep_row_facts(cell)
            except Exception as error:  # whatever it was, the other cells still run and this one is told at the end
                failed[cell.name] = f"{type(error).__name__}: {error}".splitlines()[0]
                console.print(f"    failed: {failed[cell.name]}", markup=False, highlight=False, soft_wrap=True)
            else:
                console.print(f"    done in {time.perf_counter() - start:.0f} s", markup=False, highlight=False)
            progress.remove_task(bar)
    return failed


def _keep_row_facts(cell: Cell) -> None:
    """Write what the leaderboard's slices need to know of the rows of a complete run."""
    keep_row_facts(cell.folder.parents[2], cell.task, cell.rows)


def _without_checkpoint(cells: list[Cell], checkpoints: Path) -> list[Cell]:
    from benchmark.release.ship import checkpoint_folder

    trained = (cell for cell in cells if cell.done and not isinstance(cell.recipe, BaselineRecipe))
    return [cell for cell in trained if not checkpoint_folder(checkpoints, cell.folder).is_dir()]


def _is_complete(cell: Cell) -> bool:
    """A corrupt run is an error that the user must see, not one to be written over."""
    return cell.done and read_run(cell.folder).info.id == cell.id


def run_cell(cell: Cell, report: Any, checkpoints: Path | None) -> None:
    """Run one cell and write its run, and its checkpoint below `checkpoints` where that is given."""
    if isinstance(cell.recipe, BaselineRecipe):
        baseline = train_baseline(cell.task, cell.rows, cell.recipe)
        write_run(cell.folder, _info(cell, cell.encoder.revision, vars(baseline.measured), (), 1), baseline.predictions)
        return
    from benchmark.release.ship import checkpoint_folder, save_run_checkpoint
    from benchmark.training.fine_tune import fine_tune

    weights: Weights = fetch_weights(cell.encoder)
    tuned = fine_tune(weights, cell.task, cell.rows, cell.recipe, report)
    info = _info(cell, weights.revision, vars(tuned.measured), tuned.epochs, tuned.best_epoch)
    write_run(cell.folder, info, tuned.predictions)  # first: no full disk may take what the training came to
    if checkpoints is not None:
        target = checkpoint_folder(checkpoints, cell.folder)
        save_run_checkpoint(target, info, cell.task, tuned.predictions, tuned.model, tuned.tokenizer)


def _info(cell: Cell, revision: str, measured: dict[str, Any], epochs: Any, best_epoch: int) -> RunInfo:
    return RunInfo(
        id=cell.id,
        task=cell.task.name,
        problem_type=cell.task.problem_type,
        labels=cell.task.labels,
        reported=cell.task.reported,
        split_seed=cell.task.split_seed,
        fingerprint=cell.rows.fingerprint,
        encoder=cell.encoder.name,
        family=cell.encoder.family,
        revision=revision,
        recipe=cell.recipe,
        protocol=PROTOCOL,
        epochs=epochs,
        best_epoch=best_epoch,
        versions=library_versions(),
        commit=commit(),
        **measured,
    )
