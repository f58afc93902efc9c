"""What stands below a comparison for a visitor who knows better: the right labels, and a button that keeps them."""

from pathlib import Path
from typing import Any

import gradio as gr

from demo.compare_view import MODELS
from demo.models import catalogue
from demo.texts import in_language, label, language_of, say
from zoo.errors import UserError, lookup


def add(root: Path | None, text: gr.Textbox, task: gr.Dropdown, names: gr.CheckboxGroup) -> None:
    """Add the widgets to the open Blocks, unless flags are switched off.

    Args:
        root: the folder of checkpoints; None is the project's own.
        text, task, names: what the comparison above is made from.
    """
    from demo.flags import folder, upload_regularly

    where = folder()
    if where is None:
        return
    upload_regularly(where)
    with gr.Accordion(label("flag"), open=False, elem_id="flag") as accordion:
        gr.Markdown(label("flag_about"))
        right = gr.CheckboxGroup([], label=label("flag_right"), elem_id="flag-right")
        button = gr.Button(label("flag_send"), elem_id="flag-send")

    def send(text: str, task: str, names: list[str], right: list[str], request: gr.Request) -> None:
        from demo.flags import flag, keep

        try:
            keep(flag(text, task, names, right, root), where)
        except UserError as error:
            raise gr.Error(in_language(error, language_of(request)), print_exception=False) from error
        gr.Info(say("flag_kept", language_of(request)))

    private: dict[str, Any] = {"api_visibility": "private"}
    gr.on([accordion.expand, task.change], lambda task: _labels(task, root), task, right, **private)
    button.click(send, [text, task, names, right], None, **private, **MODELS)


def _labels(task: str, root: Path | None) -> gr.CheckboxGroup:
    from zoo.checkpoint import read_checkpoint

    try:
        folders = lookup(catalogue(root), task, "task")
        labels = read_checkpoint(next(iter(folders.values()))).info.labels
    except UserError:  # the comparison says what is wrong
        labels = ()
    return gr.CheckboxGroup(choices=list(labels), value=[])
