"""The command line: `python -m zoo encoders | pretrain`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from zoo.encoders import ENCODERS
from zoo.errors import UserError, run_command_line

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()


@app.command()
def encoders() -> None:
    """List the encoders that are registered."""
    table = Table("name", "family", "parameters (M)", "language", "licence", "source", "revision")
    for encoder in ENCODERS.values():
        size = f"{encoder.parameters:.1f}"
        table.add_row(
            encoder.name, encoder.family, size, encoder.language, encoder.licence, encoder.source, encoder.revision[:12]
        )
    console.print(table)


@app.command()
def pretrain(
    recipe: Annotated[str, typer.Option(help="bert, roberta or bert-wwm.")],
    language: Annotated[str, typer.Option(help="en or zh: decides what a word is.")],
    start: Annotated[str, typer.Option(help="An encoder of BERT's kind, its folder, or nothing.")],
    corpus: Annotated[Path, typer.Option(help="Folder of parquet files with a column text.")],
    output: Annotated[Path, typer.Option(help="Where the encoder is written; a stopped training goes on there.")],
    exclude: Annotated[
        Path | None, typer.Option(help="Folder of datasets whose held-out texts must not occur.")
    ] = None,
    masking: Annotated[str | None, typer.Option(help="piece or word, instead of the recipe's.")] = None,
    dynamic: Annotated[bool | None, typer.Option("--dynamic/--static", help="Instead of the recipe's.")] = None,
    nsp: Annotated[bool | None, typer.Option("--nsp/--no-nsp", help="Instead of the recipe's.")] = None,
    tokens: Annotated[int | None, typer.Option(min=1, help="Tokens to train on.")] = None,
    seed: Annotated[int | None, typer.Option(min=0)] = None,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all.")] = 0,
) -> None:
    """Pretrain a masked language model, from an encoder or from nothing."""
    from zoo.pretraining.recipes import get_recipe

    if language not in ("en", "zh"):
        raise UserError(f"--language must be en or zh, got '{language}'")
    chosen = get_recipe(recipe, masking=masking, dynamic=dynamic, nsp=nsp, tokens=tokens, seed=seed)

    from zoo.pretraining.pretrain import Job, run  # takes seconds: after the checks above

    job = Job(chosen, language, start, corpus, output, exclude, threads)
    run(job, lambda line: console.print(line, markup=False, highlight=False))


def main() -> None:
    """Run the command line."""
    run_command_line(app, "the same command goes on from the last saved step")
