"""Trains an encoder again on random halves of a task's train rows; `benchmark.training.refits` says why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmark.statistics.resampling import points
from benchmark.statistics.seeds import scored_on_test
from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows, take
from benchmark.training.cell import Cell, Keep, run_cell
from benchmark.training.grid import plan
from benchmark.training.line_cells import join, line_cell, write_line
from benchmark.training.process import commit
from benchmark.training.recipes import default_recipe
from benchmark.training.refits import Refit, read_refits
from benchmark.training.runs import RunReport, encoder_folder, read_run, run_id
from benchmark.training.trials import pack
from zoo.encoders.encoder import Encoder
from zoo.errors import UserError

_SEED = 2_000_000  # of the first refit: none that a run on the board has


@dataclass(frozen=True)
class Refits:
    """What is refitted: an encoder on halves of a task's train rows; and the folder of the runs."""

    task: Task
    encoder: Encoder
    rows: Rows
    results: Path

    @property
    def name(self) -> str:
        return f"{self.task.name} / {self.encoder.name}"

    @property
    def file(self) -> Path:
        """Where the refits are kept: beside the encoder's runs."""
        recipe = default_recipe(self.encoder, self.task, _SEED)
        identifier = run_id(self.encoder, self.task, self.rows.fingerprint, recipe)
        return encoder_folder(self.results, self.task.name, self.encoder.name) / f"refits-{identifier}.jsonl"


def run_refits(refits: Sequence[Refits], number: int, run: Callable[[list[Cell]], object]) -> list[list[Refit]]:
    """Make the refits that are not made yet, and return the first `number` of each.

    Args:
        refits: what is refitted.
        number: how many there are to be of each.
        run: runs their cells, here or elsewhere.

    Raises:
        UserError: a file is damaged, or another process is still at a refit.
    """
    if cells := [cell for each in refits for cell in _cells(each, number)]:
        run(cells)
    for each in refits:
        if (made := join(each.file, number)) < number:
            raise UserError(
                f"{each.name}: refit {made + 1} is still made by another process; run the same command again when it "
                "has ended"
            )
    return [read_refits(each.file)[:number] for each in refits]


def _cells(refits: Refits, number: int) -> list[Cell]:
    task, encoder, rows = refits.task, refits.encoder, refits.rows
    return [
        line_cell(
            refits.file,
            at,
            f"refit {at + 1}",
            task,
            encoder,
            default_recipe(encoder, task, _SEED + at),
            rows,
            partial(_make_refit, at),
        )
        for at in range(len(read_refits(refits.file)), number)
    ]


def half_of(rows: Rows, number: int) -> Rows:
    """Return the rows with a random half of the train rows, or of their groups, which depends on the number alone."""
    of_row = np.arange(len(rows.train)) if rows.train.groups is None else rows.train.groups
    units = np.unique(of_row)
    chosen = np.random.default_rng([_SEED, number]).permutation(units)[: len(units) // 2]
    return replace(rows, train=take(rows.train, np.flatnonzero(np.isin(of_row, chosen))))


def _make_refit(number: int, whole: Cell, report: RunReport, keep: Keep | None) -> None:
    task, half = whole.task, half_of(whole.rows, number)
    with TemporaryDirectory() as temporary:
        (cell,) = plan({task: half}, [whole.encoder], [_SEED + number], Path(temporary))
        run_cell(cell, report)
        run = read_run(cell.folder)
    if run.info.diverged:
        raise UserError(f"it diverged ({run.info.diverged}); the others are kept")
    scored = scored_on_test(task, run.predictions)
    refit = Refit(
        task=task.name,
        encoder=whole.encoder.name,
        number=number,
        rows=len(half.train),
        main_metric=float(points([scored], task.main_metric)[0]),
        decided=pack(scored.y_pred),
        seconds=run.info.train_seconds,
        commit=commit(),
    )
    write_line(whole.folder, refit)
    report(1.0, f"refit {number + 1}: {refit.main_metric:.4f}, {refit.seconds:.0f} s")
