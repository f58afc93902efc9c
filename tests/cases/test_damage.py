"""Files with random damage are read whole, or refused in one line; rows are never lost without a word."""

import random
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.own_data.reading import read_own
from demo.batch.inputs import read_file
from tests.cases import files, structured
from tests.cases.table import Case
from zoo.errors import UserError
from zoo.row_files.format import RowFile
from zoo.row_files.row_reader import look_through, read_batches, read_plain_rows

WHOLE = [case for case in (*files.CASES, *structured.CASES) if case.texts.startswith("read") and len(case.files) == 1]
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "cp1252", "shift_jis", "utf-7")


def _cut(content: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(content) + 1)
    return content[:start] + content[start + draw.choice([1, 1, 2, 9, 99, len(content)]) :]


def _put(marks: list[bytes], content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + draw.choice(marks) + content[at:]


def _quotes(content: bytes, draw: random.Random) -> bytes:
    if b'"' in content and draw.random() < 0.5:
        at = draw.choice([found.start() for found in re.finditer(b'"', content)])
        return content[:at] + content[at + 1 :]
    return _put([b'"', b'""', b"'", b'\\"', b'"\n"', b',"', b'",', b'\t"'], content, draw)


def _separators(content: bytes, draw: random.Random) -> bytes:
    old, new = (draw.choice([b",", b";", b"\t", b"|", b"\n", b"\r", b" "]) for _ in range(2))
    return content.replace(old, new, draw.choice([1, 1, 3, -1]))


def _encodings(content: bytes, draw: random.Random) -> bytes:
    before, after = (draw.choice(ENCODINGS) for _ in range(2))
    return content.decode(before, "ignore").encode(after, "ignore")


def _columns(content: bytes, draw: random.Random) -> bytes:
    """Move a cell of some lines to their end."""
    lines = content.split(b"\n")
    for at in draw.sample(range(len(lines)), min(len(lines), draw.choice([1, 3, 99]))):
        cells = lines[at].split(b",")
        lines[at] = b",".join([*cells[1:], cells[0]])
    return b"\n".join(lines)


def _lines(content: bytes, draw: random.Random) -> bytes:
    lines = content.split(b"\n")
    draw.shuffle(lines)
    return b"\n".join(lines[: draw.randrange(1, len(lines) + 1)])


def _bytes(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content or b"x")
    for _ in range(draw.choice([1, 1, 5, 50])):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


DAMAGE = {
    "bytes cut": _cut,
    "bytes changed": _bytes,
    "zero bytes": lambda content, draw: _put([b"\0", b"\0\0", b"\xff", b"\xef\xbb\xbf"], content, draw),
    "quotation marks": _quotes,
    "separators": _separators,
    "encodings": _encodings,
    "columns moved": _columns,
    "lines": _lines,
    "line breaks": lambda content, draw: _put([b"\n", b"\r", b"\r\n", b"\n\n", b"\x0b", b"\xc2\x85"], content, draw),
}


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_two_thousand_damaged_files_are_read_whole_or_refused(tmp_path: Path) -> None:
    draw, outcomes = random.Random(0), Counter[tuple[str, str]]()
    for _ in range(2_000):
        case, kind = draw.choice(WHOLE), draw.choice(list(DAMAGE))
        ((name, content),) = case.files.items()
        for _ in range(draw.choice([1, 1, 2, 4])):
            content = DAMAGE[kind](content, draw)
        path = tmp_path / name
        path.write_bytes(content)
        outcomes[kind, _check(path, case, content)] += 1
    for kind in DAMAGE:
        counts = {outcome: outcomes[kind, outcome] for outcome in ("read", "read, with a remark", "refused")}
        sys.stderr.write(f"{kind}: {counts}\n")
        assert counts["refused"], kind
    assert sum(outcomes.values()) == 2_000


def _check(path: Path, case: Case, content: bytes) -> str:
    """Read a file in every way, and return what became of it. Anything but a UserError of one line fails."""
    text = case.columns.text
    _refusal(lambda: read_own(str(path), case.columns, given=case.format))
    _refusal(lambda: read_file(path, text, "label"))
    if _refusal(lambda: list(read_plain_rows(look_through(path, [text], case.format), [text]))):
        return "refused"
    file = look_through(path, [text], case.format)
    assert len(list(read_plain_rows(file, [text]))) == file.rows
    told = _refusal(lambda: list(read_batches(file, [text])))
    assert told is None or "cannot be read: line" in told  # values that a column cannot hold together
    assert told or sum(len(batch[text]) for batch in read_batches(file, [text])) == file.rows
    lost = _lines_of(file, content) - file.rows
    assert lost <= 0 or any(remark.kind == "spanning" for remark in file.remarks), (path, file)
    return "read, with a remark" if file.remarks else "read"


def _refusal(read: Callable[[], object]) -> str | None:
    try:
        read()
    except UserError as error:
        line = str(error)
    else:
        return None
    assert len(line.splitlines()) == 1
    return line


def _lines_of(file: RowFile, content: bytes) -> int:
    """Return how many lines with anything in them a text file has beside its header, by a count that knows no rows."""
    if file.form == "parquet" or "array" in file.how:
        return 0
    lines = [line for line in re.split("\r\n|\r|\n", content.decode(file.encoding).removeprefix("\ufeff")) if line]
    excel = file.form == "delimited" and lines[0].startswith(("sep=", '"sep='))
    return len(lines) - (file.form == "delimited" and file.header) - excel
