"""The Leaderboard tab: which encoder to take, the matrix, and the table of a task.

It is drawn in the browser, which asks for it before gradio has started: `zooBoard` in address.js.
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo.api.rest import as_json
from demo.leaderboard.handlers import csv_of, read_board
from demo.leaderboard.page import board_page
from demo.shared.drawing import drawing
from demo.shared.texts import TEXTS, Language, in_language
from zoo.errors import UserError

_SCRIPTS = ("answer.js", "entries.js", "front.js", "script.js")


def add() -> None:
    """Add the tab's place to the open Blocks."""
    html = '<section class="zoo" aria-label="Leaderboard"></section>'
    drawing("board", *(f"leaderboard/{name}" for name in _SCRIPTS), html=html, min_height=900)


def routes(root: Path | None, results: Path | None) -> list[Route]:
    """Return what the tab asks for: all that it shows, in each language, and every metric as a CSV file."""

    def show(language: Language) -> Response:
        try:
            return as_json(board_page(root, results, language))
        except UserError as error:
            return as_json({"problem": in_language(error, language)})

    def every_metric(request: Request) -> Response:
        try:
            return Response(csv_of(read_board(results)), media_type="text/csv")
        except UserError as error:
            return as_json({"detail": str(error)}, 404)

    pages = [Route(f"/leaderboard/{language}.json", lambda request, of=language: show(of)) for language in TEXTS]
    return [*pages, Route("/leaderboard.csv", every_metric)]
