"""What the searches for recipes found: a table for the board, from the trials beside the runs."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.statistics.expected_best import expected_best
from benchmark.training.trials import Trial, read_trials

COLUMNS = ["task", "encoder", "trials", "expected_best", "complete", "seconds"]


def searches(results: Path) -> pd.DataFrame:
    """Return one row for each search and each number of trials: the expected best score on validation after so many.

    `complete` counts the trials of the search that were trained to the end, and `seconds` are those of all of them.

    Raises:
        UserError: a file of trials is damaged.
    """
    rows = [row for file in sorted(results.glob("*/*/trials-*.jsonl")) for row in _rows(read_trials(file))]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(trials: list[Trial]) -> list[tuple[object, ...]]:
    """A trial that was ended early counts with its score until then, which is a lower bound."""
    if not trials:
        return []
    default, *drawn = (0.0 if trial.state == "diverged" else trial.main_metric for trial in trials)
    complete, seconds = sum(trial.state == "complete" for trial in trials), sum(trial.seconds for trial in trials)
    return [
        (trials[0].task, trials[0].encoder, number, round(float(score), 6), complete, round(seconds, 1))
        for number, score in enumerate(expected_best(default, np.array(drawn)), start=1)
    ]
