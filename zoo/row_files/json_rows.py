"""JSON: an object a line (JSONL), or one array of objects. What the file begins with says which, not its ending."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from zoo.row_files import lines
from zoo.row_files.encodings import encoding_name, find_encoding
from zoo.row_files.faults import QUOTED, RowFileError, check_columns, check_count
from zoo.row_files.format import Format, Remark, RowFile
from zoo.row_files.lines import numbered_lines, open_text

_CHUNK = 2**16  # characters
_BLANKS = " \t\r\n"
_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
NAN = float("nan")
Record = tuple[int, dict[str, Any]]  # the line that it begins in, and its values


@dataclass
class _Tally:
    """What the objects of a file hold in the wanted columns."""

    rows: int = 0
    names: dict[str, None] = field(default_factory=dict)
    absent: Counter[str] = field(default_factory=Counter)
    nan: Counter[str] = field(default_factory=Counter)


def look_through_json(source: Path, wanted: Sequence[str], given: Format) -> RowFile:
    """Read all objects once: their number, all their names, and what the wanted columns hold.

    Raises:
        RowFileError: the file is no JSON of objects, or a wanted column is in none or holds values of two types.
    """
    if (option := next((option for option in given.options() if option != "--encoding"), None)) is not None:
        raise RowFileError(source, "option", option=option)
    encoding, tally = find_encoding(source, given.encoding), _Tally()
    kinds: dict[str, str] = {}
    array = _is_array(source, encoding)
    for line, record in _records(source, encoding, array):
        tally.rows += 1
        tally.names.update(dict.fromkeys(record))
        for column in wanted:
            if column not in record:
                tally.absent[column] += 1
            elif (value := record[column]) != value:
                tally.nan[column] += 1
            elif value is not None:
                kind = _KINDS[type(value)]
                if kinds.setdefault(column, kind) != kind:
                    _tell_mixed(source, line, column, value, kinds[column])
    if not tally.rows:
        raise RowFileError(source, "empty")
    check_columns(source, list(tally.names), wanted)
    how = f"{encoding_name(encoding)}, {'an array of objects' if array else 'an object a line'}"
    return RowFile(source, "json", tuple(tally.names), tally.rows, how, tuple(_remarks(tally)), encoding)


def json_rows(file: RowFile, wanted: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
    """Yield the wanted values of each object; what is missing or NaN is None."""
    rows = 0
    for line, record in _records(file.path, file.encoding, _is_array(file.path, file.encoding)):
        rows += 1
        values = [record.get(column) for column in wanted]
        yield line, [value if value == value else None for value in values]
    check_count(file.path, file.rows, rows)


def _remarks(tally: _Tally) -> Iterator[Remark]:
    for kind, counts in (("absent", tally.absent), ("nan", tally.nan)):
        for column, count in counts.items():
            yield Remark(kind, {"column": column, "rows": f"{count:,}"})


def _tell_mixed(source: Path, line: int, column: str, value: object, before: str) -> None:
    shown = json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace").decode()[:40]
    reason = f"the column '{column}' has {shown}, and {before} before it; make all of one type"
    raise RowFileError(source, "line", line=line, reason=reason)


def _is_array(source: Path, encoding: str) -> bool:
    return next((line.lstrip()[0] for _, line in numbered_lines(source, encoding) if line.strip()), "") == "["


def _records(source: Path, encoding: str, array: bool) -> Iterator[Record]:
    if array:
        with open_text(source, encoding) as file:
            yield from _ArrayReader(source, file).objects()
        return
    for number, line in numbered_lines(source, encoding):
        if line.strip():
            try:
                value = json.loads(line, object_pairs_hook=_without_twins, parse_constant=_constant)
            except (ValueError, RecursionError) as error:
                raise _unreadable(source, number, str(error)) from error
            yield number, _object(source, number, value, line)


class _ArrayReader:
    """Reads the objects of an array one at a time, since a file may be larger than the memory."""

    def __init__(self, source: Path, file: TextIO) -> None:
        self.source, self.file = source, file
        self.buffer, self.at = "", 0  # what is read of the file, and the place in it
        self.line, self.counted = 1, 0  # the line of the last place that was asked for
        self.decoder = json.JSONDecoder(object_pairs_hook=_without_twins, parse_constant=_constant)

    def objects(self) -> Iterator[Record]:
        self._expect("[")
        ends = self._next() == "]" and self._expect("]") == "]"
        while not ends:
            self._next()
            line = self._line()
            value, text = self._value()
            yield line, _object(self.source, line, value, text)
            ends = self._expect(",", "]") == "]"
        if found := self._next():
            raise _unreadable(self.source, self._line(), f"there is {found!r} behind the array")

    def _value(self) -> tuple[Any, str]:
        while True:
            try:
                value, end = self.decoder.raw_decode(self.buffer, self.at)
                text, self.at = self.buffer[self.at : end], end
                return value, text
            except (ValueError, RecursionError) as error:
                # It may be cut at the end of the buffer. A longer row is refused, so that a fault ends the reading.
                if len(self.buffer) - self.at > lines.BLOCK or not self._more():
                    raise _unreadable(self.source, self._line(), getattr(error, "msg", str(error))) from error

    def _next(self) -> str:
        """Go to the next character that is not blank, and return it; "" at the end."""
        while True:
            while self.at < len(self.buffer) and self.buffer[self.at] in _BLANKS:
                self.at += 1
            if self.at < len(self.buffer) or not self._more():
                return self.buffer[self.at : self.at + 1]

    def _expect(self, *characters: str) -> str:
        found = self._next()
        if found not in characters:
            there = repr(found) if found else "the end of the file"
            raise _unreadable(self.source, self._line(), f"there is {there}, not {' or '.join(characters)}")
        self.at += 1
        return found

    def _line(self) -> int:
        self.line += self.buffer.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.line

    def _more(self) -> bool:
        self._line()
        more = self.file.read(max(_CHUNK, len(self.buffer) - self.at))
        self.buffer, self.at, self.counted = self.buffer[self.at :] + more, 0, 0
        return bool(more)


def _unreadable(source: Path, line: int, reason: str) -> RowFileError:
    return RowFileError(source, "line", line=line, reason=reason[:QUOTED])


def _object(source: Path, line: int, value: object, text: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unreadable(source, line, f"it holds {type(value).__name__}, not an object")
    if "\\ud" in text.lower():  # a character of two escapes, or half of one
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            half = f"\\u{ord(error.object[error.start]):04x}"
            raise _unreadable(source, line, f"{half} is half a character; remove it") from error
    return value


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def _constant(name: str) -> float:
    if name != "NaN":
        raise ValueError(f"{name} is no number")
    return NAN
