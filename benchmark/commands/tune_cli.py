"""The command that searches for recipes: tune."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands.board_cli import COMPARE, OURS, check_data_dir, names_of
from benchmark.commands.how_cli import HOW, Checkpointing, MicroBatch, Threads
from benchmark.commands.what_cli import WHAT, DataDir, Encoders, FirstSeed, Keep, RunsTo, Seeds
from benchmark.commands.where_cli import Gpus, GpuShare, Memory, Ray, Where, Workers, one_cluster, run_cells
from benchmark.tasks.registry import known_tasks
from benchmark.training.memory import MemoryOptions
from zoo.cli import say
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError, lookup

if TYPE_CHECKING:
    from benchmark.training.cell import Cell
    from benchmark.training.trials import Trial
    from benchmark.training.tuning import Search

app = typer.Typer()


@app.command(rich_help_panel=COMPARE)
def tune(
    context: typer.Context,
    tasks: Annotated[
        str, typer.Option(help="Names, with commas between them; encoder-zoo tasks lists them.", rich_help_panel=WHAT)
    ],
    encoders: Encoders,
    trials: Annotated[
        int, typer.Option(min=2, help="How many recipes are tried for each encoder and task.", rich_help_panel=HOW)
    ] = 8,
    seeds: Seeds = 3,
    first_seed: FirstSeed = 0,
    micro_batch: MicroBatch = 0,
    gradient_checkpointing: Checkpointing = False,
    threads: Threads = 0,
    workers: Workers = 1,
    gpus: Gpus = "",
    ray: Ray = "",
    gpu_share: GpuShare = None,
    memory: Memory = 0.0,
    results: RunsTo = OURS,
    checkpoints: Keep = None,
    data_dir: DataDir = None,
) -> None:
    """Try several recipes for each encoder, choose one on validation rows, and train it with new seeds.

    A trial is one training with one recipe; the first is the default recipe.
    Every encoder gets the same number of trials. Trials and runs that are
    complete are skipped.
    """
    from benchmark.tasks.rows import read_rows
    from benchmark.training.trials import choose
    from benchmark.training.tuning import Search, run_trials

    where = Where(threads, gpus, workers, ray, gpu_share, memory)
    fit = MemoryOptions(micro_batch, gradient_checkpointing)
    known = known_tasks(results)
    chosen = [lookup(known, name, "task") for name in names_of("--tasks", tasks)]
    check_data_dir(context, chosen)
    tuned = [get_encoder(name, say) for name in names_of("--encoders", encoders)]
    rows = {task: read_rows(task, data_dir, say) for task in chosen}
    searches = [Search(task, encoder, rows[task], results) for task in chosen for encoder in tuned]

    def train(cells: "list[Cell]", kept: Path | None = None) -> None:
        run_cells([replace(cell, memory=fit) for cell in cells], results, kept, where)

    cells, failed = list["Cell"](), list[str]()
    with one_cluster(where):
        for search, made in zip(searches, run_trials(searches, trials, train), strict=True):
            try:
                best = choose(made, search.task, search.rows.validation.y_true)
            except UserError as error:
                say(f"{search.name}: {error}", "red")
                failed.append(search.name)
                continue
            say(f"{search.name}: {_says(best, trials)} All trials are in {search.file}")
            cells += _cells(search, best, trials, range(first_seed, first_seed + seeds))
        if cells:
            train(cells, checkpoints)
    if failed:
        raise UserError(f"No recipe was found for {', '.join(failed)}; see above")


def _says(best: "Trial", trials: int) -> str:
    from benchmark.training.recipes import in_words

    default = "" if best.number else ", the default recipe,"
    what = f"{in_words(best.recipe)}; validation {best.main_metric:.4f}"
    return f"trial {best.number + 1} of {trials}{default} is chosen: {what}."


def _cells(search: "Search", best: "Trial", trials: int, seeds: range) -> "list[Cell]":
    """Return a cell for each seed. They count as tuned even if the default recipe was chosen: all encoders of a search
    are compared with each other."""
    from benchmark.training.grid import make_cell

    recipes = (best.recipe.model_copy(update={"seed": seed}) for seed in seeds)
    return [make_cell(search.task, search.encoder, each, search.rows, search.results, trials) for each in recipes]
