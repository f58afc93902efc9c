"""How long a run will take, told from earlier runs of the same encoder."""

from pathlib import Path

from benchmark.training.grid import Cell
from benchmark.training.recipes import BaselineRecipe, Recipe
from benchmark.training.runs import read_run


def seconds_estimate(cell: Cell, results: Path) -> float | None:
    """Return the seconds that training will take, from the newest run of this encoder on this task, or None.

    The seconds of that run are scaled by the number of epochs.
    """
    paths = sorted(
        (results / cell.task.name / cell.folder.parent.name).glob("[!.]*/run.json"), key=lambda p: p.stat().st_mtime
    )
    if not paths:
        return None
    earlier = read_run(paths[-1].parent).info
    return earlier.train_seconds * _epochs(cell.recipe) / _epochs(earlier.recipe)


def _epochs(recipe: Recipe | BaselineRecipe) -> int:
    return recipe.epochs if isinstance(recipe, Recipe) else 1
