"""A cell of the grid, and what makes its run. It does not know where it runs, nor what else does."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from benchmark.training.baseline import Baseline, train_baseline
from benchmark.training.memory import WHOLE_BATCHES, MemoryOptions
from benchmark.training.process import commit
from benchmark.training.recipes import AnyRecipe, BaselineRecipe, ProbeRecipe, Recipe, SetFitRecipe, ZeroShotRecipe
from benchmark.training.runs import PROTOCOL, RunInfo, RunReport, state_folder, write_run
from zoo.encoders.encoder import Encoder
from zoo.encoders.weights import Weights, fetch_weights
from zoo.hardware import library_versions
from zoo.hub import Say

if TYPE_CHECKING:
    from benchmark.training.fine_tune import FineTuned
    from benchmark.training.probe import Probe

Keep = Callable[["Cell", RunInfo, "FineTuned | Baseline"], None]
Make = Callable[["Cell", RunReport, Keep | None], None]


def run_cell(cell: "Cell", report: RunReport, keep: Keep | None = None) -> None:
    """Run one cell and write its run. `keep` then gets what was trained, where it leaves a checkpoint."""
    if isinstance(cell.recipe, BaselineRecipe):
        baseline = train_baseline(cell.task, cell.rows, cell.recipe)
        info = _info(cell, cell.encoder.revision, vars(baseline.measured), (), 1)
        write_run(cell.folder, info, baseline.predictions)
        if keep is not None:
            keep(cell, info, baseline)
        return
    weights = checked_weights(cell.encoder, cell.recipe, lambda line: report(0.0, line))
    if not isinstance(cell.recipe, Recipe):
        probe = _probe(cell, weights, report)
        write_run(cell.folder, _info(cell, weights.revision, vars(probe.measured), (), 1), probe.predictions)
        return
    from benchmark.training.fine_tune import fine_tune
    from benchmark.training.together import lead

    make = partial(
        fine_tune, weights, cell.task, cell.rows, cell.recipe, report, cell.memory, state_folder(cell.folder)
    )
    tuned = lead(cell.name, cell, make)
    info = _info(cell, weights.revision, vars(tuned.measured), tuned.epochs, tuned.best_epoch, tuned.diverged)
    write_run(cell.folder, info, tuned.predictions)  # first, so that a full disk does not lose what was trained
    if tuned.diverged:
        report(1.0, f"diverged: {tuned.diverged}; {_lower_rate(cell.recipe)}")
    elif keep is not None:
        keep(cell, info, tuned)


def _probe(cell: "Cell", weights: Weights, report: RunReport) -> "Probe":
    from benchmark.training.probe import predict_by_names, train_probe

    def say(line: str) -> None:
        report(0.0, line)

    match cell.recipe:
        case ProbeRecipe():
            return train_probe(weights, cell.task, cell.rows, cell.recipe, say)
        case ZeroShotRecipe():
            return predict_by_names(weights, cell.task, cell.rows, cell.recipe, say)
        case SetFitRecipe():
            from benchmark.training.few_shot import train_few_shot  # its libraries take a second

            return train_few_shot(weights, cell.task, cell.rows, cell.recipe, cell.encoder.shots, report)
    raise AssertionError(cell.recipe)


@dataclass(frozen=True)
class Cell:
    """A training that is asked for: what it is, which folder it gets, how many trials its recipe was chosen from, and
    how it is made to fit into memory, which is no part of what it is.

    `make` does it and writes the folder; `file` stands in the folder when that is done. Most cells leave a run.
    """

    task: Task
    encoder: Encoder
    recipe: AnyRecipe
    rows: Rows
    folder: Path
    id: str
    trials: int = 0
    memory: MemoryOptions = WHOLE_BATCHES
    make: Make = run_cell
    file: str = "run.json"
    title: str = ""

    @property
    def done(self) -> bool:
        return (self.folder / self.file).is_file()

    @property
    def name(self) -> str:
        what = self.title or f"seed {self.recipe.seed} ({self.id})"
        return f"{self.task.name} / {self.encoder.name} / {what}"


def train_along(cell: "Cell") -> None:
    """Train what the first process of several trains (see `together`); that one keeps it."""
    from benchmark.training.trainer import train

    assert isinstance(cell.recipe, Recipe)
    weights, rows = checked_weights(cell.encoder, cell.recipe), cell.rows
    train(
        weights, cell.task, rows.train, rows.validation, cell.recipe, lambda share, line: None, memory=cell.memory,
        kept=state_folder(cell.folder),
    )  # fmt: skip


def checked_weights(encoder: Encoder, recipe: AnyRecipe, say: Say = lambda line: None) -> Weights:
    """Return the weights of an encoder, checked against a recipe before anything is trained."""
    from zoo.checkpoints.pretrained import check_encoder

    assert not isinstance(recipe, BaselineRecipe)
    weights = fetch_weights(encoder, say)
    check_encoder(weights.folder, recipe.max_length)
    return weights


def _lower_rate(recipe: Recipe) -> str:
    return f"try a lower rate: --recipe '{{\"learning_rate\": {recipe.learning_rate / 4:.2g}}}'"


def _info(
    cell: "Cell", revision: str, measured: dict[str, Any], epochs: Any, best_epoch: int, diverged: str = ""
) -> RunInfo:
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
        diverged=diverged,
        trials=cell.trials,
        versions=library_versions(),
        commit=commit(),
        **measured,
    )
