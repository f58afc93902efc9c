"""The Compare tab: a form, and the comparison drawn in the browser.

The scores come from the server once for each text. Thresholds never go there: the browser applies them (`decide.js`).
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from demo.compare.examples import all_examples, examples_for
from demo.compare.handlers import as_json, looks_other, own_text, read_link, shown_at_first
from demo.compare.handlers import classify as classify_text
from demo.compare.policies import under
from demo.compare.validation import validation
from demo.shared.drawing import drawing, packed
from demo.shared.late_choices import late
from demo.shared.models import catalogue, read
from demo.shared.page_texts import label, language_of
from demo.shared.texts import Language, PageError, in_language
from demo.shared.waiting import begins, ends
from zoo.errors import UserError

# They run in one scope, in this order.
SCRIPTS = (
    "compare/decide.js",
    "shared/figures.js",
    "shared/thresholds.js",
    "compare/share.js",
    "compare/controls.js",
    "compare/policy.js",
    "compare/table.js",
    "compare/script.js",
)
_TEMPLATE = '<section class="zoo" aria-label="Comparison"><p class="zoo-quiet">...</p></section>'
# Requests that come at once are answered together. The page keeps 8 of gradio's threads.
MODELS: dict[str, Any] = {"concurrency_limit": 64, "concurrency_id": "models"}
THREADS = MODELS["concurrency_limit"] + 8
_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal", **MODELS}
# The fourth input of an event is the policy that is chosen in the comparison.
_POLICY = "(text, task, names, _, ...others) => [text, task, names, zooCompare.policy(), ...others]"
_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def compare(
    text: str,
    task: str | None,
    names: list[str],
    root: Path | None,
    results: Path | None = None,
    policy: str = "",
    language: Language = "en",
) -> dict[str, Any]:
    """Return the comparison as the view takes it: with its text and its policy, and with the counts of each threshold
    on validation.

    Raises:
        UserError: the text is empty or too long, the task or a checkpoint is unknown, or the policy is none.
    """
    comparison, decisions = under(classify_text(text, task or "", names, root), policy, language, root, results)
    found = as_json(comparison)
    folders = catalogue(root)[comparison.task]
    for answer in found["answers"]:
        name = answer["name"]
        known = validation(read(folders[name]).info, decisions[name], results)
        answer["validation"] = known and asdict(known)
    return found | {"text": text, "policy": policy, "looks": looks_other(text, comparison.task, catalogue(root))}


@dataclass(frozen=True)
class CompareTab:
    """The parts of the tab that other parts of the app use: `text` and `task` are of the form, `view` holds the
    comparison on screen, `words` the place for the words that speak for a label."""

    text: gr.Textbox
    task: gr.Dropdown
    view: gr.HTML
    words: gr.HTML


def add(root: Path | None, results: Path | None) -> CompareTab:
    """Add the tab's widgets to the open Blocks. They are filled when the tab is opened, from the page's address."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=300):
            text = gr.Textbox(label=label("text"), info=label("text_info"), lines=3, max_lines=10, elem_id="text")
            button = gr.Button(label("classify"), variant="primary", elem_id="classify")
            words = drawing("words", "attribution/script.js")
        with gr.Column(scale=2, min_width=300):
            task = gr.Dropdown([], label=label("task"), elem_id="task")
            names = gr.CheckboxGroup([], label=label("checkpoints"), elem_id="checkpoints")
            late(task, names)
    examples = gr.Dataset(
        components=[gr.Textbox(visible=False)], samples=[], label=label("examples"), elem_id="examples"
    )
    texts = f"const EXAMPLES = new Set({json.dumps(all_examples(), ensure_ascii=False)});"
    view = drawing("compare", *SCRIPTS, html=_TEMPLATE, first=texts, min_height=300)
    link, proposed, opened, policy = (gr.Textbox(visible=False) for _ in range(4))
    form: list[Component] = [text, task, names]

    def show(text: str, task: str | None, names: list[str], policy: str, request: gr.Request) -> str:
        language = language_of(request)
        try:
            return packed(compare(text, task, names, root, results, policy, language))
        except UserError as error:
            unknown = isinstance(error, PageError) and error.key == "policy_unknown"
            return packed({"problem": in_language(error, language), "unknown_policy": unknown})

    def open_form(link: str, request: gr.Request) -> tuple[Any, ...]:
        problem = None
        try:
            asked = read_link(link, root, language_of(request))
        except UserError as error:
            problem = packed({"problem": in_language(error, language_of(request))})
            if not catalogue(root):
                return *[gr.skip()] * 4, "", problem
            asked = read_link("", root, language_of(request))
        opened = "" if problem else asked.task
        folders = catalogue(root)
        names, examples = _form(asked.task, list(folders[asked.task]), asked.names)
        tasks = gr.Dropdown(choices=list(folders), value=asked.task)
        return tasks, names, examples, asked.text, opened, problem or gr.skip()

    def show_opening(
        text: str, task: str | None, names: list[str], policy: str, opened: str, request: gr.Request
    ) -> Any:
        """The problem of a link stays until a visitor classifies."""
        return show(text, task, names, policy, request) if opened else gr.skip()

    def choose_task(text: str, task: str | None, opened: str, request: gr.Request) -> tuple[Any, ...]:
        """Do nothing where the task is open already: gradio calls it a choice when a list is only looked at."""
        if not task or task == opened:
            return (gr.skip(),) * 5
        folders = list(catalogue(root).get(task, {}))
        chosen, proposed = shown_at_first(folders), own_text(text, task)
        return *_form(task, folders, chosen), proposed, task, show(proposed, task, chosen, "", request)

    # Only the browser writes the text, when the answer is there: what was typed meanwhile is not lost.
    keep: dict[str, Any] = {
        "fn": None,
        "inputs": [text, proposed],
        "outputs": text,
        "js": "(...texts) => zooKeepText(...texts)",
    }
    opening = view.apply(
        open_form,
        link,
        [task, names, examples, proposed, opened, view],
        js=begins("compare", "() => location.hash"),
        queue=False,
        **_QUIET,
    )
    filled: list[Component] = [*form, policy]
    kept = opening.then(**keep, **_QUIET)
    ends("compare", opening, kept)
    kept.then(show_opening, [*filled, opened], view, js=_POLICY, **_PRIVATE)
    chosen = task.input(
        choose_task,
        [text, task, opened],
        [names, examples, proposed, opened, view],
        js=begins("compare"),
        trigger_mode="always_last",
        **_PRIVATE,
    )
    ends("compare", chosen, chosen.then(**keep, **_QUIET))
    # A click during an answer counts, too, such as the second of two boxes ticked one after the other.
    classified = [button.click, text.submit, view.submit]
    gr.on(classified, show, filled, view, js=_POLICY, trigger_mode="always_last", **_PRIVATE)
    names.input(None, names, None, js="(names) => void zooCompare.choose(names)", **_QUIET)
    tried = examples.click(lambda sample: sample[0], examples, text, js=begins("compare"), queue=False, **_QUIET)
    ends("compare", tried)
    tried.then(show, filled, view, js=_POLICY, **_PRIVATE)
    return CompareTab(text, task, view, words)


def _form(task: str, folders: list[str], chosen: Sequence[str]) -> tuple[gr.CheckboxGroup, gr.Dataset]:
    examples = gr.Dataset(samples=[[text] for text in examples_for(task)])
    return gr.CheckboxGroup(choices=folders, value=list(chosen)), examples
