"""The leaderboard as the app shows it: read once, one task at a time. Nothing here imports torch."""

import tempfile
from functools import lru_cache
from pathlib import Path

import pandas as pd

from zoo.errors import UserError, lookup
from zoo.files import write_bytes

COSTS = {"Training time": "train_seconds", "Prediction speed": "inference_examples_per_second"}
_NEEDED = {"task", "encoder", "family", "variant", "rule", "metric", "value", "sd", "seeds", "n", *COSTS.values()}


def read_board(results: Path | None = None) -> pd.DataFrame:
    """Return the long leaderboard of the runs in `results` (None: the project's own): as published, or built anew.

    Raises:
        UserError: there are no runs, or the published file is damaged.
    """
    from benchmark.runs import RESULTS

    folder = results or RESULTS
    published = folder / "leaderboard.parquet"
    return _read(folder, published.stat().st_mtime_ns if published.is_file() else None)


@lru_cache(maxsize=1)
def _read(folder: Path, changed: int | None) -> pd.DataFrame:
    from benchmark.leaderboard import build
    from benchmark.runs import read_runs

    if changed is None:
        return build(read_runs(folder))
    remedy = "make it again: python -m benchmark leaderboard"
    try:
        board = pd.read_parquet(folder / "leaderboard.parquet")
    except (OSError, ValueError) as error:
        raise UserError(f"{folder}/leaderboard.parquet is damaged; {remedy}") from error
    if missing := sorted(_NEEDED - set(board)):
        raise UserError(f"{folder}/leaderboard.parquet has no {', '.join(missing)}; {remedy}")
    return board


def tasks_of(board: pd.DataFrame) -> list[str]:
    """Return the tasks that the board has, in the order of the registry."""
    from benchmark.tasks import TASKS

    present = set(board["task"])
    return [name for name in TASKS if name in present]


def reading_table(board: pd.DataFrame, task: str) -> pd.DataFrame:
    """Return the task's table, best encoder first.

    Raises:
        UserError: the task is unknown.
    """
    from benchmark.leaderboard import wide
    from benchmark.tasks import TASKS

    return wide(board, lookup({name: TASKS[name] for name in tasks_of(board)}, task, "task"))


def note(board: pd.DataFrame, task: str) -> str:
    """Return one line on what the task's numbers are."""
    from benchmark.tasks import TASKS

    rows, spec = board[board["task"] == task], TASKS[task]
    return (
        f"`{spec.main_metric}` ranks the encoders: {spec.reported} split, n = {int(rows['n'].iloc[0]):,}, "
        f"`{spec.rule}` thresholds, mean ± standard deviation over seeds."
    )


def write_csv(board: pd.DataFrame, task: str) -> Path:
    """Write every metric of the task, one row each, to a file to download; return where it is."""
    path = _folder() / f"leaderboard-{task}.csv"
    write_bytes(path, board[board["task"] == task].to_csv(index=False).encode())
    return path


@lru_cache(maxsize=1)
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="encoder-zoo-"))
