"""Which words support a label: the widgets below the comparison."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from demo.attribution.handlers import HIGHEST, as_view, explain, labels_of
from demo.compare.handlers import shown_at_first
from demo.compare.view import CompareTab
from demo.shared.models import catalogue
from demo.shared.page_texts import label, language_of
from demo.shared.texts import Language, in_language, say
from zoo.errors import UserError

_SCRIPT = (Path(__file__).parent / "script.js").read_text(encoding="utf-8")
_TEMPLATE = '<section class="zoo"></section>'
_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal", "concurrency_limit": 1}


# The checkpoints that are ticked, without the server.
_TICKED = "(names) => ({__type__: 'update', choices: names.map((name) => [name, name]), value: names[0] ?? null})"


def add(root: Path | None, compare: CompareTab) -> None:
    """Add the widgets to the open Blocks; nothing is computed before the button is pressed."""
    text, task, names = compare.text, compare.task, compare.names
    with gr.Accordion(label("attribution"), open=False, elem_id="attribution", elem_classes="zoo-after"):
        with gr.Row(equal_height=False):
            name = gr.Dropdown([], label=label("checkpoint"), min_width=220, elem_id="attribution-checkpoint")
            wanted = gr.Dropdown([], label=label("attribution_label"), min_width=220, elem_id="attribution-label")
        button = gr.Button(label("attribution_explain"), elem_id="attribution-explain")
        view = gr.HTML(None, html_template=_TEMPLATE, js_on_load=_SCRIPT, apply_default_css=False)

    def choose_task(task: str | None, request: gr.Request) -> tuple[gr.Dropdown, gr.Dropdown]:
        # `names` is not used: it may still hold the last task's checkpoints, which gradio refuses.
        opening = shown_at_first(catalogue(root).get(task or "", {}))
        return choices(task or "", opening, language_of(request), root)

    def show(text: str, task: str | None, name: str | None, wanted: str | None, request: gr.Request) -> dict[str, Any]:
        return explain_or_say_why(text, task or "", name or "", wanted or HIGHEST, language_of(request), root)

    # Not in the queue: its answer could end the stream on which the comparison's is waited for (gradio 6.31).
    task.change(choose_task, task, [name, wanted], queue=False, api_visibility="private", show_progress="minimal")
    names.change(None, names, name, js=_TICKED, api_visibility="private")
    button.click(show, [text, task, name, wanted], view, **_PRIVATE)


def choices(task: str, names: list[str], language: Language, root: Path | None) -> tuple[gr.Dropdown, gr.Dropdown]:
    """Return the checkpoints of the comparison and the first one's labels, to choose from."""
    name = names[0] if names else None
    labels: tuple[str, ...] = ()
    if name:
        with suppress(UserError):  # told when the button is pressed
            labels = labels_of(task, name, root)
    return (
        gr.Dropdown(choices=names, value=name),
        gr.Dropdown(choices=[(say("attribution_highest", language), HIGHEST), *labels], value=HIGHEST),
    )


def explain_or_say_why(
    text: str, task: str, name: str, wanted: str, language: Language, root: Path | None
) -> dict[str, Any]:
    """Return an attribution as script.js draws it, or `{"problem": ...}` with the reason why there is none."""
    try:
        return as_view(text, name, explain(text, task, name, wanted, root), language)
    except UserError as error:
        return {"problem": in_language(error, language)}
