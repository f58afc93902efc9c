"""Cases of JSON, parquet and folders of splits."""

import json
from io import BytesIO
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tests.cases.table import SEVERAL, Case, csv_file, jsonl, read, refused, rows, table
from zoo.row_files.format import Format

CSV = table(rows())
RECORDS = [{"text": f"text number {n}", "label": ("bad", "good")[n % 2]} for n in range(40)]
_TEXTS = pa.array([record["text"] for record in RECORDS])
_LABELS = pa.array([record["label"] for record in RECORDS])


def _parquet(name: str = "rows.parquet", **columns: Any) -> dict[str, bytes]:
    target = BytesIO()
    parquet.write_table(pa.table(columns), target)
    return {name: target.getvalue()}


def _splits(*names: str) -> dict[str, bytes]:
    return {name: next(iter(csv_file(CSV.replace("number", name)).values())) for name in names}


JSON = [
    read("an object a line", {"rows.jsonl": jsonl(RECORDS)}, "rows.jsonl: UTF-8, an object a line"),
    read("an array", {"rows.json": json.dumps(RECORDS).encode()}, "rows.json: UTF-8, an array of objects"),
    read("an array over lines", {"rows.json": json.dumps(RECORDS, indent=1).encode()}, "rows.json: UTF-8, an array"),
    read(
        "an array named JSONL", {"rows.jsonl": json.dumps(RECORDS).encode()}, "rows.jsonl: UTF-8, an array of objects"
    ),
    read("lines named JSON", {"rows.json": jsonl(RECORDS)}, "rows.json: UTF-8, an object a line"),
    refused("an object of columns", {"rows.json": b'{"a": {"0": "x"}}'}, "has no column 'text'; it has: 'a'"),
    refused("an array cut short", {"rows.json": json.dumps(RECORDS)[:-9].encode()}, "line 1: "),
    refused("lines without an object", {"rows.jsonl": b'"text"\n'}, "line 1: it holds str, not an object"),
    refused(
        "a text that is a number", {"rows.jsonl": jsonl([*RECORDS, {"text": 5}])}, "line 41: the column 'text' has 5"
    ),
    refused("a name twice", {"rows.jsonl": b'{"text": "a", "text": "b"}\n'}, "line 1: a name stands twice"),
    refused("half a character", {"rows.jsonl": b'{"text": "\\ud800"}\n'}, "line 1: \\ud800 is half a character"),
    refused("Infinity", {"rows.jsonl": b'{"text": "a", "label": Infinity}\n'}, "line 1: Infinity is no number"),
    Case(
        "objects without the label",
        {"rows.jsonl": jsonl([{"text": f"text {n}", "labels": ["a"] * (n % 2)} for n in range(8)] + [{"text": "b"}])},
        "read: 9 rows; a 4; ...rows.jsonl: UTF-8, an object a line; rows.jsonl: rows without 'labels': 1",
        "read: 9 rows; rows.jsonl: UTF-8, an object a line",
        SEVERAL,
    ),
    Case(
        "NaN as a label",
        {
            "rows.jsonl": jsonl(
                [{"text": f"text {n}", "label": n % 2} for n in range(8)] + [{"text": "b", "label": float("nan")}]
            )
        },
        "refused: rows.jsonl: row 9 has no label in the column 'label'",
        "read: 9 rows",
    ),
    Case(
        "labels as text and as lists",
        {"rows.jsonl": jsonl([{"text": "a", "labels": "x"}, {"text": "b", "labels": ["x", "y"]}])},
        'refused: rows.jsonl cannot be read: line 2: the column \'labels\' has ["x", "y"], and text before it',
        "read: 2 rows",
        SEVERAL,
    ),
    refused("a separator for JSON", {"rows.jsonl": jsonl(RECORDS)}, "takes no --separator", Format(separator=";")),
]

PARQUET = [
    read("strings", _parquet(text=_TEXTS, label=_LABELS), "rows.parquet: parquet"),
    read("categories", _parquet(text=_TEXTS.dictionary_encode(), label=_LABELS.dictionary_encode()), "rows.parquet"),
    read("large strings", _parquet(text=_TEXTS.cast(pa.large_string()), label=_LABELS), "rows.parquet"),
    read("string views", _parquet(text=_TEXTS.cast(pa.string_view()), label=_LABELS), "rows.parquet"),
    read("bytes of UTF-8", _parquet(text=_TEXTS.cast(pa.binary()), label=_LABELS.cast(pa.binary())), "rows.parquet"),
    refused("bytes of Latin-1", _parquet(text=[b"caf\xe9"], label=["a"]), "the column 'text' has bytes that are not"),
    Case(
        "lists of categories",
        _parquet(
            text=["a", "b"], labels=pa.array([["x", "y"], None]).cast(pa.list_(pa.dictionary(pa.int8(), pa.string())))
        ),
        "read: 2 rows; x 1, y 1; ...rows.parquet",
        "read: 2 rows; rows.parquet",
        SEVERAL,
    ),
    Case(
        "numbers as texts",
        _parquet(text=[1, 2], label=["a", "b"]),
        "refused: rows.parquet: the text column holds int64, not text",
    ),
    refused("a parquet file cut short", {"rows.parquet": b"PAR1 and no more"}, "cannot be read: "),
    refused("an encoding for parquet", _parquet(text=["a"]), "takes no --encoding", Format(encoding="utf-8")),
]

SPLITS = [
    Case(
        "train, dev, test", _splits("train.csv", "dev.csv", "test.csv"), "read: 120 rows; bad 60, good 60; train.csv: "
    ),
    Case("train, val, test", _splits("train.csv", "val.csv", "test.csv"), "read: 120 rows"),
    Case("train, valid, test", _splits("train.csv", "valid.csv", "test.csv"), "read: 120 rows"),
    Case("names in capitals", _splits("Train.csv", "Validation.csv", "TEST.csv"), "read: 120 rows"),
    Case(
        "several files of a split",
        _splits("train-00000-of-00002.csv", "train-00001-of-00002.csv", "test-00000-of-00001.csv"),
        "read: 120 rows; bad 60, good 60; train-00000-of-00002.csv: UTF-8, separated by commas; train-00001",
    ),
    Case(
        "a file of several is missing",
        _splits("train-00000-of-00002.csv", "test.csv"),
        "refused: the folder has train-00000-of-00002.csv, but part 1 of 2 is missing; add it",
    ),
    Case(
        "train in two kinds of files",
        _splits("train.csv", "train.tsv", "test.csv"),
        "refused: the folder has train.csv and train.tsv for one split; keep one of them",
    ),
    Case(
        "dev and valid", _splits("train.csv", "dev.csv", "valid.csv", "test.csv"), "refused: the folder has dev.csv and"
    ),
    Case(
        "files of no split",
        _splits("train.csv", "test.csv", "extra.csv", "notes.md"),
        "read: 80 rows; ...not read, since their names are of no split: extra.csv, notes.md",
    ),
    Case(
        "test alone",
        _splits("test.csv", "notes.md"),
        "refused: the folder has the splits test (beside notes.md); it needs",
    ),
    Case(
        "train and validation",
        _splits("train.csv", "dev.csv"),
        "refused: the folder has the splits train, validation; it",
    ),
    Case("a compressed split", _splits("train.csv.gz", "test.csv"), "refused: train.csv.gz is compressed; unpack it"),
    Case(
        "splits in several kinds of files",
        {**_splits("train.csv"), "test.jsonl": jsonl(RECORDS)},
        "read: 80 rows; bad 40, good 40; train.csv: UTF-8, separated by commas; test.jsonl: UTF-8, an object a line",
    ),
    Case(
        "columns in another order",
        {"train.csv": CSV.encode(), "test.csv": table([row[::-1] for row in rows()], ";", "label,text").encode()},
        "read: 80 rows; bad 40, good 40; train.csv: UTF-8, separated by commas; test.csv: UTF-8, separated by semi",
    ),
]

CASES: list[Case] = [*JSON, *PARQUET, *SPLITS]
