"""The grid: one run for every task, encoder and seed. Complete runs are skipped; failures are returned at the end."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.tasks.registry import TASKS, Task, write_task
from benchmark.tasks.row_facts import keep_row_facts
from benchmark.tasks.rows import Rows
from benchmark.training.baseline import fit_min_df
from benchmark.training.cell import Cell, Keep
from benchmark.training.claims import owner_of, take
from benchmark.training.recipes import (
    AnyRecipe,
    BaselineRecipe,
    default_recipe,
    kind_of,
    other_fields,
)
from benchmark.training.runs import RunReport, read_run, run_folder, run_id
from zoo.encoders.encoder import Encoder
from zoo.errors import UserError, first_line


@dataclass(frozen=True)
class Progress:
    """How far a grid is: how many of the runs to do have ended, which one is running, what share of it is done, and a
    line to show, if there is one."""

    ended: int
    total: int
    run: str = ""
    share: float = 0.0
    line: str = ""


Report = Callable[[Progress], None]


def plan(
    rows: Mapping[Task, Rows], encoders: Iterable[Encoder], seeds: Iterable[int], results: Path, /, **changes: Any
) -> list[Cell]:
    """Return the cells of the grid, seed by seed, so that an interrupted grid has every encoder with fewer seeds.

    Raises:
        UserError: a change fits no recipe, or the recipe of none of the encoders.
    """
    encoders = list(encoders)
    check_changes(changes, encoders)
    cells = []
    for seed in seeds:
        for task in rows:
            for encoder in encoders:
                recipe = default_recipe(encoder, task, seed, **changes)
                if isinstance(recipe, BaselineRecipe) and "min_df" not in changes:
                    recipe = fit_min_df(recipe, rows[task].train.texts)
                cells.append(make_cell(task, encoder, recipe, rows[task], results))
    return cells


def make_cell(task: Task, encoder: Encoder, recipe: AnyRecipe, rows: Rows, results: Path, trials: int = 0) -> Cell:
    """Return the cell of one run; `trials` counts those that the recipe was chosen from."""
    identifier = run_id(encoder, task, rows.fingerprint, recipe, trials)
    folder = run_folder(results, task.name, encoder.name, recipe.seed, identifier)
    return Cell(task, encoder, recipe, rows, folder, identifier, trials)


def check_changes(changes: Mapping[str, Any], encoders: Iterable[Encoder]) -> None:
    """Raise UserError for a field of a kind of recipe that no encoder has."""
    encoders = list(encoders)
    strange = set.intersection(*(other_fields(kind_of(encoder)) for encoder in encoders))
    for field in changes:
        if field in strange:
            names = ", ".join(encoder.name for encoder in encoders)
            raise UserError(f"Recipe: {field} does not apply to {names}; leave it out, or add an encoder that has it")


def run_grid(cells: list[Cell], report: Report, keep: Keep | None = None) -> dict[str, str]:
    """Run the cells that are not done yet and that no other process is at.

    Args:
        cells: the grid, as `plan` returns it.
        report: called with every step.
        keep: called with each trained model after its run is written, to keep a checkpoint.

    Returns:
        Why runs failed, by the cell's name.

    Raises:
        UserError: a run that is there already is damaged.
    """
    todo = find_todo(cells, report)
    failed = run_free(todo, report, keep)
    tell_left(todo, failed, report)
    return failed


def find_todo(cells: list[Cell], report: Report) -> list[Cell]:
    """Return the cells that are not done yet, and write what belongs to the grid as a whole.

    Raises:
        UserError: a run that is there already is damaged.
    """
    for cell in cells:
        if cell.task.name not in TASKS:
            write_task(cell.folder.parents[2], cell.task)
    todo = [cell for cell in cells if not _is_complete(cell)]
    for cell in cells:
        if cell.done:
            write_row_facts(cell)
    report(Progress(0, len(todo), line=f"{len(cells)} runs: {len(cells) - len(todo)} complete, {len(todo)} to do"))
    return todo


def run_free(todo: list[Cell], report: Report, keep: Keep | None = None) -> dict[str, str]:
    """Run, one after the other, the cells that no other process is at; return why some failed, by name.

    A cell that another process has is looked at once more at the end, in case that process was ended.
    """
    failed, order = dict[str, str](), list(todo)
    for number, cell in enumerate(order):  # it grows by what is to be looked at again
        again = number >= len(todo)
        if again and owner_of(cell.folder) is None:
            continue
        reason = _claim_and_run(cell, Progress(min(number, len(todo) - 1), len(todo), cell.name), report, keep)
        if reason:
            failed[cell.name] = reason
        elif reason is None and not again:
            order.append(cell)
    return failed


def tell_left(todo: list[Cell], failed: Mapping[str, str], report: Report) -> None:
    """Say which runs other processes are still at, or have left."""
    for cell in todo:
        if not cell.done and cell.name not in failed:
            owner = owner_of(cell.folder)
            state = f"{owner} is still at it" if owner else "another process has left it; run the same command again"
            report(Progress(len(todo), len(todo), line=f"{cell.name}: {state}"))


def _claim_and_run(cell: Cell, now: Progress, report: Report, keep: Keep | None) -> str | None:
    """Run one cell if it is free. Return why it failed, "" if it is done, None if another process has it."""

    def tell(share: float, line: str) -> None:
        report(replace(now, share=share, line=f"    {line}" if line else ""))

    try:
        claim = take(cell.folder, partial(tell, 0.0))
    except OSError as error:
        tell(1.0, f"failed: {why_failed(error)}")
        return why_failed(error)
    if claim is None:
        return None
    try:
        if cell.done:  # another process was faster
            tell(1.0, "")
            return ""
        report(replace(now, line=f"[{now.ended + 1}/{now.total}] {cell.name}"))
        return attempt(partial(_run_whole, cell, tell, keep), tell)
    finally:
        claim.release()


def attempt(run: Callable[[], object], report: RunReport) -> str:
    """Run; return why it failed, or "". Whatever the reason, other cells can still run."""
    start = time.perf_counter()
    try:
        run()
    except Exception as error:
        reason = why_failed(error)
        report(1.0, f"failed: {reason}")
        return reason
    report(1.0, f"done in {time.perf_counter() - start:.0f} s")
    return ""


def why_failed(error: Exception) -> str:
    """Return the reason that is shown of a run: one line."""
    line = first_line(error)
    return line if isinstance(error, UserError) else f"{type(error).__name__}: {line}"


def _run_whole(cell: Cell, report: RunReport, keep: Keep | None) -> None:
    cell.make(cell, report, keep)
    write_row_facts(cell)


def write_row_facts(cell: Cell) -> None:
    """Write what the leaderboard's slices need to know of the rows of a complete run."""
    keep_row_facts(cell.folder.parents[2], cell.task, cell.rows)


def _is_complete(cell: Cell) -> bool:
    """A damaged run is an error that the user must see; it is not written over."""
    return cell.done and (cell.file != "run.json" or read_run(cell.folder).info.id == cell.id)
