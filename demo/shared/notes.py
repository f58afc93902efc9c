"""The place above a tab's results for a problem or a few lines, which are always shown as plain text."""

from typing import Any

import gradio as gr

from demo.shared.drawing import drawing

_TEMPLATE = '<section class="zoo" aria-live="polite"></section>'


def notes(elem_id: str, **layout: Any) -> gr.HTML:
    """Return a widget for `{"problem": str, "told": str, "lines": [str, ...]}`, the most important first; each may be
    missing. With `"progress"`, a share from 0 to 1, a bar stands below."""
    # A script, not a template with `{{value}}`: gradio evaluates a filled template as JavaScript, and with it whatever
    # a file, a label or a link holds.
    return drawing(elem_id, "shared/notes.js", html=_TEMPLATE, **layout)
