"""Cases of files: encodings, separators, quotation marks, headers, JSON, parquet, splits."""

import json
import re
from io import BytesIO
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from benchmark.own_data.reading import Columns
from tests.cases.table import ONE, SEVERAL, Case, jsonl, rows, table
from zoo.row_files import Format

CSV = table(rows())
CHINESE = table([[f"第{n}次买的书，写得不太好，我很失望。", "01"[n % 2]] for n in range(40)])
FRENCH = table([[f"Le numéro {n} était à l'école", "01"[n % 2]] for n in range(40)])
TWEETS = [[f'"tweet number {n}' if n % 10 == 3 else f"tweet {n}", "no" if n % 2 else "yes"] for n in range(40)]
SWALLOWED = re.sub("tweet .?9", r'\g<0>"', table(TWEETS, "\t"))
RECORDS = [{"text": f"text number {n}", "label": ("bad", "good")[n % 2]} for n in range(40)]
ALL = "40 rows; bad 20, good 20"
BOTH, TABS = "rows.csv: UTF-8, separated by commas", "rows.tsv: UTF-8, separated by tabs"


def _csv(content: str, name: str = "rows.csv", encoding: str = "utf-8") -> dict[str, bytes]:
    return {name: content.encode(encoding)}


def _parquet(name: str = "rows.parquet", **columns: Any) -> dict[str, bytes]:
    target = BytesIO()
    parquet.write_table(pa.table(columns), target)
    return {name: target.getvalue()}


def _splits(*names: str) -> dict[str, bytes]:
    return {name: next(iter(_csv(CSV.replace("number", name)).values())) for name in names}


def _refused(name: str, files: dict[str, bytes], why: str, given: Format = Format(), columns: Columns = ONE) -> Case:
    return Case(name, files, f"refused: ...{why}", f"refused: ...{why}", columns, given)


def _read(name: str, files: dict[str, bytes], how: str, labels: str = ALL, given: Format = Format()) -> Case:
    return Case(name, files, f"read: {labels}; {how}", f"read: {labels.partition(';')[0]}; {how}", ONE, given)


_TEXTS = pa.array([record["text"] for record in RECORDS])
_LABELS = pa.array([record["label"] for record in RECORDS])
_ZERO_ONE = "40 rows; 0 20, 1 20"
_GIVEN = Format(columns=("text", "label"))
_QUOTED = [f'"text, number {n}",{"bad" if n % 2 else "good"}' for n in range(40)]

ENCODINGS = [
    _read("UTF-8", _csv(CSV), BOTH),
    _read("UTF-8 with its mark, as Excel writes", _csv(CSV, encoding="utf-8-sig"), BOTH),
    _read("UTF-16 with its mark", _csv(CSV, encoding="utf-16"), "rows.csv: UTF-16, separated by commas"),
    _read("UTF-16 without its mark", _csv(CSV, encoding="utf-16-le"), "rows.csv: utf-16-le, separated by commas"),
    _read("UTF-16, high byte first, no mark", _csv(CSV, encoding="utf-16-be"), "rows.csv: utf-16-be, separated by"),
    _read("UTF-32 with its mark", _csv(CSV, encoding="utf-32"), "rows.csv: UTF-32, separated by commas"),
    _read("GB18030, as Chinese Excel writes", _csv(CHINESE, encoding="gb18030"), "rows.csv: GB18030, sep", _ZERO_ONE),
    _read("Chinese in UTF-8", _csv(CHINESE), BOTH, _ZERO_ONE),
    _refused("Western European", _csv(FRENCH, encoding="cp1252"), "line 2 has the byte 0xe9, which is not UTF-8"),
    _read(
        "Western European, named",
        _csv(FRENCH, encoding="cp1252"),
        "rows.csv: cp1252, separated by commas",
        _ZERO_ONE,
        Format(encoding="cp1252"),
    ),
    _refused("another encoding than is named", _csv(FRENCH), "line 2 has the byte 0xa0, which is not shift_jis", Format(encoding="shift_jis")),
    _refused("Korean in EUC-KR", _csv("text,label\n책을 읽었다,좋음\n", encoding="euc-kr"), "line 2 has the byte 0xc0"),
    _refused("UTF-8 with one damaged byte", {"rows.csv": CHINESE.encode()[:600]}, "it is UTF-8, but line 12 has the"),
    _refused("a zero byte in a text", _csv(CSV.replace("number 7", "number\0 7")), "line 9 has a zero byte"),
    _refused("UTF-16 cut short", {"rows.csv": CSV.encode("utf-16")[:-1]}, "line 41 has the byte 0x0a, which is not"),
]

SEPARATORS = [
    _read("semicolons", _csv(table(rows(), ";")), "rows.csv: UTF-8, separated by semicolons"),
    _read("pipes", _csv(table(rows(), "|")), "rows.csv: UTF-8, separated by pipes"),
    _read("tabs in a file named CSV", _csv(table(rows(), "\t")), "rows.csv: UTF-8, separated by tabs"),
    _read("commas in a file named TSV", _csv(CSV, "rows.tsv"), "rows.tsv: UTF-8, separated by commas"),
    _read("Excel's sep= line", _csv(f"sep=;\n{table(rows(), ';')}"), "rows.csv: UTF-8, separated by semicolons"),
    _read("another separator, named", _csv(table(rows(), "^")), "rows.csv: UTF-8, sep", given=Format(separator="^")),
    _refused("another separator", _csv(table(rows(), "^")), "has no column '...'; its first row was taken for"),
    _refused("another separator than is named", _csv(CSV), "no column", Format(separator=";")),
    _read("lines that end in CR", _csv(table(rows(), end="\r")), BOTH),
    _read("lines that end in CRLF", _csv(table(rows(), end="\r\n")), BOTH),
    _read("no line break at the end", _csv(CSV.rstrip()), BOTH),
    _refused("a comma in a text", _csv(CSV.replace("number 7", "number, 7")), "line 9 has 3 cells and the header has 2"),
    _refused("a row cut short", _csv(CSV.replace(" 7,good", " 7")), "line 9 has 1 cells and the header has 2"),
    _read("blank lines", _csv(CSV.replace("\n", "\n\n")), BOTH + "; rows.csv: blank lines, which are no rows: 41"),
]

QUOTES = [
    _read("every text in quotation marks", _csv("\n".join(["text,label", *_QUOTED])), BOTH),
    _read(
        "line breaks in a text",
        _csv("\n".join(["text,label", *_QUOTED]).replace("number 7", "number\n7")),
        BOTH + "; rows.csv: rows with line breaks in a cell: 1, the first in line 9",
    ),
    _read("an inch sign in a text", _csv(CSV.replace("number 7", 'number 7"')), BOTH),
    _read("doubled marks in a text", _csv("\n".join(["text,label", *_QUOTED]).replace("number 7", '""number"" 7')), BOTH),
    _refused("a mark that does not close", _csv(CSV.replace("text number 7", '"text 7')), "line 9: a quotation mark"),
    _refused("a lost mark", _csv("\n".join(["text,label", *_QUOTED]).replace('7"', "7")), "line 9: a quotation mark"),
    _refused("marks escaped by backslash", _csv(CSV.replace("text number 7", r'"a \"b\" c"')), "line 9: a quotation"),
    _read(
        "tabs, and texts that begin with a mark",
        _csv(table(TWEETS, "\t"), "rows.tsv"),
        TABS + "; rows.tsv: quotation marks are part of the text",
        "40 rows; no 20, yes 20",
    ),
    _refused(
        "tabs, and a mark that closes lines later",
        _csv(SWALLOWED, "rows.tsv"),
        "can be read in two ways: 41 lines are rows, or ... rows, of which one in line 5 has line breaks",
    ),
    _read(
        "the same, where marks are said to be text",
        _csv(SWALLOWED, "rows.tsv"),
        TABS + "; rows.tsv: quotation marks are part of the text",
        "40 rows; no 20, yes 20",
        Format(quotes=False),
    ),
    _refused(
        "tabs, and both kinds of marks",
        _csv(table([*TWEETS, ['"whole"', "no"]], "\t"), "rows.tsv"),
        "line 5: a quotation mark opens",
    ),
    _refused("a mark that swallows a row", _csv(f'{CSV}"a,bad\nb",good\n'), "two ways: 43 lines are rows, or 42 rows"),
]

HEADERS = [
    _refused("no header", _csv(CSV.partition("\n")[2]), "its first row was taken for the header and has: 'text number 0'"),
    _read("no header, but names", _csv(CSV.partition("\n")[2]), BOTH + ", without a header", given=_GIVEN),
    _refused("too few names", _csv(CSV), "2 columns in its first row and --columns names 3", Format(columns=tuple("abc"))),
    _refused("names for two separators", _csv("a;b,c\n"), "several separators (commas, semicolons)", _GIVEN),
    _refused("another name", _csv(CSV.replace("text,", "body,")), "has no column 'text'; its first row was taken"),
    _refused("a blank before a name", _csv(CSV.replace("text,", " text,")), "has no column 'text'; ... has: ' text', 'label'"),
    _refused("a column twice", _csv("text,text,label\na,b,c\n"), "has the column 'text' twice; rename one of them"),
    _read("another column twice", _csv(CSV.replace("\n", ",,\n").replace("label,,", "label,x,x")), BOTH),
    _refused("a comment above the header", _csv(f"# exported\n{CSV}"), "its first row was taken for the header and has: '#"),
    _refused("an empty file", _csv(""), "is empty; give a file with rows"),
    Case("a header alone", _csv("text,label\n"), "refused: rows.csv: there are no rows"),
    _refused("another ending", _csv(CSV, "rows.xlsx"), "is not a .csv, .tsv, .txt"),
    _refused("a compressed file", _csv(CSV, "rows.csv.gz"), "is compressed; unpack it first"),
]

LINES = [
    Case(
        "one text a line",
        _csv('a text\n\n"another, one\n', "rows.txt"),
        "refused: rows.txt has one text a line and no column 'label'; if a line has several columns, name them",
        "read: 3 rows; rows.txt: UTF-8, one text a line",
    ),
    _read("a text file with a header", _csv(table(rows(), "\t"), "rows.txt"), "rows.txt: UTF-8, separated by tabs"),
    _read("a text file with names", _csv(CSV.partition("\n")[2], "rows.txt"), "rows.txt: UTF-8, sep", given=_GIVEN),
    Case(
        "a text file with tabs and no header",
        _csv(table(rows(), "\t").partition("\n")[2], "rows.txt"),
        "refused: rows.txt has one text a line and no column 'label'",
        "refused: rows.txt has 2 columns in every line, separated by tabs; name them with --columns",
    ),
    _refused("fastText's layout", _csv("__label__bad a text\n", "rows.txt"), "is in fastText's layout"),
]

JSON = [
    _read("an object a line", {"rows.jsonl": jsonl(RECORDS)}, "rows.jsonl: UTF-8, an object a line"),
    _read("an array", {"rows.json": json.dumps(RECORDS).encode()}, "rows.json: UTF-8, an array of objects"),
    _read("an array over lines", {"rows.json": json.dumps(RECORDS, indent=1).encode()}, "rows.json: UTF-8, an array"),
    _read("an array named JSONL", {"rows.jsonl": json.dumps(RECORDS).encode()}, "rows.jsonl: UTF-8, an array of objects"),
    _read("lines named JSON", {"rows.json": jsonl(RECORDS)}, "rows.json: UTF-8, an object a line"),
    _refused("an object of columns", {"rows.json": b'{"a": {"0": "x"}}'}, "has no column 'text'; it has: 'a'"),
    _refused("an array cut short", {"rows.json": json.dumps(RECORDS)[:-9].encode()}, "line 1: "),
    _refused("lines without an object", {"rows.jsonl": b'"text"\n'}, "line 1: it holds str, not an object"),
    _refused("a text that is a number", {"rows.jsonl": jsonl([*RECORDS, {"text": 5}])}, "line 41: the column 'text' has 5"),
    _refused("a name twice", {"rows.jsonl": b'{"text": "a", "text": "b"}\n'}, "line 1: a name stands twice"),
    _refused("half a character", {"rows.jsonl": b'{"text": "\\ud800"}\n'}, "line 1: \\ud800 is half a character"),
    _refused("Infinity", {"rows.jsonl": b'{"text": "a", "label": Infinity}\n'}, "line 1: Infinity is no number"),
    Case(
        "objects without the label",
        {"rows.jsonl": jsonl([{"text": f"text {n}", "labels": ["a"] * (n % 2)} for n in range(8)] + [{"text": "b"}])},
        "read: 9 rows; a 4; ...rows.jsonl: UTF-8, an object a line; rows.jsonl: rows without 'labels': 1",
        "read: 9 rows; rows.jsonl: UTF-8, an object a line",
        SEVERAL,
    ),
    Case(
        "NaN as a label",
        {"rows.jsonl": jsonl([{"text": f"text {n}", "label": n % 2} for n in range(8)] + [{"text": "b", "label": float("nan")}])},
        "refused: rows.jsonl: row 9 has no label in the column 'label'",
        "read: 9 rows",
    ),
    Case(
        "labels as text and as lists",
        {"rows.jsonl": jsonl([{"text": "a", "labels": "x"}, {"text": "b", "labels": ["x", "y"]}])},
        "refused: rows.jsonl cannot be read: line 2: the column 'labels' has [\"x\", \"y\"], and text before it",
        "read: 2 rows",
        SEVERAL,
    ),
    _refused("a separator for JSON", {"rows.jsonl": jsonl(RECORDS)}, "takes no --separator", Format(separator=";")),
]

PARQUET = [
    _read("strings", _parquet(text=_TEXTS, label=_LABELS), "rows.parquet: parquet"),
    _read("categories", _parquet(text=_TEXTS.dictionary_encode(), label=_LABELS.dictionary_encode()), "rows.parquet"),
    _read("large strings", _parquet(text=_TEXTS.cast(pa.large_string()), label=_LABELS), "rows.parquet"),
    _read("string views", _parquet(text=_TEXTS.cast(pa.string_view()), label=_LABELS), "rows.parquet"),
    _read("bytes of UTF-8", _parquet(text=_TEXTS.cast(pa.binary()), label=_LABELS.cast(pa.binary())), "rows.parquet"),
    _refused("bytes of Latin-1", _parquet(text=[b"caf\xe9"], label=["a"]), "the column 'text' has bytes that are not"),
    Case(
        "lists of categories",
        _parquet(text=["a", "b"], labels=pa.array([["x", "y"], None]).cast(pa.list_(pa.dictionary(pa.int8(), pa.string())))),
        "read: 2 rows; x 1, y 1; ...rows.parquet",
        "read: 2 rows; rows.parquet",
        SEVERAL,
    ),
    Case(
        "numbers as texts",
        _parquet(text=[1, 2], label=["a", "b"]),
        "refused: rows.parquet: the text column holds int64, not text",
    ),
    _refused("a parquet file cut short", {"rows.parquet": b"PAR1 and no more"}, "cannot be read: "),
    _refused("an encoding for parquet", _parquet(text=["a"]), "takes no --encoding", Format(encoding="utf-8")),
]

SPLITS = [
    Case("train, dev, test", _splits("train.csv", "dev.csv", "test.csv"), "read: 120 rows; bad 60, good 60; train.csv: "),
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
    Case("dev and valid", _splits("train.csv", "dev.csv", "valid.csv", "test.csv"), "refused: the folder has dev.csv and"),
    Case(
        "files of no split",
        _splits("train.csv", "test.csv", "extra.csv", "notes.md"),
        "read: 80 rows; ...not read, since their names are of no split: extra.csv, notes.md",
    ),
    Case("test alone", _splits("test.csv", "notes.md"), "refused: the folder has the splits test (beside notes.md); it needs"),
    Case("train and validation", _splits("train.csv", "dev.csv"), "refused: the folder has the splits train, validation; it"),
    Case("a compressed split", _splits("train.csv.gz", "test.csv"), "refused: train.csv.gz is compressed; unpack it"),
    Case(
        "splits in several kinds of files",
        {**_splits("train.csv"), **{"test.jsonl": jsonl(RECORDS)}},
        "read: 80 rows; bad 40, good 40; train.csv: UTF-8, separated by commas; test.jsonl: UTF-8, an object a line",
    ),
    Case(
        "columns in another order",
        {"train.csv": CSV.encode(), "test.csv": table([row[::-1] for row in rows()], ";", "label,text").encode()},
        "read: 80 rows; bad 40, good 40; train.csv: UTF-8, separated by commas; test.csv: UTF-8, separated by semicolons",
    ),
]

CASES: list[Case] = [*ENCODINGS, *SEPARATORS, *QUOTES, *HEADERS, *LINES, *JSON, *PARQUET, *SPLITS]
