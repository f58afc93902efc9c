"""What the commands of the benchmark show while they work: plans, progress and reports."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from benchmark.board.choice import answer_of
from benchmark.board.matrix import legend, matrices, table_of
from benchmark.board.pages import tasks_of, wide
from benchmark.board.tables import Board
from benchmark.own_data.data_page import FILES, lines, tables
from benchmark.own_data.data_report import DataReport
from benchmark.tasks.registry import Task
from benchmark.training.cell import Cell
from benchmark.training.estimate import seconds_estimate
from benchmark.training.grid import Progress
from zoo.cli import console, say, show_table

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
        show_table(list(map(str, table.columns)), table.head(SHOWN).astype(str).to_numpy().tolist(), title)
        if len(table) > SHOWN:
            say(f"... and {len(table) - SHOWN:,} more, in {FILES[1]} beside the runs")


def show_plan(cells: list[Cell]) -> None:
    """Show which runs are to do, and how long they will take by earlier ones."""
    damaged: dict[str, None] = {}
    todo = [cell for cell in cells if not cell.done]
    seconds = {cell.id: seconds_estimate(cell, damaged.setdefault) for cell in todo}
    rows = []
    for cell in cells:
        state, estimate = ("done", "") if cell.done else ("to do", _minutes(seconds[cell.id]))
        rows.append((cell.task.name, cell.encoder.name, str(cell.recipe.seed), state, estimate, cell.id))
    show_table(("task", "encoder", "seed", "state", "estimate", "run"), rows)
    for line in damaged:
        say(line, "yellow")
    say(f"{len(todo)} of {len(cells)} to do{_how_long(list(seconds.values()))}")


def _minutes(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{max(seconds, 1):.0f} s"


def _how_long(seconds: list[float | None]) -> str:
    known = [value for value in seconds if value is not None]
    unknown = len(seconds) - len(known)
    if not seconds:
        return ""
    if not known:
        return ": how long is unknown, since there is no earlier run to estimate by"
    about = f"about {sum(known) / 60:.0f} min" if sum(known) >= 60 else "under a minute"
    return f": {about}" + (f", and {unknown} runs without an earlier one to estimate by" if unknown else "")


def show_board(board: Board) -> None:
    """Show which encoder to take, the matrix, and the ranked entries of every task."""
    found = matrices(board)
    for each in found:
        say(answer_of(each))
        table = table_of(each)
        heads = [str(name).replace(" (", "\n(") for name in table.columns]
        show_table(heads, [[_starred(cell) for cell in row] for row in table.to_numpy().tolist()])
    say(" ".join(legend(found)).replace("Bold marks", "A star marks"))
    for task in tasks_of(board):
        _show_task(board, task)


def _starred(cell: str) -> str:
    """The best group in plain characters, which a pipe keeps."""
    return cell.strip("*") + "*" * cell.startswith("**")


def _show_task(board: Board, task: Task) -> None:
    rows = wide(board.cells, task)
    ranked, value = rows[rows["rank"] != "–"], f"{task.main_metric} [95 %]"
    shown = ranked[["rank", "encoder", value, "seeds", *COSTS]].astype(str).to_numpy().tolist()
    if shown:
        show_table(["rank", "encoder", f"{task.main_metric} ({task.rule}) [95 %]", "seeds", *COSTS], shown, task.name)
    if len(ranked) < len(rows):
        say(f"{task.name}: {len(rows) - len(ranked)} without a rank, in {task.name}/README.md beside the runs")
