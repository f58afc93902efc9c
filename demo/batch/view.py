"""The Batch tab: texts pasted or in a file, a table of what each checkpoint decides, and all of it to download."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs

import gradio as gr

from demo.batch.downloads import write_csv, write_jsonl
from demo.batch.handlers import Results, as_view, classify_rows
from demo.batch.inputs import MAX_BYTES, MAX_ROWS, BatchRows, quote, read_rows
from demo.batch.preview import as_table, preview
from demo.batch.time_left import Progress
from demo.compare.examples import sample_files
from demo.compare.handlers import MAX_CHARACTERS, first_task, shown_at_first
from demo.shared.drawing import drawing, packed
from demo.shared.late_choices import late
from demo.shared.models import catalogue, labels_of
from demo.shared.notes import notes
from demo.shared.page_texts import label, language_of
from demo.shared.plain_table import table
from demo.shared.texts import Language, in_language, say
from demo.shared.waiting import begins, ends
from zoo.errors import UserError
from zoo.row_files.encodings import encoding_name
from zoo.row_files.format import RowFile

_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
_LIMITS = {
    "rows": f"{MAX_ROWS:,}",
    "characters": f"{MAX_CHARACTERS:,}",
    "total": f"{MAX_BYTES:,}",
    "size": MAX_BYTES // 1_000_000,
}
_TOP = '<section class="zoo"><p class="zoo-quiet"></p></section>'
_TOP_SCRIPT = f"""
const samples = {json.dumps(sample_files(), ensure_ascii=False)};
element.querySelector("p").textContent = zooText("batch_limits", {json.dumps(_LIMITS)});
window.zooSample = () => {{
  const task = zooAddress.read().get("batch") ?? "";
  const file = new Blob(["\ufeff", samples[task] ?? samples[""]], {{ type: "text/csv" }});
  const link = document.createElement("a");
  Object.assign(link, {{ href: URL.createObjectURL(file), download: "sample.csv" }});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}};
"""
# They run in one scope, in this order.
_SCRIPTS = (
    "compare/decide.js",
    "shared/thresholds.js",
    "shared/plain_table.js",
    "batch/metrics.js",
    "batch/thresholds.js",
    "batch/results.js",
)
# Not in the queue of single texts: one of those has its turn between two batches of 32 texts.
_BATCHES: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "batches"}
_NOTHING: tuple[Any, ...] = ({}, None, gr.DownloadButton(visible=False), gr.DownloadButton(visible=False))


def add(tab: gr.Tab, root: Path | None) -> None:
    """Add the tab's widgets to the open Blocks; the checkpoints are found when the tab is opened."""
    gr.HTML(_TOP, js_on_load=_TOP_SCRIPT, apply_default_css=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=300):
            pasted = gr.Textbox(
                label=label("batch_pasted_label"),
                info=label("batch_pasted_info"),
                lines=8,
                max_lines=8,  # as `lines`: otherwise gradio measures thousands of lines at every change
                elem_id="batch-texts",
            )
            file = gr.File(label=label("batch_file"), height=140, elem_id="batch-file")
            sample = gr.Button(label("batch_sample"), size="sm", elem_id="batch-sample")
        with gr.Column(scale=2, min_width=300):
            task = gr.Dropdown([], label=label("task"), elem_id="batch-task")
            names = gr.CheckboxGroup([], label=label("checkpoints"), elem_id="batch-checkpoints")
            text_column = gr.Dropdown([], label=label("batch_text_column"), visible=False, elem_id="batch-text-column")
            labels_column = gr.Dropdown(
                [],
                label=label("batch_labels_column"),
                info=label("batch_labels_info"),
                visible=False,
                elem_id="batch-labels-column",
            )
            late(task, names, text_column, labels_column)
            header = gr.Checkbox(True, label=label("batch_has_header"), visible=False, elem_id="batch-header")
            with gr.Row():
                button = gr.Button(label("batch_run"), variant="primary", min_width=120, elem_id="batch-run")
                cancel = gr.Button(label("batch_cancel"), interactive=False, min_width=120, elem_id="batch-cancel")
    about, first_rows = notes("batch-about"), table("batch-preview")
    columns = [text_column, labels_column, header, about, first_rows]
    shown = [*_add_results(), cancel, button]

    def look(file: str | None, task: str | None, request: gr.Request) -> tuple[Any, ...]:
        return _looked(file, task, None, root, language_of(request))

    def look_again(file: str | None, task: str | None, header: bool, request: gr.Request) -> tuple[Any, ...]:
        return _looked(file, task, header, root, language_of(request))

    ends("batch", file.change(look, [file, task], columns, js=begins("batch"), **_QUIET))
    ends("batch", header.input(look_again, [file, task, header], columns, js=begins("batch"), **_QUIET))
    texts = [pasted, file, text_column, labels_column, header]
    changes = [pasted.change, file.change, text_column.change, labels_column.change, header.change]
    gr.on(changes, None, texts, js="(...texts) => zooBatchNow(texts)", **_QUIET)
    sample.click(None, js="() => zooSample()", api_visibility="private")

    def run(
        pasted: str,
        file: str | None,
        text_column: str | None,
        labels_column: str | None,
        header: bool,
        task: str | None,
        names: list[str],
        request: gr.Request,
    ) -> Iterator[tuple[Any, ...]]:
        language = language_of(request)
        yield {"lines": [say("batch_begins", language)], "progress": 0}, *_NOTHING[1:], *_buttons(running=True)
        try:
            rows = read_rows(pasted, file, text_column or "", labels_column or "", header)
            progress = Progress(rows.texts, names)
            for step in classify_rows(rows, task or "", names, root):
                if isinstance(step, Results):
                    for values in _show(step, rows, labels_column or "", task or "", language):
                        yield *values, *_buttons(running=False)
                else:
                    line, share = progress(step, language)
                    yield {"lines": [line], "progress": share}, *(gr.skip(),) * (len(shown) - 1)
        except UserError as error:
            yield {"problem": in_language(error, language)}, *_NOTHING[1:], *_buttons(running=False)

    form = [*texts, task, names]
    asking = "(...form) => (zooBatchAsked(form.slice(0, -2)), form)"
    event = button.click(run, form, shown, js=asking, show_progress="hidden", api_visibility="private", **_BATCHES)
    # First the run is cancelled, then the page says so. The other way round, gradio (6.31) cancels only when the words
    # are there, and the progress of a run that goes on so long can be written over them.
    cancel.click(None, cancels=[event], **_QUIET).then(_cancelled, None, shown, **_QUIET)

    def open_tab(task: str | None, link: str, request: gr.Request) -> tuple[Any, ...]:
        """Keep a visitor's choice as long as there is such a task; at first, it is what the address asks for."""
        found, asked = catalogue(root), parse_qs(link.lstrip("#"))
        if task in found:
            return (gr.skip(),) * 3
        wanted = asked.get("batch", [""])[-1]
        if wanted not in found:
            return _choices(first_task(found, language_of(request)), root)
        return _choices(wanted, root, [name for name in asked.get("with", []) if name in found[wanted]])

    def choose_task(task: str | None, opened: str) -> tuple[Any, ...]:
        """Do nothing where the task is open already: gradio calls it a choice when a list is only looked at."""
        return (gr.skip(),) * 3 if task == opened else _choices(task, root)

    link, opened = gr.Textbox(visible=False), gr.Textbox(visible=False)
    choices, located = [task, names, opened], begins("batch", "(task) => [task, location.hash]")
    opening = tab.select(open_tab, [task, link], choices, js=located, **_QUIET)
    last: dict[str, Any] = {"trigger_mode": "always_last", **_QUIET}
    chosen = task.input(choose_task, [task, opened], choices, js=begins("batch"), **last)
    ends("batch", opening)
    ends("batch", chosen)
    note: dict[str, Any] = {"fn": None, "inputs": [task, names], "outputs": None}
    for event, step in ((opening, "false"), (chosen, "true")):
        event.then(**note, js=f"(batch, names) => zooAddress.write({{ batch, with: names }}, {step})", **_QUIET)
    names.input(**note, js="(batch, names) => zooAddress.write({ batch, with: names })", **_QUIET)


def _add_results() -> list[Any]:
    status = notes("batch-status", min_height=56)
    found = drawing("batch-results", *_SCRIPTS)
    with gr.Row():
        csv = gr.DownloadButton(label("batch_csv"), visible=False, elem_id="batch-csv")  # type: ignore[arg-type]
        jsonl = gr.DownloadButton(label("batch_jsonl"), visible=False, elem_id="batch-jsonl")  # type: ignore[arg-type]
    return [status, found, csv, jsonl]


def _looked(
    file: str | None, task: str | None, header: bool | None, root: Path | None, language: Language
) -> tuple[Any, ...]:
    """The columns to choose from, the header box, how the file is read, and its first rows."""
    hidden = (gr.Dropdown(visible=False), gr.Dropdown(visible=False), gr.Checkbox(visible=False))
    if file is None:
        return *hidden, {}, None
    try:
        found = preview(Path(file), labels_of(task, root), header)
    except UserError as error:
        return *hidden, {"problem": in_language(error, language)}, None
    columns = list(found.file.columns)
    none = (say("batch_no_labels", language), "")
    about = "batch_preview" if found.file.rows else "batch_preview_empty"
    lines = [say(about, language, rows=f"{found.file.rows:,}"), *file_notes(found.file, language)]
    return (
        gr.Dropdown(choices=columns, value=found.text, visible=True),
        gr.Dropdown(choices=[none, *columns], value=found.labels, visible=True),
        gr.Checkbox(value=found.header, visible=found.asks),
        {"lines": [" ".join(lines)]},
        packed(as_table(found)),
    )


def _show(
    results: Results, rows: BatchRows, labels_column: str, task: str, language: Language
) -> Iterator[tuple[Any, ...]]:
    """Yield once: when gradio asks for the next step, it has copied the two files, and they are deleted."""
    missing = labels_column if rows.file and results.y_true is None else ""
    with TemporaryDirectory() as folder:
        yield (
            {"lines": [note(results, missing, rows.empty, language), *file_notes(rows.file, language)]},
            packed(as_view(results, task)),
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


def note(results: Results, missing_column: str, empty: int = 0, language: Language = "en") -> str:
    """Return the note above the table: how many rows there are, how many had no text, and on how many the checkpoints
    agree; then the missing column of a file without gold labels, or how many labels have no gold row."""
    values = {"rows": f"{len(results.texts):,}"}
    parts = [say("batch_all_shown", language, **values)]
    if empty:
        parts.append(say("batch_skipped", language, empty=f"{empty:,}"))
    if len(results.decided) > 1:
        parts.append(say("batch_agreed", language, **values, agreed=f"{results.agreed().sum():,}"))
    if missing_column:
        parts.append(say("batch_no_gold", language, column=quote(missing_column)))
    if absent := results.labels_without_gold():
        parts.append(say("batch_labels_without_gold", language, count=absent, all=len(results.labels)))
    return " ".join(parts)


def _cancelled(request: gr.Request) -> tuple[Any, ...]:
    return {"lines": [say("batch_cancelled", language_of(request))]}, *_NOTHING[1:], *_buttons(running=False)


def _buttons(running: bool) -> tuple[gr.Button, gr.Button]:
    """The button that cancels and the one that starts: gradio drops a click that starts what runs already."""
    return gr.Button(interactive=running), gr.Button(interactive=not running)


def _choices(task: str | None, root: Path | None, ticked: list[str] | None = None) -> tuple[Any, ...]:
    found = catalogue(root)
    names = list(found.get(task or "", {}))
    boxes = gr.CheckboxGroup(choices=names, value=ticked or shown_at_first(names))
    return gr.Dropdown(choices=list(found), value=task), boxes, task or ""
