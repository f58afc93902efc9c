"""Rows of four kinds of files, the same from each; and files that are no such thing, in one line."""

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zoo.errors import UserError
from zoo.row_files import lines as row_lines
from zoo.row_files import row_reader
from zoo.row_files.format import ALL_FOUND, Format, choose_format
from zoo.row_files.row_reader import look_through, read_batches, read_plain_rows

ENDINGS = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
TEXTS = ["plain", 'with "quotes", a comma', "two\nlines", "tab\there", "漢字 🦓", "NA", "007"]


def _write(path: Path, texts: list[str], encoding: str = "utf-8") -> Path:
    rows = [{"id": number, "text": text} for number, text in enumerate(texts)]
    if path.suffix == ".parquet":
        pd.DataFrame(rows).to_parquet(path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, indent=1), encoding=encoding)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding=encoding)
    else:
        with path.open("w", encoding=encoding, newline="") as file:
            writer = csv.DictWriter(file, ["id", "text"], delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path


def _texts(path: Path) -> list[str]:
    return [text for batch in _batches(path, ["text"]) for text in batch["text"].to_pylist()]


def _batches(path: Path, columns: list[str], given: Format = ALL_FOUND) -> list[Any]:
    return list(read_batches(look_through(path, columns, given), columns))


def _rows(path: Path, columns: list[str], given: Format = ALL_FOUND) -> list[list[Any]]:
    return list(read_plain_rows(look_through(path, columns, given), columns))


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_kind_of_file_gives_the_texts_as_they_are(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_reader, "BATCH", 3)
    monkeypatch.setattr(row_lines, "BLOCK", 200)
    path = _write(tmp_path / f"rows{ending}", TEXTS * 9)
    assert _texts(path) == TEXTS * 9
    assert len(_batches(path, ["text"])) > 1


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_mark_says_the_encoding(ending: str, encoding: str, tmp_path: Path) -> None:
    assert _texts(_write(tmp_path / f"rows{ending}", TEXTS, encoding)) == TEXTS


@pytest.mark.parametrize("ending", ENDINGS)
def test_plain_rows_are_those_of_the_batches_and_the_columns_have_names(ending: str, tmp_path: Path) -> None:
    path = _write(tmp_path / f"rows{ending}", TEXTS)
    assert look_through(path, ["text"]).columns == ("id", "text")
    numbers = range(len(TEXTS)) if ending in (".jsonl", ".json", ".parquet") else map(str, range(len(TEXTS)))
    assert _rows(path, ["text", "id"]) == [list(row) for row in zip(TEXTS, numbers, strict=True)]


def test_a_jsonl_file_has_the_names_of_all_its_objects(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n{"b": [2], "a": 3}\n', encoding="utf-8")
    assert look_through(tmp_path / "rows.jsonl", []).columns == ("a", "b")
    assert _rows(tmp_path / "rows.jsonl", ["b", "a"]) == [[None, 1], [[2], 3]]


# No file holds half a character; a zero byte is what tells UTF-16 without its mark from text.
CHARACTER = st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from("\"',\t\r\n")
CELL = st.text(CHARACTER, max_size=8)
STYLES = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|"),
        # Python 3.12 and before writes "\r" in a cell without quotation marks where lines end in "\n".
        "dialect": st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL)]),
        "ending": st.sampled_from([".csv", ".tsv"]),
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    }
)
TABLE = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=9))


@settings(max_examples=200)
@given(rows=TABLE, style=STYLES)
@example(
    rows=[["\r"], [""], ["\n\r"]],
    style={"delimiter": ",", "dialect": ("\r\n", csv.QUOTE_MINIMAL), "ending": ".csv", "encoding": "utf-8"},
)
def test_what_pythons_csv_module_writes_is_read_as_it_was_or_refused(
    rows: list[list[str]], style: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Refused is what can be read in two ways, such as one column with separators of another kind."""
    path = tmp_path_factory.getbasetemp() / f"written{style['ending']}"
    names = [f"c{number}" for number in range(len(rows[0]) if rows else 1)]
    line, quoting = style["dialect"]
    with path.open("w", encoding=style["encoding"], newline="") as file:
        writer = csv.writer(file, delimiter=style["delimiter"], lineterminator=line, quoting=quoting)
        writer.writerows([names, *rows])
    try:
        file = look_through(path, names)
        found = list(read_plain_rows(file, names))
    except UserError:
        assert len(names) == 1 or any("\n" in cell or "\r" in cell for row in rows for cell in row)
        return
    assert found == rows
    assert file.rows == len(rows)
    batches = ([batch[name].to_pylist() for name in names] for batch in read_batches(file, names))
    assert [list(row) for columns in batches for row in zip(*columns, strict=True)] == rows


@given(texts=st.lists(st.text("ab ,"), min_size=1, max_size=30), at=st.integers(0, 29))
def test_a_quotation_mark_that_is_lost_never_loses_a_row_in_silence(
    texts: list[str], at: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Of a file with every text in quotation marks, one closing mark is taken away."""
    path, at = tmp_path_factory.getbasetemp() / "lost.csv", at % len(texts)
    lines = [f'{number},"{text}"' for number, text in enumerate(texts)]
    lines[at] = lines[at][:-1]
    path.write_text("\n".join(["id,text", *lines, ""]), encoding="utf-8", newline="")
    with pytest.raises(UserError, match=r"quotation mark opens in this row|cells and the header has"):
        _rows(path, ["text"])


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Ich möchte über das schöne Geschäft großes Lob aussprechen"),
        ("cp1251", "Я купил эту книгу и очень доволен"),
        ("cp1253", "Αγόρασα αυτό το βιβλίο"),
        ("cp1256", "اشتريت هذا الكتاب وكان رائعا جدا"),
        ("shift_jis", "この本を買いました。とても面白かったです"),
        ("euc-jp", "この本を買いました。とても面白かったです"),
        ("euc-kr", "이 책을 샀는데 정말 재미있어요"),
        ("big5", "我買了這本書，內容非常好看，送貨也很快"),
        ("tis-620", "ฉันซื้อหนังสือเล่มนี้และชอบมาก"),
    ],
)
def test_other_encodings_are_not_taken_for_one_that_is_found(encoding: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(f"text\n{text}\n".encode(encoding))
    with pytest.raises(UserError, match="which is not UTF-8; save the file as UTF-8, or say what it is"):
        look_through(tmp_path / "rows.csv", ["text"])
    assert _rows(tmp_path / "rows.csv", ["text"], Format(encoding=encoding)) == [[text]]


def test_options_that_name_nothing_are_refused() -> None:
    assert choose_format("gb18030", "tab", "a, b", False) == Format("gb18030", "\t", ("a", "b"), False)
    for options, message in (
        (("utf-88",), "--encoding 'utf-88' is none that is known"),
        (("rot13",), "--encoding 'rot13' is none that is known"),
        (("", "_!_"), "--separator '_!_' is not one character"),
        (("", "", "a,b,a"), "--columns a,b,a names a column twice"),
    ):
        with pytest.raises(UserError, match=message):
            choose_format(*options)


def test_columns_come_in_the_order_asked_for_and_others_may_hold_anything(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b,c\n1,x,\n2,y,oops\n", encoding="utf-8")
    (batch,) = _batches(tmp_path / "rows.csv", ["b", "a"])
    assert {name: values.to_pylist() for name, values in batch.items()} == {"b": ["x", "y"], "a": ["1", "2"]}
    (tmp_path / "rows.jsonl").write_text('{"a": [1]}\n\n{"b": null}\n', encoding="utf-8")
    (batch,) = _batches(tmp_path / "rows.jsonl", ["a", "b"])
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
        ("rows.csv", b"", "is empty; give a file with rows"),
        ("rows.csv", b"id,text\n1,a\n2\n", "line 3 has 1 cells and the header has 2"),
        ("rows.csv", b"id,text\n1,a,b\n", "line 2 has 3 cells and the header has 2"),
        ("rows.csv", b"id,text\n1,caf\xe9\n", "line 2 has the byte 0xe9, which is not UTF-8"),
        ("rows.csv", "text,x\n好,茶\n坏,水\n".encode()[:-3], "it is UTF-8, but line 3 has the damaged byte"),
        ("rows.csv", b"text\na\nb\0\n", "line 3 has a zero byte"),
        ("rows.csv", b"id,text\n1," + b"x" * 500 + b"\n", "line 2: the row has more than 200 characters"),
        ("rows.csv", b'id,text\n1,"open\n' + b"2,b\n" * 100, "line 2: a quotation mark opens in this row"),
        ("rows.csv", b'id,text\n1,a\n2,"open\n3,b\n', "line 3: a quotation mark opens in this row"),
        ("rows.tsv", b'id\ttext\n1\t"open\n2\t"whole"\n3\t\n', "line 2: a quotation mark opens in this row"),
        ("rows.tsv", b'id\ttext\n1\t"open\n2\tclose"\n3\tx\n', "4 lines are rows, or 3 rows, of which one in line 2"),
        ("rows.csv", b'id,text\n1,"two\nlines"\n2,"a" b\n', "line 4: a quotation mark opens in this row"),
        (
            "rows.csv",
            b"id,body\n1,a\n",
            "no column 'text'; its first row was taken for the header and has: 'id', 'body'",
        ),
        ("rows.csv", b"text,text\n1,a\n", "has the column 'text' twice"),
        ("rows.jsonl", b'{"text": "a"}\n{"text": \n', "line 2"),
        ("rows.jsonl", b'["a"]\n', "line 1: it holds str, not an object"),
        ("rows.jsonl", b'{"text": "caf\xe9"}\n', "line 1 has the byte 0xe9"),
        ("rows.jsonl", b'{"text": "a"}\n\n{"text": 1}\n', "line 3: the column 'text' has 1, and text before it"),
        ("rows.jsonl", b'{"text": ["a", 1]}\n', r"line 1: the column 'text' has \[.a., 1\], which cannot be stored"),
        ("rows.jsonl", b'{"text": "\\ud800"}\n', r"line 1: .ud800 is half a character"),
        ("rows.jsonl", b'{"body": "a"}\n', "no column 'text'"),
        ("rows.jsonl", b'{"text": "a"}\n{"text": "b", "text": "c"}\n', "line 2: a name stands twice"),
        ("rows.jsonl", b'{"text": "' + b"x" * 500 + b'"}\n', "line 1: the row has more than 200 characters"),
        ("rows.parquet", b"PAR1 cut short", "cannot be read"),
        ("rows.xlsx", b"", "is not a .csv, .tsv, .txt, .jsonl, .json, .parquet file"),
        ("rows.csv.gz", b"", "is compressed; unpack it first"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(
    name: str, content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_lines, "BLOCK", 200)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as raised:
        _texts(tmp_path / name)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.csv cannot be read: .*No such file"):
        _texts(tmp_path / "none.csv")
