"""A table of plain values in the open Blocks, drawn by the project's own scripts: its headings sort it."""

from typing import TYPE_CHECKING, Any

import gradio as gr

from demo.shared.drawing import drawing

if TYPE_CHECKING:
    import pandas as pd


def table(elem_id: str) -> gr.HTML:
    """Return a widget for `{"columns": [{"title": str, "figure": bool}, ...], "rows": [[cell, ...], ...]}`, `packed`,
    or None. A cell is a text, a number or None; the column of a figure stands on the right."""
    return drawing(elem_id, "shared/plain_table.js", "shared/show_table.js")


def plain(frame: "pd.DataFrame") -> dict[str, Any]:
    """Return a DataFrame as the widget takes it; what is missing is None."""
    columns = [{"title": str(name), "figure": frame[name].dtype.kind in "iuf"} for name in frame]
    return {"columns": columns, "rows": frame.astype(object).where(frame.notna(), None).to_numpy().tolist()}
