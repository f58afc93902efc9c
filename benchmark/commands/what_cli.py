"""The options of the commands that fine-tune: what, and where its files are."""

from pathlib import Path
from typing import Annotated

import typer

WHAT, WHERE = "What to run", "Where files are"
ENCODERS = "tfidf-lr,minilm-l6,granite-30m"

Encoders = Annotated[
    str, typer.Option(help="Names, folders or hub:ORG/NAME, with commas between them.", rich_help_panel=WHAT)
]
Seeds = Annotated[
    int,
    typer.Option(min=1, help="How often each encoder is trained, each time with another seed.", rich_help_panel=WHAT),
]
FirstSeed = Annotated[int, typer.Option(min=0, help="The first of these seeds.", rich_help_panel=WHAT)]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only show the runs and how long they will take.", rich_help_panel=WHAT)
]
ProbeFirst = Annotated[
    bool,
    typer.Option(
        "--probe-first",
        help="First test each encoder in minutes, untrained (a probe), and show the board.",
        rich_help_panel=WHAT,
    ),
]
RunsTo = Annotated[Path, typer.Option("--results", help="Folder for the runs.", rich_help_panel=WHERE)]
Keep = Annotated[
    Path | None,
    typer.Option("--checkpoints", help="Keep every fine-tuned model below this folder.", rich_help_panel=WHERE),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        envvar="ENCODER_ZOO_DATA",
        help="Folder with the rows of the tasks. Without it, the hub's or the project's own.",
        rich_help_panel=WHERE,
    ),
]
