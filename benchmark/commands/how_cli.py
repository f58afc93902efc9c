"""The options of the commands that fine-tune: how."""

import json
from typing import Annotated, Any

import typer

from zoo.errors import UserError

HOW = "How to fine-tune"
Recipe = Annotated[
    str,
    typer.Option(
        help="Changes to the default recipe, as JSON: '{\"epochs\": 1}'.", rich_help_panel=HOW, show_default=False
    ),
]
LongText = Annotated[
    str,
    typer.Option(
        help="For texts over the length limit: truncate, head-tail or windows; if not given, as the recipe says.",
        rich_help_panel=HOW,
    ),
]
POLICY = "What the thresholds are fitted for, such as precision=0.9; docs/decisions.md lists all. Repeatable."
PolicyWords = Annotated[list[str] | None, typer.Option("--policy", help=POLICY, show_default=False)]
Teacher = Annotated[
    str,
    typer.Option(
        help="Also learn the scores of these models: their folders, with commas between them.",
        rich_help_panel=HOW,
    ),
]
Threads = Annotated[
    int, typer.Option(min=0, help="CPU threads; 0 shares the cores with other runs here.", rich_help_panel=HOW)
]
MicroBatch = Annotated[
    int,
    typer.Option(
        min=0,
        help="Texts of a batch in memory at once; the gradient stays the same. 0: as many as fit.",
        rich_help_panel=HOW,
    ),
]
Checkpointing = Annotated[
    bool,
    typer.Option(
        "--gradient-checkpointing",
        help="Save memory: keep less of each step, and compute it again. Slower.",
        rich_help_panel=HOW,
    ),
]


def json_object(text: str) -> dict[str, Any]:
    """Return what `--recipe` says.

    Raises:
        UserError: it is no JSON object.
    """
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UserError(f"--recipe is not JSON: {text!r} ({error})") from error
    if not isinstance(value, dict):
        raise UserError(f"--recipe must be a JSON object such as '{{\"epochs\": 1}}', got {text!r}")
    return value
