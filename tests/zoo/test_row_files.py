"""Rows of four kinds of files, the same from each; and files that are no such thing, in one line."""

import csv
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from zoo import row_files
from zoo.errors import UserError
from zoo.row_files import ENDINGS, read_batches

TEXTS = ["plain", 'with "quotes", a comma', "two\nlines", "tab\there", "漢字 🦓", "NA", "007"]


def _write(path: Path, texts: list[str], encoding: str = "utf-8") -> Path:
    rows = [{"id": number, "text": text} for number, text in enumerate(texts)]
    if path.suffix == ".parquet":
        pd.DataFrame(rows).to_parquet(path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding=encoding)
    else:
        with path.open("w", encoding=encoding, newline="") as file:
            writer = csv.DictWriter(file, ["id", "text"], delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path


def _texts(path: Path) -> list[str]:
    return [text for batch in read_batches(path, ["text"]) for text in batch["text"].to_pylist()]


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_kind_of_file_gives_the_texts_as_they_are(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_files, "BATCH", 3)
    monkeypatch.setattr(row_files, "BLOCK", 200)
    path = _write(tmp_path / f"rows{ending}", TEXTS * 9)
    assert _texts(path) == TEXTS * 9
    assert len(list(read_batches(path, ["text"]))) > 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_mark_says_the_encoding(encoding: str, tmp_path: Path) -> None:
    assert _texts(_write(tmp_path / "rows.csv", TEXTS, encoding)) == TEXTS


def test_columns_come_in_the_order_asked_for_and_others_may_hold_anything(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b,c\n1,x,\n2,y,oops\n", encoding="utf-8")
    (batch,) = read_batches(tmp_path / "rows.csv", ["b", "a"])
    assert {name: values.to_pylist() for name, values in batch.items()} == {"b": ["x", "y"], "a": ["1", "2"]}
    (tmp_path / "rows.jsonl").write_text('{"a": [1]}\n\n{"b": null}\n', encoding="utf-8")
    (batch,) = read_batches(tmp_path / "rows.jsonl", ["a", "b"])
    assert batch["a"].to_pylist() == [[1], None]
    assert batch["b"].type == pa.null()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("text\na\n\nb\n", ["a", "", "b"]),
        ("text\r\na\r\n\r\nb", ["a", "", "b"]),
        ('text\n\n""\na\n\n', ["", "", "a", ""]),
        ("\n\ntext\n\na\n", ["", "a"]),
        ("text\n\n", [""]),
        ("text\n", []),
        ("id,text\n1,a\n\n2,b\n", ["a", "b"]),
    ],
)
def test_a_blank_line_is_an_empty_cell_of_a_lone_column(
    content: str, texts: list[str], encoding: str, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_bytes(content.encode(encoding))
    assert _texts(tmp_path / "rows.csv") == texts


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.csv", b"", "Empty CSV"),
        ("rows.csv", b"id,text\n1,a\n2\n", "row 2: Expected 2 columns, got 1"),
        ("rows.csv", b"id,text\n1,a,b\n", "row 1: Expected 2 columns, got 3"),
        ("rows.csv", b"id,text\n1,caf\xe9\n", "save it as UTF-8"),
        ("rows.csv", b"id,text\n1," + b"x" * 500 + b"\n", "a row is longer than 200 bytes"),
        ("rows.csv", b'id,text\n1,"open\n' + b"2,b\n" * 100, "quotation mark"),
        ("rows.csv", b"id,body\n1,a\n", "no column 'text'; it has: id, body"),
        ("rows.csv", b"text,text\n1,a\n", "has the column 'text' twice"),
        ("rows.tsv", b"id,text\n1,a\n", "no column 'text'"),
        ("rows.jsonl", b'{"text": "a"}\n{"text": \n', "line 2"),
        ("rows.jsonl", b'["a"]\n', "line 1 holds list, not an object"),
        ("rows.jsonl", b'{"text": "caf\xe9"}\n', "save it as UTF-8"),
        ("rows.jsonl", b'{"text": "a"}\n\n{"text": 1}\n', "line 3: the column 'text' has 1, unlike those before it"),
        ("rows.jsonl", b'{"text": ["a", 1]}\n', r"line 1: the column 'text' has \[.a., 1\], which cannot be stored"),
        ("rows.jsonl", b'{"text": "\\ud800"}\n', r"line 1: the column 'text' has .\\ud800., which cannot be stored"),
        ("rows.jsonl", b'{"body": "a"}\n', "no column 'text'"),
        ("rows.parquet", b"PAR1 cut short", "cannot be read"),
        ("rows.xlsx", b"", "is no .csv, .tsv, .jsonl, .parquet file"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(
    name: str, content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_files, "BLOCK", 200)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as raised:
        _texts(tmp_path / name)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.csv cannot be read: .*No such file"):
        _texts(tmp_path / "none.csv")
