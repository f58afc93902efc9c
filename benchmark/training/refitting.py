"""Trains an encoder again on random halves of a task's train rows; `benchmark.training.refits` says why."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmark.statistics.resampling import Scored, points
from benchmark.statistics.seeds import Seeds
from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows, take
from benchmark.training.grid import plan, run_cell
from benchmark.training.process import commit
from benchmark.training.recipes import default_recipe
from benchmark.training.refits import Refit, read_refits
from benchmark.training.runs import Run, read_run, run_id
from benchmark.training.trials import pack
from zoo.encoders.encoder import Encoder
from zoo.errors import UserError
from zoo.files import write_text

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
        folder = self.encoder.name.replace("/", "--").replace(":", "--")
        return self.results / self.task.name / folder / f"refits-{identifier}.jsonl"


def run_refits(refits: Refits, number: int, report: Callable[[int, float, str], None]) -> list[Refit]:
    """Make the refits that are not made yet, and return the first `number`.

    Args:
        refits: what is refitted.
        number: how many there are to be.
        report: called with a refit's number, the share of it that is done, and a line to show or "".

    Raises:
        UserError: the weights are not at hand, a training diverged, or the file is damaged.
    """
    made = read_refits(refits.file)
    for at in range(len(made), number):
        made.append(_refit(refits, at, partial(report, at)))
        write_text(refits.file, "".join(f"{each.model_dump_json()}\n" for each in made))
        report(at, 1.0, f"refit {at + 1}: {made[-1].main_metric:.4f}, {made[-1].seconds:.0f} s")
    return made[:number]


def half_of(rows: Rows, number: int) -> Rows:
    """Return the rows with a random half of the train rows, or of their groups, which depends on the number alone."""
    of_row = np.arange(len(rows.train)) if rows.train.groups is None else rows.train.groups
    units = np.unique(of_row)
    chosen = np.random.default_rng([_SEED, number]).permutation(units)[: len(units) // 2]
    return replace(rows, train=take(rows.train, np.flatnonzero(np.isin(of_row, chosen))))


def _refit(refits: Refits, number: int, report: Callable[[float, str], None]) -> Refit:
    task, half = refits.task, half_of(refits.rows, number)
    with TemporaryDirectory() as temporary:
        (cell,) = plan({task: half}, [refits.encoder], [_SEED + number], Path(temporary))
        run_cell(cell, report)
        run = read_run(cell.folder)
    if run.info.diverged:
        raise UserError(f"{refits.name}: refit {number + 1} diverged ({run.info.diverged}); the others are kept")
    scored = _scored(run, task)
    return Refit(
        task=task.name,
        encoder=refits.encoder.name,
        number=number,
        rows=len(half.train),
        main_metric=float(points([scored], task.main_metric)[0]),
        decided=pack(scored.y_pred),
        seconds=run.info.train_seconds,
        commit=commit(),
    )


def _scored(run: Run, task: Task) -> Scored:
    """What it decides on the test rows, by a decision that is fitted on validation, as a run's is."""
    (scored,) = Seeds(task, {0: run.predictions}).scored(task.rule).values()
    return scored
