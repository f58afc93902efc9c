"""What the board says in sentences, each with its interval: thresholds, the noise of seeds, masking, real gaps."""

from typing import Any

import numpy as np
from scipy import stats

from benchmark.board_tables import Board, entry_name
from benchmark.tables import gaps, in_points, main_cells, over_global, tasks_of
from benchmark.tasks import Task

MASKING = (("zoo-bert-wwm-en", "zoo-bert-en"), ("zoo-bert-wwm-zh", "zoo-bert-zh"))


def findings(board: Board) -> str:
    """Return the page of findings as Markdown; what the board has no rows for is not on it."""
    tasks = tasks_of(board)
    sections = {
        "What does a threshold for each label buy?": [line for task in tasks for line in _thresholds(board, task)],
        "How much is the noise of seeds?": [line for task in tasks for line in _seeds(board, task)],
        "What does whole word masking buy?": [line for task in tasks for line in _masking(board, task)],
        "Which gaps are real?": [f"{task.name}: {line}" for task in tasks for line in gaps(board, task)],
    }
    return "\n\n".join(
        f"## {title}\n\n" + "\n".join(f"- {line}" for line in lines) for title, lines in sections.items() if lines
    )


def _thresholds(board: Board, task: Task) -> list[str]:
    """Of the entries with several seeds: the gain of a threshold a label over one for all, and of both over 0.5, on the
    rows that are reported."""
    lines = []
    rules = board.rules[board.rules["task"] == task.name] if task.multi_label else board.rules[:0]
    for row in _repeated(board, task):
        name = entry_name(row)
        gain = {each["rule"]: each for each in rules.to_dict("records") if entry_name(each) == name}
        if {"global", "per_label"} <= set(gain):
            each, shared = (in_points(gain[rule], "gain") for rule in ("per_label", "global"))
            bought = in_points(over_global(gain["per_label"]), "gain")
            lines.append(
                f"{task.name}, {name}: {bought} of {task.main_metric} over one threshold for all. Over 0.5 a threshold "
                f"a label gains {each}, and one for all {shared}."
            )
    return lines


def _seeds(board: Board, task: Task) -> list[str]:
    """Of the entries with several seeds: how far single fine-tunings differ, beside what the choice of rows does."""
    lines = []
    for row in _repeated(board, task):
        if row["sd"] > 0:
            low, high = _sd_interval(row["sd"], row["seeds"])
            lines.append(
                f"{task.name}, {entry_name(row)}: {task.main_metric} of single fine-tunings spreads by "
                f"{100 * row['sd']:.2f} points [{100 * low:.2f}, {100 * high:.2f}] (standard deviation of "
                f"{row['seeds']} seeds); {_seed_share(row, row['sd']):.0%} [{_seed_share(row, low):.0%}, "
                f"{_seed_share(row, high):.0%}] of the variance of one run on other test rows is the seed's own."
            )
    return lines


def _sd_interval(sd: float, seeds: int) -> tuple[float, float]:
    """The 95 % interval of a standard deviation, by the chi-squared distribution of a normal variance."""
    low, high = sd * np.sqrt((seeds - 1) / stats.chi2.ppf((0.975, 0.025), seeds - 1))
    return float(low), float(high)


def _seed_share(row: dict[Any, Any], sd: float) -> float:
    """The share of one run's variance that is its seed's own, were the standard deviation of single fine-tunings `sd`:
    they also differ because each is lucky on other rows, which `benchmark.intervals.seed_variance` takes out."""
    luck = max(row["sd"] ** 2 - row["seeds"] * row["sd_seeds"] ** 2, 0.0)
    own = max(sd**2 - luck, 0.0)
    return float(own / (own + row["sd_rows"] ** 2 + luck * (1 - 1 / row["seeds"])))


def _masking(board: Board, task: Task) -> list[str]:
    """Of the pairs that differ by whole word masking alone, and were fine-tuned by one recipe."""
    lines = []
    for row in board.pairs[board.pairs["task"] == task.name].to_dict("records") if len(board.pairs) else []:
        (a, _, of_a), (b, _, of_b) = row["a"].partition(" ("), row["b"].partition(" (")
        for whole, pieces in MASKING:
            if {a, b} == {whole, pieces} and of_a == of_b:
                gain = in_points(row, "difference", 1 if a == whole else -1)
                verdict = "cannot tell" if row["verdict"] == "cannot tell" else "real"
                recipe = f" ({of_a}" if of_a else ""
                lines.append(f"{task.name}{recipe}, {whole} less {pieces}, one pretraining each: {gain}: {verdict}.")
    return lines


def _repeated(board: Board, task: Task) -> list[dict[Any, Any]]:
    main = main_cells(board.cells, task)
    return main[main["seeds"] > 1].sort_values("value", ascending=False).to_dict("records")
