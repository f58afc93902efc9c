"""The board as one HTML file that needs nothing beside it: every task's plots and tables."""

from typing import Any

import plotly.graph_objects as go

from benchmark.board.index_page import matrix_part
from benchmark.board.pages import main_cells, problem_line, tasks_of, wide
from benchmark.board.plots import figures, mean_ranks
from benchmark.board.render import render
from benchmark.board.tables import Board
from benchmark.board.verdicts import verdicts
from benchmark.tasks.registry import Task

_CONFIG = {"displayModeBar": False, "responsive": True}


def html(board: Board) -> str:
    """Return the report: self-contained, plotly's script included once."""
    tasks = [_task(board, task, number == 0) for number, task in enumerate(tasks_of(board))]
    languages = board.overall.groupby("language") if len(board.overall) else ()
    ranks = [(language, _plot(mean_ranks(ranked), f"ranks-{language}")) for language, ranked in languages]
    problems = [problem_line(row) for row in board.problems.to_dict("records")]
    return render(
        "report.html.jinja",
        **matrix_part(board),
        tasks=tasks,
        ranks=ranks,
        problems=problems,
    )


def _task(board: Board, task: Task, first: bool) -> dict[str, Any]:
    plots = [
        (title, _plot(figure, f"{task.name}-{number}", script=first and number == 0))
        for number, (title, figure) in enumerate(figures(board, task).items())
    ]
    n = int(main_cells(board.cells, task)["n"].iloc[0])
    table = wide(board.cells, task).to_html(index=False, border=0)
    found = {"task": task, "n": n, "verdicts": verdicts(board, task)}
    return found | {"table": table, "plots": plots}


def _plot(figure: go.Figure, name: str, script: bool = False) -> str:
    return str(figure.to_html(full_html=False, include_plotlyjs=script, config=_CONFIG, div_id=name))
