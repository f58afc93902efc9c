"""The Compare tab: a form, and the comparison drawn in the browser.

The scores come from the server once for each text. Thresholds never go there: the browser applies them (`decide.js`).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from demo.compare.examples import examples_for, is_example
from demo.compare.handlers import View, as_json, read_link, shown_at_first
from demo.compare.handlers import classify as classify_text
from demo.compare.validation import validation
from demo.shared.endpoints import endpoint
from demo.shared.models import catalogue, read
from demo.shared.page_texts import label, language_of
from demo.shared.texts import in_language
from zoo.errors import UserError

DEMO = Path(__file__).parents[1]
# They run in one scope, in this order.
SCRIPTS = (
    "compare/decide.js",
    "shared/figures.js",
    "compare/share.js",
    "compare/controls.js",
    "compare/table.js",
    "compare/script.js",
)
_TEMPLATE = '<section class="zoo" aria-label="Comparison"><p class="zoo-quiet">...</p></section>'
# The models answer one request at a time, so that the latency shown is that of one text alone.
MODELS: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "models"}
_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal", **MODELS}


def compare(
    text: str, task: str | None, names: list[str], root: Path | None, results: Path | None = None
) -> dict[str, Any]:
    """Return the comparison as the view takes it: with its text, and with the counts of each threshold on validation.

    Raises:
        UserError: the text is empty or too long, or the task or a checkpoint is unknown.
    """
    comparison = classify_text(text, task or "", names, root)
    found = as_json(comparison)
    folders = catalogue(root)[comparison.task]
    for answer in found["answers"]:
        checkpoint = read(folders[answer["name"]])
        known = validation(checkpoint.info, checkpoint.decision, results)
        answer["validation"] = known and asdict(known)
    return found | {"text": text}


@dataclass(frozen=True)
class CompareTab:
    """The parts of the tab that other parts of the app use.

    `text`, `task` and `names` are the form, `view` holds the comparison on screen; `open(text, task, names, request)`
    returns the values of `shown` for a comparison of these checkpoints.
    """

    text: gr.Textbox
    task: gr.Dropdown
    names: gr.CheckboxGroup
    view: gr.HTML
    shown: list[Component]
    open: Callable[[str, str, list[str], gr.Request], tuple[Any, ...]]


def add(demo: gr.Blocks, root: Path | None, results: Path | None) -> CompareTab:
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
    form: list[Component] = [text, task, names]

    def show(text: str, task: str | None, names: list[str], request: gr.Request) -> dict[str, Any]:
        try:
            return compare(text, task, names, root, results)
        except UserError as error:
            return {"problem": in_language(error, language_of(request))}

    def choose_example(sample: list[str], task: str | None, names: list[str], request: gr.Request) -> tuple[Any, ...]:
        return sample[0], show(sample[0], task, names, request)

    def choose_task(text: str, task: str, request: gr.Request) -> tuple[Any, ...]:
        folders = list(catalogue(root).get(task, {}))
        chosen = shown_at_first(folders)
        text = own_text(text, task)
        return text, *_form(task, folders, chosen), show(text, task, chosen, request)

    def open_page(link: str, request: gr.Request) -> tuple[Any, ...]:
        try:
            asked = read_link(link, root, language_of(request))
        except UserError as error:
            problem = {"problem": in_language(error, language_of(request))}
            if not catalogue(root):
                return *[gr.skip()] * 4, problem
            return *open_view(read_link("", root, language_of(request)), request)[:-1], problem
        return open_view(asked, request)

    def open_view(asked: View, request: gr.Request) -> tuple[Any, ...]:
        folders = catalogue(root)
        names, examples = _form(asked.task, list(folders[asked.task]), asked.names)
        tasks = gr.Dropdown(choices=list(folders), value=asked.task)
        return asked.text, tasks, names, examples, show(asked.text, asked.task, list(asked.names), request)

    def open_checkpoints(text: str, task: str, names: list[str], request: gr.Request) -> tuple[Any, ...]:
        return open_view(View(task, own_text(text, task), tuple(names)), request)

    link = gr.Textbox(visible=False)
    shown: list[Component] = [*form, examples, view]
    demo.load(open_page, link, shown, js="() => location.hash", **_PRIVATE)
    task.input(choose_task, [text, task], [text, names, examples, view], trigger_mode="multiple", **_PRIVATE)
    # A click during an answer counts, too, such as the second of two boxes unchecked one after the other.
    gr.on([button.click, text.submit, names.input], show, form, view, trigger_mode="always_last", **_PRIVATE)
    examples.click(choose_example, [examples, task, names], [text, view], trigger_mode="multiple", **_PRIVATE)
    _add_endpoint(root)
    return CompareTab(text, task, names, view, shown, open_checkpoints)


def own_text(text: str, task: str) -> str:
    """Return a visitor's own text; in place of an example or no text, the task's first example."""
    return examples_for(task)[0] if is_example(text) or not text.strip() else text


def _script() -> str:
    return "\n".join((DEMO / name).read_text(encoding="utf-8") for name in SCRIPTS)


def _form(task: str, folders: list[str], chosen: Sequence[str]) -> tuple[gr.CheckboxGroup, gr.Dataset]:
    examples = gr.Dataset(samples=[[text] for text in examples_for(task)])
    return gr.CheckboxGroup(choices=folders, value=list(chosen)), examples


def _add_endpoint(root: Path | None) -> None:
    def classify(
        text: str,
        task: str,
        checkpoints: list[str],
        thresholds: dict[str, float] | None = None,
        calibrated: bool = True,
    ) -> dict[str, Any]:
        """Classify one text with several checkpoints of a task.

        Each answer has its scores, fitted thresholds and decided labels.

        Args:
            text: what to classify.
            task: one of the app's tasks, such as go_emotions.
            checkpoints: names of the task's models, such as minilm-l6.
            thresholds: from 0 to 1, by label, in place of the fitted ones.
            calibrated: whether these are thresholds of calibrated scores; of the raw ones otherwise.
        """
        return as_json(classify_text(text, task, checkpoints, root), thresholds, calibrated)

    gr.api(endpoint(classify), api_name="classify", **MODELS)
