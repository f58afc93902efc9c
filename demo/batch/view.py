"""The Batch tab: texts pasted or in a file, a table of what each checkpoint decides, and all of it to download."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs

import gradio as gr

from demo.batch.downloads import write_csv, write_jsonl
from demo.batch.handlers import SHOWN_ROWS, Results, classify_rows, metrics_table, shown_table
from demo.batch.inputs import MAX_BYTES, MAX_ROWS, quote, read_rows
from demo.compare.handlers import MAX_CHARACTERS, first_task, shown_at_first
from demo.shared.models import catalogue
from demo.shared.notes import notes
from demo.shared.page_texts import label, language_of
from demo.shared.texts import Language, in_language, say
from zoo.errors import UserError
from zoo.row_files.encodings import encoding_name
from zoo.row_files.format import RowFile

_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
_LIMITS = {"rows": f"{MAX_ROWS:,}", "characters": f"{MAX_CHARACTERS:,}", "size": MAX_BYTES // 1_000_000}
_LIMITS_SCRIPT = f'element.querySelector("p").textContent = zooText("batch_limits", {json.dumps(_LIMITS)});'
# Not in the queue of single texts: one of those has its turn between two batches of 32 texts.
_BATCHES: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "batches"}
_PROGRESS = gr.Progress()
_NOTHING: tuple[Any, ...] = (
    {},
    gr.Dataframe(visible=False),
    gr.Dataframe(visible=False),
    gr.DownloadButton(visible=False),
    gr.DownloadButton(visible=False),
)


def add(tab: gr.Tab, root: Path | None) -> None:
    """Add the tab's widgets to the open Blocks; the checkpoints are found when the tab is opened."""
    gr.HTML(
        '<section class="zoo"><p class="zoo-quiet"></p></section>', js_on_load=_LIMITS_SCRIPT, apply_default_css=False
    )
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=300):
            pasted = gr.Textbox(
                label=label("batch_pasted_label"),
                info=label("batch_pasted_info"),
                lines=10,
                max_lines=10,  # as `lines`: otherwise gradio measures thousands of lines at every change
                elem_id="batch-texts",
            )
            file = gr.File(label=label("batch_file"), height=140, elem_id="batch-file")
        with gr.Column(scale=2, min_width=300):
            task = gr.Dropdown([], label=label("task"), elem_id="batch-task")
            names = gr.CheckboxGroup([], label=label("checkpoints"), elem_id="batch-checkpoints")
            text_column = gr.Textbox("text", label=label("batch_text_column"))
            labels_column = gr.Textbox("labels", label=label("batch_labels_column"), info=label("batch_labels_info"))
            with gr.Row():
                button = gr.Button(label("batch_run"), variant="primary", min_width=120, elem_id="batch-run")
                cancel = gr.Button(label("batch_cancel"), interactive=False, min_width=120, elem_id="batch-cancel")
    shown = [*_add_results(), cancel]

    def run(
        pasted: str,
        file: str | None,
        text_column: str,
        labels_column: str,
        task: str | None,
        names: list[str],
        request: gr.Request,
        progress: gr.Progress = _PROGRESS,
    ) -> Iterator[tuple[Any, ...]]:
        language = language_of(request)
        yield *_NOTHING, gr.Button(interactive=True)
        try:
            rows = read_rows(pasted, file, text_column, labels_column)
            total = len(rows.texts) * len(names)
            for step in classify_rows(rows, task or "", names, root):
                if isinstance(step, Results):
                    for values in _show(step, rows.file, labels_column, task or "", language):
                        yield *values, gr.Button(interactive=False)
                else:
                    progress((step, total), say("batch_progress", language), unit=say("batch_unit", language))
                    yield (gr.skip(),) * len(shown)
        except UserError as error:
            yield {"problem": in_language(error, language)}, *_NOTHING[1:], gr.Button(interactive=False)

    form = [pasted, file, text_column, labels_column, task, names]
    event = button.click(run, form, shown, show_progress_on=shown[0], api_visibility="private", **_BATCHES)
    cancel.click(_cancelled, None, shown, cancels=[event], **_QUIET)

    def open_tab(task: str | None, link: str, request: gr.Request) -> tuple[Any, ...]:
        """Keep a visitor's choice as long as there is such a task; at first, it is what the address asks for."""
        found, asked = catalogue(root), parse_qs(link.lstrip("#"))
        if task in found:
            return gr.skip(), gr.skip()
        wanted = asked.get("batch", [""])[-1]
        if wanted not in found:
            return _choices(first_task(found, language_of(request)), root)
        return _choices(wanted, root, [name for name in asked.get("with", []) if name in found[wanted]])

    def choose_task(task: str | None, link: str) -> tuple[Any, ...]:
        """Do nothing where the task is chosen already."""
        same = parse_qs(link.lstrip("#")).get("batch", [""])[-1] == task
        return (gr.skip(), gr.skip()) if same else _choices(task, root)

    link = gr.Textbox(visible=False)
    opening = tab.select(open_tab, [task, link], [task, names], js="(task) => [task, location.hash]", **_QUIET)
    chosen = task.input(choose_task, [task, link], [task, names], js="(task) => [task, location.hash]", **_QUIET)
    note: dict[str, Any] = {"fn": None, "inputs": [task, names], "outputs": None}
    for event, step in ((opening, "false"), (chosen, "true")):
        event.then(**note, js=f"(batch, names) => zooAddress.write({{ batch, with: names }}, {step})", **_QUIET)
    names.input(**note, js="(batch, names) => zooAddress.write({ batch, with: names })", **_QUIET)


def _add_results() -> list[Any]:
    status = notes("batch-status", min_height=56)
    measured = gr.Dataframe(interactive=False, show_label=False, visible=False, elem_id="batch-metrics")
    table = gr.Dataframe(interactive=False, show_label=False, wrap=True, visible=False, elem_id="batch-table")
    with gr.Row():
        csv = gr.DownloadButton(label("batch_csv"), visible=False, elem_id="batch-csv")  # type: ignore[arg-type]
        jsonl = gr.DownloadButton(label("batch_jsonl"), visible=False, elem_id="batch-jsonl")  # type: ignore[arg-type]
    return [status, measured, table, csv, jsonl]


def _show(
    results: Results, file: RowFile | None, labels_column: str, task: str, language: Language
) -> Iterator[tuple[Any, ...]]:
    """Yield once: when gradio asks for the next step, it has copied the two files, and they are deleted."""
    header, rows = shown_table(results, language)
    measures, measured = metrics_table(results, language)
    missing = labels_column if file and results.y_true is None else ""
    with TemporaryDirectory() as folder:
        yield (
            {"lines": [note(results, missing, language), *file_notes(file, language)]},
            gr.Dataframe(measured, headers=measures, visible=bool(measured)),
            gr.Dataframe(rows, headers=header, column_widths=_widths(header), visible=True),
            gr.DownloadButton(value=write_csv(results, Path(folder) / f"batch-{task}.csv"), visible=True),
            gr.DownloadButton(value=write_jsonl(results, Path(folder) / f"batch-{task}.jsonl"), visible=True),
        )


def file_notes(file: RowFile | None, language: Language = "en") -> list[str]:
    """Return how a file was read, and what a visitor should know of it."""
    if file is None or file.form == "parquet":
        return []
    values = {"encoding": encoding_name(file.encoding), "separator": {"\t": "Tab"}.get(file.separator, file.separator)}
    remarks = [say(f"batch_remark_{remark.kind}", language, **remark.values) for remark in file.remarks]
    return [" ".join([say(f"batch_read_{file.form}", language, **values), *remarks])]


def _widths(header: list[str]) -> list[str | int]:
    """Widths in pixels: a long text must not push the decisions away, and a phone scrolls within the table."""
    rest = len(header) - 2
    return [60, 290, *[max(190, 820 // rest)] * rest]


def note(results: Results, missing_column: str, language: Language = "en") -> str:
    """Return the note above the table: how many rows it shows and on how many the checkpoints agree; then the missing
    column of a file without gold labels, or how many labels have no gold row."""
    rows, values = len(results.texts), {"rows": f"{len(results.texts):,}", "shown": SHOWN_ROWS}
    parts = [say("batch_first_shown" if rows > SHOWN_ROWS else "batch_all_shown", language, **values)]
    if len(results.decided) > 1:
        parts.append(say("batch_agreed", language, **values, agreed=f"{results.agreed().sum():,}"))
    if missing_column:
        parts.append(say("batch_no_gold", language, column=quote(missing_column)))
    if absent := results.labels_without_gold():
        parts.append(say("batch_labels_without_gold", language, count=absent, all=len(results.labels)))
    return " ".join(parts)


def _cancelled(request: gr.Request) -> tuple[Any, ...]:
    return {"lines": [say("batch_cancelled", language_of(request))]}, *_NOTHING[1:], gr.Button(interactive=False)


def _choices(task: str | None, root: Path | None, ticked: list[str] | None = None) -> tuple[Any, ...]:
    found = catalogue(root)
    names = list(found.get(task or "", {}))
    boxes = gr.CheckboxGroup(choices=names, value=ticked or shown_at_first(names))
    return gr.Dropdown(choices=list(found), value=task), boxes
