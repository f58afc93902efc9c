"""The Compare tab: a form, and the comparison drawn in the browser.

The scores come from the server once a text. Thresholds never go there: `compare.js` applies them with `decide.js`.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from demo import attribution_view
from demo.compare import SHOWN_AT_FIRST, as_json, classify, open_comparison
from demo.examples import examples_for, is_example
from demo.models import catalogue
from demo.texts import label
from zoo.errors import UserError

HERE = Path(__file__).parent
_TEMPLATE = '<section class="zoo" aria-label="Comparison"><p class="zoo-quiet">Loading the models ...</p></section>'
# The models answer one request at a time, so that the latency shown is that of one text alone.
_MODELS: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "models"}
_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal", **_MODELS}


def compare_or_say_why(text: str, task: str | None, names: list[str], root: Path | None) -> dict[str, Any]:
    """Return the comparison as the view takes it, or `{"problem": ...}` with the reason why there is none."""
    try:
        return as_json(classify(text, task or "", names, root))
    except UserError as error:
        return {"problem": str(error)}


def add(demo: gr.Blocks, root: Path | None) -> None:
    """Add the tab's widgets to the open Blocks."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=300):
            text = gr.Textbox(label=label("text"), lines=4, max_lines=10, elem_id="text")
            button = gr.Button(label("classify"), variant="primary", elem_id="classify")
        with gr.Column(scale=2, min_width=300):
            task = gr.Dropdown([], label=label("task"), elem_id="task")
            names = gr.CheckboxGroup([], label=label("checkpoints"), elem_id="checkpoints")
    examples = gr.Dataset(
        components=[gr.Textbox(visible=False)], samples=[], label=label("examples"), elem_id="examples"
    )
    view = gr.HTML(
        None, html_template=_TEMPLATE, js_on_load=_script(), apply_default_css=False, min_height=300, elem_id="compare"
    )
    attribution_view.add(root, text, task, names)
    form = [text, task, names]

    def show(text: str, task: str | None, names: list[str]) -> dict[str, Any]:
        return compare_or_say_why(text, task, names, root)

    def choose_example(sample: list[str], task: str | None, names: list[str]) -> tuple[str, dict[str, Any]]:
        return sample[0], show(sample[0], task, names)

    def choose_task(text: str, task: str) -> tuple[Any, ...]:
        return _choose_task(text, task, root)

    demo.load(lambda: _open(root), None, [*form, examples, view], **_PRIVATE)
    task.input(choose_task, [text, task], [text, names, examples, view], **_PRIVATE)
    gr.on([button.click, text.submit, names.input], show, form, view, **_PRIVATE)
    examples.click(choose_example, [examples, task, names], [text, view], **_PRIVATE)
    _add_endpoint(root)


def _script() -> str:
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in ("decide.js", "compare.js"))


def _open(root: Path | None) -> tuple[Any, ...]:
    """Fill the form with the opening comparison; the folder is read at every opening, so that it can change."""
    try:
        comparison = open_comparison(root)
    except UserError as error:
        return *[gr.skip()] * 4, {"problem": str(error)}
    found = catalogue(root)
    text, names, examples = _form(comparison.task, list(found[comparison.task]))
    return text, gr.Dropdown(choices=list(found), value=comparison.task), names, examples, as_json(comparison)


def _choose_task(text: str, task: str, root: Path | None) -> tuple[Any, ...]:
    folders = list(catalogue(root).get(task, {}))
    first, names, examples = _form(task, folders)
    text = first if is_example(text) or not text.strip() else text
    return text, names, examples, compare_or_say_why(text, task, folders[:SHOWN_AT_FIRST], root)


def _form(task: str, folders: list[str]) -> tuple[str, gr.CheckboxGroup, gr.Dataset]:
    texts = examples_for(task)
    names = gr.CheckboxGroup(choices=folders, value=folders[:SHOWN_AT_FIRST])
    return texts[0], names, gr.Dataset(samples=[[text] for text in texts])


def _add_endpoint(root: Path | None) -> None:
    def api_classify(text: str, task: str, checkpoints: list[str], threshold: float | None = None) -> dict[str, Any]:
        """Classify one text with several checkpoints of a task.

        Each answer has its scores, fitted thresholds and decided labels: at the fitted thresholds, or at `threshold`
        (0 to 1) for all labels where one is given.
        """
        try:
            return as_json(classify(text, task, checkpoints, root), threshold)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error

    gr.api(api_classify, api_name="classify", **_MODELS)
