"""The board's first pages: the small table of the project's README, and LEADERBOARD.md, which leads to the rest."""

from collections import Counter
from typing import Any

import pandas as pd

from benchmark.board.pages import LINEAR, best_first, overall, problem_line, tasks_of
from benchmark.board.render import render
from benchmark.board.tables import LENGTH, Board
from benchmark.board.verdicts import UNDECIDED, verdicts
from benchmark.tasks.registry import Task

OTHER_RECIPE = "\\*"


def index_page(board: Board) -> str:
    """Return LEADERBOARD.md: each task's answer, mean ranks across tasks, and what was left out."""
    tasks = tasks_of(board)
    return render(
        "index.md.jinja",
        answers={task.name: verdicts(board, task).answer for task in tasks},
        pairs=len(board.pairs),
        decided=int((board.pairs["verdict"] != UNDECIDED).sum()) if len(board.pairs) else 0,
        overall=overall(board.overall) if len(board.overall) else None,
        problems=[problem_line(row) for row in board.problems.to_dict("records")],
        length=LENGTH,
    )


def readme_part(board: Board) -> str:
    """Return the README's table as Markdown: encoders by tasks, the main metric in percent, the best group bold."""
    tasks = tasks_of(board)
    columns = {task: _column(board, task) for task in tasks}
    shown = [row for column in columns.values() for row in column.values()]
    encoders = dict.fromkeys(row["encoder"] for row in shown)
    rows = [
        [encoder, _millions([row for row in shown if row["encoder"] == encoder])]
        + [_score(column.get(encoder)) for column in columns.values()]
        for encoder in encoders
    ]
    heads = ["encoder", "parameters (M)", *(f"{task.name} ({task.main_metric})" for task in tasks)]
    seeds = [row["seeds"] for row in shown]
    return render(
        "readme.md.jinja",
        table=pd.DataFrame(rows, columns=heads),
        least=min(seeds, default=0),
        most=max(seeds, default=0),
        other_recipe=any(row["unlike"] for row in shown),
    )


def _column(board: Board, task: Task) -> dict[str, dict[Any, Any]]:
    """Return by encoder the ranked entry that stands for it: the one with the recipe that most fine-tuned encoders of
    the task share, or else the one with the default recipe. Among baselines the same is asked again."""
    main = best_first(board.cells, task)
    ranked = main[main["rank_low"].notna()]
    found: dict[str, dict[Any, Any]] = {}
    for group in (ranked[ranked["family"] != LINEAR], ranked[ranked["family"] == LINEAR]):
        counts = Counter(group["variant"])
        shared = max(counts, key=lambda variant: (counts[variant], not variant, variant), default="")
        for variant in (shared, ""):
            for row in group[group["variant"] == variant].to_dict("records"):
                found.setdefault(row["encoder"], row | {"unlike": variant != shared})
    return found


def _millions(rows: list[dict[Any, Any]]) -> str:
    sizes = sorted(row["parameters"] / 1e6 for row in rows)
    least, most = f"{sizes[0]:.1f}", f"{sizes[-1]:.1f}"
    return least if least == most else f"{least}–{most}"


def _score(row: dict[Any, Any] | None) -> str:
    if row is None:
        return "–"
    text = f"{100 * row['value']:.1f}"
    return (f"**{text}**" if row["rank_low"] == 1 else text) + (OTHER_RECIPE if row["unlike"] else "")
