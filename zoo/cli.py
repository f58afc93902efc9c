"""The commands that need no runs: encoders, pretrain, pretrain-trio, pack, push and push-space."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from zoo.encoders.deltas import BITS
from zoo.encoders.registry import ENCODERS
from zoo.errors import UserError
from zoo.files import WHOLE

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()

USE, LISTS, MAKE, PUBLISH = "Use models", "What there is", "Make encoders", "Publish models"
BUDGET, CHANGES, WHERE = "What to train on", "Changes to the recipe", "Where files are"
WRITTEN = "How the file is written, if that is not found"


def finite(value: float | None) -> float | None:
    """Return an option's number; raise typer.BadParameter for inf and nan, which no bound of typer's refuses."""
    if value is not None and not isfinite(value):
        raise typer.BadParameter(f"{value} is no finite number.")
    return value


Corpus = Annotated[Path, typer.Option(help="Folder of parquet files with a column text.", rich_help_panel=WHERE)]
Exclude = Annotated[
    Path | None,
    typer.Option(
        envvar="ENCODER_ZOO_DATA",
        help="Folder of datasets: documents that equal one of their validation or test texts are left out.",
        rich_help_panel=WHERE,
    ),
]
PretrainThreads = Annotated[int, typer.Option(min=0, help="CPU threads; 0 takes all.")]
Repo = Annotated[str, typer.Option(help="Its name on the hub: user/name.")]
Public = Annotated[bool, typer.Option("--public", help="Let everybody see it; otherwise it is private.")]
Encoding = Annotated[
    str, typer.Option(help="Encoding of text files, such as gb18030 or cp1252.", rich_help_panel=WRITTEN)
]
Separator = Annotated[
    str,
    typer.Option(
        help="What stands between two cells: comma, semicolon, tab, pipe or another.", rich_help_panel=WRITTEN
    ),
]
Names = Annotated[
    str,
    typer.Option(
        "--columns",
        help="Names of all columns, with commas between, if the file has no header.",
        rich_help_panel=WRITTEN,
    ),
]
Quotes = Annotated[
    bool | None,
    typer.Option("--quotes/--no-quotes", help="Quotation marks enclose cells, or are text.", rich_help_panel=WRITTEN),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be published; send nothing.")]


@app.command(rich_help_panel=LISTS)
def encoders() -> None:
    """List the registered encoders."""
    rows = [
        (each.name, each.family, f"{each.parameters:.1f}", each.language, each.licence, each.source, each.revision[:12])
        for each in ENCODERS.values()
    ]
    show_table(("name", "family", "parameters (M)", "language", "licence", "source", "revision"), rows)


@app.command(rich_help_panel=MAKE)
def pretrain(
    recipe: Annotated[str, typer.Option(help="Recipe: bert, roberta or bert-wwm.", rich_help_panel=BUDGET)],
    language: Annotated[
        str, typer.Option(help="Language, which decides what a word is: en or zh.", rich_help_panel=BUDGET)
    ],
    start: Annotated[
        str, typer.Option(help="Encoder to start from: a name, a folder, or the word nothing.", rich_help_panel=BUDGET)
    ],
    corpus: Corpus,
    output: Annotated[
        Path, typer.Option(help="Folder to write; a stopped training resumes there.", rich_help_panel=WHERE)
    ],
    exclude: Exclude = None,
    tokens: Annotated[int | None, typer.Option(min=1, help="Tokens to train on.", rich_help_panel=BUDGET)] = None,
    masking: Annotated[
        str | None,
        typer.Option(help="What is masked: single pieces (piece) or whole words (word).", rich_help_panel=CHANGES),
    ] = None,
    dynamic: Annotated[
        bool | None,
        typer.Option(
            "--dynamic/--static",
            help="Draw new masks at each visit of a text, or keep fixed ones.",
            rich_help_panel=CHANGES,
        ),
    ] = None,
    nsp: Annotated[
        bool | None,
        typer.Option(
            "--nsp/--no-nsp", help="Also learn whether two passages belong together.", rich_help_panel=CHANGES
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="The default suits a pretrained start; random weights need more.", rich_help_panel=CHANGES),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of everything random.", rich_help_panel=CHANGES)] = None,
    threads: PretrainThreads = 0,
) -> None:
    """Pretrain a masked language model, from an encoder or from nothing."""
    from zoo.pretraining.objectives import get_recipe

    _check_language(language)
    changes = {"masking": masking, "dynamic": dynamic, "nsp": nsp, "learning_rate": learning_rate}
    chosen = get_recipe(recipe, **changes, tokens=tokens, seed=seed)

    from zoo.pretraining.pretrain import Job, run  # takes seconds: after the checks above

    job = Job(chosen, language, start, corpus, output, exclude, threads)
    run(job, say)


@app.command(rich_help_panel=MAKE)
def pretrain_trio(
    language: Annotated[str, typer.Option(help="Language: en or zh.", rich_help_panel=BUDGET)],
    corpus: Corpus,
    output: Annotated[
        Path, typer.Option(help="Folder of the three; a stopped training resumes there.", rich_help_panel=WHERE)
    ],
    start: Annotated[
        str,
        typer.Option(
            help="Encoder to start from; if not given, as the project's own encoders did.", rich_help_panel=BUDGET
        ),
    ] = "",
    exclude: Exclude = None,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens of each encoder.", rich_help_panel=BUDGET)] = 50_000_000,
    threads: PretrainThreads = 0,
) -> None:
    """Pretrain BERT, RoBERTa and BERT-wwm alike, on a sample of a corpus that each reads several times."""
    _check_language(language)

    from zoo.pretraining.trio import STARTS, Trio  # takes seconds: after the check above
    from zoo.pretraining.trio import pretrain_trio as make

    made = make(Trio(language, start or STARTS[language], corpus, output, exclude, tokens, threads), say)
    say(f"compare them with: encoder-zoo run --tasks TASK --encoders {','.join(map(str, made))}")


def _check_language(language: str) -> None:
    if language not in ("en", "zh"):
        raise UserError(f"--language must be en or zh, got '{language}'")


@app.command(rich_help_panel=MAKE)
def pack(
    folder: Annotated[Path, typer.Argument(help="Folder that pretrain wrote.")],
    to: Annotated[
        Path | None, typer.Option(help="Folder to write; if not given, one beside the project's own encoders.")
    ] = None,
    bits: Annotated[int, typer.Option(help="Bits for each changed weight: 3, 4 or 8.")] = 4,
) -> None:
    """Make a pretrained encoder small.

    If the project has the encoder that it started from, only the difference is
    stored.
    """
    from zoo.encoders.packed import PRETRAINED, pack_encoder, start_of
    from zoo.encoders.registry import get_encoder
    from zoo.encoders.weights import fetch_weights

    if bits not in BITS:
        raise UserError(f"--bits must be 3, 4 or 8, got {bits}")
    if not all((folder / name).is_file() for name in ("config.json", WHOLE)):
        raise UserError(f"{folder} holds no encoder; give the folder that pretrain wrote")
    target = to or PRETRAINED / folder.resolve().name
    if target.exists() and not (target / "origin.json").is_file():
        raise UserError(f"{target} is there and is no packed encoder; give another folder with --to")
    start = start_of(folder)
    weights = fetch_weights(get_encoder(start)) if start in ENCODERS else None
    pack_encoder(folder, target, bits, (start, weights.revision, weights.folder) if start and weights else None)
    size = sum(file.stat().st_size for file in target.iterdir()) / 2**20
    say(f"wrote {target} ({size:.1f} MiB)")


@app.command(rich_help_panel=PUBLISH)
def push(
    checkpoint: Annotated[Path, typer.Argument(help="Folder of a fine-tuned model.")],
    repo: Repo,
    public: Public = False,
    dry_run: DryRun = False,
) -> None:
    """Publish a fine-tuned model with its card on the Hugging Face hub."""
    from zoo.checkpoints.push import checkpoint_files
    from zoo.hub import check_repo

    check_repo(repo)  # before the model is restored
    with checkpoint_files(checkpoint, repo) as files:
        address = _publish("model", repo, public, dry_run, files)
    if address:
        say(f"load it with: encoder-zoo predict hub:{repo} ...")


@app.command(rich_help_panel=PUBLISH)
def push_space(
    repo: Repo,
    folder: Annotated[Path, typer.Argument(help="Folder that make space wrote.")] = Path("build/space"),
    public: Public = False,
    dry_run: DryRun = False,
) -> None:
    """Publish the app as a Space on the Hugging Face hub."""
    from zoo.checkpoints.push import space_files

    _publish("space", repo, public, dry_run, space_files(folder))


def _publish(kind: Any, repo: str, public: bool, dry_run: bool, files: dict[str, Path]) -> str:
    """Publish the files, or only show them; return the address of what was published."""
    from zoo.checkpoints.push import Publication, publish
    from zoo.hub import check_repo

    parcel = Publication(kind, check_repo(repo), not public, files)
    sizes = [path.stat().st_size / 2**20 for path in files.values()]
    verb, seen = "would be published" if dry_run else "publishing", "public" if public else "private"
    say(f"{verb}: {len(files)} files, {sum(sizes):,.1f} MiB, as the {seen} {kind} {repo}")
    for name, size in zip(files, sizes, strict=True):
        say(f"{size:10,.3f} MiB  {name}")
    if dry_run:
        say("\n" + files["README.md"].read_text(encoding="utf-8") if kind == "model" else "")
        return ""
    address = publish(parcel, say)
    say(f"published {address}")
    return address


def fetched(checkpoint: str) -> Path:
    """Return a checkpoint's folder, fetched from the hub where its name says so."""
    if not checkpoint.startswith("hub:"):
        return Path(checkpoint)
    from zoo.checkpoints.fetch import fetch_checkpoint

    return fetch_checkpoint(checkpoint.removeprefix("hub:"), say)


def show_table(heads: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """Print a table with every cell whole; where it is too wide, its last columns are left out, and named below it."""
    widths = [
        3 + max(cell_len(line) for cell in column for line in cell.split("\n"))
        for column in zip(heads, *rows, strict=True)
    ]
    shown = max(1, sum(1 + sum(widths[: end + 1]) <= console.width for end in range(len(widths))))
    table = Table(*(Column(head, no_wrap=True) for head in heads[:shown]), title=title, title_justify="left")
    for row in rows:
        table.add_row(*map(escape, row[:shown]))
    needed = 1 + sum(widths[:shown])
    (console if needed <= console.width else Console(width=needed, file=console.file)).print(table)
    if shown < len(heads):
        say(f"(too narrow for: {', '.join(head.replace(chr(10), ' ') for head in heads[shown:])})")


def say(line: str, style: str | None = None) -> None:
    """Print a line as it is, whole at any width."""
    console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)
