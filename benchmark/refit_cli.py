"""What `run --resample-train` does: train again on random halves of the train rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from benchmark.tasks.registry import Task
from benchmark.where_cli import Where
from zoo.cli import say
from zoo.encoders.encoder import Encoder
from zoo.errors import UserError

if TYPE_CHECKING:
    from benchmark.training.refitting import Refits

ResampleTrain = Annotated[
    int | None,
    typer.Option(
        min=3,
        help="Instead of runs: train so often on random halves of the train rows, to see how much these matter.",
        rich_help_panel="What to run",
        show_default=False,
    ),
]
_OTHERS = {
    "seeds": "every refit has a seed of its own",
    "first_seed": "every refit has a seed of its own",
    "recipe": "refits have the default recipe",
    "long_text": "refits have the default recipe",
    "checkpoints": "refits are not kept",
    "probe_first": "refits need no probe",
    "memory": "refits run one after the other",
    "gpu_share": "refits run one after the other",
    "ray": "refits run one after the other",
    "gpus": "refits run one after the other",
    "workers": "refits run one after the other",
    "gradient_checkpointing": "a refit computes nothing twice",
    "micro_batch": "a refit's batches stay whole",
}


class Asked(Protocol):
    """What of the command's options a refit needs."""

    @property
    def encoders(self) -> list[Encoder]: ...
    @property
    def where(self) -> Where: ...
    @property
    def results(self) -> Path: ...
    @property
    def dry_run(self) -> bool: ...


def refit_all(context: typer.Context, tasks: Sequence[Task], asked: Asked, number: int, data_dir: Path | None) -> None:
    """Refit every encoder on every task so often, or only show what is to do.

    Raises:
        UserError: an option is given that does not apply.
    """
    from benchmark.tasks.rows import read_rows
    from benchmark.training.process import set_up_process
    from benchmark.training.refits import read_refits
    from benchmark.training.refitting import Refits

    for name, reason in _OTHERS.items():
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise UserError(f"--{name.replace('_', '-')} does not apply to --resample-train: {reason}; leave it out")
    if idle := [encoder.name for encoder in asked.encoders if encoder.zero_shot]:
        raise UserError(f"{idle[0]} is not trained, so the train rows change nothing; leave it out of --resample-train")
    rows = {task: read_rows(task, data_dir, say) for task in tasks}
    refits = [Refits(task, encoder, rows[task], asked.results) for task in tasks for encoder in asked.encoders]
    if asked.dry_run:
        for each in refits:
            made = min(len(read_refits(each.file)), number)
            say(f"{each.name}: {made} of {number} refits are done, each on {len(each.rows.train) // 2:,} train rows")
        return
    if any(encoder.source != "none" for encoder in asked.encoders):
        set_up_process(asked.where.threads)
    _run(refits, number)


def _run(refits: "Sequence[Refits]", number: int) -> None:
    import numpy as np

    from benchmark.console import grid_progress
    from benchmark.training.grid import Progress
    from benchmark.training.refitting import run_refits

    with grid_progress() as show:
        for before, each in enumerate(refits):

            def report(at: int, share: float, line: str, each: "Refits" = each, before: int = before) -> None:
                done = before * number + at
                show(Progress(done, len(refits) * number, f"{each.name} / refit {at + 1}", share, line))

            scores = [refit.main_metric for refit in run_refits(each, number, report)]
            told = f"{np.mean(scores):.4f} on average, standard deviation {np.std(scores, ddof=1):.4f}"
            say(f"{each.name}: {each.task.main_metric} of {number} refits: {told}; kept in {each.file}")
