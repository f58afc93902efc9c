"""The rows of a CSV, TSV, JSONL or parquet file, a few at a time, so that a file of any size is read in bounded memory.

The reader is strict: it skips, mends and guesses nothing. Messages count lines from 1, as an editor does.
"""

import csv
import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
from pyarrow import parquet

from zoo.errors import UserError

BLOCK = 8 * 2**20  # characters that a row of a text file may have
BATCH = 1024  # rows that are read at a time
_QUOTED = 160  # characters of what a message quotes
_DAMAGE = (OSError, ValueError, OverflowError, pa.ArrowException)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
ENDINGS = (*_DELIMITERS, ".jsonl", ".parquet")
_MESSAGES = {
    "ending": "is not a {endings} file; give one",
    "empty": "is empty; give a file with a header and rows",
    "damaged": "cannot be read: {reason}",
    "encoding": "cannot be read: it is not text in UTF-8 or UTF-16; save it as UTF-8",
    "column": "has no column '{column}'; it has: {columns}",
    "twice": "has the column '{column}' twice; rename one of them",
    "line": "cannot be read: line {line}: {reason}",
    "ragged": "cannot be read: line {line} has {cells} cells and the header has {columns}; put a text with separators "
    "in quotation marks",
    "quotes": "cannot be read: line {line}: a quotation mark opens in this row and does not close at the end of a "
    "cell; close it, or write a quotation mark inside a quoted cell twice",
    "long": "cannot be read: line {line}: the row has more than {most} characters; close its quotation mark, or put in "
    "the missing line break",
}
Batch = dict[str, pa.Array]
Row = tuple[int, list[Any]]  # the line that it begins in, and its values in the order of the columns
csv.field_size_limit(max(csv.field_size_limit(), BLOCK))  # the module's own bound, 131,072, is smaller than a long text


class RowFileError(UserError):
    """A file whose rows cannot be read. `kind` is a key of _MESSAGES and `values` are the facts, so that a caller can
    say the same in another language."""

    def __init__(self, source: Path, kind: str, **values: object) -> None:
        super().__init__(f"{source} {_MESSAGES[kind].format(**values)}")
        self.kind, self.values = kind, values


def column_names(source: Path) -> list[str]:
    """Return the names of a file's columns, in order; those of a JSONL file are all names in any of its objects.

    Raises:
        RowFileError: the file is missing, damaged or of another kind.
    """
    ending = _ending(source)
    with _damage_told(source):
        if ending == ".parquet":
            with parquet.ParquetFile(source) as file:
                return list(file.schema_arrow.names)
        if ending == ".jsonl":
            return list(_names(record for _, record in _records(source)))
        return _header(source, _cells(source, ending))


def read_plain_rows(source: Path, columns: Sequence[str]) -> Iterator[list[Any]]:
    """Yield the values of each row, in the order of `columns`, as plain Python values; of a CSV as strings.

    Only one row of a parquet file is unpacked at a time, since a few bytes of it can hold one long text in every row.

    Raises:
        RowFileError: as `read_batches`.
    """
    if _ending(source) == ".parquet":
        for batch in _parquet_batches(source, columns, size=1):
            yield [batch[column][0].as_py() for column in columns]
    else:
        yield from (values for _, values in _text_rows(source, columns))


def read_batches(source: Path, columns: Sequence[str]) -> Iterator[Batch]:
    """Yield the columns of the file's rows, in order, at most BATCH rows at a time; of a CSV as strings.

    A CSV or JSONL file is in UTF-8, or in UTF-16 with its mark. A name that is missing in a JSONL object is null. A
    blank line is an empty cell where a CSV has one column, and nothing in any other file.

    Raises:
        RowFileError: the file is missing, damaged or of another kind, has no such column, a row with more or fewer
            cells than the header, a quotation mark that is not closed, or an object with a name twice.
    """
    if _ending(source) == ".parquet":
        yield from _parquet_batches(source, columns, BATCH)
        return
    rows = _text_rows(source, columns)
    while some := list(islice(rows, BATCH)):
        yield {column: _array(source, column, some, at) for at, column in enumerate(columns)}


def _ending(source: Path) -> str:
    ending = source.suffix.lower()
    if ending not in ENDINGS:
        raise RowFileError(source, "ending", endings=", ".join(ENDINGS))
    return ending


@contextmanager
def _damage_told(source: Path) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except _DAMAGE as error:
        raise RowFileError(source, "damaged", reason=(str(error).splitlines() or [""])[0][:_QUOTED]) from error


def _check_columns(source: Path, there: Sequence[str], wanted: Sequence[str]) -> None:
    for column in wanted:
        if column not in there:
            raise RowFileError(source, "column", column=column, columns=", ".join(there)[:_QUOTED])
        if list(there).count(column) > 1:
            raise RowFileError(source, "twice", column=column)


def _parquet_batches(source: Path, columns: Sequence[str], size: int) -> Iterator[Batch]:
    with _damage_told(source), parquet.ParquetFile(source) as file:
        _check_columns(source, file.schema_arrow.names, columns)
        for batch in file.iter_batches(batch_size=size, columns=list(columns), use_threads=size > 1):
            yield {column: batch.column(column) for column in columns}


def _text_rows(source: Path, columns: Sequence[str]) -> Iterator[Row]:
    ending = _ending(source)
    with _damage_told(source):
        yield from _jsonl_rows(source, columns) if ending == ".jsonl" else _csv_rows(source, columns, ending)


def _lines(source: Path, file: TextIO) -> Iterator[str]:
    """Yield the file's lines with their ends."""
    number = 0
    try:
        while line := file.readline(BLOCK + 1):
            number += 1
            if len(line) > BLOCK:
                raise RowFileError(source, "long", line=number, most=f"{BLOCK:,}")
            if "\0" in line:  # UTF-16 without its mark, or no text at all
                raise RowFileError(source, "encoding")
            yield line
    except UnicodeError as error:
        raise RowFileError(source, "encoding") from error


def _open(source: Path) -> TextIO:
    with source.open("rb") as file:
        encoding = "utf-16" if file.read(2) in _UTF16 else "utf-8-sig"
    return source.open(encoding=encoding, newline="")


def _csv_rows(source: Path, columns: Sequence[str], ending: str) -> Iterator[Row]:
    cells = _cells(source, ending)
    header = _header(source, cells)
    _check_columns(source, header, columns)
    places = [header.index(column) for column in columns]
    for line, row in cells:
        if not row and len(header) > 1:
            continue
        row = row or [""]
        if len(row) != len(header):
            raise RowFileError(source, "ragged", line=line, cells=len(row), columns=len(header))
        yield line, [row[place] for place in places]


def _header(source: Path, cells: Iterator[Row]) -> list[str]:
    for _, row in cells:
        if row:
            return row
    raise RowFileError(source, "empty")


def _cells(source: Path, ending: str) -> Iterator[Row]:
    """Yield every row, a blank one without cells, each with the line that it begins in."""
    begins, length = 1, 0

    def lines() -> Iterator[str]:
        nonlocal length
        for line in _lines(source, file):
            length += len(line)
            if length > BLOCK:
                raise RowFileError(source, "long", line=begins, most=f"{BLOCK:,}")
            yield line

    with _open(source) as file:
        reader = csv.reader(lines(), delimiter=_DELIMITERS[ending], strict=True)
        try:
            for row in reader:
                yield begins, row
                begins, length = reader.line_num + 1, 0
        except csv.Error as error:
            raise RowFileError(source, "quotes", line=begins) from error


def _jsonl_rows(source: Path, columns: Sequence[str]) -> Iterator[Row]:
    records = _records(source)
    first = list(islice(records, BATCH))
    if first:
        _check_columns(source, list(_names(record for _, record in first)), columns)
    for line, record in chain(first, records):
        yield line, [record.get(column) for column in columns]


def _names(records: Iterable[dict[str, Any]]) -> dict[str, None]:
    names: dict[str, None] = {}
    for record in records:
        names.update(dict.fromkeys(record))
    return names


def _records(source: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with _open(source) as file:
        for number, line in enumerate(_lines(source, file), 1):
            if line.strip():
                yield number, _record(source, number, line)


def _record(source: Path, number: int, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line, object_pairs_hook=_without_twins)
    except (ValueError, RecursionError) as error:
        raise RowFileError(source, "line", line=number, reason=str(error)[:_QUOTED]) from error
    if not isinstance(found, dict):
        raise RowFileError(source, "line", line=number, reason=f"it holds {type(found).__name__}, not an object")
    return found


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def _array(source: Path, column: str, rows: list[Row], at: int) -> pa.Array:
    """Return the values at one place of the rows; they must be of one type."""
    values = [row[at] for _, row in rows]
    try:
        return pa.array(values)
    except _DAMAGE as error:
        # Of the starts of a list, all that are longer than a refused one are refused, too.
        last = bisect_left(range(len(values)), True, key=lambda last: _refused(values[: last + 1]))
        value = json.dumps(values[last], ensure_ascii=False).encode(errors="backslashreplace").decode()[:40]
        why = "which cannot be stored" if _refused([values[last]]) else "unlike those before it; make all of one type"
        reason = f"the column '{column}' has {value}, {why}"
        raise RowFileError(source, "line", line=rows[last][0], reason=reason) from error


def _refused(values: list[Any]) -> bool:
    try:
        pa.array(values)
    except _DAMAGE:
        return True
    return False
