"""Which words speak for a label: the widgets below the comparison."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from demo.attribution import HIGHEST, as_view, explain, labels_of
from demo.texts import Language, label, language_of, say
from zoo.errors import UserError

_SCRIPT = (Path(__file__).parent / "attribution.js").read_text(encoding="utf-8")
_TEMPLATE = '<section class="zoo"></section>'
_PRIVATE: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "minimal",
    "concurrency_limit": 1,
    "concurrency_id": "models",
}


def add(root: Path | None, text: gr.Textbox, task: gr.Dropdown, names: gr.CheckboxGroup) -> None:
    """Add the widgets to the open Blocks; nothing is computed before the button is pressed."""
    with gr.Accordion(label("attribution"), open=False, elem_id="attribution"):
        with gr.Row(equal_height=False):
            name = gr.Dropdown([], label=label("checkpoint"), min_width=160, elem_id="attribution-checkpoint")
            wanted = gr.Dropdown([], label=label("attribution_label"), min_width=160, elem_id="attribution-label")
        button = gr.Button(label("attribution_explain"), elem_id="attribution-explain")
        view = gr.HTML(None, html_template=_TEMPLATE, js_on_load=_SCRIPT, apply_default_css=False)

    def choose(task: str | None, names: list[str], name: str | None, wanted: str | None, request: gr.Request) -> Any:
        return choices(task or "", names, name, wanted, language_of(request), root)

    def show(text: str, task: str | None, name: str | None, wanted: str | None, request: gr.Request) -> dict[str, Any]:
        return explain_or_say_why(text, task or "", name or "", wanted or HIGHEST, language_of(request), root)

    gr.on([task.change, names.change, name.input], choose, [task, names, name, wanted], [name, wanted], **_PRIVATE)
    button.click(show, [text, task, name, wanted], view, **_PRIVATE)


def choices(
    task: str, names: list[str], name: str | None, wanted: str | None, language: Language, root: Path | None
) -> tuple[gr.Dropdown, gr.Dropdown]:
    """Return the checkpoints to choose from, those of the comparison, and the labels; what is chosen is kept."""
    name = name if name in names else next(iter(names), None)
    labels: tuple[str, ...] = ()
    if name:
        with suppress(UserError):  # told when the button is pressed
            labels = labels_of(task, name, root)
    wanted = wanted if wanted in labels else HIGHEST
    return (
        gr.Dropdown(choices=names, value=name),
        gr.Dropdown(choices=[(say("attribution_highest", language), HIGHEST), *labels], value=wanted),
    )


def explain_or_say_why(
    text: str, task: str, name: str, wanted: str, language: Language, root: Path | None
) -> dict[str, Any]:
    """Return an attribution as attribution.js draws it, or `{"problem": ...}` with the reason why there is none."""
    try:
        return as_view(text, name, explain(text, task, name, wanted, root), language)
    except UserError as error:
        return {"problem": str(error)}
