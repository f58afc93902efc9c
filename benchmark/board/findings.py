"""What the board says across tasks: thresholds, the spread over seeds, whole word masking."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from benchmark.board.pages import best_first, tasks_of
from benchmark.board.render import render
from benchmark.board.tables import Board, entry_name
from benchmark.statistics.ranks import BETTER
from benchmark.tasks.registry import Task

Repeated = Sequence[tuple[Task, str, dict[Any, Any]]]  # task, name and main cell of the entries with several seeds

MASKING = (("zoo-bert-wwm-en", "zoo-bert-en"), ("zoo-bert-wwm-zh", "zoo-bert-zh"))


def findings(board: Board) -> str:
    """Return findings.md: each question with its answer and the figures behind it; what the board has no rows for is
    not on it."""
    tasks = tasks_of(board)
    repeated = [
        (task, entry_name(row), row)
        for task in tasks
        for row in best_first(board.cells, task).to_dict("records")
        if row["seeds"] > 1
    ]
    thresholds, seeds, masking = _thresholds(board, repeated), _seeds(repeated), _masking(board, tasks)
    median = float(np.median([each["sd"][0] for each in seeds])) if seeds else 0.0
    return render("findings.md.jinja", thresholds=thresholds, seeds=seeds, median=median, masking=masking)


def _thresholds(board: Board, repeated: Repeated) -> dict[str, tuple[int, int, int]]:
    """By task, of the entries with several seeds: on how many a threshold for each label is better than one for all,
    on how many it is worse, and how many they are."""
    entries = {(task.name, row["encoder"], row["variant"]) for task, _, row in repeated}
    signs: dict[str, list[int]] = {}
    for row in board.rules.to_dict("records"):
        if row["rule"] == "per_label" and (row["task"], row["encoder"], row["variant"]) in entries:
            sign = int(row["over_global_low"] > 0) - int(row["over_global_high"] < 0)
            signs.setdefault(row["task"], []).append(sign)
    return {task: (found.count(1), found.count(-1), len(found)) for task, found in signs.items()}


def _seeds(repeated: Repeated) -> list[dict[str, Any]]:
    """Of the entries with several seeds: the standard deviation of single fine-tunings, and the share of the variance
    of one run on other test rows that its seed causes, both with the ends of their intervals."""
    found = []
    for task, name, row in repeated:
        if row["sd"] > 0:
            sds = [row["sd"], *_sd_interval(row["sd"], row["seeds"])]
            shares = [_seed_share(row, sd) for sd in sds]
            found.append({"task": task, "name": name, "seeds": row["seeds"], "sd": sds, "share": shares})
    return found


def _sd_interval(sd: float, seeds: int) -> tuple[float, float]:
    """The 95 % interval of a standard deviation, by the chi-squared distribution of a normal variance."""
    low, high = sd * np.sqrt((seeds - 1) / stats.chi2.ppf((0.975, 0.025), seeds - 1))
    return float(low), float(high)


def _seed_share(row: dict[Any, Any], sd: float) -> float:
    """The share of one run's variance that its seed alone causes, if the standard deviation over seeds is `sd`: seeds
    also differ because each model is right on other rows (`intervals.seed_by_row_variance`)."""
    by_row = row["sd_seed_by_row"] ** 2
    own = max(sd**2 - by_row, 0.0)
    return float(own / (own + row["sd_rows"] ** 2 + by_row * (1 - 1 / row["seeds"])))


def _masking(board: Board, tasks: Sequence[Task]) -> list[dict[Any, Any]]:
    """The pairs that differ by whole word masking alone and have the default recipe, from its side; `won` is 1
    where it is better, -1 where it is worse, and 0 where the two are equal or that is undecided."""
    rows = []
    metric = {task.name: task.main_metric for task in tasks}
    for row in board.pairs.to_dict("records"):
        sides = row["encoder_a"], row["encoder_b"]
        for both in MASKING:
            if set(both) == set(sides) and row["variant_a"] == row["variant_b"] == "":
                sign = 1 if both == sides else -1
                ends = sorted((sign * row["low"], sign * row["high"]))
                won = (1 if sign * row["difference"] > 0 else -1) * int(row["verdict"] in BETTER)
                found = {"both": both, "metric": metric[row["task"]], "won": won}
                rows.append(row | found | {"interval": (sign * row["difference"], *ends)})
    return rows
