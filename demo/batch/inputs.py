"""Reads the rows of a batch, pasted or from a file. The bounds are checked before anything is unpacked."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from demo.compare.handlers import MAX_CHARACTERS, half_character
from demo.shared.texts import PageError
from zoo.row_files.faults import RowFileError
from zoo.row_files.format import ALL_FOUND, Format, RowFile
from zoo.row_files.row_reader import ENDINGS, PACKED, look_through, read_plain_rows
from zoo.row_files.text_lines import COLUMN as LINES_COLUMN

MAX_ROWS = 2_000
MAX_BYTES = 5_000_000
MAX_UNPACKED = 50_000_000  # bytes of a parquet file's columns, unpacked
MAX_VALUES = 2_000_000  # of a parquet file, in which a few bytes can hold the same value a million times
DELIMITED = (".csv", ".tsv", ".txt")  # what may have no header
_QUOTED = 80  # characters of what a message quotes
T = TypeVar("T")


@dataclass(frozen=True)
class BatchRows:
    """`texts`, each with 1 to MAX_CHARACTERS characters, their gold labels as they stand in the file, if any, and how
    the file was read, if there is one. Of a file, `numbers` are the rows that have a text, from 1, and `empty` counts
    the others, which are skipped."""

    texts: list[str]
    gold: list[object] | None = None
    file: RowFile | None = field(default=None, compare=False)
    numbers: list[int] | None = None
    empty: int = 0


def read_rows(pasted: str, file: str | None, text_column: str, labels_column: str, header: bool = True) -> BatchRows:
    """Return the rows of the pasted texts, or of the file with the path `file`.

    Raises:
        PageError: there are pasted texts and a file, or they cannot be read.
    """
    if file is None:
        return read_pasted(pasted)
    if pasted.strip():
        raise PageError("batch_both")
    return read_file(Path(file), text_column, labels_column, header)


def read_pasted(pasted: str) -> BatchRows:
    """Return the texts of `pasted`, one a line; blank lines are skipped.

    Raises:
        PageError: there are no texts or too many, or one is too long.
    """
    _check_total([pasted])
    lines = [line for line in pasted.replace("\r", "\n").split("\n") if line.strip()]
    return BatchRows([_text(line, number) for number, line in _numbered(lines)])


def read_list(texts: list[str]) -> BatchRows:
    """Return the texts of a list, as the API takes them.

    Raises:
        PageError: there are no texts or too many, one is empty or too long, or all together are too long.
    """
    rows = BatchRows([_text(text, number) for number, text in _numbered(texts)])
    _check_total(rows.texts)
    return rows


def read_file(path: Path, text_column: str, labels_column: str, header: bool = True) -> BatchRows:
    """Read a CSV, TSV, text, JSON or parquet file, as `zoo.row_files` does.

    Args:
        path: the file; its ending says its format.
        text_column: the column of the texts; a row without one is skipped and counted.
        labels_column: the column of the gold labels, which the file need not have.
        header: whether the first row of a CSV, TSV or text file names the columns; else they are "1", "2", ...

    Raises:
        PageError: the file is too large, damaged, has no such column or too many rows, or a row has no proper text.
    """
    check_file(path)
    with told():
        return _read(path, text_column, labels_column, format_of(path, header))


def check_file(path: Path) -> None:
    """Raise PageError if a file is too large, of another kind, or would take too much memory when it is unpacked."""
    if (size := path.stat().st_size) > MAX_BYTES:
        raise PageError("batch_bytes", size=f"{size:,}", most=f"{MAX_BYTES:,}")
    if path.suffix.lower() not in (*ENDINGS, *PACKED):
        raise PageError("batch_ending", ending=quote(path.suffix), endings=", ".join(ENDINGS))
    if path.suffix.lower() == ".parquet":
        _check_unpacked(path)


@contextmanager
def told() -> Iterator[None]:
    """Turn what the reader says of a file into a PageError, which is told in the language of the page."""
    try:
        yield
    except RowFileError as error:
        raise PageError(f"batch_{error.kind}", **error.values) from error


def format_of(path: Path, header: bool) -> Format:
    """Return how a file is to be read; what it leaves open is found.

    Raises:
        RowFileError: the file cannot be read.
    """
    if header or path.suffix.lower() not in DELIMITED:
        return ALL_FOUND
    file = look(path)
    return Format(separator=file.separator, columns=tuple(str(place + 1) for place in range(len(file.columns))))


def look(path: Path) -> RowFile:
    """Look a file through before anybody has said which columns are meant. A .txt file has columns if its first line
    names a column "text" among others, or if all its lines have equally many tabs; else every line is a text.

    Raises:
        RowFileError: the file cannot be read.
    """
    if path.suffix.lower() != ".txt":
        return look_through(path, [])
    try:
        return look_through(path, [LINES_COLUMN])
    except RowFileError as error:
        if error.kind != "tabs":
            raise
        return look_through(path, [], Format(separator="\t"))


def _read(path: Path, text_column: str, labels_column: str, given: Format) -> BatchRows:
    file = look_through(path, [text_column], given)
    wanted = [text_column, *[labels_column] * (labels_column in file.columns)]
    texts, gold, numbers, number = [], [], [], 0
    for number, row in _numbered(read_plain_rows(file, wanted)):
        if not is_missing(row[0]):
            texts.append(_text(row[0], number))
            gold.append(row[-1])
            numbers.append(number)
    if not texts:
        raise PageError("batch_empty")
    _check_total(texts)
    return BatchRows(texts, gold if labels_column in file.columns else None, file, numbers, number - len(texts))


def _check_total(texts: list[str]) -> None:
    if (characters := sum(map(len, texts))) > MAX_BYTES:
        raise PageError("batch_pasted", characters=f"{characters:,}", most=f"{MAX_BYTES:,}")


def quote(value: object) -> str:
    """Return `value` for a message, on one line and cut; of what is neither text nor a number, return only the type."""
    return repr(value)[:_QUOTED] if isinstance(value, str | int | float) else type(value).__name__


def is_missing(value: object) -> bool:
    """Return whether `value` is None, NaN or blank text, as a file's empty cell is read."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _numbered(rows: Iterable[T]) -> Iterator[tuple[int, T]]:
    number = 0
    for number, row in enumerate(rows, 1):
        if number > MAX_ROWS:
            raise PageError("batch_rows", most=f"{MAX_ROWS:,}")
        yield number, row
    if number == 0:
        raise PageError("batch_empty")


def _text(value: object, number: int) -> str:
    if is_missing(value):
        raise PageError("batch_no_text", row=number)
    if not isinstance(value, str):
        raise PageError("batch_not_text", row=number, value=quote(value))
    if len(value) > MAX_CHARACTERS:
        raise PageError("batch_characters", row=number, characters=f"{len(value):,}", most=f"{MAX_CHARACTERS:,}")
    if (half := half_character(value)) is not None:
        raise PageError("batch_half_character", row=number, value=quote(half))
    return value


def _check_unpacked(path: Path) -> None:
    """Check a parquet file's own figures against the bounds, before any of it is unpacked."""
    from pyarrow import parquet

    try:
        metadata = parquet.read_metadata(path)
    except Exception as error:  # a file from outside can be damaged in any way
        raise PageError("batch_damaged") from error
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    rows = max(metadata.num_rows, sum(group.num_rows for group in groups))
    if rows > MAX_ROWS:
        raise PageError("batch_rows", most=f"{MAX_ROWS:,}")
    lists = any(metadata.schema.column(at).max_repetition_level for at in range(metadata.num_columns))
    size = sum(group.total_byte_size for group in groups)
    values = _count_values(path) if lists else rows * metadata.num_columns
    if size > MAX_UNPACKED or values > MAX_VALUES:
        found, most = {"size": size, "values": values}, {"most": MAX_UNPACKED, "most_values": MAX_VALUES}
        raise PageError("batch_unpacked", **{name: f"{value:,}" for name, value in (found | most).items()})


def _count_values(path: Path) -> int:
    """Return how many values all columns have, those in lists counted one by one.

    In a process of its own: pyarrow (26) ends the process where these figures are damaged.
    """
    code = (
        "import sys; from pyarrow import parquet; file = parquet.read_metadata(sys.argv[1])\n"
        "groups = [file.row_group(at) for at in range(file.num_row_groups)]\n"
        "print(sum(group.column(at).num_values for group in groups for at in range(group.num_columns)))"
    )
    counted = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    if counted.returncode:
        raise PageError("batch_damaged")
    return int(counted.stdout)
