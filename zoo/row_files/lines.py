"""The lines of a text file, one at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from zoo.row_files.faults import RowFileError

BLOCK = 8 * 2**20  # characters that a row may have


def open_text(source: Path, encoding: str) -> TextIO:
    """Return a file whose encoding was found, open behind the mark that it may begin with."""
    file = source.open(encoding=encoding, newline="")
    if file.read(1) != "\ufeff":
        file.seek(0)
    return file


def numbered_lines(source: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """Yield the lines with their ends and their numbers, from 1, as an editor counts them.

    Raises:
        RowFileError: a line has more than BLOCK characters.
    """
    with open_text(source, encoding) as file:
        number = 0
        while line := file.readline(BLOCK + 1):
            number += 1
            if len(line) > BLOCK:
                raise RowFileError(source, "long", line=number, most=f"{BLOCK:,}")
            yield number, line
