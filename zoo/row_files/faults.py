"""What the reader says of a file that it cannot read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from zoo.errors import UserError

QUOTED = 160  # characters of what a message quotes
DAMAGE = (OSError, ValueError, OverflowError, pa.ArrowException)
MESSAGES = {
    "ending": "is not a {endings} file; give one",
    "packed": "is compressed; unpack it first",
    "empty": "is empty; give a file with rows",
    "damaged": "cannot be read: {reason}",
    "not_utf8": "cannot be read: the column '{column}' has bytes that are not UTF-8; write it as text",
    "encoding": "cannot be read: line {line} has the byte {byte}, which is not UTF-8; save the file as UTF-8, or say "
    "what it is with --encoding (cp1252 for Western Europe, gb18030 for China, ...)",
    "utf8": "cannot be read: it is UTF-8, but line {line} has the damaged byte {byte}; correct it",
    "codec": "cannot be read: line {line} has the byte {byte}, which is not {encoding}; give another --encoding",
    "utf16": "may be UTF-16, but has no mark that says so; save it as UTF-8, or give --encoding utf-16-le or utf-16-be",
    "zero": "cannot be read: line {line} has a zero byte; remove it",
    "column": "has no column '{column}'; it has: {columns}",
    "header": "has no column '{column}'; its first row was taken for the header and has: {columns}. If it is a row, "
    "name the columns with --columns A,B,...; if the cells are not what is meant, give --separator",
    "lines": "has one text a line and no column '{column}'; if a line has several columns, name them with --columns "
    "A,B,... or put a header above them",
    "tabs": "has {columns} columns in every line, separated by tabs; name them with --columns A,B,... (one name if "
    "every line is one text)",
    "fasttext": "is in fastText's layout (__label__NAME TEXT), which is not read; write a CSV with a column for the "
    "text and one for the labels",
    "twice": "has the column '{column}' twice; rename one of them",
    "named": "has {cells} columns in its first row and --columns names {columns}; name each",
    "separator": "can be read with several separators ({found}); say which with --separator",
    "option": "takes no {option}; leave it out",
    "line": "cannot be read: line {line}: {reason}",
    "ragged": "cannot be read: line {line} has {cells} cells and the header has {columns}; put a text with separators "
    "in quotation marks, without a blank before them",
    "quotes": "cannot be read: line {line}: a quotation mark opens in this row and does not close at the end of a "
    "cell; close it, write a quotation mark inside a quoted cell twice, or give --no-quotes if every line is a row and "
    "quotation marks are part of the text",
    "swallowed": "can be read in two ways: {lines} lines are rows, or {rows} rows, of which one in line {line} has "
    "line breaks in quotation marks; say which with --no-quotes or --quotes",
    "long": "cannot be read: line {line}: the row has more than {most} characters; close its quotation mark, or put in "
    "the missing line break",
    "count": "has {counted} rows and {read} were read; leave it unchanged while it is read",
}


class RowFileError(UserError):
    """A file whose rows cannot be read. `kind` is a key of MESSAGES and `values` are the facts, so that a caller can
    say the same in another language."""

    def __init__(self, source: Path, kind: str, **values: object) -> None:
        super().__init__(f"{source} {MESSAGES[kind].format(**values)}")
        self.kind, self.values = kind, values


@contextmanager
def damage_told(source: Path) -> Iterator[None]:
    """Turn what a damaged file raises into a RowFileError."""
    try:
        yield
    except UserError:
        raise
    except DAMAGE as error:
        raise RowFileError(source, "damaged", reason=(str(error).splitlines() or [""])[0][:QUOTED]) from error


def listed(names: Sequence[str]) -> str:
    """Return column names for a message, in marks, so that blanks are seen."""
    text = ", ".join(f"'{name}'" for name in names)
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}... ({len(names):,})"


def check_columns(source: Path, there: Sequence[str], wanted: Sequence[str]) -> None:
    """Raise RowFileError if a wanted column is not there, or is there twice."""
    for column in wanted:
        if column not in there:
            raise RowFileError(source, "column", column=column, columns=listed(there), names=there)
        if list(there).count(column) > 1:
            raise RowFileError(source, "twice", column=column)


def check_count(source: Path, counted: int, read: int) -> None:
    """Raise RowFileError if not as many rows were read as were counted beforehand."""
    if counted != read:
        raise RowFileError(source, "count", counted=f"{counted:,}", read=f"{read:,}")
