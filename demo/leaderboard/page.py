"""All that the Leaderboard tab shows, as one plain value: the browser filters and sorts it without the server."""

from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.leaderboard.answer import SPEEDS, answers_of
from demo.leaderboard.handlers import CITATION, note_of, published_of, read_board
from demo.leaderboard.links import dataset_link
from demo.leaderboard.task_table import USUAL, Opens, columns_of, entries_of
from demo.leaderboard.verdict import first_sentences, pairs_of
from demo.leaderboard.words import about_task, heading
from demo.shared.models import catalogue, read
from demo.shared.texts import Language
from zoo.errors import UserError

if TYPE_CHECKING:
    from benchmark.board.tables import Board
    from benchmark.tasks.registry import Task


# The columns of the published figures. The page of a source is linked from the last one.
_PUBLISHED = ("encoder", "metric", "value", "split", "ours", "published_is", "conditions", "source")


def board_page(root: Path | None, results: Path | None, page: Language) -> dict[str, Any]:
    """Return what the tab shows.

    Args:
        root: the folder of checkpoints; None is the project's own.
        results: the folder of runs; None is the project's own.
        page: the language of the page.

    Raises:
        UserError: nothing is published in `results`, or it is damaged.
    """
    folders = tuple((task, name, folder) for task, all_ in catalogue(root).items() for name, folder in all_.items())
    return _page(read_board(results), folders, page)


@lru_cache(maxsize=4)
def _page(board: "Board", folders: tuple[tuple[str, str, Path], ...], page: Language) -> dict[str, Any]:
    from benchmark.board.pages import tasks_of

    opens = checkpoints_of(board, folders)
    there = set(board.cells["task"])
    return {
        "answers": answers_of(board, page),
        "tasks": [_task(board, task, opens, page) for task in tasks_of(board) if task.name in there],
        "usual": list(USUAL),
        "speeds": list(map(str, SPEEDS)),
        "cite": CITATION,
    }


def checkpoints_of(board: "Board", folders: tuple[tuple[str, str, Path], ...]) -> Opens:
    """Return the checkpoint that one of an entry's own runs made, for every entry that has one."""
    if not len(board.runs):
        return {}
    keys = ["task", "encoder", "variant"]
    entries = {row["id"]: tuple(row[key] for key in keys) for row in board.runs.to_dict("records")}
    found: Opens = {}
    for _, name, folder in reversed(folders):  # of several, the first in order stays
        with suppress(UserError):  # a damaged one is told in Compare
            if entry := entries.get(read(folder).info.run):
                found[entry] = name
    return found


def _task(board: "Board", task: "Task", opens: Opens, page: Language) -> dict[str, Any]:
    from benchmark.board.verdicts import verdicts

    entries, columns = entries_of(board, task, opens, page), columns_of(board, task)
    n = int(board.cells.loc[board.cells["task"] == task.name, "n"].iloc[0])
    return {
        "name": task.name,
        "about": about_task(task, n, page),
        "link": dataset_link(task),
        "metric": task.main_metric,
        "first": first_sentences(verdicts(board, task).answer, page),
        "note": note_of(task, n, page),
        "headings": {name: heading(name, page) for name in columns},
        "columns": columns,
        "entries": entries,
        "pairs": pairs_of(board, task, page),
        "published": _published(board, task, page),
    }


def _published(board: "Board", task: "Task", page: Language) -> dict[str, Any]:
    """The published figures: the headings, the cells of each row as text, and the page of each row's source."""
    from benchmark.board.published import read_published

    table = published_of(board, task.name)
    columns = [name for name in _PUBLISHED if name in table]
    rows = table.fillna("–").to_dict("records")
    links = {each.source: each.url for each in read_published()}
    return {
        "headings": [heading(name, page) for name in columns],
        "rows": [[_published_cell(row, name, page) for name in columns] for row in rows],
        "links": [links.get(row["source"]) for row in rows],
    }


def _published_cell(row: dict[Any, Any], name: str, page: Language) -> str:
    if name == "ours" and row["ours"] != "–":
        return f"{row['ours']:.4f} ({row['low']:.4f}–{row['high']:.4f})"
    return heading(row[name], page) if name in ("split", "published_is") else str(row[name])
