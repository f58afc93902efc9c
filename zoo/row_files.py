"""The rows of a CSV, TSV, JSONL or parquet file, a batch at a time, so that a file of any size is read in bounded
memory."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet

from zoo.errors import UserError

BLOCK = 8 * 2**20  # bytes of a CSV that are read at a time; a row cannot be longer
BATCH = 1024  # rows of any other file
_QUOTED = 160  # characters of what a library says of a file
Batch = dict[str, pa.Array]
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_batches(source: Path, columns: Sequence[str]) -> Iterator[Batch]:
    """Yield the columns of the file's rows, in order, some rows at a time; of a CSV as strings, whatever they hold.

    A CSV or JSONL file is in UTF-8, or, a CSV, in UTF-16 with its mark; what is no value in the file is null.

    Raises:
        UserError: the file is missing, damaged or of another kind, or has no such column.
    """
    reader = _READERS.get(source.suffix.lower())
    if reader is None:
        raise UserError(f"{source} is no {', '.join(_READERS)} file; give one")
    try:
        yield from reader(source, list(columns))
    except (OSError, ValueError, OverflowError, pa.ArrowException) as error:
        raise UserError(f"{source} cannot be read: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    said = str(error).splitlines()[0][:_QUOTED]
    if isinstance(error, UnicodeError) or "UTF8" in said:
        return f"{said}; save it as UTF-8"
    if "straddles two block boundaries" in said:
        return f"a row is longer than {BLOCK:,} bytes; is a quotation mark left open, or a line break missing?"
    return said


def _check_columns(source: Path, there: Sequence[str], wanted: Sequence[str]) -> None:
    for column in wanted:
        if column not in there:
            raise UserError(f"{source} has no column '{column}'; it has: {', '.join(map(str, there))[:_QUOTED]}")
        if list(there).count(column) > 1:
            raise UserError(f"{source} has the column '{column}' twice; rename one of them")


def _read_csv(source: Path, columns: list[str], delimiter: str) -> Iterator[Batch]:
    with source.open("rb") as file:
        encoding = "utf-16" if file.read(2) in _UTF16 else "utf8"

    def opened(convert: csv.ConvertOptions) -> csv.CSVStreamingReader:
        read = csv.ReadOptions(use_threads=False, block_size=BLOCK, encoding=encoding)  # one thread knows row numbers
        parse = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
        return csv.open_csv(source, read_options=read, parse_options=parse, convert_options=convert)

    with opened(csv.ConvertOptions()) as reader:
        _check_columns(source, reader.schema.names, columns)
    text = dict.fromkeys(columns, pa.string())
    with opened(csv.ConvertOptions(include_columns=columns, column_types=text, strings_can_be_null=False)) as reader:
        for batch in reader:
            yield dict(zip(columns, batch.columns, strict=True))


def _read_jsonl(source: Path, columns: list[str]) -> Iterator[Batch]:
    with source.open(encoding="utf-8-sig") as file:
        rows = (_record(number, line) for number, line in enumerate(file, 1) if line.strip())
        first = True
        while some := list(islice(rows, BATCH)):
            if first:
                _check_columns(source, list(dict.fromkeys(name for row in some for name in row)), columns)
            first = False
            yield {column: pa.array([row.get(column) for row in some]) for column in columns}


def _record(number: int, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"line {number}: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"line {number} holds {type(found).__name__}, not an object")
    return found


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
