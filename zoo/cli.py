"""The command line: `python -m zoo encoders | pretrain | pack | predict | push | push-space`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress
from rich.table import Column, Table

from zoo.encoders.deltas import BITS
from zoo.encoders.registry import ENCODERS
from zoo.errors import UserError, run_command_line
from zoo.files import WHOLE

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()

Repo = Annotated[str, typer.Option(help="Where on the hub: user/name.")]
Public = Annotated[bool, typer.Option("--public", help="Let everybody see it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be published; ask and send nothing.")]


@app.command()
def encoders() -> None:
    """List the encoders that are registered."""
    # The names are what one types elsewhere: whole at any width.
    name = Column("name", no_wrap=True, min_width=max(map(len, ENCODERS)))
    table = Table(name, "family", "parameters (M)", "language", "licence", "source", "revision")
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
        Path | None,
        typer.Option(envvar="ENCODER_ZOO_DATA", help="Folder of datasets whose held-out texts must not occur."),
    ] = None,
    masking: Annotated[str | None, typer.Option(help="piece or word, instead of the recipe's.")] = None,
    dynamic: Annotated[bool | None, typer.Option("--dynamic/--static", help="Instead of the recipe's.")] = None,
    nsp: Annotated[bool | None, typer.Option("--nsp/--no-nsp", help="Instead of the recipe's.")] = None,
    tokens: Annotated[int | None, typer.Option(min=1, help="Tokens to train on.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Instead of the recipe's, which is for a start that knows something.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0)] = None,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all.")] = 0,
) -> None:
    """Pretrain a masked language model, from an encoder or from nothing."""
    from zoo.pretraining.objectives import get_recipe

    if language not in ("en", "zh"):
        raise UserError(f"--language must be en or zh, got '{language}'")
    changes = {"masking": masking, "dynamic": dynamic, "nsp": nsp, "learning_rate": learning_rate}
    chosen = get_recipe(recipe, **changes, tokens=tokens, seed=seed)

    from zoo.pretraining.pretrain import Job, run  # takes seconds: after the checks above

    job = Job(chosen, language, start, corpus, output, exclude, threads)
    run(job, lambda line: console.print(line, markup=False, highlight=False))


@app.command()
def pack(
    folder: Annotated[Path, typer.Argument(help="An encoder, as pretrain writes it.")],
    to: Annotated[Path | None, typer.Option(help="Where it goes; beside the zoo's own, if not given.")] = None,
    bits: Annotated[int, typer.Option(help="3, 4 or 8, for each weight that pretraining changed.")] = 4,
) -> None:
    """Make an encoder small enough to come with the project: what pretraining changed in its start, if the zoo has
    that one."""
    from zoo.encoders.packed import PRETRAINED, pack_encoder, start_of
    from zoo.encoders.registry import get_encoder
    from zoo.encoders.weights import fetch_weights

    if bits not in BITS:
        raise UserError(f"--bits must be 3, 4 or 8, got {bits}")
    if not all((folder / name).is_file() for name in ("config.json", WHOLE)):
        raise UserError(f"{folder} holds no encoder to pack; give the folder that pretrain wrote")
    target = to or PRETRAINED / folder.resolve().name
    if target.exists() and not (target / "origin.json").is_file():
        raise UserError(f"{target} is there and is no packed encoder; give another folder with --to")
    start = start_of(folder)
    weights = fetch_weights(get_encoder(start)) if start in ENCODERS else None
    pack_encoder(folder, target, bits, (start, weights.revision, weights.folder) if start and weights else None)
    size = sum(file.stat().st_size for file in target.iterdir()) / 2**20
    console.print(f"wrote {target} ({size:.1f} MiB)", highlight=False)


@app.command()
def predict(
    checkpoint: Annotated[str, typer.Argument(help="A fine-tuned model: its folder, or hub:user/name\\[@revision].")],
    source: Annotated[Path, typer.Option("--input", help="A CSV, TSV, JSONL or parquet file.")],
    target: Annotated[Path, typer.Option("--output", help="A .jsonl or .csv file.")],
    text_column: Annotated[str, typer.Option(help="The column of the texts.")] = "text",
) -> None:
    """Write a model's scores and labels for every text of a file; a stopped prediction goes on where it was."""
    from zoo.checkpoints.checkpoint import read_checkpoint
    from zoo.predict import check_files, count_rows, predict_file

    check_files(source, target)
    folder = _fetched(checkpoint)
    read_checkpoint(folder)  # before a file of any size is counted
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=console) as progress:
        shown = progress.add_task("predicting", total=count_rows(source, text_column))
        rows = predict_file(folder, source, target, text_column, lambda done: progress.update(shown, completed=done))
    console.print(f"wrote {target} ({rows:,} rows)", highlight=False)


@app.command()
def push(
    checkpoint: Annotated[Path, typer.Argument(help="The folder of a fine-tuned model.")],
    repo: Repo,
    public: Public = False,
    dry_run: DryRun = False,
) -> None:
    """Publish a fine-tuned model on the Hugging Face hub, whole and with its card; private unless you say otherwise."""
    from zoo.checkpoints.push import checkpoint_files
    from zoo.hub import check_repo

    check_repo(repo)  # before the model is restored
    with checkpoint_files(checkpoint) as files:
        address = _publish("model", repo, public, dry_run, files)
    if address:
        console.print(f"load it with: python -m zoo predict hub:{repo} ...", highlight=False, soft_wrap=True)


@app.command()
def push_space(
    repo: Repo,
    folder: Annotated[Path, typer.Argument(help="What make space wrote.")] = Path("build/space"),
    public: Public = False,
    dry_run: DryRun = False,
) -> None:
    """Publish the app as a Space on the Hugging Face hub; private unless you say otherwise."""
    from zoo.checkpoints.push import space_files

    _publish("space", repo, public, dry_run, space_files(folder))


def _publish(kind: Any, repo: str, public: bool, dry_run: bool, files: dict[str, Path]) -> str:
    """Publish the files, or only show them; return the address of what was published."""
    from zoo.checkpoints.push import Publication, publish
    from zoo.hub import check_repo

    parcel = Publication(kind, check_repo(repo), not public, files)
    sizes = [path.stat().st_size / 2**20 for path in files.values()]
    verb, seen = "would be published" if dry_run else "publishing", "public" if public else "private"
    _say(f"{verb}: {len(files)} files, {sum(sizes):,.1f} MiB, as the {seen} {kind} {repo}")
    for name, size in zip(files, sizes, strict=True):
        _say(f"{size:10,.3f} MiB  {name}")
    if dry_run:
        _say("\n" + files["README.md"].read_text(encoding="utf-8") if kind == "model" else "")
        return ""
    address = publish(parcel, _say)
    _say(f"published {address}")
    return address


def _fetched(checkpoint: str) -> Path:
    """Return a checkpoint's folder, fetched from the hub where its name says so."""
    if not checkpoint.startswith("hub:"):
        return Path(checkpoint)
    from zoo.checkpoints.fetch import fetch_checkpoint

    return fetch_checkpoint(checkpoint.removeprefix("hub:"), _say)


def _say(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command line."""
    run_command_line(app, "the same command goes on where this one was")
