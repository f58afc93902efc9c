"""What `run --resample-train` does: train again on random halves of the train rows."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands.board_cli import was_given
from benchmark.tasks.registry import Task
from zoo.cli import say
from zoo.encoders.encoder import Encoder
from zoo.errors import UserError

if TYPE_CHECKING:
    from benchmark.training.cell import Cell

ResampleTrain = Annotated[
    int | None,
    typer.Option(
        min=3,
        help="Instead of runs: train this many times on random halves of the train rows, to see how much they matter.",
        rich_help_panel="What to run",
        show_default=False,
    ),
]
_OTHERS = {
    "seeds": "every refit has a seed of its own",
    "first_seed": "every refit has a seed of its own",
    "recipe": "refits have the default recipe",
    "long_text": "refits have the default recipe",
    "policy": "refits are not kept",
    "teacher": "refits have the default recipe",
    "checkpoints": "refits are not kept",
    "probe_first": "refits need no probe",
    "gradient_checkpointing": "a refit computes nothing twice",
    "micro_batch": "a refit's batches stay whole",
}


def refit_all(
    context: typer.Context,
    tasks: Sequence[Task],
    encoders: Sequence[Encoder],
    number: int,
    results: Path,
    data_dir: Path | None,
    dry_run: bool,
    run: "Callable[[list[Cell]], object]",
) -> None:
    """Refit every encoder on every task so often, or only show what is to do. `run` runs the cells.

    Raises:
        UserError: an option is given that does not apply.
    """
    import numpy as np

    from benchmark.tasks.rows import read_rows
    from benchmark.training.refits import read_refits
    from benchmark.training.refitting import Refits, run_refits

    for name, reason in _OTHERS.items():
        if was_given(context, name):
            raise UserError(f"--{name.replace('_', '-')} does not apply to --resample-train: {reason}; leave it out")
    if idle := [encoder.name for encoder in encoders if encoder.use == "zero-shot"]:
        raise UserError(f"{idle[0]} is not trained, so the train rows change nothing; leave it out of --resample-train")
    rows = {task: read_rows(task, data_dir, say) for task in tasks}
    refits = [Refits(task, encoder, rows[task], results) for task in tasks for encoder in encoders]
    if dry_run:
        for each in refits:
            there = min(len(read_refits(each.file)), number)
            say(f"{each.name}: {there} of {number} refits are done, each on {len(each.rows.train) // 2:,} train rows")
        return
    for each, made in zip(refits, run_refits(refits, number, run), strict=True):
        scores = [refit.main_metric for refit in made]
        told = f"{np.mean(scores):.4f} on average, standard deviation {np.std(scores, ddof=1):.4f}"
        say(f"{each.name}: {each.task.main_metric} of {number} refits: {told}; kept in {each.file}")
