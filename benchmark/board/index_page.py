"""The board's first pages: the matrix of the project's README, and LEADERBOARD.md, which leads to the rest."""

from typing import Any

from benchmark.board.choice import answer_of
from benchmark.board.matrix import legend, matrices, table_of
from benchmark.board.pages import overall, problem_line, tasks_of
from benchmark.board.render import render
from benchmark.board.tables import Board
from benchmark.board.verdicts import Verdict, counts, verdicts
from benchmark.training.latency import BATCH_SIZE


def index_page(board: Board) -> str:
    """Return LEADERBOARD.md: the matrix, each task's answer, ranks across tasks, and what was left out."""
    found = {task.name: verdicts(board, task) for task in tasks_of(board)}
    pairs = [pair for each in found.values() for pair in each.pairs]
    return render(
        "index.md.jinja",
        **matrix_part(board),
        answers={name: each.answer for name, each in found.items()},
        encoders=_counted([pair for pair in pairs if not pair.baseline]),
        baselines=_counted([pair for pair in pairs if pair.baseline]),
        overall=overall(board.overall) if len(board.overall) else None,
        batch=BATCH_SIZE,
        problems=[problem_line(row) for row in board.problems.to_dict("records")],
    )


def _counted(pairs: list[Verdict]) -> dict[str, Any] | None:
    return counts(pairs) | {"all": len(pairs), "margin": pairs[0].margin} if pairs else None


def matrix_part(board: Board) -> dict[str, Any]:
    """Return the values for `matrix.md.jinja` and its like: the matrices, each with its table and which encoder to
    take, and the legend of all."""
    found = matrices(board)
    shown = [{"answer": answer_of(each), "table": table_of(each)} for each in found]
    return {"matrices": shown, "legend": legend(found)}


def readme_part(board: Board) -> str:
    """Return the README's part: the matrices, each with which encoder to take above it."""
    return render("readme.md.jinja", **matrix_part(board))
