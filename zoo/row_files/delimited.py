"""Text with separators (CSV, TSV): its separator is found by its header, its quotation marks are read strictly."""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from zoo.row_files import lines
from zoo.row_files.encodings import encoding_name, find_encoding
from zoo.row_files.faults import RowFileError, check_columns, check_count, listed
from zoo.row_files.format import SEPARATORS, Format, Remark, RowFile
from zoo.row_files.lines import numbered_lines
from zoo.row_files.quotes import Survey, marks_are_quotes, survey

USUAL = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
_SEP_LINE = re.compile(r'"?sep=([^"\r\n])"?\s*')  # Excel's
Row = tuple[int, list[Any]]  # the line that it begins in, and its values in the order of the columns
csv.field_size_limit(max(csv.field_size_limit(), lines.BLOCK))  # its own bound, 131,072, is smaller than a long text


def look_through_delimited(source: Path, wanted: Sequence[str], given: Format) -> RowFile:
    """Find out how a text with separators is to be read, and count its rows.

    The separator is the one under which the first row has the wanted columns, or as many cells as the user names.
    """
    encoding = find_encoding(source, given.encoding)
    separator = _separator(source, encoding, wanted, given)
    columns = given.columns or _first_row(source, encoding, separator)
    found = survey(_behind_sep_line(source, encoding), separator, len(columns), not given.columns)
    quotes = marks_are_quotes(source, found, separator, len(columns), given.quotes)
    if not quotes and not given.columns:
        columns = _first_row(source, encoding, separator, quotes)
    return RowFile(
        source,
        "delimited",
        tuple(columns),
        (found.rows if quotes else found.plain) - (not given.columns),
        _how(encoding, separator, len(columns), given),
        tuple(_remarks(found, quotes)),
        encoding,
        separator,
        quotes,
        not given.columns,
    )


def delimited_rows(file: RowFile, wanted: Sequence[str]) -> Iterator[Row]:
    """Yield the wanted cells of each row as strings.

    Raises:
        RowFileError: a row has more or fewer cells than the header, or a quotation mark is not closed.
    """
    check_columns(file.path, file.columns, wanted)
    places, width, rows = [file.columns.index(column) for column in wanted], len(file.columns), 0
    header = file.header
    for line, row in _cells(file.path, file.encoding, file.separator, file.quotes):
        if header:
            header = not row
            continue
        if not row and width > 1:
            continue
        row = row or [""]
        if len(row) != width:
            raise RowFileError(file.path, "ragged", line=line, cells=len(row), columns=width)
        rows += 1
        yield line, [row[place] for place in places]
    check_count(file.path, file.rows, rows)


def has_columns(source: Path, encoding: str, wanted: Sequence[str]) -> bool:
    """Return whether the first row has the wanted columns, and others, under any separator."""
    rows = (_first_row(source, encoding, separator) for separator in SEPARATORS)
    return any(len(row) > 1 and set(wanted) <= set(row) for row in rows)


def _separator(source: Path, encoding: str, wanted: Sequence[str], given: Format) -> str:
    if chosen := given.separator or _sep_line(source, encoding):
        found = {chosen: _first_row(source, encoding, chosen)}
    else:
        usual = USUAL[source.suffix.lower()]
        found = {each: _first_row(source, encoding, each) for each in sorted(SEPARATORS, key=lambda s: s != usual)}
    if given.columns:
        return _by_width(source, {each: len(row) for each, row in found.items()}, len(given.columns))
    nearest = max(found, key=lambda each: (len(set(wanted) & set(found[each])), len(found[each])))
    for column in wanted:
        if column not in found[nearest]:
            raise RowFileError(source, "header", column=column, columns=listed(found[nearest]), names=found[nearest])
    # Only a lone column has its name under several separators; then the usual one, which is the first, is taken.
    return nearest


def _by_width(source: Path, widths: dict[str, int], wanted: int) -> str:
    fitting = [separator for separator, width in widths.items() if width == wanted]
    if not fitting:
        raise RowFileError(source, "named", cells=max(widths.values()), columns=wanted)
    if len(fitting) > 1 and wanted > 1:
        raise RowFileError(source, "separator", found=", ".join(SEPARATORS[each] for each in fitting))
    return fitting[0]


def _sep_line(source: Path, encoding: str) -> str:
    for _, line in numbered_lines(source, encoding):
        found = _SEP_LINE.fullmatch(line)
        return found[1] if found else ""
    return ""


def _behind_sep_line(source: Path, encoding: str) -> Iterator[tuple[int, str]]:
    for number, line in numbered_lines(source, encoding):
        if number > 1 or not _SEP_LINE.fullmatch(line):
            yield number, line


def _first_row(source: Path, encoding: str, separator: str, quotes: bool = True) -> list[str]:
    """Return the first row's cells; as they stand if their quotation marks do not pair."""
    try:
        for _, row in _cells(source, encoding, separator, quotes):
            if row:
                return row
    except RowFileError:
        if quotes:
            return _first_row(source, encoding, separator, quotes=False)
        raise
    raise RowFileError(source, "empty")


def _cells(source: Path, encoding: str, separator: str, quotes: bool) -> Iterator[Row]:
    """Yield every row, a blank one without cells, each with the line that it begins in."""
    begins, ends, length = 0, 0, 0

    def taken() -> Iterator[str]:
        nonlocal begins, ends, length
        for number, line in _behind_sep_line(source, encoding):
            begins, ends, length = begins or number, number, length + len(line)
            if length > lines.BLOCK:
                raise RowFileError(source, "long", line=begins, most=f"{lines.BLOCK:,}")
            yield line

    marks: Any = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    reader = csv.reader(taken(), delimiter=separator, strict=True, quoting=marks)
    try:
        for row in reader:
            yield begins, row
            begins, length = 0, 0
    except csv.Error as error:
        raise RowFileError(source, "quotes", line=begins) from error


def _how(encoding: str, separator: str, width: int, given: Format) -> str:
    parts = [encoding_name(encoding)]
    parts.append(f"separated by {SEPARATORS.get(separator, repr(separator))}" if width > 1 else "one column")
    if given.columns:
        parts.append("without a header")
    return ", ".join(parts)


def _remarks(found: Survey, quotes: bool) -> Iterator[Remark]:
    if not quotes:
        yield Remark("plain")
    elif found.spanning:
        yield Remark("spanning", {"rows": f"{found.spanning:,}", "line": found.first_spanning})
    if found.blank:
        yield Remark("blank", {"lines": f"{found.blank:,}"})
