"""The Leaderboard tab: which encoder to take, the matrix, and the table of a task. It is drawn in the browser."""

from pathlib import Path
from typing import Any

import gradio as gr

from demo.leaderboard.handlers import CITATION, read_board, write_csv
from demo.leaderboard.page import board_page
from demo.shared.page_texts import label, language_of
from demo.shared.texts import in_language
from zoo.errors import UserError

DEMO = Path(__file__).parents[1]
# They run in one scope, in this order.
SCRIPTS = (
    "shared/dom.js",
    "leaderboard/answer.js",
    "leaderboard/entries.js",
    "leaderboard/front.js",
    "leaderboard/script.js",
)
_TEMPLATE = '<section class="zoo" aria-label="Leaderboard"></section>'


def add(demo: gr.Blocks, root: Path | None, results: Path | None) -> None:
    """Add the tab's widgets to the open Blocks; they are filled when the page is opened."""
    script = "\n".join((DEMO / name).read_text(encoding="utf-8") for name in SCRIPTS)
    board = gr.HTML(
        None, html_template=_TEMPLATE, js_on_load=script, apply_default_css=False, min_height=900, elem_id="board"
    )
    csv = gr.DownloadButton(label("board_csv"), size="md", visible=False, elem_id="board-csv")  # type: ignore[arg-type]
    with gr.Accordion(label("cite"), open=False, elem_classes="zoo-after"):
        gr.Code(CITATION, show_label=False, interactive=False)

    def show(request: gr.Request) -> tuple[dict[str, Any], gr.DownloadButton]:
        language = language_of(request)
        try:
            found = board_page(root, results, language)
        except UserError as error:
            return {"problem": in_language(error, language)}, gr.DownloadButton(visible=False)
        return found, gr.DownloadButton(value=write_csv(read_board(results)), visible=True)

    demo.load(show, None, [board, csv], api_visibility="private", show_progress="hidden", queue=False)
