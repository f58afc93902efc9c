"""The commands that let a model from elsewhere stand on the board: rows, import."""

from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.board_cli import COMPARE, OURS, Results, known_task
from zoo.cli import Encoding, Names, Quotes, Separator, say
from zoo.errors import UserError, lookup
from zoo.row_files.format import choose_format

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

_TASK = "The task whose rows they are."
DataDir = Annotated[
    Path | None,
    typer.Option(
        envvar="ENCODER_ZOO_DATA", help="Folder with the rows of the task; for your own data, that of --splits-to."
    ),
]


@app.command(rich_help_panel=COMPARE)
def rows(
    task: Annotated[str, typer.Option(help=_TASK)],
    to: Annotated[Path, typer.Option(help="The .csv or .jsonl file to write.")],
    results: Results = OURS,
    data_dir: DataDir = None,
) -> None:
    """Write a task's validation and test texts with their ids, for a model from elsewhere. Gold labels are left out."""
    from benchmark.imported.answers import ids_of
    from benchmark.tasks.rows import read_rows
    from zoo.files import write_text

    if to.suffix.lower() not in (".csv", ".jsonl"):
        raise UserError(f"{to} must end in .csv or .jsonl; give another --to")
    import pandas as pd

    found = read_rows(known_task(results, task), data_dir, say)
    ids = ids_of({"validation": len(found.validation), "test": len(found.test)})
    table = pd.DataFrame({"id": ids, "text": found.validation.texts + found.test.texts})
    as_csv = to.suffix.lower() == ".csv"
    write_text(
        to, table.to_csv(index=False) if as_csv else table.to_json(orient="records", lines=True, force_ascii=False)
    )
    say(f"wrote {to} ({len(found.validation):,} validation and {len(found.test):,} test rows)")


@app.command("import", rich_help_panel=COMPARE)
def import_(
    files: Annotated[
        list[Path], typer.Argument(help="CSV, JSON or parquet files: each is one set of predictions, and so one seed.")
    ],
    task: Annotated[str, typer.Option(help=_TASK)],
    name: Annotated[str, typer.Option(help="What the model is called on the board.")],
    scores: Annotated[
        str, typer.Option(help="What scores are: probabilities or logits. Bare labels need no option.")
    ] = "probabilities",
    cost: Annotated[
        list[str] | None,
        typer.Option(
            help="What it costs: parameters=7e9, ms=350 (a text), minutes=12 (of training), or words. Repeatable."
        ),
    ] = None,
    first_seed: Annotated[int, typer.Option(min=0, help="The seed of the first file.")] = 0,
    encoding: Encoding = "",
    separator: Separator = "",
    columns: Names = "",
    quotes: Quotes = None,
    results: Results = OURS,
    data_dir: DataDir = None,
) -> None:
    """Put the predictions of any model on the board beside the encoders.

    A file has scores for the task's validation and test rows, or labels for its
    test rows. docs/statistics.md shows the columns.
    """
    from benchmark.imported.answers import Scale, read_given
    from benchmark.imported.import_run import check_name, check_place, import_run, parse_costs
    from benchmark.tasks.rows import read_rows

    scales: dict[str, Scale] = {"probabilities": "probabilities", "logits": "logits"}
    scale, costs, given = (
        lookup(scales, scores, "kind of scores"),
        parse_costs(cost or ()),
        choose_format(encoding, separator, columns, quotes),
    )
    check_name(name)
    chosen = known_task(results, task)
    gold = read_rows(chosen, data_dir, say)
    sizes = {"validation": len(gold.validation), "test": len(gold.test)}
    read = [read_given(file, chosen, sizes, scale, given) for file in files]
    if len(kinds := {each.kind for each in read}) > 1:
        raise UserError(f"The files hold {' and '.join(sorted(kinds))}; import them under two names")
    check_place(read[0].kind, chosen, gold, name, range(first_seed, first_seed + len(read)), results)
    for seed, each in enumerate(read, first_seed):
        folder = import_run(each, chosen, gold, name, seed, costs, results)
        fitted = "nothing is fitted" if each.kind == "labels" else "thresholds are fitted on the validation rows"
        say(f"wrote {folder}: {each.kind} of {' and '.join(each.values)} rows; {fitted}")
    say(f"now make the board: encoder-zoo board --results {results}")
