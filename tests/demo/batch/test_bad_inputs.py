"""What the Batch tab refuses to read: each in one line, and in little memory."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from demo.batch.inputs import MAX_BYTES, MAX_ROWS, MAX_VALUES, _count_values, read_pasted, read_rows
from demo.compare.handlers import MAX_CHARACTERS
from tests.demo.batch.batches import read, write
from zoo.errors import UserError


@pytest.mark.parametrize(
    ("pasted", "message"),
    [
        ("", "There are no texts"),
        (" \n\t\n", "There are no texts"),
        ("x\n" * (MAX_ROWS + 1), "more than 2,000 rows"),
        ("x\n" + "a" * (MAX_CHARACTERS + 1), "The text of row 2 has 10,001 characters, 10,000 are allowed"),
        ("a" * (MAX_BYTES + 1), "5,000,001 characters together, 5,000,000 are allowed"),
        ("half \ud83d", r"The text of row 1 has half a character, '\\ud83d'"),
    ],
)
def test_bad_pasted_texts_are_refused(pasted: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_pasted(pasted)


def test_texts_and_a_file_at_once_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", "text\na\n")
    assert read_rows(" \n", str(path), "text", "labels").texts == ["a"]
    with pytest.raises(UserError, match="pasted texts and a file"):
        read_rows("a", str(path), "text", "labels")


BAD: dict[str, tuple[str, str | bytes, str]] = {
    "empty": (".csv", b"", "There are no texts"),
    "header only": (".csv", "text,labels\n", "There are no texts"),
    "empty JSONL": (".jsonl", "\n\n", "There are no texts"),
    "Latin-1": (".csv", "text\ncafé\n".encode("latin-1"), "line 2 has the byte 0xe9; save it as UTF-8"),
    "UTF-16 cut short": (".csv", "text\na\n".encode("utf-16")[:-1], "says that it is UTF-16, but line 2"),
    "zero byte": (".csv", b"text\na\nb\0\n", "Line 3 has a zero byte"),
    "compressed": (".gz", b"", "unpack it first"),
    "parquet named CSV": (".csv", b"PAR1\x15\x04\x15\x00\xff", "not text in UTF-8, UTF-16 or GB18030"),
    "other ending": (
        ".xlsx",
        b"PK",
        "ends in '.xlsx'; the endings are .csv, .tsv, .txt, .jsonl, .json, .parquet",
    ),
    "no ending": ("", b"text\n", "a file that ends in ''"),
    "no such column": (".csv", "Text;labels\na;b\n", "no column 'text'; its first row .* has: 'Text', 'labels'"),
    "many columns": (".csv", ",".join(f"c{i}" for i in range(900)) + "\n", r"'c19', .*\.\.\. \(900\)"),
    "column twice": (".csv", "text,x,text\na,b,c\n", "the column 'text' twice"),
    "labels twice": (".tsv", "labels\ttext\tlabels\na\tb\tc\n", "the column 'labels' twice"),
    "ragged": (".csv", "text,labels\na,b\nc\n", "Line 3 has 1 cells, the header has 2"),
    "unquoted comma": (".csv", "text,labels\nwell, no,b\n", "Line 2 has 3 cells"),
    "open quote": (".csv", 'text\n"a\nb\n', "Line 2 cannot be read: a quotation mark opens in this row"),
    "quote that swallows a row": (".csv", 'text\n"a\nb "c"\nd\n', "Line 2 cannot be read: a quotation mark opens"),
    "long text": (".csv", "text\n" + "a" * 10_001, "The text of row 1 has 10,001 characters"),
    "too many rows": (".csv", "text\n" + "a\n" * 2_001, "more than 2,000 rows"),
    "too many lines": (".jsonl", '{"text": "a"}\n' * 2_001, "more than 2,000 rows"),
    "broken line": (".jsonl", '{"text": "a"}\n\n{"text": "b"\n', "Line 3 cannot be read"),
    "no object": (".jsonl", '["text"]\n', r"Line 1 cannot be read \(it holds str, not an object\)"),
    "array cut short": (".json", '[\n{"text": "a"}\n', r"Line 3 cannot be read \(there is the end of the file"),
    "deep nesting": (".jsonl", "[" * 100_000, "Line 1 cannot be read"),
    "huge number": (".jsonl", '{"text": ' + "9" * 10_000 + "}", "Line 1 cannot be read"),
    "name twice": (".jsonl", '{"text": "a", "text": "b"}', "Line 1 cannot be read .*twice"),
    "nested text": (".jsonl", '{"text": {"en": "a"}}', "Row 1 has dict where a text should be"),
    "number as text": (".jsonl", '{"text": "a"}\n{"text": 5}', "Line 2 cannot be read .*has 5, and text before it"),
    "nothing but blanks": (
        ".jsonl",
        '{"text": NaN}\n{"text": " "}\n{"body": "a"}\n{"text": null}',
        "There are no texts",
    ),
    "half a character": (".jsonl", '{"text": "\\ud800"}', r"Line 1 cannot be read \(.ud800 is half a character"),
    "odd column": (".jsonl", '{"\\ud800\\n": "a"}', r"Line 1 cannot be read \(.ud800 is half a character"),
    "random parquet": (".parquet", np.random.default_rng(0).bytes(5_000), "not a readable parquet file"),
    "parquet, ends only": (
        ".parquet",
        b"PAR1" + b"\x00" * 100 + b"\x10\x00\x00\x00PAR1",
        "not a readable parquet file",
    ),
    "empty parquet": (".parquet", b"", "not a readable parquet file"),
    "too large": (".csv", b"text\n" + b"a" * MAX_BYTES, "5,000,005 bytes, 5,000,000 are allowed"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    ending, content, message = BAD[case]
    with pytest.raises(UserError, match=message) as raised:
        read(write(tmp_path / f"in{ending}", content))
    assert len(str(raised.value).encode().splitlines()) == 1
    assert len(str(raised.value)) < 600


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"body": ["x"]}), "no column 'text'; it has: 'body'"),
        (pd.DataFrame({"text": [1.0, np.nan]}), "Row 1 has 1.0 where a text should be"),
        (pd.DataFrame({"text": [["x"]]}), "Row 1 has list where a text should be"),
        (pd.DataFrame({"text": pd.to_datetime(["2020-01-01"])}), "Row 1 has (Timestamp|datetime) where a text"),
        (pd.DataFrame({"text": []}, dtype=str), "There are no texts"),
        (pd.DataFrame({"text": ["x"] * (MAX_ROWS + 1)}), "more than 2,000 rows"),
        (pd.DataFrame({"text": [f"{row:09,}" * 1_000 for row in range(600)]}), "5,400,000 characters together"),
        (pd.DataFrame({"text": ["x"], "labels": [np.zeros(MAX_VALUES, np.int8)]}), "2,000,001 values"),
        (pd.DataFrame({"text": ["x"], "other": ["a" * 50_000_000]}), "unpacks to 50,0.* bytes"),
    ],
)
def test_a_bad_parquet_file_is_refused(frame: pd.DataFrame, message: str, tmp_path: Path) -> None:
    frame.to_parquet(tmp_path / "in.parquet", compression="zstd")
    with pytest.raises(UserError, match=message):
        read(tmp_path / "in.parquet")


@pytest.mark.slow
def test_values_in_lists_are_counted_in_a_process_of_their_own(tmp_path: Path) -> None:
    lists = pd.DataFrame({"text": ["a", "b"], "labels": [["x"] * 9, ["y"]]})
    assert _count_values(write(tmp_path / "in.parquet", lists)) == 12
    with pytest.raises(UserError, match="not a readable parquet file"):
        _count_values(write(tmp_path / "in.parquet", b"PAR1"))


def test_a_parquet_file_cut_short_or_changed_anywhere_is_refused_or_read(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.parquet", pd.DataFrame({"text": ["one", "two"]})).read_bytes()
    draw = np.random.default_rng(0)
    outcomes: list[str] = []
    for _ in range(60):
        changed = bytearray(whole[: draw.integers(1, len(whole) + 1)] if draw.random() < 0.3 else whole)
        changed[draw.integers(len(changed))] ^= int(draw.integers(1, 256))
        try:
            outcomes += read(write(tmp_path / "in.parquet", bytes(changed))).texts
        except UserError as error:
            outcomes.append(str(error))
    assert outcomes.count("The file is not a readable parquet file; write it again") > 10


@pytest.mark.parametrize("encoding", ["RLE_DICTIONARY", "DELTA_BYTE_ARRAY"])
def test_a_text_said_once_for_every_row_is_not_unpacked_for_every_row(encoding: str, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    how = {"column_encoding": encoding, "use_dictionary": False} if encoding.startswith("DELTA") else {}
    table = pa.table({"text": ["a" * 2_000_000] * 100})
    pq.write_table(table, tmp_path / "in.parquet", compression="zstd", **how)
    assert (tmp_path / "in.parquet").stat().st_size < 10_000
    usual, pool = pa.default_memory_pool(), pa.proxy_memory_pool(pa.system_memory_pool())
    pa.set_memory_pool(pool)
    try:
        with pytest.raises(UserError, match="The text of row 1 has 2,000,000 characters"):
            read(tmp_path / "in.parquet")
    finally:
        pa.set_memory_pool(usual)
    assert 2_000_000 < pool.max_memory() < 20_000_000  # of 200 MB
