"""How long a run will take, by an earlier run of the same encoder on the same task."""

from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from benchmark.training.cell import Cell
from benchmark.training.recipes import Recipe, epochs_of
from benchmark.training.runs import RunInfo


def seconds_estimate(cell: Cell, warn: Callable[[str], None]) -> float | None:
    """Return the seconds that training will take, or None if there is no earlier run.

    They are those of the newest run of this encoder on this task, scaled by the number of epochs. Only `run.json` is
    read; `warn` is called with a line for each that is damaged, and an older run takes its place.
    """
    paths = cell.folder.parent.glob("[!.]*/run.json")
    for path in sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True):
        if (earlier := _read(path, warn)) is not None:
            return earlier.train_seconds * _epochs(cell) / max(1, len(earlier.epochs))
    return None


def _read(path: Path, warn: Callable[[str], None]) -> RunInfo | None:
    try:
        return RunInfo.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        warn(f"{path} is damaged, so the estimates do not count its run; delete {path.parent} and run it again")
        return None


def _epochs(cell: Cell) -> int:
    return epochs_of(cell.recipe, len(cell.rows.train)) if isinstance(cell.recipe, Recipe) else 1
