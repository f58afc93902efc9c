"""What the board says in answers, each with its interval: thresholds, the noise of seeds, masking, real gaps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmark.board.pages import LINEAR, gaps, in_points, main_cells, markdown, over_global, tasks_of, would_show
from benchmark.board.tables import Board, entry_name
from benchmark.tasks.registry import Task

MASKING = (("zoo-bert-wwm-en", "zoo-bert-en"), ("zoo-bert-wwm-zh", "zoo-bert-zh"))


def findings(board: Board) -> str:
    """Return the page of findings as Markdown: an answer a question, and the figures behind it; what the board has no
    rows for is not on it."""
    tasks = tasks_of(board)
    sections = {
        "What does a threshold for each label buy?": _thresholds(board, tasks),
        "How much is the noise of seeds?": _seeds(board, tasks),
        "What does whole word masking buy?": _masking(board, tasks),
        "Which gaps are real?": _real_gaps(board, tasks),
    }
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items() if text)


def _thresholds(board: Board, tasks: Sequence[Task]) -> str:
    """Of the entries with several seeds: the gain of a threshold a label over one for all, and of both over 0.5, on the
    rows that are reported."""
    rows, signs = [], []
    for task, name, _ in _repeated(board, [task for task in tasks if task.multi_label]):
        rules = board.rules[board.rules["task"] == task.name].to_dict("records")
        gain = {each["rule"]: each for each in rules if entry_name(each) == name}
        if {"global", "per_label"} <= set(gain):
            bought = over_global(gain["per_label"])
            signs.append((task.name, int(bought["low"] > 0) - int(bought["high"] < 0)))
            gains = (bought, gain["per_label"], gain["global"])
            rows.append((task.name, name, task.main_metric, *(in_points(each, "gain", unit="") for each in gains)))
    if not rows:
        return ""
    columns = ["task", "encoder", "metric", "per label over global", "per label over 0.5", "global over 0.5"]
    answer = (
        f"Over one threshold for all labels (global), one for each gains on {_counted(signs, 1)}, loses on "
        f"{_counted(signs, -1)}, and cannot be told from it for {sum(not sign for _, sign in signs)} of {len(signs)} "
        "entries: each by its own 95 % interval, so that about one in twenty is told by chance. In points, of the "
        "entries with several seeds:"
    )
    return _with_table(answer, rows, columns)


def _with_table(answer: str, rows: Sequence[tuple[Any, ...]], columns: list[str]) -> str:
    return f"{answer}\n\n{markdown(pd.DataFrame(rows, columns=columns))}"


def _counted(signs: Sequence[tuple[str, int]], sign: int) -> str:
    """Name the tasks whose entries have that sign, and how many of them."""
    of_task: dict[str, list[bool]] = {}
    for task, found in signs:
        of_task.setdefault(task, []).append(found == sign)
    return ", ".join(f"{task} ({sum(has)} of {len(has)})" for task, has in of_task.items() if any(has)) or "none"


def _seeds(board: Board, tasks: Sequence[Task]) -> str:
    """Of the entries with several seeds: how far single fine-tunings differ, beside what the choice of rows does."""
    rows, spreads = [], []
    for task, name, row in _repeated(board, tasks):
        if row["sd"] > 0 and row["family"] != LINEAR:
            low, high = _sd_interval(row["sd"], row["seeds"])
            share, least, most = (f"{_seed_share(row, sd):.0%}" for sd in (row["sd"], low, high))
            spread = f"{100 * row['sd']:.2f} [{100 * low:.2f}, {100 * high:.2f}]"
            rows.append((task.name, name, task.main_metric, row["seeds"], spread, f"{share} [{least}, {most}]"))
            spreads.append((100 * row["sd"], f"{name} on {task.name}"))
    if not rows:
        return ""
    columns = ["task", "encoder", "metric", "seeds", "sd of single fine-tunings, points", "the seed's share"]
    answer = (
        f"Half of the standard deviations of single fine-tunings are under {np.median([sd for sd, _ in spreads]):.2f} "
        f"points, the largest is {max(spreads)[0]:.2f} ({max(spreads)[1]}). The last column is the share of the "
        "variance of one run on other test rows that is the seed's own."
    )
    return _with_table(answer, rows, columns)


def _sd_interval(sd: float, seeds: int) -> tuple[float, float]:
    """The 95 % interval of a standard deviation, by the chi-squared distribution of a normal variance."""
    low, high = sd * np.sqrt((seeds - 1) / stats.chi2.ppf((0.975, 0.025), seeds - 1))
    return float(low), float(high)


def _seed_share(row: dict[Any, Any], sd: float) -> float:
    """The share of one run's variance that is its seed's own, were the standard deviation of single fine-tunings `sd`:
    seeds also differ because each model is right on other rows (`intervals.seed_by_row_variance`)."""
    by_row = row["sd_seed_by_row"] ** 2
    own = max(sd**2 - by_row, 0.0)
    return float(own / (own + row["sd_rows"] ** 2 + by_row * (1 - 1 / row["seeds"])))


def _masking(board: Board, tasks: Sequence[Task]) -> str:
    """Of the pairs that differ by whole word masking alone, and were fine-tuned by one recipe."""
    rows = []
    real: dict[str, list[bool]] = {"English": [], "Chinese": []}
    metric = {task.name: task.main_metric for task in tasks}
    for row in board.pairs.to_dict("records"):
        a, b = row["encoder_a"], row["encoder_b"]
        for whole, pieces in MASKING:
            if {a, b} == {whole, pieces} and row["variant_a"] == row["variant_b"]:
                verdict = "cannot tell" if row["verdict"] == "cannot tell" else "real"
                gain = in_points(row, "difference", 1 if a == whole else -1, unit="")
                recipe = row["variant_a"] or "the default"
                figures = (row["seeds"], gain, f"{row['p_holm']:.2g}", would_show(row) or "–", verdict)
                rows.append((row["task"], f"{whole} less {pieces}", recipe, metric[row["task"]], *figures))
                real["Chinese" if whole.endswith("-zh") else "English"].append(verdict == "real")
    if not rows:
        return ""
    columns = ["task", "pair", "fine-tuned by", "metric", "seeds", "points", "Holm's p", "would have shown", "verdict"]
    told = (f"in {language} {sum(found)} of {len(found)}" for language, found in real.items() if found)
    answer = (
        f"Of its differences are real: {', '.join(told)}. Each encoder was pretrained once, so that none of "
        'these is of the recipe at large. "would have shown" is the gap that this many rows and seeds find four times '
        "in five."
    )
    return _with_table(answer, rows, columns)


def _real_gaps(board: Board, tasks: Sequence[Task]) -> str:
    told = {task.name: gaps(board, task) for task in tasks}
    parts = [f"**{name}**\n\n" + "\n".join(f"- {line}" for line in lines) for name, lines in told.items() if lines]
    if not parts:
        return ""
    real = board.pairs[board.pairs["verdict"] != "cannot tell"]
    linear = set(board.cells.loc[board.cells["family"] == LINEAR, "encoder"])
    tuned = ~(real["encoder_a"].isin(linear) | real["encoder_b"].isin(linear))
    unlike = int((tuned & (real["variant_a"] != real["variant_b"])).sum())
    answer = f"{len(real)} of {len(board.pairs)} pairs are, {unlike} of them between unlike recipes of fine-tuning."
    return "\n\n".join([answer, *parts])


def _repeated(board: Board, tasks: Sequence[Task]) -> list[tuple[Task, str, dict[Any, Any]]]:
    """Return task, name and main cell of the entries with several seeds, each task's best first."""
    return [
        (task, entry_name(row), row)
        for task in tasks
        for row in main_cells(board.cells, task).sort_values("value", ascending=False).to_dict("records")
        if row["seeds"] > 1
    ]
