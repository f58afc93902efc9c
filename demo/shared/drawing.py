"""Places on the page that the project's own scripts draw: a handler hands one a value, and its script draws it."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import gradio as gr

_FOLDER = Path(__file__).parents[1]
_numbers = count()


def drawing(
    elem_id: str, *scripts: str, html: str = '<section class="zoo"></section>', first: str = "", **layout: Any
) -> gr.HTML:
    """Return a widget for a value that `packed` has made a text of, or None.

    Args:
        elem_id: the widget's id on the page.
        scripts: files below `demo/`, the last of which draws. They run behind `shared/dom.js`, in one scope.
        html: what stands there before anything is drawn.
        first: a script that runs before them.
        layout: what else `gr.HTML` takes.
    """
    files = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("shared/dom.js", *scripts))
    script = "\n".join([first, *files])
    return gr.HTML(None, html_template=html, js_on_load=script, apply_default_css=False, elem_id=elem_id, **layout)


def packed(value: object) -> str:
    """Return a value as a JSON text that no other call returns: `unpacked` in `shared/dom.js` reads it.

    At each change of a widget, gradio (6.31) copies all that its value holds, for a comparison half a second long; a
    text costs nothing. It tells a script only of another text, so an answer that is the same again is numbered, too.
    """
    text = json.dumps([value, next(_numbers)], ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c")  # gradio warns of "<script"
