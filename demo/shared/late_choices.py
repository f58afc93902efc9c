"""Lists whose choices come after the page, from a handler, and whose handlers check what was chosen."""

import gradio as gr


def late(*lists: gr.Dropdown | gr.CheckboxGroup) -> None:
    """Let each list hand on whatever the page sends.

    Gradio (6.31) checks a choice against those that it remembers for the visitor's session. After a restart of the
    server it remembers none, and would refuse whatever an open page sends.
    """
    for each in lists:
        each.preprocess = lambda payload: payload  # type: ignore[method-assign]
