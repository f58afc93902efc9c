"""The report on a user's data in words and tables, and as Markdown and JSON beside the runs."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pydantic import TypeAdapter

from benchmark.own_data.data_report import DataReport
from benchmark.own_data.label_names import shown
from benchmark.statistics.fit_decision import MIN_POSITIVES
from zoo.files import write_text

FILES = ("data.json", "data.md")  # in the folder of the task
_REPORT = TypeAdapter(DataReport)


def lines(report: DataReport) -> Iterator[str]:
    """Yield the report's findings as sentences: first what the data are, then what asks for something."""
    parts = ", ".join(f"{name} {number:,}" for name, number in report.rows.items())
    yield f"{report.source}: {sum(report.rows.values()):,} rows: {parts} ({report.splits})"
    yield from report.files
    yield f"fingerprint of rows and splits: {report.fingerprint}"
    shares = [f"{script} {share:.1%}" for script, share in report.scripts.items() if share]
    yield f"script of most letters of a text: {', '.join(shares)}"
    yield f"{report.cardinality:.2f} labels a row, {report.label_sets:,} different sets of labels"
    if report.unlabelled:
        yield f"{report.unlabelled:,} rows have no label"
    yield from (note.line for note in report.notes)
    for each in report.lengths:
        if each.over:
            yield (
                f"{each.over:.1%} of the texts are cut at {each.limit} {each.unit}; --long-text windows reads more of "
                "them, and so does a higher max_length in --recipe"
            )
    if report.repeated:
        yield f"{report.repeated:,} rows repeat the text of another"
    for parts, number in report.in_two_parts.items():
        if number:
            yield f"{number:,} texts are in both {parts}, so the scores come out too high; remove them from one"
    if report.contradictory:
        yield f"{report.contradictory:,} texts occur more than once, with different labels; decide on one"
    rare = [each.label for each in report.labels if each.rare]
    if rare:
        named = ", ".join(map(shown, rare[:5])) + (", ..." if len(rare) > 5 else "")
        yield f"{len(rare):,} labels have under {MIN_POSITIVES} test rows, too few to judge them by: {named}"


def tables(report: DataReport) -> dict[str, pd.DataFrame]:
    """Return the report's tables as text, by title."""
    lengths = pd.DataFrame([vars(each) for each in report.lengths]).drop(columns="over")
    labels = pd.DataFrame([vars(each) for each in report.labels])
    labels["rare"] = ["too few to judge" if rare else "" for rare in labels["rare"]]
    found = {"Lengths of the texts": lengths, "Rows of every label": labels}
    if report.together:
        found["Labels that occur together most"] = pd.DataFrame([vars(each) for each in report.together]).round(3)
    return {title: table.astype(object).fillna("").map(_cell) for title, table in found.items()}


def _in_markdown(cell: str) -> str:
    return " ".join(cell.split()).replace("|", r"\|")


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)


def write(report: DataReport, folder: Path) -> list[Path]:
    """Write the report to the folder, as FILES; return their paths."""
    parts = [f"# {report.source}", "\n".join(f"- {line}" for line in lines(report))]
    for title, table in tables(report).items():
        parts += [f"## {title}", str(table.map(_in_markdown).to_markdown(index=False, disable_numparse=True))]
    contents = (_REPORT.dump_json(report, indent=1).decode(), "\n\n".join(parts))
    paths = [folder / name for name in FILES]
    for path, content in zip(paths, contents, strict=True):
        write_text(path, content + "\n")
    return paths
