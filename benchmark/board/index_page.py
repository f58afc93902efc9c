"""The board's first pages: the small table of the project's README, and LEADERBOARD.md, which leads to the rest."""

from collections import Counter
from typing import Any

from benchmark.board.pages import LINEAR, best_first, overall, problem_line, tasks_of
from benchmark.board.render import render
from benchmark.board.tables import Board
from benchmark.board.verdicts import UNDECIDED, verdicts
from benchmark.tasks.registry import Task
from benchmark.training.latency import BATCH_SIZE


def index_page(board: Board) -> str:
    """Return LEADERBOARD.md: each task's answer, mean ranks across tasks, and what was left out."""
    tasks = tasks_of(board)
    return render(
        "index.md.jinja",
        answers={task.name: verdicts(board, task).answer for task in tasks},
        pairs=len(board.pairs),
        decided=int((board.pairs["verdict"] != UNDECIDED).sum()) if len(board.pairs) else 0,
        overall=overall(board.overall) if len(board.overall) else None,
        batch=BATCH_SIZE,
        problems=[problem_line(row) for row in board.problems.to_dict("records")],
    )


def readme_part(board: Board) -> str:
    """Return the README's table as Markdown: encoders by tasks, the main metric in percent, the best group bold."""
    columns = {task: _column(board, task) for task in tasks_of(board)}
    sizes: dict[str, list[float]] = {}
    for row in (row for column in columns.values() for row in column.values()):
        sizes.setdefault(row["encoder"], []).append(row["parameters"] / 1e6)
    return render("readme.md.jinja", columns=columns, sizes=sizes)


def _column(board: Board, task: Task) -> dict[str, dict[Any, Any]]:
    """Return by encoder the ranked entry that stands for it: the one with the task's default recipe, or else the one
    with the recipe that most fine-tuned encoders of the task share. Among baselines the same is asked again."""
    main = best_first(board.cells, task)
    ranked = main[main["rank_low"].notna()]
    found: dict[str, dict[Any, Any]] = {}
    for group in (ranked[ranked["family"] != LINEAR], ranked[ranked["family"] == LINEAR]):
        counts = Counter(group["variant"])
        shared = max(counts, key=lambda variant: (counts[variant], not variant, variant), default="")
        for variant in ("", shared):
            for row in group[group["variant"] == variant].to_dict("records"):
                found.setdefault(row["encoder"], row | {"changed": bool(variant)})
    return found
