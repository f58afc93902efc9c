"""Finds the encoding of a text file: by its mark, or because the whole file can be nothing else. Nothing is guessed."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.row_files.faults import RowFileError

_BLOCK = 2**20  # bytes
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # which begins as that of UTF-16
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"\x84\x31\x95\x33": "gb18030",
}
_NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16LE",
    "utf-16-be": "UTF-16BE",
    "utf-32": "UTF-32",
    "gb18030": "GB18030",
}
# About two in five characters of Chinese texts are among these. Other encodings, read as GB18030, hardly give any.
_FREQUENT = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事"
    "成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日很太买价"
)
_ENOUGH, _LEAST = 0.1, 3  # share and number of frequent characters


@dataclass(frozen=True)
class _Fault:
    """The first byte that is not of an encoding, or the first zero character; and the block of bytes that it is in."""

    line: int
    byte: str
    block: bytes
    zero: bool = False


def find_encoding(source: Path, given: str = "") -> str:
    """Return the encoding of a whole file, as Python names it.

    A file without a mark is UTF-8 if all of it is; UTF-16 if its line breaks are; GB18030 if all of it is, and a tenth
    of the other characters than ASCII, and three, are among the most frequent of Chinese. The user says anything else.

    Raises:
        RowFileError: it is none of these, or not the one that the user gives.
    """
    with source.open("rb") as file:
        start = file.read(_BLOCK)
    marked = next((name for mark, name in _MARKS.items() if start.startswith(mark)), "")
    if given:
        same = marked == "utf-8-sig" and codecs.lookup(given).name == "utf-8"
        return _checked(source, marked if same else given)
    if marked:
        return _checked(source, marked)
    fault = _first_fault(source, "utf-8")
    if fault is None:
        return "utf-8"
    if b"\0" in start and (encoding := _utf16(start)):
        if _first_fault(source, encoding):
            raise RowFileError(source, "utf16")
        return encoding
    if fault.zero:
        raise RowFileError(source, "zero", line=fault.line)
    read = fault.block.decode("utf-8", "replace")
    if sum(character > "\x7f" for character in read) > 2 * read.count("\ufffd"):
        raise RowFileError(source, "utf8", line=fault.line, byte=fault.byte)
    if _is_chinese(fault.block) and _first_fault(source, "gb18030") is None:
        return "gb18030"
    raise RowFileError(source, "encoding", line=fault.line, byte=fault.byte)


def encoding_name(encoding: str) -> str:
    """Return an encoding's name in words."""
    return _NAMES.get(encoding, encoding)


def _checked(source: Path, encoding: str) -> str:
    if fault := _first_fault(source, encoding):
        if fault.zero:
            raise RowFileError(source, "zero", line=fault.line)
        name = encoding_name(encoding)
        raise RowFileError(source, "codec", line=fault.line, byte=fault.byte, encoding=name)
    return encoding


def _first_fault(source: Path, encoding: str) -> _Fault | None:
    decoder, lines, seen = codecs.getincrementaldecoder(encoding)(), 1, b""
    for block in _blocks(source):
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(encoding, "replace")
            byte = f"0x{error.object[error.start : error.start + 1].hex()}"
            return _Fault(lines + before.count("\n"), byte, block or seen)
        if "\0" in text:
            return _Fault(lines + text.count("\n", 0, text.index("\0")), "0x00", block, zero=True)
        lines, seen = lines + text.count("\n"), block
    return None


def _blocks(source: Path) -> Iterator[bytes]:
    """Yield the bytes of a file, and nothing at its end."""
    with source.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
    yield b""


def _utf16(start: bytes) -> str:
    """Return the UTF-16 that the line breaks are written in: most of the bytes 0x0A stand in pairs with a zero."""
    pairs = [start[at : at + 2] for at in range(0, min(len(start), 2**16), 2)]
    breaks = sum(pair.count(b"\n") for pair in pairs)
    for encoding, pair in (("utf-16-le", b"\n\0"), ("utf-16-be", b"\0\n")):
        if pairs.count(pair) * 2 > breaks:
            return encoding
    return ""


def _is_chinese(block: bytes) -> bool:
    other = [character for character in block.decode("gb18030", "ignore") if character > "\x7f"]
    frequent = sum(character in _FREQUENT for character in other)
    return frequent >= max(_ENOUGH * len(other), _LEAST)
