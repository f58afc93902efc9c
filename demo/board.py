"""The leaderboard as the app shows it: read once, one task at a time. Nothing here imports torch."""

import tempfile
from functools import lru_cache
from pathlib import Path

import pandas as pd

from zoo.errors import UserError, lookup
from zoo.files import write_bytes

COSTS = {
    "Time for one text": ("p50_ms", "ms for one text of 64 tokens"),
    "Training time": ("train_seconds", "seconds of training"),
}
_KEYS = {"task", "encoder", "family", "variant", "rule", "metric"}
_VALUES = {"value", "low", "high", "rank_low", "rank_high", "seeds", "n"}
_NEEDED = _KEYS | _VALUES | {column for column, _ in COSTS.values()}


def read_board(results: Path | None = None) -> pd.DataFrame:
    """Return the long leaderboard of the runs in `results` (None: the project's own), as published.

    Raises:
        UserError: nothing is published there, or it is damaged.
    """
    from benchmark.runs import RESULTS

    path = (results or RESULTS) / "board" / "cells.parquet"
    if not path.is_file():
        raise UserError(f"{path.parents[1]} holds no leaderboard yet; make it: python -m benchmark leaderboard")
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _read(path: Path, changed: int) -> pd.DataFrame:
    remedy = "make it again: python -m benchmark leaderboard"
    try:
        board = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged; {remedy}") from error
    if missing := sorted(_NEEDED - set(board)):
        raise UserError(f"{path} has no {', '.join(missing)}; {remedy}")
    return board


def tasks_of(board: pd.DataFrame) -> list[str]:
    """Return the tasks that the board has, in the order of the registry."""
    from benchmark.tasks import TASKS

    present = set(board["task"])
    return [name for name in TASKS if name in present]


def reading_table(board: pd.DataFrame, task: str) -> pd.DataFrame:
    """Return the task's table, best encoder first; the encoder is the first column, which a phone shows.

    Raises:
        UserError: the task is unknown.
    """
    from benchmark.tables import wide
    from benchmark.tasks import TASKS

    table = wide(board, lookup({name: TASKS[name] for name in tasks_of(board)}, task, "task"))
    return table[["encoder", *table.columns.drop("encoder")]]


def note(board: pd.DataFrame, task: str) -> str:
    """Return one line on what the task's numbers are."""
    from benchmark.tables import note as of_task
    from benchmark.tasks import TASKS

    return f"`{TASKS[task].main_metric}` ranks the encoders: {of_task(board, TASKS[task])}."


def write_csv(board: pd.DataFrame, task: str) -> Path:
    """Write every metric of the task, one row each, to a file to download; return where it is."""
    path = _folder() / f"leaderboard-{task}.csv"
    write_bytes(path, board[board["task"] == task].to_csv(index=False).encode())
    return path


@lru_cache(maxsize=1)
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="encoder-zoo-"))
