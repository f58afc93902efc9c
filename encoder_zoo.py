"""The command line: `encoder-zoo --help`, or `python -m encoder_zoo --help`."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands import board_cli, import_cli, labels_cli, logits_cli, run_cli, tune_cli
from zoo import cli as zoo_cli
from zoo.errors import run_command_line

commands = typer.Typer(
    help="Fine-tune text encoders, compare them, and use the best.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for part in (run_cli, tune_cli, board_cli, import_cli, logits_cli, labels_cli, zoo_cli):
    commands.add_typer(part.app)


@commands.command(rich_help_panel=zoo_cli.USE)
def app(
    port: Annotated[str | None, typer.Option(help="Port; 7860 if not given.")] = None,
    host: Annotated[str | None, typer.Option(help="Address; 127.0.0.1 if not given.")] = None,
    results: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Folder of the runs; the project's if not given.")
    ] = None,
    checkpoints: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder of the models; the project's if not given."),
    ] = None,
) -> None:
    """Open the app in the browser: compare models on a text, and look at the leaderboard."""
    given = {"PORT": port, "HOST": host, "ENCODER_ZOO_RESULTS": results, "ENCODER_ZOO_CHECKPOINTS": checkpoints}
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})

    from app import main as serve

    serve()


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    run_command_line(
        partial(commands, prog_name="encoder-zoo"), "what is complete is kept, and the same command goes on from there"
    )


if __name__ == "__main__":
    main()
