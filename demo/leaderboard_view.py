"""The Leaderboard tab: one task's table, its CSV, and quality against cost."""

from pathlib import Path
from typing import Any, Literal

import gradio as gr

from demo.board import COSTS, note, read_board, reading_table, tasks_of, write_csv
from zoo.errors import UserError, lookup

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal"}
_FIRST_COST = next(iter(COSTS))


def add(tab: gr.Tab, results: Path | None) -> None:
    """Add the tab's widgets to the open Blocks; they are filled when the tab is opened."""
    task = gr.Dropdown([], label="Task", elem_id="board-task")
    about = gr.Markdown(elem_id="board-note")
    table = gr.Dataframe(interactive=False, show_search="search", show_label=False, elem_id="board", visible=False)
    csv = gr.DownloadButton("Download all metrics (CSV)", size="md", visible=False, elem_id="board-csv")
    with gr.Column(visible=False) as below:
        cost = gr.Radio(list(COSTS), value=_FIRST_COST, label="Quality against", elem_id="board-cost")
        plot = gr.Plot(show_label=False, elem_id="board-plot")
    shown = [task, about, table, csv, below, plot]

    def refresh(task: str | None, cost: str) -> tuple[Any, ...]:
        return show(task, cost, results)

    gr.on([tab.select, task.input, cost.input], refresh, [task, cost], shown, **_PRIVATE)


def show(task: str | None, cost: str, results: Path | None) -> tuple[Any, ...]:
    """Return what the tab's widgets show for a task; None is the first that has results."""
    from benchmark.plots import front
    from benchmark.tables import main_cells
    from benchmark.tasks import TASKS

    try:
        board = read_board(results)
        tasks = tasks_of(board)
        task = task or tasks[0]
        table = reading_table(board, task)
        column, title = lookup(COSTS, cost, "cost")
        plot = front(main_cells(board, TASKS[task]), TASKS[task], column, title)
    except UserError as error:
        return gr.Dropdown(choices=[]), str(error), *[gr.skip()] * 4
    kinds: list[Literal["number", "str"]] = ["number" if table[name].dtype.kind in "if" else "str" for name in table]
    return (
        gr.Dropdown(choices=tasks, value=task),
        note(board, task),
        gr.Dataframe(table, datatype=kinds, visible=True),
        gr.DownloadButton(value=write_csv(board, task), visible=True),
        gr.Column(visible=True),
        plot,
    )
