"""The commands that read runs: board, verify, compare, tasks, ship, cards and export."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmark.tasks.registry import TASKS, Task, known_tasks
from zoo.cli import LISTS, PUBLISH, console, finite, say, show_table
from zoo.errors import UserError, lookup

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

COMPARE = "Compare encoders"
OURS, CHECKPOINTS = Path("results"), Path("checkpoints")
Results = Annotated[Path, typer.Option(help="Folder of the runs.")]
Margin = Annotated[
    float,
    typer.Option(
        min=0.01,
        callback=finite,
        help="Points: call two entries equal if they are shown to differ by less than this.",
    ),
]


@app.command(rich_help_panel=COMPARE)
def board(results: Results = OURS, margin: Margin = 1.0) -> None:
    """Make the leaderboard of the runs: on the screen, and as CSV, parquet and Markdown beside them."""
    from benchmark.board.pages import problem_line
    from benchmark.board.store import publish
    from benchmark.commands.console import show_board

    made, written = publish(results, margin / 100)
    for path in written:
        say(f"wrote {path}")
    show_board(made)
    for row in made.problems.to_dict("records"):
        say(problem_line(row), "yellow")


@app.command(rich_help_panel=COMPARE)
def verify(results: Results = OURS) -> None:
    """Compute the leaderboard again and compare it with the one in the folder.

    Exit code 1: they differ. Exit code 3: they agree, but a run is left out, or
    a default recipe has a single seed, or another recipe is better on validation.
    """
    from benchmark.board.store import verify as compute_again
    from benchmark.training.runs import RESULTS

    found = compute_again(results)
    for line in (*found.differs, *found.left_out):
        say(line)
    if found.differs:
        again = "make leaderboard" if results.resolve() == RESULTS else f"encoder-zoo board --results {results}"
        raise UserError(f"The leaderboard differs from the runs in {len(found.differs)} places; make it again: {again}")
    say("The leaderboard agrees with the runs.")
    if found.left_out:
        typer.echo(f"{len(found.left_out)} runs or entries are left out, without a rank or in doubt", err=True)
        raise typer.Exit(3)


@app.command(rich_help_panel=COMPARE)
def compare(
    a: Annotated[str, typer.Argument(help="An encoder, A.")],
    b: Annotated[str, typer.Argument(help="Another encoder, B; or the same one with another recipe.")],
    task: Annotated[str, typer.Option(help="The task to compare them on.")],
    variant_a: Annotated[
        str, typer.Option(help="A's changes to the recipe, as in the brackets of the board: 'epochs=1'.")
    ] = "",
    variant_b: Annotated[str, typer.Option(help="B's changes to the recipe.")] = "",
    metric: Annotated[str | None, typer.Option(help="The task's main metric if not given.")] = None,
    margin: Margin = 1.0,
    at_least: Annotated[
        float | None,
        typer.Option(
            callback=finite,
            help="Fail if A minus B is shown to be under this number of points, such as -0.5.",
            show_default=False,
        ),
    ] = None,
    possibly: Annotated[
        bool,
        typer.Option(
            "--possibly", help="With --at-least: fail already if a part of the interval is under this number."
        ),
    ] = False,
    results: Results = OURS,
) -> None:
    """Test whether the difference between two encoders is real.

    The test pairs them by test row and by seed. Exit code 4: A falls short of
    --at-least.
    """
    from benchmark.board.compare_two import compare_two
    from benchmark.board.entries import find_runs
    from benchmark.tasks.row_facts import find_row_facts

    chosen = known_task(results, task)
    if (a, variant_a) == (b, variant_b):
        raise UserError(f"'{a}' cannot be compared with itself; give another encoder, or --variant-a or --variant-b")
    runs, problems = find_runs(results)
    tell_left_out(problems, chosen.name)
    if possibly and at_least is None:
        raise UserError("--possibly applies to --at-least; give it, such as --at-least -0.5")
    metric = metric or chosen.main_metric
    facts = find_row_facts(results, chosen.name)
    found = compare_two(runs, chosen, (a, variant_a), (b, variant_b), metric, margin / 100, facts)
    for line in found.lines:
        say(line)
    if at_least is not None and found.worse_than(at_least / 100, possibly):
        told = f"{a} is {'possibly' if possibly else 'surely'} worse than {b} by more than --at-least allows"
        typer.echo(f"{told}: between {100 * found.low:+.1f} and {100 * found.high:+.1f} points", err=True)
        raise typer.Exit(4)


@app.command(rich_help_panel=COMPARE)
def which(
    language: Annotated[str, typer.Option(help="Language of the texts: en, zh or any.")] = "en",
    multi_label: Annotated[
        bool | None,
        typer.Option("--multi-label/--one-label", help="Look at tasks of this kind alone.", show_default=False),
    ] = None,
    max_ms: Annotated[
        float | None,
        typer.Option(
            min=0,
            callback=finite,
            help="Only encoders that need at most so many milliseconds for a text.",
            show_default=False,
        ),
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="Folder of the runs; the project's own if not given.", show_default=False)
    ] = None,
) -> None:
    """Say which encoder to take, by a leaderboard that was made before.

    It is the one that is in the best group on the most tasks. An encoder is in
    the best group if no other one is shown to be better. Ties are decided by the
    best mean rank on the tasks that they share, and then by speed.
    """
    from benchmark.board.choice import which_of
    from benchmark.board.store import read_board
    from benchmark.training.runs import RESULTS

    found = which_of(read_board(results or RESULTS), language, multi_label, max_ms)
    say(found.take)
    say(found.cost)


@app.command(rich_help_panel=LISTS)
def tasks() -> None:
    """List the registered tasks."""
    rows = [
        (
            task.name,
            "multi-label" if task.multi_label else "single-label",
            task.language,
            str(len(task.labels)),
            task.main_metric,
            _rows_of(task),
        )
        for task in TASKS.values()
    ]
    show_table(("name", "problem", "language", "labels", "main metric", "rows from"), rows)


@app.command(rich_help_panel=PUBLISH)
def ship(
    context: typer.Context,
    tasks: Annotated[str, typer.Option(help="Names, with commas between them.")],
    results: Results = OURS,
    checkpoints: Annotated[Path, typer.Option(help="Folder that run --checkpoints wrote.")] = CHECKPOINTS,
    to: Annotated[Path, typer.Option(help="Folder to write.")] = Path("shipped"),
    data_dir: Annotated[
        Path | None, typer.Option(envvar="ENCODER_ZOO_DATA", help="Folder with the rows of the tasks.")
    ] = None,
) -> None:
    """Make the best checkpoint of each task and encoder small.

    The best is the one with the highest score on validation. It takes the
    smallest form that keeps this score within 0.2 points.
    """
    from benchmark.release.ship import ship_best

    known = known_tasks(results)
    chosen = {name: lookup(known, name, "task") for name in names_of("--tasks", tasks)}
    check_data_dir(context, list(chosen.values()))
    for reduced in ship_best(results, checkpoints, to, chosen, data_dir):
        say(reduced.line, None if reduced.holds else "yellow")


@app.command(rich_help_panel=PUBLISH)
def cards(
    checkpoints: Annotated[Path, typer.Option(help="Folder of the checkpoints.")] = CHECKPOINTS,
    results: Results = OURS,
) -> None:
    """Write the model cards of checkpoints again, from their runs."""
    from benchmark.release.card import write_cards

    for path in write_cards(checkpoints, results):
        say(f"wrote {path}")


@app.command(rich_help_panel=PUBLISH)
def export(
    context: typer.Context,
    checkpoint: Annotated[Path, typer.Argument(help="Folder of a fine-tuned model.")],
    to: Annotated[Path, typer.Option(help="Folder to write.")],
    int8: Annotated[bool, typer.Option("--int8", help="Round the weights to 8 bits: smaller and faster.")] = False,
    results: Annotated[Path, typer.Option(help="Folder with the model's run; the export's run is added.")] = OURS,
    data_dir: Annotated[
        Path | None, typer.Option(envvar="ENCODER_ZOO_DATA", help="Folder with the rows of the task.")
    ] = None,
) -> None:
    """Write a checkpoint as ONNX and score it again.

    The export is kept only if its score lies within the run's interval. With
    --int8 it is kept only if its score on validation is at most 0.2 points
    below the run's.
    """
    from benchmark.release.export_run import export_and_score
    from zoo.checkpoints.checkpoint import read_checkpoint

    name = read_checkpoint(checkpoint).info.task
    check_data_dir(context, [TASKS[name]] if name in TASKS else [])
    with console.status("exporting to ONNX, then predicting validation and test"):
        rescored = export_and_score(checkpoint, to, results, data_dir, int8)
    say(rescored.line)
    if not rescored.kept:
        raise UserError(f"The score went too far from the run's, so {to} was removed; its run is kept in {results}")
    say(f"wrote {to}")


def names_of(option: str, text: str) -> list[str]:
    """Return the names that an option gives, each once."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise UserError(f"{option} takes names with commas between them, got {text!r}")
    return names


def known_task(results: Path, name: str) -> Task:
    """Return a task by its name: a registered one, or one that has runs in `results`.

    Raises:
        UserError: it is none of them.
    """
    return lookup(known_tasks(results), name, "task")


def tell_left_out(problems: Mapping[str, str], task: str) -> None:
    """Say which runs of a task are left out, and why."""
    for name, reason in problems.items():
        if name.startswith(f"{task}/"):
            say(f"left out: {name}: {reason}", "yellow")


def was_given(context: typer.Context, option: str) -> bool:
    """Return whether the command line itself gives an option: not the environment, and not the default."""
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"


def check_data_dir(context: typer.Context, chosen: Sequence[Task]) -> None:
    """Raise UserError where --data-dir is given for rows that come with the project."""
    if chosen and all(task.embedded for task in chosen) and was_given(context, "data_dir"):
        names = ", ".join(task.name for task in chosen)
        raise UserError(f"--data-dir does not apply: the rows of {names} come with the project; leave it out")


def _rows_of(task: Task) -> str:
    if task.embedded:
        return "the project"
    return f"--data-dir or hub:{task.hub.dataset}" if task.hub else "--data-dir"
