"""What the user says of a file's format, where it is not to be found, and what was found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.errors import UserError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
REMARKS = {
    "plain": "quotation marks are part of the text",
    "spanning": "rows with line breaks in a cell: {rows}, the first in line {line}",
    "blank": "blank lines, which are no rows: {lines}",
    "absent": "rows without '{column}': {rows}",
    "nan": "rows with NaN as '{column}', which is read as nothing: {rows}",
}
_NAMED = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|"}


@dataclass(frozen=True)
class Format:
    """What the user says of a text file; what is left out is found.

    encoding: as Python names it. separator: one character. columns: the names of the columns of a file without a
    header. quotes: whether a cell that begins with a quotation mark ends with one, and may hold separators and line
    breaks; if False, quotation marks are part of the text and every line is a row.
    """

    encoding: str = ""
    separator: str = ""
    columns: tuple[str, ...] = ()
    quotes: bool | None = None

    def options(self) -> Iterator[str]:
        """Yield the options that are given."""
        for option, given in (
            ("--encoding", self.encoding),
            ("--separator", self.separator),
            ("--columns", self.columns),
            ("--quotes or --no-quotes", self.quotes is not None),
        ):
            if given:
                yield option


ALL_FOUND = Format()  # where the user says nothing


def choose_format(encoding: str = "", separator: str = "", columns: str = "", quotes: bool | None = None) -> Format:
    """Return the format that the options of a command line name.

    Raises:
        UserError: an option names nothing that can be used.
    """
    if encoding:
        try:
            "".encode(encoding)
        except LookupError as error:
            raise UserError(
                f"--encoding '{encoding}' is none that is known; give one such as utf-8, gb18030, cp1252"
            ) from error
    separator = _NAMED.get(separator, separator)
    if len(separator) > 1 or separator in ('"', "\r", "\n"):
        raise UserError(
            f"--separator '{separator}' is not one character; give comma, semicolon, tab, pipe or another character"
        )
    names = tuple(name.strip() for name in columns.split(",")) if columns else ()
    if len(set(names)) < len(names):
        raise UserError(f"--columns {columns} names a column twice; give each a name of its own")
    return Format(encoding, separator, names, quotes)


@dataclass(frozen=True)
class Remark:
    """What a user should know of a file that is read: a key of REMARKS, and the facts."""

    kind: str
    values: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return REMARKS[self.kind].format(**self.values)


@dataclass(frozen=True)
class RowFile:
    """A file that was looked through: what it is and how its rows are read.

    form: "delimited", "lines", "json" or "parquet". columns: all names, in order. rows: how many there are, by a count
    of its own (`read_batches` must come to the same). how: the form in words. encoding: as Python names it. The others
    are of delimited text alone, as in `Format`; header: whether its first row is one.
    """

    path: Path
    form: str
    columns: tuple[str, ...]
    rows: int
    how: str
    remarks: tuple[Remark, ...] = ()
    encoding: str = ""
    separator: str = ""
    quotes: bool = True
    header: bool = True

    def notes(self) -> list[str]:
        """Return what was found, in words."""
        return [f"{self.path}: {self.how}", *(f"{self.path}: {remark}" for remark in self.remarks)]
