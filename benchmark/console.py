"""What the commands of the benchmark show while they work: plans, progress and reports."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from benchmark.board.pages import tasks_of, wide
from benchmark.board.tables import Board
from benchmark.own_data.data_page import FILES, lines, tables
from benchmark.own_data.data_report import DataReport
from benchmark.training.estimate import seconds_estimate
from benchmark.training.grid import Cell, Progress
from zoo.cli import console, say

COSTS = ("training (s)", "latency p50 (ms)")
SHOWN = 30  # rows of a table on the screen; the files have all of them


@contextmanager
def grid_progress() -> Iterator[Callable[[Progress], None]]:
    """Yield what shows the steps of a grid: their lines, and a bar with the time left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        bar = bars.add_task("", total=None)

        def show(now: Progress) -> None:
            bars.update(bar, description=now.run, total=now.total, completed=now.ended + now.share)
            if now.line:
                say(now.line)

        yield show


@contextmanager
def reading_progress() -> Iterator[Callable[[str], None]]:
    """Yield what shows the step that is being done, and for how long."""
    with Bars(TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True) as bars:
        bar = bars.add_task("reading", total=None)
        yield lambda step: bars.update(bar, description=step)


def show_report(report: DataReport) -> None:
    """Show the report on a user's data, and of each table the first SHOWN rows."""
    for line in lines(report):
        say(line)
    for title, table in tables(report).items():
        shown = Table(*map(str, table.columns), title=title, title_justify="left")
        for row in table.head(SHOWN).itertuples(index=False):
            shown.add_row(*row)
        console.print(shown, markup=False)
        if len(table) > SHOWN:
            say(f"... and {len(table) - SHOWN:,} more, in {FILES[1]} beside the runs")


def show_plan(cells: list[Cell]) -> None:
    """Show which runs are to do, and how long they will take by earlier ones."""
    table = Table("task", "encoder", "seed", "run", "state", "estimate")
    damaged: dict[str, None] = {}
    todo = [cell for cell in cells if not cell.done]
    seconds = {cell.id: seconds_estimate(cell, damaged.setdefault) for cell in todo}
    for cell in cells:
        state, estimate = ("done", "") if cell.done else ("to do", _minutes(seconds[cell.id]))
        table.add_row(cell.task.name, cell.encoder.name, str(cell.recipe.seed), cell.id, state, estimate)
    console.print(table)
    for line in damaged:
        say(line, "yellow")
    known = [value for value in seconds.values() if value is not None]
    unknown = len(todo) - len(known)
    rest = f", and {unknown} runs without an earlier one to estimate by" if unknown else ""
    say(f"{len(todo)} of {len(cells)} to do: about {sum(known) / 60:.0f} min{rest}")


def _minutes(seconds: float | None) -> str:
    return "?" if seconds is None else f"{seconds / 60:.1f} min"


def show_board(board: Board) -> None:
    """Show the headline columns of every task."""
    table = Table("task", "rank", "encoder", "seeds", "main metric", "value [95 %]", *COSTS)
    for task in tasks_of(board):
        for row in wide(board.cells, task).to_dict("records"):
            metric = f"{task.main_metric} ({task.rule})"
            cells = [row["rank"], row["encoder"], row["seeds"], metric, row[f"{task.main_metric} [95 %]"]]
            table.add_row(task.name, *map(str, [*cells, *(row[name] for name in COSTS)]))
        table.add_section()
    console.print(table, markup=False)
