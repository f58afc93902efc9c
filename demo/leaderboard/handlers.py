"""The leaderboard as the app shows it: read once, one task or language at a time, without torch or gradio."""

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from demo.leaderboard.words import heading
from demo.shared.texts import Language, PageError, say
from zoo.errors import UserError, lookup
from zoo.files import write_bytes

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from benchmark.board.tables import Board
    from benchmark.tasks.registry import Task

OVERALL = {"en": "overall, English", "zh": "overall, Chinese"}
SIZES: dict[str, tuple[float, float]] = {  # millions of parameters, the embeddings included
    "any size": (0, float("inf")),
    "under 25 M": (0, 25),
    "25 to 100 M": (25, 100),
    "100 M and more": (100, float("inf")),
}
PLOTS = ("intervals", "ranks", "time", "training", "reliability", "gains")
SHOWN = ("rank", "encoder", "family", "parameters (M)", "seeds", "training (s)", "latency p50 (ms)")
CITATION = """@software{encoder_zoo,
  title = {Encoder Zoo: fine-tuned text encoders compared with intervals, paired tests and fitted thresholds},
  year  = {2026}
}"""


def read_board(results: Path | None = None) -> "Board":
    """Return the board of the runs in `results` (None: the project's own), as published.

    Raises:
        UserError: nothing is published there, or it is damaged.
    """
    from benchmark.training.runs import RESULTS

    folder = (results or RESULTS) / "board"
    if not folder.is_dir():
        where = folder.parent
        raise UserError(f"{where} holds no leaderboard yet; make it: encoder-zoo board --results {where}")
    return _read(folder, tuple(path.stat().st_mtime_ns for path in sorted(folder.iterdir())))


@lru_cache(maxsize=1)
def _read(folder: Path, changed: tuple[int, ...]) -> "Board":
    from benchmark.board.tables import read_tables

    return read_tables(folder)


def views(board: "Board", language: str = "") -> list[str]:
    """Return the views of the board: its tasks, then the mean ranks of each language.

    Args:
        board: as published.
        language: "en" or "zh" keeps only the views of that language, and tasks in any language.
    """
    from benchmark.board.pages import tasks_of

    there = [task for task in tasks_of(board) if task.name in set(board.cells["task"])]
    tasks = [task.name for task in there if language in ("", task.language) or task.language == "any"]
    ranked = set(board.overall["language"]) if len(board.overall) else set()
    return [*tasks, *(name for code, name in OVERALL.items() if code in ranked and language in ("", code))]


def select(board: "Board", families: Sequence[str], size: str) -> "Board":
    """Return the board with only the encoders of some families and of one size.

    Raises:
        UserError: the size is not one of SIZES.
    """
    low, high = lookup(SIZES, size, "size")
    millions = (board.cells["parameters"] / 1e6).fillna(0 if size == "any size" else -1)  # unknown if imported
    kept = board.cells[board.cells["family"].isin(families) & (low <= millions) & (millions < high)]
    names = kept[["task", "encoder", "variant"]].drop_duplicates()
    rest = {
        name: getattr(board, name).merge(names)
        for name in ("reliability", "rules")
        if len(getattr(board, name)) and len(names)
    }
    if len(board.overall):
        rest["overall"] = board.overall[board.overall["encoder"].isin(names["encoder"])]
    return replace(board, cells=kept, **rest)


def table_of(board: "Board", view: str) -> pd.DataFrame:
    """Return a view's table, best first; the encoder is the first column, so that a phone shows it.

    In a task's table, the columns encoder and variant name an entry.

    Raises:
        UserError: the view is unknown, or nothing is left in it.
    """
    from benchmark.board.pages import best_first, overall, wide

    if view in OVERALL.values():
        table = overall(board.overall[board.overall["language"].map(OVERALL) == view])
        if not len(table):
            raise PageError("nothing_left")
    else:
        task = _task(board, view)
        if task.name not in set(board.cells["task"]):
            raise PageError("nothing_left")
        main = best_first(board.cells, task)
        names = {name: main[name].tolist() for name in ("encoder", "variant")}
        table = wide(board.cells, task).assign(**names)
    return table[["encoder", *table.columns.drop("encoder")]]


def note_of(board: "Board", view: str, language: Language) -> str:
    """Return what a view's numbers are, in a few sentences."""
    if view in OVERALL.values():
        return say("note_overall", language)
    task = _task(board, view)
    n = int(board.cells.loc[board.cells["task"] == view, "n"].iloc[0])
    split, rule = (heading(word, language) for word in (task.reported, task.rule))
    return say("note_task", language, metric=task.main_metric, split=split, n=f"{n:,}", rule=rule)


def figure_of(board: "Board", view: str, plot: str) -> "go.Figure":
    """Return one of PLOTS of a view; mean ranks have one plot only.

    Raises:
        UserError: the plot is unknown, or there is nothing to draw.
    """
    from benchmark.board import plots
    from benchmark.board.pages import main_cells

    if view in OVERALL.values():
        return plots.mean_ranks(board.overall[board.overall["language"].map(OVERALL) == view])
    task = _task(board, view)
    main = main_cells(board.cells, task).sort_values("value")
    ranked = main["rank_low"].notna().any()

    def of(table: pd.DataFrame) -> pd.DataFrame:
        return table[table["task"] == view] if len(table) else table

    drawn: dict[str, Callable[[], Any]] = {
        "intervals": lambda: plots.intervals(main, task),
        "ranks": lambda: plots.ranks(main) if ranked else None,
        "time": lambda: plots.front(main, task),
        "training": lambda: plots.front(main, task, "train_seconds", "seconds of training"),
        "reliability": lambda: plots.reliability(of(board.reliability)) if len(of(board.reliability)) else None,
        "gains": lambda: plots.gains(of(board.rules)) if len(of(board.rules)) else None,
    }
    figure = lookup(drawn, plot, "plot")()
    if figure is None:
        raise PageError("nothing_to_draw")
    return figure


def published_of(board: "Board", view: str) -> pd.DataFrame:
    """Return the published figures of a task, for encoders measured here and for others; they have no rank."""
    parts = [table[table["task"] == view] for table in (board.anchors, board.unmeasured) if len(table)]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return found.drop(columns="task").dropna(axis=1, how="all") if len(found) else found


def _task(board: "Board", name: str) -> "Task":
    from benchmark.board.pages import tasks_of

    return lookup({task.name: task for task in tasks_of(board)}, name, "task")


def records_of(board: "Board", task: str) -> list[dict[str, Any]]:
    """Return a task's entries as plain values, best first and unranked ones last. Each has the main metric with its
    interval, its ranks and its costs.

    Raises:
        UserError: the task is unknown or has no runs.
    """
    from benchmark.board.pages import best_first

    cells = best_first(board.cells, _task(board, task))
    records: list[dict[str, Any]] = json.loads(cells.to_json(orient="records"))
    return records


def write_csv(board: "Board", view: str) -> Path:
    """Write every metric of a task, or the mean ranks, to a file to download; return where it is."""
    ranks = view in OVERALL.values()
    table = board.overall if ranks else board.cells[board.cells["task"] == view]
    content = table.to_csv(index=False).encode()
    # One folder for each content: two visitors with different filters must not be given each other's file.
    path = _folder() / sha256(content).hexdigest()[:16] / f"leaderboard-{view.replace(', ', '-')}.csv"
    if not path.is_file():
        path.parent.mkdir(exist_ok=True)
        write_bytes(path, content)
    return path


@lru_cache(maxsize=1)
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="encoder-zoo-"))
