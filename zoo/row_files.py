"""The rows of a CSV, TSV, JSONL or parquet file, a batch at a time, so that a file of any size is read in bounded
memory. In messages, rows are counted from 1 without a CSV's header, lines as an editor counts them."""

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet

from zoo.errors import UserError

BLOCK = 8 * 2**20  # bytes of a CSV that are read at a time; a row cannot be longer
BATCH = 1024  # rows of any other file
_QUOTED = 160  # characters of what a library says of a file
_DAMAGE = (OSError, ValueError, OverflowError, pa.ArrowException)
Batch = dict[str, pa.Array]
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_batches(source: Path, columns: Sequence[str]) -> Iterator[Batch]:
    """Yield the columns of the file's rows, in order, some rows at a time; of a CSV as strings, whatever they hold.

    A CSV or JSONL file is in UTF-8, or, a CSV, in UTF-16 with its mark; what is no value in the file is null. A blank
    line is an empty cell where a CSV has one column, and nothing anywhere else.

    Raises:
        UserError: the file is missing, damaged or of another kind, or has no such column.
    """
    reader = _READERS.get(source.suffix.lower())
    if reader is None:
        raise UserError(f"{source} is no {', '.join(_READERS)} file; give one")
    try:
        yield from reader(source, list(columns))
    except _DAMAGE as error:
        raise UserError(f"{source} cannot be read: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    said = str(error).splitlines()[0][:_QUOTED]
    if isinstance(error, UnicodeError) or "UTF8" in said:
        return f"{said}; save it as UTF-8"
    if "straddles two block boundaries" in said:
        return f"a row is longer than {BLOCK:,} bytes; is a quotation mark left open, or a line break missing?"
    # Arrow counts the header as a row.
    return re.sub(r"Row #(\d+)", lambda found: f"row {int(found[1]) - 1}", said)


def _check_columns(source: Path, there: Sequence[str], wanted: Sequence[str]) -> None:
    for column in wanted:
        if column not in there:
            raise UserError(f"{source} has no column '{column}'; it has: {', '.join(map(str, there))[:_QUOTED]}")
        if list(there).count(column) > 1:
            raise UserError(f"{source} has the column '{column}' twice; rename one of them")


def _read_csv(source: Path, columns: list[str], delimiter: str) -> Iterator[Batch]:
    with source.open("rb") as file:
        encoding = "utf-16" if file.read(2) in _UTF16 else "utf8"

    def opened(convert: csv.ConvertOptions, blank: bool, skip: int) -> csv.CSVStreamingReader:
        # One thread knows row numbers.
        read = csv.ReadOptions(use_threads=False, block_size=BLOCK, encoding=encoding, skip_rows=skip)
        parse = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=not blank)
        return csv.open_csv(source, read_options=read, parse_options=parse, convert_options=convert)

    with opened(csv.ConvertOptions(), blank=False, skip=0) as reader:
        _check_columns(source, reader.schema.names, columns)
        alone = len(reader.schema.names) == 1
    text = dict.fromkeys(columns, pa.string())
    convert = csv.ConvertOptions(include_columns=columns, column_types=text, strings_can_be_null=False)
    with opened(convert, alone, _blank_lines(source, encoding) if alone else 0) as reader:
        for batch in reader:
            yield dict(zip(columns, batch.columns, strict=True))


def _blank_lines(source: Path, encoding: str) -> int:
    """Return how many stand before the header."""
    with source.open(encoding="utf-8-sig" if encoding == "utf8" else encoding) as file:
        return sum(1 for _ in takewhile(lambda line: line == "\n", file))


def _read_jsonl(source: Path, columns: list[str]) -> Iterator[Batch]:
    with source.open(encoding="utf-8-sig") as file:
        rows = ((number, _record(number, line)) for number, line in enumerate(file, 1) if line.strip())
        first = True
        while some := list(islice(rows, BATCH)):
            if first:
                _check_columns(source, list(dict.fromkeys(name for _, row in some for name in row)), columns)
            first = False
            numbers = [number for number, _ in some]
            yield {column: _values([row.get(column) for _, row in some], column, numbers) for column in columns}


def _record(number: int, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"line {number}: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"line {number} holds {type(found).__name__}, not an object")
    return found


def _values(values: list[Any], column: str, numbers: list[int]) -> pa.Array:
    """Return the column's values, which stand in the lines `numbers`; they must be of one type."""
    try:
        return pa.array(values)
    except _DAMAGE as error:
        # Of the starts of a list, all that are longer than a refused one are refused, too.
        at = bisect_left(range(len(values)), True, key=lambda last: _refused(values[: last + 1]))
        value = json.dumps(values[at], ensure_ascii=False).encode(errors="backslashreplace").decode()[:40]
        why = "which cannot be stored" if _refused([values[at]]) else "unlike those before it; make all of one type"
        raise ValueError(f"line {numbers[at]}: the column '{column}' has {value}, {why}") from error


def _refused(values: list[Any]) -> bool:
    try:
        pa.array(values)
    except _DAMAGE:
        return True
    return False


def _read_parquet(source: Path, columns: list[str]) -> Iterator[Batch]:
    with parquet.ParquetFile(source) as file:
        _check_columns(source, file.schema_arrow.names, columns)
        for batch in file.iter_batches(batch_size=BATCH, columns=columns):
            yield {column: batch.column(column) for column in columns}


_READERS: dict[str, Callable[[Path, list[str]], Iterator[Batch]]] = {
    ".csv": partial(_read_csv, delimiter=","),
    ".tsv": partial(_read_csv, delimiter="\t"),
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}
ENDINGS = tuple(_READERS)
