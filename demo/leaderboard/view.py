"""The Leaderboard tab: a table to filter, its plots, published figures, and the way from a row to Compare."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr
import pandas as pd

from demo.compare.handlers import first_task
from demo.compare.view import CompareTab
from demo.leaderboard.handlers import (
    CITATION,
    OVERALL,
    PLOTS,
    SHOWN,
    SIZES,
    figure_of,
    note_of,
    published_of,
    read_board,
    records_of,
    select,
    table_of,
    views,
    write_csv,
)
from demo.leaderboard.words import heading, in_words, with_headings
from demo.shared.endpoints import endpoint
from demo.shared.models import catalogue, read
from demo.shared.page_texts import label, language_of
from demo.shared.texts import Language, PageError, in_language
from zoo.errors import UserError

if TYPE_CHECKING:
    from benchmark.board.tables import Board

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal"}
_ANY = next(iter(SIZES))
_WIDTHS = {"encoder": "160px", "rank": "70px", "mean rank": "220px", "variant": "220px"}


def add(tab: gr.Tab, tabs: gr.Tabs, compare: CompareTab, root: Path | None, results: Path | None) -> None:
    """Add the tab's widgets to the open Blocks; they are filled when the tab is opened."""
    with gr.Row():
        view = gr.Dropdown([], label=label("task"), elem_id="board-task", min_width=200)
        languages = [(label("any_language"), ""), (label("english"), "en"), (label("chinese"), "zh")]
        language = gr.Dropdown(languages, value="", label=label("language"), elem_id="board-language", min_width=120)
        sizes = [(label(f"size_{number}"), name) for number, name in enumerate(SIZES)]
        size = gr.Dropdown(sizes, value=_ANY, label=label("size"), elem_id="board-size", min_width=140)
        families = gr.Dropdown([], label=label("family"), multiselect=True, elem_id="board-family", min_width=200)
    columns = gr.Dropdown([], label=label("columns"), multiselect=True, elem_id="board-columns")
    about = gr.Markdown(elem_id="board-note")
    gr.Markdown(label("row_opens"))
    table = gr.Dataframe(interactive=False, show_search="search", show_label=False, elem_id="board", visible=False)
    csv = gr.DownloadButton(str(label("csv")), size="md", visible=False, elem_id="board-csv")
    plots = [(label(f"plot_{name}"), name) for name in PLOTS]
    plot = gr.Radio(plots, value=PLOTS[0], label=str(label("which_plot")), elem_id="board-plots")
    figure = gr.Plot(show_label=False, elem_id="board-plot")
    with gr.Accordion(label("published"), open=False):
        published = gr.Dataframe(interactive=False, show_label=False, elem_id="board-published")
    with gr.Accordion(label("cite"), open=False):
        gr.Code(CITATION, show_label=False, interactive=False)
    form = {"view": view, "language": language, "families": families, "size": size, "columns": columns, "plot": plot}
    shown = [view, families, columns, about, table, csv, figure, published]

    def listen(events: list[Any], *left_out: str, queue: bool = True) -> None:
        kept = {name: widget for name, widget in form.items() if name not in left_out}

        def refresh(request: gr.Request, *values: Any) -> tuple[Any, ...]:
            return show(results, language_of(request), **dict(zip(kept, values, strict=True)))

        # The last of several quick choices counts: "once", gradio's own way, would drop it.
        gr.on(events, refresh, list(kept.values()), shown, trigger_mode="always_last", queue=queue, **_PRIVATE)

    # A value that the choice takes away must not be sent with it: gradio refuses what it no longer offers.
    listen([language.input], "view", "columns")
    listen([view.input], "columns")
    listen([families.input, size.input, columns.input, plot.input])
    listen([tab.select], queue=False)

    def open_row(
        view: str, text: str, table: pd.DataFrame, event: gr.SelectData, request: gr.Request
    ) -> tuple[Any, ...]:
        cells = dict(zip(table.columns, event.row_value, strict=True))
        encoder, variant = (cells.get(heading(name, language_of(request))) or "" for name in ("encoder", "variant"))
        try:
            task, name = checkpoint_of(read_board(results), view, encoder, variant, root)
        except UserError as error:
            gr.Warning(in_language(error, language_of(request)))
            return gr.skip(), *[gr.skip()] * len(compare.shown)
        return gr.Tabs(selected="compare"), *compare.open(text, task, [name], request)

    table.select(open_row, [view, compare.text, table], [tabs, *compare.shown], **_PRIVATE)
    _add_endpoint(results)


def _add_endpoint(results: Path | None) -> None:
    def leaderboard(task: str) -> list[dict[str, Any]]:
        """Return the entries of a task, best first.

        Each has the main metric's value (the mean over seeds) with its 95 % interval `low` to `high`, the ranks that
        it may have, and what it costs.

        Args:
            task: one of the board's, such as go_emotions.
        """
        return records_of(read_board(results), task)

    gr.api(endpoint(leaderboard), api_name="leaderboard")


def show(
    results: Path | None,
    page: Language,
    view: str | None = None,
    language: str = "",
    families: Sequence[str] = (),
    size: str = _ANY,
    columns: Sequence[str] = (),
    plot: str = PLOTS[0],
) -> tuple[Any, ...]:
    """Return what the tab's widgets show.

    Args:
        results: the folder of runs; None is the project's own.
        page: the language of the page.
        view: a task or the mean ranks of a language; None is the first task in the page's language.
        language: "en" or "zh" offers only the views of that language; "" offers all.
        families: the families to show; an empty list shows all.
        size: one of SIZES.
        columns: the columns to show beside the encoder; an empty list shows the usual ones.
        plot: one of PLOTS.
    """
    try:
        board = read_board(results)
        offered = views(board, language)
        view = view if view in offered else first_task(offered, page)
        if view is None:
            raise PageError("nothing_left")
        every = sorted(set(board.cells["family"]))
        kept = select(board, families or every, size)
        table = table_of(kept, view)
    except UserError as error:
        hidden = gr.Dataframe(visible=False), gr.DownloadButton(visible=False), None
        return *[gr.skip()] * 3, in_language(error, page), *hidden, gr.skip()
    chosen = [name for name in columns if name in table] or usual(table)
    figure, problem = _figure(kept, view, plot, page)
    return (
        gr.Dropdown(choices=[(heading(name, page), name) for name in offered], value=view),
        gr.Dropdown(choices=every),
        gr.Dropdown(
            choices=[(heading(name, page), name) for name in table.columns if name not in ("encoder", "variant")],
            value=[name for name in chosen if name in columns],
        ),
        " ".join(filter(None, [note_of(kept, view, page), problem])),
        _dataframe(table[_with_names(table, chosen)], page),
        gr.DownloadButton(value=write_csv(kept, view), visible=True),
        figure,
        gr.Dataframe(with_headings(published_of(board, view), page)),
    )


def _with_names(table: pd.DataFrame, chosen: list[str]) -> list[str]:
    """The chosen columns with those that name an entry; the variant, where there is any, comes after the score."""
    variant = ["variant"] if "variant" in table and table["variant"].any() else []
    return ["encoder", *chosen[:2], *variant, *chosen[2:]]


def usual(table: pd.DataFrame) -> list[str]:
    """Return the columns that are shown by default: the rank, the main metric's, and short ones."""
    scores = [name for name in table.columns if "[95 %]" in name or name.startswith("mean")]
    first = [name for name in ("rank", *scores) if name in table]
    return first + [name for name in table.columns[1:] if name in SHOWN and name not in first]


def checkpoint_of(board: "Board", view: str, encoder: str, variant: str, root: Path | None) -> tuple[str, str]:
    """Return the task and the name of the checkpoint that a run of an entry made; with the mean ranks of a language,
    where an entry is an encoder with any recipe, that of the first task that has one.

    Raises:
        UserError: there is no such checkpoint.
    """
    from benchmark.board.tables import entry_name

    code = next((code for code, name in OVERALL.items() if name == view), None)
    tasks = [name for name in views(board, code) if name not in OVERALL.values()] if code else [view]
    of_entry = (board.runs["encoder"] == encoder) & ((board.runs["variant"] == variant) | bool(code))
    runs = set(board.runs.loc[of_entry, "id"])
    for task in tasks:
        for name, folder in catalogue(root).get(task, {}).items():
            if read(folder).info.run in runs:
                return task, name
    raise PageError("no_such_checkpoint", encoder=entry_name({"encoder": encoder, "variant": variant}), task=view)


def _dataframe(table: pd.DataFrame, page: Language) -> gr.Dataframe:
    kinds: list[Literal["number", "str"]] = ["number" if table[name].dtype.kind in "if" else "str" for name in table]
    # A phone shows the first two columns and the beginning of the third, which is the score.
    widths: list[str | int] = [_WIDTHS.get(name, "220px" if "[" in name else "130px") for name in table.columns]
    return gr.Dataframe(with_headings(table, page), datatype=kinds, column_widths=widths, wrap=True, visible=True)


def _figure(board: "Board", view: str, plot: str, page: Language) -> tuple[Any, str]:
    """A plot, or the reason why there is none: one entry has no ranks, a single-label task has no rules."""
    try:
        return in_words(figure_of(board, view, plot), page), ""
    except UserError as error:
        return None, in_language(error, page)
