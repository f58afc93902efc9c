"""A table of plain values in the open Blocks, drawn by the project's own scripts: its headings sort it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

if TYPE_CHECKING:
    import pandas as pd

_TEMPLATE = '<section class="zoo"></section>'
_SCRIPT = """
const show = (value) => element.querySelector("section").replaceChildren(...(value ? [plainTable(value)] : []));
show(props.value);
watch("value", () => show(props.value));
"""


def table(elem_id: str, **layout: Any) -> gr.HTML:
    """Return a widget for `{"columns": [{"title": str, "figure": bool}, ...], "rows": [[cell, ...], ...]}` or None. A
    cell is a text, a number or None; the column of a figure stands on the right."""
    folder = Path(__file__).parent
    scripts = [(folder / name).read_text(encoding="utf-8") for name in ("dom.js", "plain_table.js")]
    script = "\n".join([*scripts, _SCRIPT])
    return gr.HTML(None, html_template=_TEMPLATE, js_on_load=script, apply_default_css=False, elem_id=elem_id, **layout)


def plain(frame: "pd.DataFrame") -> dict[str, Any]:
    """Return a DataFrame as the widget takes it; what is missing is None."""
    columns = [{"title": str(name), "figure": frame[name].dtype.kind in "iuf"} for name in frame]
    return {"columns": columns, "rows": frame.astype(object).where(frame.notna(), None).to_numpy().tolist()}
