"""Text without columns: every line is a row with one text, a blank line an empty one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from zoo.row_files.encodings import encoding_name, find_encoding
from zoo.row_files.faults import RowFileError, check_count
from zoo.row_files.format import Format, RowFile
from zoo.row_files.lines import numbered_lines

COLUMN = "text"


def look_through_lines(source: Path, wanted: Sequence[str], given: Format) -> RowFile:
    """Find the encoding and count the lines. Their column is COLUMN, or the one that the user names.

    Raises:
        RowFileError: another column is wanted; or the lines seem to have columns, all with the same number of tabs.
    """
    if given.quotes is not None:
        raise RowFileError(source, "option", option="--quotes or --no-quotes")
    encoding, rows, tabs = find_encoding(source, given.encoding), 0, set[int]()
    (column,) = given.columns or (COLUMN,)
    for rows, line in numbered_lines(source, encoding):
        if rows == 1 and line.startswith("__label__"):
            raise RowFileError(source, "fasttext")
        tabs.add(line.count("\t"))
    if not rows:
        raise RowFileError(source, "empty")
    if other := next((name for name in wanted if name != column), None):
        raise RowFileError(source, "lines", column=other)
    if not given.columns and len(tabs) == 1 and 0 not in tabs:
        raise RowFileError(source, "tabs", columns=tabs.pop() + 1)
    return RowFile(source, "lines", (column,), rows, f"{encoding_name(encoding)}, one text a line", (), encoding)


def line_rows(file: RowFile, times: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the text of every line, the text so many times."""
    number = 0
    for number, line in numbered_lines(file.path, file.encoding):
        yield number, [line.rstrip("\r\n")] * times
    check_count(file.path, file.rows, number)
