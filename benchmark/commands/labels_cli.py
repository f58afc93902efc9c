"""The commands about labels to come: learning-curve and suggest."""

from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmark.commands.board_cli import COMPARE, OURS, Results, known_task, names_of
from benchmark.commands.how_cli import Threads
from benchmark.commands.what_cli import DataDir, Encoders, Seeds
from benchmark.commands.where_cli import Gpus, GpuShare, Memory, Ray, Where, Workers, run_cells
from zoo.cli import USE, Encoding, Names, Quotes, Separator, console, fetched, say, show_table
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command(rich_help_panel=COMPARE)
def learning_curve(
    task: Annotated[str, typer.Option(help="The task, or your data that run-data --splits-to kept.")],
    encoders: Encoders = "probe:minilm-l6",
    seeds: Seeds = 3,
    threads: Threads = 0,
    workers: Workers = 1,
    gpus: Gpus = "",
    ray: Ray = "",
    gpu_share: GpuShare = None,
    memory: Memory = 0.0,
    results: Results = OURS,
    data_dir: DataDir = None,
) -> None:
    """Say how much twice as many labels would help, and which label to add first.

    Each encoder is trained on 1/8, 1/4, 1/2 and all of the train rows. Complete
    runs are skipped.
    """
    from benchmark.more_labels.curve_report import html, labels_table, sentence, table
    from benchmark.more_labels.learning_curve import curves, steps
    from benchmark.tasks.rows import read_rows
    from benchmark.training.runs import CURVES
    from zoo.files import write_text

    where = Where(threads, gpus, workers, ray, gpu_share, memory)
    chosen = known_task(results, task)
    asked = [get_encoder(name, say) for name in names_of("--encoders", encoders)]
    if idle := [encoder.name for encoder in asked if encoder.use in ("zero-shot", "setfit")]:
        raise UserError(f"{idle[0]} learns from a fixed number of labels, so it has no learning curve; leave it out")
    planned = steps(chosen, read_rows(chosen, data_dir, say), asked, range(seeds), results)
    run_cells(list({step.cell.folder: step.cell for step in planned}.values()), results / CURVES, None, where)
    found = curves(chosen, planned)
    folder = results / CURVES / task
    files = {
        "learning-curve.html": html(found),
        "learning-curve.csv": table(found).to_csv(index=False),
        "labels.csv": labels_table(found).to_csv(index=False),
    }
    for name, content in files.items():
        write_text(folder / name, content)
    heads = ("encoder", "train rows", f"{chosen.main_metric} [95 %]")
    shown = [
        [each["encoder"], f"{each['rows']:,}" + " (predicted)" * (not each["measured"]), _interval(each)]
        for each in table(found).to_dict("records")
    ]
    show_table(heads, shown)
    for curve in found:
        say(sentence(curve))
    for name in files:
        say(f"wrote {folder / name}")


def _interval(row: dict[Hashable, Any]) -> str:
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


@app.command(rich_help_panel=USE)
def suggest(
    source: Annotated[Path, typer.Argument(help="A CSV, TSV, text, JSON or parquet file of texts without labels.")],
    checkpoint: Annotated[str, typer.Option(help="A fine-tuned model: its folder, or hub:user/name\\[@revision].")],
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many texts to suggest.")] = 50,
    to: Annotated[Path, typer.Option(help="CSV file to write.")] = Path("to-label.csv"),
    text_column: Annotated[str, typer.Option(help="Column with the texts.")] = "text",
    encoding: Encoding = "",
    separator: Separator = "",
    columns: Names = "",
    quotes: Quotes = None,
) -> None:
    """Say which texts to label first: those that a model is unsure of, and that differ from each other."""
    from zoo.files import write_text
    from zoo.predict import check_files
    from zoo.row_files.format import choose_format
    from zoo.row_files.row_reader import look_through

    if to.suffix.lower() != ".csv":
        raise UserError(f"A CSV file is written, and {to} has another ending; give another --to")
    check_files(source, to, ("the argument", "--to"))
    found = look_through(source, [text_column], choose_format(encoding, separator, columns, quotes))
    for note in found.notes():
        say(note)

    from benchmark.more_labels.suggest import read_texts  # takes seconds: after the checks above
    from benchmark.more_labels.suggest import suggest as choose
    from zoo.serving import load_classifier

    texts = read_texts(found, text_column)
    with console.status(f"predicting {len(texts):,} texts"):
        chosen = choose(load_classifier(fetched(checkpoint)), texts, number)
    write_text(to, chosen.to_csv(index=False))
    first = chosen.head(10).to_dict("records")
    show_table(
        ("row", "uncertainty", "text"), [(str(e["row"]), f"{e['uncertainty']:.2f}", e["text"][:80]) for e in first]
    )
    say(f"wrote {to} ({len(chosen):,} of {len(texts):,} texts)")
