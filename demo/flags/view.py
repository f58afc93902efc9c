"""The widgets below a comparison that report a wrong verdict: the right labels, and a button that keeps them."""

from pathlib import Path
from typing import Any

import gradio as gr

from demo.compare.view import MODELS, CompareTab
from demo.flags import handlers
from demo.shared.late_choices import late
from demo.shared.models import labels_of
from demo.shared.page_texts import label, language_of
from demo.shared.texts import PageError, in_language, label_name, say
from zoo.errors import UserError


def add(root: Path | None, compare: CompareTab) -> None:
    """Add the widgets to the open Blocks, unless flags are switched off.

    Args:
        root: the folder of checkpoints; None is the project's own.
        compare: the tab with the comparison above.
    """
    where = handlers.folder()
    if where is None:
        return
    with gr.Accordion(label("flag"), open=False, elem_id="flag", elem_classes="zoo-after") as accordion:
        right = gr.CheckboxGroup([], label=label("flag_right"), info=label("flag_about"), elem_id="flag-right")
        late(right)
        button = gr.Button(label("flag_send"), elem_id="flag-send")

    sent = gr.State([])

    def send(
        shown: list[Any] | None, right: list[str], sent: list[Any], request: gr.Request
    ) -> tuple[list[str], list[Any]]:
        """Keep a flag of what is on screen, whose text and task may differ from the form by now; then empty the choice.
        The same text of the same task is kept once."""
        try:
            if not shown:
                raise PageError("nothing_classified")
            text, task, *names = map(str, shown)
            if (text, task) in sent:
                raise PageError("flag_twice")
            handlers.keep(handlers.flag(text, task, names, right, root), where)
        except UserError as error:
            raise gr.Error(in_language(error, language_of(request)), print_exception=False) from error
        gr.Info(say("flag_kept", language_of(request)))
        return [], [*sent, (text, task)]

    private: dict[str, Any] = {"api_visibility": "private"}
    changed = [accordion.expand, compare.task.change]

    def offer(task: str, request: gr.Request) -> gr.CheckboxGroup:
        names = [(label_name(task, each, language_of(request)), each) for each in labels_of(task, root)]
        return gr.CheckboxGroup(choices=names, value=[])

    gr.on(changed, offer, compare.task, right, queue=False, **private)
    js = "(_, ...others) => [zooCompare.shown(), ...others]"
    button.click(send, [compare.view, right, sent], [right, sent], js=js, **private, **MODELS)
