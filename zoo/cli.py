"""The command line: `python -m zoo encoders | pretrain | pack | predict`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress
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


@app.command()
def pack(
    folder: Annotated[Path, typer.Argument(help="An encoder, as pretrain writes it.")],
    to: Annotated[Path | None, typer.Option(help="Where it goes; beside the zoo's own, if not given.")] = None,
    start: Annotated[str | None, typer.Option(help="The encoder that it started from, if the zoo has it.")] = None,
    bits: Annotated[int, typer.Option(help="4 or 8, for each weight that pretraining changed.")] = 4,
) -> None:
    """Make a pretrained encoder small enough to come with the project: what changed in its start."""
    from zoo.encoders import fetch_weights, get_encoder
    from zoo.pretrained import PRETRAINED, pack_encoder

    if bits not in (4, 8):
        raise UserError(f"--bits must be 4 or 8, got {bits}")
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder} holds no encoder; give the folder that pretrain wrote")
    target = to or PRETRAINED / folder.resolve().name
    weights = fetch_weights(get_encoder(start)) if start else None
    pack_encoder(folder, target, bits, (start, weights.revision, weights.folder) if start and weights else None)
    size = sum(file.stat().st_size for file in target.iterdir()) / 2**20
    console.print(f"wrote {target} ({size:.1f} MiB)", highlight=False)


@app.command()
def predict(
    checkpoint: Annotated[Path, typer.Argument(help="The folder of a fine-tuned model.")],
    source: Annotated[Path, typer.Option("--input", help="A CSV, TSV, JSONL or parquet file.")],
    target: Annotated[Path, typer.Option("--output", help="A .jsonl or .csv file.")],
    text_column: Annotated[str, typer.Option(help="The column of the texts.")] = "text",
) -> None:
    """Write a model's scores and labels for every text of a file; a stopped prediction goes on where it was."""
    from zoo.predict import count_rows, predict_file

    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=console) as progress:
        shown = progress.add_task("predicting", total=count_rows(source, text_column))
        rows = predict_file(
            checkpoint, source, target, text_column, lambda done: progress.update(shown, completed=done)
        )
    console.print(f"wrote {target} ({rows:,} rows)", highlight=False)


def main() -> None:
    """Run the command line."""
    run_command_line(app, "the same command goes on where this one was")
