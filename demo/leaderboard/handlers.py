"""The leaderboard as the app shows it: read once, without torch or gradio."""

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from demo.leaderboard.words import heading
from demo.shared.texts import Language, say
from zoo.errors import UserError, lookup

if TYPE_CHECKING:
    from benchmark.board.tables import Board
    from benchmark.tasks.registry import Task

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


def note_of(task: "Task", n: int, language: Language) -> str:
    """Return what a task's numbers are, computed on `n` rows, in a few sentences."""
    split, rule = (heading(word, language) for word in (task.reported, task.rule))
    return say("note_task", language, metric=task.main_metric, split=split, n=f"{n:,}", rule=rule)


def published_of(board: "Board", name: str) -> pd.DataFrame:
    """Return the published figures of a task, for encoders measured here and for others; they have no rank."""
    parts = [table[table["task"] == name] for table in (board.anchors, board.unmeasured) if len(table)]
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


def csv_of(board: "Board") -> str:
    """Return every metric of every task as CSV."""
    return board.cells.to_csv(index=False)
