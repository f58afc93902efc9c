"""Writes all the results of a batch: as CSV for a spreadsheet, as JSONL for a program."""

import csv
import json
from pathlib import Path

import numpy as np

from demo.batch.handlers import Results

# How a formula begins; spreadsheets drop a tab or a line break before it, and some take the full-width signs too.
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def write_csv(results: Results, path: Path) -> Path:
    """Write every row: its number and text, its gold labels if there are any, then for each checkpoint the decided
    labels (a JSON list, or the one label where a text has one) and the score of every label.

    A text that a spreadsheet would take for a formula (it begins with = + - or @) gets an apostrophe before it; the
    JSONL file holds the texts unchanged. The file is UTF-8 with a mark, which Excel needs to read Chinese.
    """
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(map(_harmless, _header(results)))
        writer.writerows([_harmless(cell) for cell in _cells(results, row)] for row in range(len(results.texts)))
    return path


def write_jsonl(results: Results, path: Path) -> Path:
    """Write one object for each row: `row`, `text`, `labels` if there are gold ones, and `checkpoints`, by name, each
    with its `decided` labels and its `scores` by label."""
    with path.open("w", encoding="utf-8") as file:
        for row in range(len(results.texts)):
            file.write(json.dumps(_record(results, row), ensure_ascii=False) + "\n")
    return path


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _header(results: Results) -> list[str]:
    gold = ["labels"] if results.y_true is not None else []
    columns = [(name, *(f"{name}: {label}" for label in results.labels)) for name in results.scores]
    return ["row", "text", *gold, *(column for of_one in columns for column in of_one)]


def _cells(results: Results, row: int) -> list[object]:
    cells: list[object] = [results.number(row), results.texts[row]]
    if results.y_true is not None:
        cells.append(_listed(results, results.y_true[row]))
    for name, scores in results.scores.items():
        cells += [_listed(results, results.decided[name][row]), *scores[row].tolist()]
    return cells


def _listed(results: Results, row: np.ndarray) -> str:
    names = results.names(row)
    return (
        "".join(names)
        if results.problem_type == "single_label_classification"
        else json.dumps(names, ensure_ascii=False)
    )


def _record(results: Results, row: int) -> dict[str, object]:
    gold = {} if results.y_true is None else {"labels": results.names(results.y_true[row])}
    checkpoints = {
        name: {
            "decided": results.names(results.decided[name][row]),
            "scores": dict(zip(results.labels, scores[row].tolist(), strict=True)),
        }
        for name, scores in results.scores.items()
    }
    return {"row": results.number(row), "text": results.texts[row], **gold, "checkpoints": checkpoints}
