"""Counts the rows of a text with separators by a tokenizer of its own, and tells whether quotation marks are marks of
cells or part of the text.

The csv module reads the rows afterwards. Both must come to the same number, so no row is swallowed in silence.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from zoo.row_files.faults import RowFileError

_INSIDE = re.compile(r'(?:[^"]++|"")*+')


@dataclass
class Survey:
    """What a text's lines say, read in two ways.

    In quotation marks: `rows`, of which `spanning` have line breaks in a cell, the first in the line `first_spanning`;
    `fault` is the line of the first row whose marks do not pair. Plain, every line a row: `plain` rows; `even` if all
    have the header's number of cells; `whole` if a cell begins and ends with a mark. `blank` lines are no rows.
    """

    rows: int = 0
    plain: int = 0
    blank: int = 0
    spanning: int = 0
    first_spanning: int = 0
    fault: int = 0
    even: bool = True
    whole: bool = False


def survey(lines: Iterable[tuple[int, str]], separator: str, width: int, header: bool = True) -> Survey:
    """Count the rows of numbered lines, the first of which, a header or not, has `width` cells; a header is a row.

    A blank line is an empty cell where a row has one, but for those before a header; otherwise it is nothing.
    """
    found, begins, inside = Survey(), 0, False
    for number, line in lines:
        body = line.rstrip("\r\n")
        begins = begins if inside else number
        if not body and not (width == 1 and (found.plain or not header)):
            found.blank += not inside
            continue
        found.plain += 1
        if body.count(separator) + 1 != width:
            found.even = False
        if '"' in body:
            found.whole = found.whole or _has_whole(body, separator)
        elif not inside:
            found.rows += 1
            continue
        if found.fault:
            continue
        ends_inside = _ends_inside(body, separator, inside)
        if ends_inside is None:
            found.fault, inside = begins, False
        elif not ends_inside:
            found.rows += 1
            if number > begins:
                found.spanning += 1
                found.first_spanning = found.first_spanning or begins
        inside = bool(ends_inside)
    if inside:
        found.fault = begins
    return found


def marks_are_quotes(source: Path, found: Survey, separator: str, width: int, given: bool | None) -> bool:
    """Return whether a cell that begins with a quotation mark is to be read to the next one.

    Text with tabs is often written without any quoting. It is read so where quoting does not work, no cell stands
    whole in marks, and every line has the header's number of cells.

    Raises:
        RowFileError: marks do not pair; or the text makes sense in both ways, with different numbers of rows.
    """
    if given is False:
        return False
    if found.fault:
        if given is None and separator == "\t" and found.even and not found.whole:
            return False
        raise RowFileError(source, "quotes", line=found.fault)
    if given is None and found.spanning and found.even and width > 1:
        counts = {"lines": f"{found.plain:,}", "rows": f"{found.rows:,}"}
        raise RowFileError(source, "swallowed", **counts, line=found.first_spanning)
    return True


def _has_whole(body: str, separator: str) -> bool:
    return any(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in body.split(separator))


def _ends_inside(body: str, separator: str, inside: bool) -> bool | None:
    """Return whether a quotation mark is open at the end of a line; None if one closes before the end of its cell."""
    at = 0
    while True:
        if inside:
            closed = _INSIDE.match(body, at)
            at = closed.end() if closed else at
            if at == len(body):
                return True
            at += 1
            if at == len(body):
                return False
            if body[at] != separator:
                return None
            at, inside = at + 1, False
        elif body.startswith('"', at):
            at, inside = at + 1, True
        elif (end := body.find(separator, at)) < 0:
            return False
        else:
            at = end + 1
