"""What the searches for recipes found: a table for the board, and whether tuned runs have the recipe that was chosen;
from the trials beside the runs."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.statistics.expected_best import expected_best
from benchmark.tasks.registry import Task
from benchmark.training.runs import Run
from benchmark.training.trials import Trial, choose, packed_size, read_trials

COLUMNS = ["task", "encoder", "search", "trials", "expected_best", "complete", "seconds"]


def searches(results: Path) -> pd.DataFrame:
    """Return one row for each search and each number of trials: the expected best score on validation after so many.

    `search` is how it is called: by its encoder, and by its file where there are several, such as of rows that changed.
    `complete` counts the trials of the search that were trained to the end, and `seconds` are those of all of them.

    Raises:
        UserError: a file of trials is damaged.
    """
    files = sorted(results.glob("*/*/trials-*.jsonl"))
    several = Counter(file.parent for file in files)
    rows = [row for file in files for row in _rows(read_trials(file), file.stem if several[file.parent] > 1 else "")]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(trials: list[Trial], file: str) -> list[tuple[object, ...]]:
    """A trial that was ended early or diverged is never chosen, so it finds nothing, whatever an early epoch scored."""
    if not trials:
        return []
    default, *drawn = (trial.main_metric if trial.state == "complete" else 0.0 for trial in trials)
    complete, seconds = sum(trial.state == "complete" for trial in trials), sum(trial.seconds for trial in trials)
    keys = trials[0].task, trials[0].encoder, ", ".join(filter(None, (trials[0].encoder, file)))
    return [
        (*keys, number, round(float(score), 6), complete, round(seconds, 1))
        for number, score in enumerate(expected_best(default, np.array(drawn)), start=1)
    ]


def other_than_chosen(run: Run, task: Task) -> str:
    """Return why a tuned run has not the recipe that the validation scores of its trials choose; "" where it has it, or
    where no such search stands beside it."""
    if not run.info.trials:
        return ""
    found = (_first_trials(file, run) for file in sorted(run.folder.parent.glob("trials-*.jsonl")))
    searched = [choose(trials, task, run.predictions.validation_y_true) for trials in found if trials]
    seed = {"seed": run.info.recipe.seed}
    if not searched or any(trial.recipe.model_copy(update=seed) == run.info.recipe for trial in searched):
        return ""
    return f"its recipe is not the one that the first {run.info.trials} trials beside it choose"


def _first_trials(file: Path, run: Run) -> list[Trial]:
    """As many trials of a search as the run was chosen from; none if it has fewer, or is of another number of rows."""
    trials = read_trials(file)[: run.info.trials]
    size = packed_size(run.predictions.validation_y_true.shape)
    fit = all(packed_size(trial.decided) == size for trial in trials)
    return trials if fit and len(trials) == run.info.trials else []
