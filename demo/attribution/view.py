"""Which words support a label: a click on its score shows them in the text."""

from pathlib import Path
from typing import Any

import gradio as gr

from demo.attribution.handlers import as_view, explain
from demo.compare.view import CompareTab
from demo.shared.drawing import packed
from demo.shared.page_texts import language_of
from demo.shared.texts import Language, in_language
from zoo.errors import UserError


def add(root: Path | None, compare: CompareTab) -> None:
    """Let the comparison ask for the words of a label; `script.js` draws them in the text and below it."""
    name, wanted = gr.Textbox(visible=False), gr.Textbox(visible=False)

    def show(text: str, task: str, name: str, wanted: str, request: gr.Request) -> str:
        return packed(explain_or_say_why(text, task, name, wanted, language_of(request), root))

    # Not in the queue, which can lose an answer (gradio 6.31); the models have a lock of their own.
    asked = [compare.text, compare.task, name, wanted]
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal", "queue": False}
    compare.words.submit(show, asked, compare.words, js="() => zooWords()", **quiet)


def explain_or_say_why(
    text: str, task: str, name: str, wanted: str, language: Language, root: Path | None
) -> dict[str, Any]:
    """Return an attribution as script.js draws it, or `{"problem": ...}` with the reason why there is none."""
    try:
        return as_view(text, name, explain(text, task, name, wanted, root), language)
    except UserError as error:
        return {"problem": in_language(error, language)}
