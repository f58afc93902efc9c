"""The command line: `python -m benchmark run | leaderboard | verify | compare | ship | cards | export`."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmark.tasks.registry import TASKS, known_tasks
from benchmark.training.runs import RESULTS
from zoo.encoders.deltas import BITS
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError, lookup, run_command_line

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()

DataDir = Annotated[Path | None, typer.Option(envvar="ENCODER_ZOO_DATA", help="Folder with one folder a dataset.")]
Results = Annotated[Path, typer.Option(help="Folder of the runs.")]


@app.command()
def run(
    encoders: Annotated[
        str, typer.Option(help="Names or folders, with commas between.")
    ] = "tfidf-lr,minilm-l6,granite-30m",
    tasks: Annotated[str, typer.Option(help="Names, with commas between; not with --data.")] = "",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from 0 on.")] = 3,
    first_seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    data_dir: DataDir = None,
    results: Annotated[
        Path | None, typer.Option(help="Folder of the runs; the project's own, or, with --data, ./results.")
    ] = None,
    checkpoints: Annotated[Path | None, typer.Option(help="Keep every run's checkpoint below this folder.")] = None,
    recipe: Annotated[str, typer.Option(help="Changes to the recipe as JSON, such as '{\"epochs\": 1}'.")] = "{}",
    long_text: Annotated[
        str, typer.Option(help="What to do with texts over the limit: truncate, head-tail or windows; else the task's.")
    ] = "",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: the cores, shared with other grids here.")] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the grid and a time estimate; run nothing.")
    ] = False,
    data: Annotated[
        str,
        typer.Option(
            help="Your own data: a CSV, TSV, JSONL or parquet file, a folder of splits, or hub:NAME[:CONFIG]."
        ),
    ] = "",
    text_column: Annotated[str, typer.Option(help="With --data: the column of the texts.")] = "text",
    label_column: Annotated[str, typer.Option(help="With --data: the column of each row's one label.")] = "",
    label_list: Annotated[
        str, typer.Option(help="With --data: the column of each row's labels, a list or text with --delimiter between.")
    ] = "",
    label_columns: Annotated[
        str, typer.Option(help="With --data: a column for each label that says 0 or 1, with commas between.")
    ] = "",
    delimiter: Annotated[str, typer.Option(help="With --label-list: what stands between two labels.")] = "|",
    name: Annotated[str, typer.Option(help="With --data: the task's name; by default the file's.")] = "",
    language: Annotated[str, typer.Option(help="With --data: en, zh, or any for others and for several.")] = "any",
    splits_to: Annotated[
        Path | None,
        typer.Option(help="With --data: keep the rows as they were split below this folder, for export --data-dir."),
    ] = None,
) -> None:
    """Fine-tune every encoder on every task, or on your own data, with every seed; a rerun skips what is complete."""
    from benchmark.own_data.own_task import choose_columns, declare, leave_report, prepare
    from benchmark.tasks.rows import write_splits
    from benchmark.training.grid import plan, run_grid
    from benchmark.training.process import set_up_process

    if bool(tasks) == bool(data):
        raise UserError(f"Give either --tasks or --data, not {'both' if data else 'neither'}")
    of_data = {
        "--label-column": label_column,
        "--label-list": label_list,
        "--label-columns": label_columns,
        "--name": name,
        "--splits-to": splits_to,
    }
    if tasks and (given := [option for option, value in of_data.items() if value]):
        raise UserError(f"{given[0]} goes with --data, not with --tasks")
    chosen_encoders = [get_encoder(name) for name in _names(encoders)]
    changes = _json_object(recipe) | ({"long_text": long_text} if long_text else {})
    results, own = results or (Path("results") if data else RESULTS), None
    if data:
        columns = choose_columns(text_column, label_column, label_list, label_columns, delimiter)
        at_hand = [encoder for encoder in chosen_encoders if not (dry_run and encoder.source == "hub")]
        own = prepare(declare(data, columns, name, language), at_hand, changes, results, console)
    rows = {own.task: own.rows} if own else _registered(tasks, data_dir)
    cells = plan(rows, chosen_encoders, range(first_seed, first_seed + seeds), results, **changes)
    if dry_run:
        _print_plan(cells, results)
        return
    for folder in filter(None, (results, checkpoints, splits_to)):
        _make_folder(folder)
    if own:
        leave_report(own, results, console)
        if splits_to:
            console.print(f"wrote {write_splits(own.task, own.rows, splits_to)}", highlight=False)
    set_up_process(threads)
    failed = run_grid(cells, console, checkpoints)
    for name, reason in failed.items():
        _say(f"failed: {name}: {reason}", "red")
    if failed:
        raise UserError(f"{len(failed)} of {len(cells)} runs failed; run the same command again for those alone")


@app.command()
def leaderboard(results: Results = RESULTS) -> None:
    """Make the leaderboard from the runs: on screen, CSV, parquet, Markdown, and into the README for our own runs."""
    from benchmark.board.pages import problem_line, screen_table
    from benchmark.board.store import publish

    board, written = publish(results)
    for path in written:
        console.print(f"wrote {path}", highlight=False)
    console.print(screen_table(board))
    for row in board.problems.to_dict("records"):
        _say(problem_line(row), "yellow")


@app.command()
def verify(results: Results = RESULTS) -> None:
    """Compute the leaderboard anew from the runs; fail on any difference (exit code 1), and where runs are left out of
    it or have no rank (exit code 3)."""
    from benchmark.board.store import verify as compute_anew

    found = compute_anew(results)
    for line in (*found.differs, *found.left_out):
        _say(line)
    if found.differs:
        again = "python -m benchmark leaderboard" + ("" if results == RESULTS else f" --results {results}")
        raise UserError(f"{len(found.differs)} things are not what the runs give; make them again: {again}")
    console.print("The leaderboard is what the runs give.")
    if found.left_out:
        typer.echo(f"{len(found.left_out)} runs or entries are left out of it, or stand there without a rank", err=True)
        raise typer.Exit(3)


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help="An encoder, with its variant in brackets if it has one.")],
    b: Annotated[str, typer.Argument(help="Another.")],
    task: Annotated[str, typer.Option(help="The task to compare them on.")],
    metric: Annotated[str | None, typer.Option(help="Instead of the task's main metric.")] = None,
    results: Results = RESULTS,
) -> None:
    """Is the difference between two encoders real? Paired by test row and seed."""
    from benchmark.board.compare_two import compare_two
    from benchmark.board.entries import find_runs

    spec = lookup(known_tasks(results), task, "task")
    runs, problems = find_runs(results)
    for name, reason in problems.items():
        if name.startswith(f"{spec.name}/"):
            _say(f"left out: {name}: {reason}", "yellow")
    for line in compare_two(runs, spec, (a, ""), (b, ""), metric or spec.main_metric):
        _say(line)


@app.command()
def ship(
    tasks: Annotated[str, typer.Option(help="Names, with commas between.")],
    results: Results = RESULTS,
    checkpoints: Annotated[Path, typer.Option(help="Where the grid kept its checkpoints.")] = Path("checkpoints"),
    to: Annotated[Path | None, typer.Option(help="Where they go; where the app looks, if not given.")] = None,
    bits: Annotated[int, typer.Option(help="3, 4 or 8, for each weight that fine-tuning changed.")] = 4,
) -> None:
    """Make the best checkpoint of each task and encoder, by validation, small enough to come with the project."""
    from benchmark.release.ship import ship_best
    from zoo.checkpoints.checkpoint import CHECKPOINTS

    if bits not in BITS:
        raise UserError(f"--bits must be 3, 4 or 8, got {bits}")
    known = known_tasks(results)
    chosen = {lookup(known, name, "task").name for name in _names(tasks)}
    for folder in ship_best(results, checkpoints, to or CHECKPOINTS, chosen, bits):
        size = sum(file.stat().st_size for file in folder.iterdir()) / 2**20
        console.print(f"wrote {folder} ({size:.1f} MiB)", highlight=False)


@app.command()
def export(
    checkpoint: Annotated[Path, typer.Argument(help="The folder of a fine-tuned model.")],
    to: Annotated[Path, typer.Option(help="The folder to write.")],
    data_dir: DataDir = None,
    results: Results = RESULTS,
) -> None:
    """Write a checkpoint as ONNX and score it again as a row of its own; kept only if the score stays."""
    from benchmark.release.export_run import export_and_score

    with console.status("exporting to ONNX, then predicting validation and test"):
        rescored = export_and_score(checkpoint, to, results, data_dir)
    console.print(rescored.line, markup=False, highlight=False)
    if not rescored.kept:
        raise UserError(f"The score left its interval, so {to} was removed; its run is kept in {results}")
    console.print(f"wrote {to}", highlight=False)


@app.command()
def cards(
    checkpoints: Annotated[Path | None, typer.Option(help="Where they are; where the app looks, if not given.")] = None,
    results: Results = RESULTS,
) -> None:
    """Write the model cards of all checkpoints below a folder anew, from the runs that made them."""
    from benchmark.release.card import write_cards
    from zoo.checkpoints.checkpoint import CHECKPOINTS

    for path in write_cards(checkpoints or CHECKPOINTS, results):
        console.print(f"wrote {path}", highlight=False)


def _say(line: str, style: str | None = None) -> None:
    """Print one line as it is, whole at any width."""
    console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def _registered(tasks: str, data_dir: Path | None) -> dict[Any, Any]:
    from benchmark.tasks.rows import read_rows

    chosen = [lookup(TASKS, name, "task") for name in _names(tasks)]
    return {task: read_rows(task, data_dir) for task in chosen}


def _names(text: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise UserError(f"--encoders and --tasks take names with commas between, got {text!r}")
    return names


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path} cannot be made a folder ({error.strerror}); give another one") from error


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UserError(f"--recipe is not JSON: {text!r} ({error})") from error
    if not isinstance(value, dict):
        raise UserError(f"--recipe must be a JSON object such as '{{\"epochs\": 1}}', got {text!r}")
    return value


def _print_plan(cells: list[Any], results: Path) -> None:
    from benchmark.training.estimate import seconds_estimate

    table = Table("task", "encoder", "seed", "run", "state", "estimate")
    total, unknown = 0.0, 0
    for cell in cells:
        seconds = None if cell.done else seconds_estimate(cell, results)
        total, unknown = total + (seconds or 0), unknown + (not cell.done and seconds is None)
        estimate = "" if cell.done else "?" if seconds is None else f"{seconds / 60:.1f} min"
        state = "done" if cell.done else "to do"
        table.add_row(cell.task.name, cell.encoder.name, str(cell.recipe.seed), cell.id, state, estimate)
    console.print(table)
    rest = f", and {unknown} runs without an earlier one to go by" if unknown else ""
    console.print(f"{sum(not cell.done for cell in cells)} of {len(cells)} to do: about {total / 60:.0f} min{rest}")


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    run_command_line(app, "complete runs are kept, the same command goes on from here")
