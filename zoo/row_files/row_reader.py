"""Looks a file through, then reads its rows a few at a time, so that a file of any size is read in bounded memory."""

import json
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from zoo.row_files.delimited import delimited_rows, has_columns, look_through_delimited
from zoo.row_files.encodings import find_encoding
from zoo.row_files.faults import DAMAGE, RowFileError, check_columns, damage_told
from zoo.row_files.format import ALL_FOUND, Format, RowFile
from zoo.row_files.json_rows import json_rows, look_through_json
from zoo.row_files.parquet_rows import look_through_parquet, parquet_batches
from zoo.row_files.text_lines import line_rows, look_through_lines

BATCH = 1024  # rows that are read at a time
ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".json", ".parquet")
PACKED = (".gz", ".zip", ".bz2", ".xz", ".zst")
Batch = dict[str, pa.Array]


def look_through(source: Path, wanted: Sequence[str], given: Format = ALL_FOUND) -> RowFile:
    """Find out how a file is to be read, and count its rows.

    Args:
        source: a file with one of ENDINGS. In a .txt file every line is a text, unless its first line names the wanted
            columns, or `given` says that there are columns.
        wanted: columns that the file must have.
        given: what the user says of its format.

    Raises:
        RowFileError: the file is missing, damaged or of another kind, lacks a column, or can be read in several ways.
    """
    ending = source.suffix.lower()
    if ending in PACKED:
        raise RowFileError(source, "packed")
    if ending not in ENDINGS:
        raise RowFileError(source, "ending", endings=", ".join(ENDINGS))
    with damage_told(source):
        if ending == ".parquet":
            return look_through_parquet(source, wanted, given)
        if ending in (".json", ".jsonl"):
            return look_through_json(source, wanted, given)
        if ending != ".txt" or _has_columns(source, wanted, given):
            return look_through_delimited(source, wanted, given)
        return look_through_lines(source, wanted, given)


def read_plain_rows(file: RowFile, wanted: Sequence[str], at_once: int = 1) -> Iterator[list[Any]]:
    """Yield the values of each row, in the order of `wanted`, as plain Python values; of a CSV as strings.

    Only `at_once` rows of a parquet file are unpacked at a time, since a few bytes can hold one long text in every row.

    Raises:
        RowFileError: as `read_batches`.
    """
    with damage_told(file.path):
        if file.form == "parquet":
            for batch in parquet_batches(file, wanted, at_once):
                values = {column: batch[column].to_pylist() for column in batch}
                yield from map(list, zip(*(values[column] for column in wanted), strict=True))
        else:
            yield from (values for _, values in _rows(file, wanted))


def read_batches(file: RowFile, wanted: Sequence[str]) -> Iterator[Batch]:
    """Yield the columns of the file's rows, in order, at most BATCH rows at a time; of a CSV as strings.

    A name that is missing in a JSON object is null. A blank line is an empty cell where a CSV has one column, and
    nothing in any other CSV.

    Raises:
        RowFileError: the file is damaged, has no such column, a row with more or fewer cells than the header, a
            quotation mark that is not closed, an object with a name twice, or other rows than were counted.
    """
    with damage_told(file.path):
        if file.form == "parquet":
            yield from parquet_batches(file, wanted, BATCH)
            return
        rows = _rows(file, wanted)
        while some := list(islice(rows, BATCH)):
            yield {column: _array(file.path, column, some, at) for at, column in enumerate(wanted)}


def _has_columns(source: Path, wanted: Sequence[str], given: Format) -> bool:
    if len(given.columns) == 1 and not given.separator:
        return False
    if given.columns or given.separator:
        return True
    return has_columns(source, find_encoding(source, given.encoding), wanted)


def _rows(file: RowFile, wanted: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
    if file.form == "json":
        return json_rows(file, wanted)
    if file.form == "lines":
        check_columns(file.path, file.columns, wanted)
        return line_rows(file, len(wanted))
    return delimited_rows(file, wanted)


def _array(source: Path, column: str, rows: list[tuple[int, list[Any]]], at: int) -> pa.Array:
    """Return the values at one place of the rows; they must be of one type."""
    values = [row[at] for _, row in rows]
    try:
        return pa.array(values)
    except DAMAGE as error:
        # Of the starts of a list, all that are longer than a refused one are refused, too.
        last = bisect_left(range(len(values)), True, key=lambda last: _refused(values[: last + 1]))
        value = json.dumps(values[last], ensure_ascii=False).encode(errors="backslashreplace").decode()[:40]
        why = "which cannot be stored" if _refused([values[last]]) else "unlike those before it; make all of one type"
        reason = f"the column '{column}' has {value}, {why}"
        raise RowFileError(source, "line", line=rows[last][0], reason=reason) from error


def _refused(values: list[Any]) -> bool:
    try:
        pa.array(values)
    except DAMAGE:
        return True
    return False
