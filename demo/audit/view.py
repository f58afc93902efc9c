"""The Label audit tab: gold labels that the models speak against, one decision a row, and a corrected file."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs

import gradio as gr

from demo.compare.handlers import first_task
from demo.shared.drawing import drawing, packed
from demo.shared.late_choices import late
from demo.shared.notes import notes
from demo.shared.page_texts import label, language_of
from demo.shared.texts import Language, in_language
from demo.shared.waiting import begins, ends
from zoo.errors import UserError

_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal", "queue": False}


def add(tab: gr.Tab, results: Path | None) -> None:
    """Add the tab's widgets to the open Blocks; they are filled when the tab is opened."""
    task = gr.Dropdown([], label=label("task"), elem_id="audit-task")
    late(task)
    about = notes("audit-about")
    view = drawing("audit-view", "shared/plain_table.js", "audit/audit.js")
    with gr.Row():
        make = gr.Button(label("audit_make"), visible=False, elem_id="audit-make")
        corrected = gr.DownloadButton(label("audit_file"), visible=False, elem_id="audit-file")  # type: ignore[arg-type]
    link, judged, opened = (gr.Textbox(visible=False) for _ in range(3))
    shown = [about, view, make, corrected, opened]

    def open_tab(task: str | None, link: str, request: gr.Request) -> tuple[Any, ...]:
        """At first, the task is what the address asks for; a tab that is opened again stays as it is."""
        from demo.audit.handlers import tasks_at_hand
        from demo.explore.pairs import find

        if task:
            return (gr.skip(),) * 6
        language = language_of(request)
        try:
            found = find(results)
            names = tasks_at_hand(found)
        except UserError as error:
            return gr.skip(), {"problem": in_language(error, language)}, None, *_NO_FILE, ""
        asked = parse_qs(link.lstrip("#")).get("audit", [""])[-1]
        chosen = asked if asked in names else first_task({name: found.tasks[name] for name in names}, language)
        return gr.Dropdown(choices=names, value=chosen), *_shown(chosen, results, language)

    def choose(task: str | None, opened: str, request: gr.Request) -> tuple[Any, ...]:
        """Do nothing where the task is open already: gradio calls it a choice when a list is only looked at."""
        return (gr.skip(),) * 5 if task == opened else _shown(task, results, language_of(request))

    def write(task: str | None, judged: str, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Yield once: when gradio asks for the next step, it has copied the file, and it is deleted."""
        from demo.audit.handlers import audit_of, read_answers, write_corrected

        try:
            found, answers = audit_of(task or "", results), read_answers(judged)
            with TemporaryDirectory() as folder:
                path = write_corrected(found, answers, Path(folder) / f"{task}-corrected.zip")
                yield {}, gr.DownloadButton(value=path, visible=True)
        except UserError as error:
            yield {"problem": in_language(error, language_of(request))}, gr.DownloadButton(visible=False)

    asking = begins("audit", "(task) => [task, location.hash]")
    opening = tab.select(open_tab, [task, link], [task, *shown], js=asking, **_QUIET)
    last: dict[str, Any] = {"trigger_mode": "always_last", **_QUIET}
    chosen = task.input(choose, [task, opened], shown, js=begins("audit"), **last)
    for event, step in ((opening, "false"), (chosen, "true")):
        ends("audit", event)
        note = f"(audit) => zooAddress.write({{ audit }}, {step})"
        event.then(None, task, None, js=note, api_visibility="private", show_progress="hidden", queue=False)
    make.click(write, [task, judged], [about, corrected], js="(task) => [task, zooJudged()]", **_QUIET)


_NO_FILE = (gr.Button(visible=False), gr.DownloadButton(visible=False))


def _shown(task: str | None, results: Path | None, language: Language) -> tuple[Any, ...]:
    """What is said above, the suspects, the button, no file yet, and the task."""
    from demo.audit.handlers import as_view, audit_of
    from demo.shared.texts import PageError

    try:
        if not task:
            raise PageError("audit_nothing")
        found = packed(as_view(audit_of(task, results)))
    except UserError as error:
        return {"problem": in_language(error, language)}, None, *_NO_FILE, task or ""
    return {}, found, gr.Button(visible=True), gr.DownloadButton(visible=False), task
