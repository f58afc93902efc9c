"""The commands that use stored logits: predict under a policy, decide, audit-labels and ensemble."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import MofNCompleteColumn, Progress

from benchmark.commands.board_cli import COMPARE, OURS, Results, known_task, tell_left_out
from benchmark.commands.how_cli import POLICY, PolicyWords
from benchmark.tasks.registry import Task
from zoo.cli import USE, Encoding, Names, Quotes, Separator, console, fetched, say, show_table
from zoo.encoders.registry import get_encoder, used_as
from zoo.errors import UserError
from zoo.policy import parse_policy

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.board.entries import Entry

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command(rich_help_panel=USE)
def predict(
    checkpoint: Annotated[str, typer.Argument(help="A fine-tuned model: its folder, or hub:user/name\\[@revision].")],
    source: Annotated[Path, typer.Option("--input", help="A CSV, TSV, text, JSON or parquet file.")],
    target: Annotated[Path, typer.Option("--output", help="The .jsonl or .csv file to write.")],
    text_column: Annotated[str, typer.Option(help="Column with the texts.")] = "text",
    encoding: Encoding = "",
    separator: Separator = "",
    columns: Names = "",
    quotes: Quotes = None,
    policy: PolicyWords = None,
    results: Results = OURS,
) -> None:
    """Write scores and labels for every text of a file. A stopped prediction resumes where it was.

    With --policy, the thresholds are fitted for this policy instead, on the
    validation outputs of the model's run (--results).
    """
    from benchmark.from_logits.policy_fit import fit_policy
    from zoo.checkpoints.checkpoint import read_checkpoint
    from zoo.predict import check_files, column_notes, predict_file
    from zoo.row_files.format import choose_format
    from zoo.row_files.row_reader import look_through

    check_files(source, target)
    given = choose_format(encoding, separator, columns, quotes)
    folder = fetched(checkpoint)
    info = read_checkpoint(folder).info  # first, since counting a large file takes long
    decision = fit_policy(info, results, parse_policy(policy)).decision if policy else None
    found = look_through(source, [text_column], given)
    for note in [*found.notes(), *column_notes(found, info.labels)]:
        say(note)
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=console) as progress:
        shown = progress.add_task("predicting", total=found.rows)
        rows = predict_file(
            folder, found, target, text_column, lambda done: progress.update(shown, completed=done), decision
        )
    say(f"wrote {target} ({rows:,} rows)")


@app.command(rich_help_panel=USE)
def decide(
    checkpoint: Annotated[Path, typer.Argument(help="Folder of a fine-tuned model.")],
    policy: Annotated[list[str], typer.Option(help=POLICY)],
    results: Results = OURS,
    write: Annotated[bool, typer.Option("--write", help="Keep the policy in the model's decision.json.")] = False,
) -> None:
    """Fit a model's thresholds for a policy, and show its effect on the test rows.

    The thresholds come from the validation outputs of the model's run alone."""
    from benchmark.from_logits.policy_fit import fit_policy, of_labels, of_texts, readable
    from benchmark.release.card import write_card
    from zoo.checkpoints.checkpoint import read_checkpoint
    from zoo.files import write_text

    found = fit_policy(read_checkpoint(checkpoint).info, results, parse_policy(policy))
    say(f"{found.policy}: fitted on {len(found.run.predictions.validation_y_true):,} validation rows")
    _show(readable(of_labels(found)))
    _show(of_texts(found).map("{:.3f}".format).reset_index())
    if write:
        write_text(checkpoint / "decision.json", found.decision.as_json())
        write_text(
            checkpoint / "README.md", write_card(found.run, found.task, read_checkpoint(checkpoint), found.groups)
        )
        say(f"wrote {checkpoint / 'decision.json'}, and the model's card again")


@app.command(rich_help_panel=USE)
def label_sets(
    checkpoint: Annotated[Path, typer.Argument(help="Folder of a fine-tuned model.")],
    recall: Annotated[
        float, typer.Option(min=0.01, max=0.999, help="This share: 0.9 is 90 % of the right labels.")
    ] = 0.9,
    results: Results = OURS,
) -> None:
    """Find the threshold at which new texts get a share of their right labels, guaranteed on average.

    It comes from the validation outputs of the model's run alone. See
    docs/decisions.md for what is guaranteed."""
    from benchmark.from_logits.label_sets import label_sets as fit
    from benchmark.from_logits.policy_fit import fit_policy
    from zoo.checkpoints.checkpoint import read_checkpoint
    from zoo.policy import DEFAULT

    found = fit(fit_policy(read_checkpoint(checkpoint).info, results, DEFAULT), recall)
    say(f"Give a text every label whose score is over {found.threshold:.2f}.")
    say(f"Then {100 * recall:.3g}% of a new text's right labels are given, on average (from {found.fitted_on} texts).")
    say(f"On test: {found.recall:.3f} [{found.low:.3f}, {found.high:.3f}], with {found.size:.1f} labels a text.")


@app.command(rich_help_panel=COMPARE)
def audit_labels(
    task: Annotated[str, typer.Option(help="The task whose gold labels are looked at.")],
    results: Results = OURS,
    to: Annotated[
        Path | None, typer.Option(help="CSV file to write; label-audit.csv beside the runs if not given.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(envvar="ENCODER_ZOO_DATA", help="Folder with the rows of the task, for their texts.")
    ] = None,
    train_by: Annotated[
        str, typer.Option(help="Look at the train labels, too, by probes of this encoder, such as minilm-l6.")
    ] = "",
) -> None:
    """List gold labels that may be wrong: those that the models disagree with, the most suspect first."""
    from benchmark.from_logits.label_errors import AUDIT, audit, rows_of
    from zoo.files import write_text

    chosen, entries = _entries(results, task)
    rows, train = rows_of(chosen, entries, data_dir), None
    if rows is None:
        if train_by:
            raise UserError(
                "--train-by needs the rows of the task, and they are not at hand; give them with --data-dir"
            )
        say("the rows of the task are not at hand, so the file has no texts; give them with --data-dir", "yellow")
    elif train_by:
        from benchmark.from_logits.out_of_fold import out_of_fold

        train = out_of_fold(chosen, rows, used_as(get_encoder(train_by, say), "probe"), say)
    found = audit(chosen, entries, rows, train)
    target = to or results / task / AUDIT
    write_text(target, found.to_csv(index=False))
    shown = found.head(20)
    if rows is not None:
        shown = shown.assign(text=shown["text"].str.slice(0, 60))
    _show(shown.assign(score=shown["score"].map("{:.3f}".format), against=shown["against"].map("{:.0%}".format)))
    say(f"wrote {target} ({len(found):,} suspected labels, by {sum(len(each.runs) for each in entries)} runs)")


@app.command(rich_help_panel=COMPARE)
def ensemble(
    task: Annotated[str, typer.Option(help="The task whose runs are joined.")],
    results: Results = OURS,
) -> None:
    """Join the runs of a task by the mean of their calibrated logits, and show its score and its costs.

    Which runs to join, and the thresholds, are chosen on validation alone."""
    from benchmark.from_logits.ensembles import table

    chosen, entries = _entries(results, task)
    found = table(chosen, entries)
    shown = found[["ensemble", "members"]].copy()
    shown["validation"] = found["validation"].map("{:.4f}".format)
    for name, (value, low, high) in {
        f"{chosen.main_metric} [95 %]": ("value", "low", "high"),
        "gain [95 %]": ("gain", "gain_low", "gain_high"),
    }.items():
        cells = zip(found[value], found[low], found[high], strict=True)
        shown[name] = ["{:.4f} [{:.4f}, {:.4f}]".format(*each) for each in cells]
    shown["training (s)"] = found["train_seconds"].map("{:,.0f}".format)
    shown["latency (ms)"] = found["latency_ms"].map("{:.1f}".format)
    shown["parameters (M)"] = (found["parameters"] / 1e6).map("{:.1f}".format)
    _show(shown)
    for name, of in zip(found["ensemble"], found["of"], strict=True):
        if of:
            say(f"{name}: {of}")
    say("Gains are over the best single run by validation, on the same test rows.")


def _entries(results: Path, task: str) -> "tuple[Task, list[Entry]]":
    """Return a task and its entries, told which runs are left out."""
    from benchmark.board.entries import find_runs, make_entries

    chosen = known_task(results, task)
    runs, problems = find_runs(results)
    tell_left_out(problems, task)
    entries = make_entries([run for run in runs if run.info.task == task], {task: chosen})
    if not entries:
        raise UserError(f"There are no runs of '{task}' in {results}; make some with encoder-zoo run")
    return chosen, entries


def _show(table: "pd.DataFrame") -> None:
    show_table(list(map(str, table.columns)), table.astype(str).to_numpy().tolist())
