"""The labels that one cell of a user's data names: a name, names with a delimiter between them, or a list of names.

A list may be a real one (JSON, parquet) or written as text, as by JSON, Python, NumPy, PostgreSQL, Label Studio or
doccano. A cell that is written as a structure is read or refused; it is never taken for the name of a label.
"""

import json
import re
from ast import literal_eval
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

FLAGS = {"0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}
SPANS = "marks parts of a text, but only labels of whole texts can be learnt; give a list of names for each text"
NO_NAMES = 'is no list of names; write it as ["a", "b"]'
NO_FLAGS = "gives a name another value than 0 or 1; write 0 or 1"
TRUTHS = "has truth values, not names; write the names of the labels"

# Items as Python and NumPy write them. NumPy writes no commas, so Python's own parser would join its strings.
_ITEM = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d*)?|None|null|nan|NaN|True|False"""
_ITEMS = re.compile(_ITEM, re.DOTALL)
_SEQUENCE = re.compile(rf"\s*(?:(?:{_ITEM})(?:(?:\s*,\s*|\s+)(?:{_ITEM}))*\s*(?:,\s*)?)?", re.DOTALL)
_SCALAR = re.compile(r"np\.\w+\(([^()]*)\)")  # np.str_('a'), as NumPy 2 writes the items of a list
_CALL = re.compile(r"(?:array|set|frozenset)\(([\[{(].*[\])}])?(?:,\s*dtype=[^()]*)?\)", re.DOTALL)
_BARE = re.compile(r"\[[^\[\]]*\]|\{[^{}:]*\}")  # [a, b] of doccano, {a,b} of PostgreSQL
_BRACKETED_NAME = re.compile(r"""\(\s*[^\s'"\[({].*""", re.DOTALL)  # (other), but not ('other')
_WORDS: dict[str, Any] = {"None": None, "null": None, "nan": None, "NaN": None, "True": True, "False": False}
_CLOSE = {"[": "]", "{": "}", "(": ")"}
_STARTS = ("'", '"', *_CLOSE)
_SPAN_KEYS = {"start", "end", "start_offset", "end_offset"}
_UNREADABLE = (ValueError, TypeError, SyntaxError, RecursionError, MemoryError)


@dataclass(frozen=True)
class Cell:
    """The names in a cell, in order; "" is a blank one. `listed`: they stand in a structure, not in plain text.
    `fault` says what is wrong with the cell; it is "" where nothing is."""

    names: tuple[str, ...] = ()
    listed: bool = False
    fault: str = ""

    @property
    def one_hot(self) -> bool:
        """Whether the cell is a list of 0 and 1 alone, such as [0, 1, 0]."""
        return self.listed and all(name in FLAGS for name in self.names)


def read_cell(value: object, delimiter: str | None) -> Cell:
    """Return the labels in a cell.

    Args:
        value: a plain Python value: text, a number, None, or lists and dicts of them.
        delimiter: the text between two names; None if a plain text is one name.
    """
    if isinstance(value, str):
        return _read_text(value.strip(), delimiter)
    if isinstance(value, bytes):
        return Cell(fault=NO_NAMES)
    if isinstance(value, (list, tuple, set, Mapping)):
        return _read_structure(value)
    return Cell((_name(value),), fault=TRUTHS if delimiter and isinstance(value, bool) else "")


@lru_cache(maxsize=2048)
def _read_text(text: str, delimiter: str | None) -> Cell:
    called = _CALL.fullmatch(text)
    written = (called[1] or "[]") if called else text
    if written and _CLOSE.get(written[0]) == written[-1]:
        found = _structure(written, delimiter)
        if found is not None:
            return _read_structure(found)
        if not _is_plain(written, delimiter):
            return Cell(listed=True, fault=NO_NAMES)
    return Cell(tuple(name.strip() for name in text.split(delimiter)) if delimiter else (text,))


def _structure(text: str, delimiter: str | None) -> Any:
    """Return the list or dict that a text in brackets writes; None where it writes none."""
    with suppress(*_UNREADABLE):
        return json.loads(text, parse_float=str)
    if text[0] == "(" and len(text) > 2 and not re.search("[,'\"]", text):
        return None  # a name such as (1)
    for tried in dict.fromkeys((text, _SCALAR.sub(r"\1", text))):
        if _SEQUENCE.fullmatch(tried[1:-1]):
            with suppress(*_UNREADABLE):
                return [_item(item) for item in _ITEMS.findall(tried)]
    if "..." in text:
        return None  # NumPy leaves out the middle of a long array
    with suppress(*_UNREADABLE):
        return literal_eval(text)
    return _bare(text, delimiter)


def _item(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    return literal_eval(text) if text[0] in "'\"" else text.removesuffix(".")


def _bare(text: str, delimiter: str | None) -> list[str] | None:
    """Return the names of a list without quotation marks."""
    names = [name.strip() for name in text[1:-1].split(",")]
    divided = len(names) == 1 if delimiter is None else delimiter != "," and delimiter in text
    if divided or not _BARE.fullmatch(text) or any(name.startswith(_STARTS) for name in names):
        return None
    return names


def _is_plain(text: str, delimiter: str | None) -> bool:
    """Return whether a text in brackets is a name, such as (other), or names, such as [a]|[b]."""
    if delimiter and delimiter in text:
        parts = text.split(delimiter)
        return all(part.count(opens) == part.count(closes) for part in parts for opens, closes in _CLOSE.items())
    alone = delimiter is None and bool(_BARE.fullmatch(text)) and not text[1:].lstrip().startswith(_STARTS)
    return alone or bool(_BRACKETED_NAME.fullmatch(text))


def _read_structure(found: Any) -> Cell:
    try:
        values = _values(found)
        names = tuple(_name(value) for value in values)
        "".join(names).encode()
    except UnicodeError:  # half of a surrogate pair
        return Cell(listed=True, fault=NO_NAMES)
    except ValueError as error:
        return Cell(listed=True, fault=str(error))
    return Cell(names, True, TRUTHS if any(isinstance(value, bool) for value in values) else "")


def _values(found: Any) -> list[Any]:
    """Return the names in a structure: a list of them or of annotations, {"choices": [...]}, or {"a": 1, "b": 0}.

    Raises:
        ValueError: it is another structure; the message says what is wrong.
    """
    if not isinstance(found, Mapping):
        return [value for item in found for value in _annotated(item)]
    if "choices" in found or _SPAN_KEYS & set(found):
        return _annotated(found)
    if any(isinstance(value, (list, Mapping)) for value in found.values()):
        raise ValueError(NO_NAMES)
    flags = {name: FLAGS.get(_name(value).lower()) for name, value in found.items() if value is not None}
    if None in flags.values():
        raise ValueError(NO_FLAGS)
    return [name for name, flag in flags.items() if flag]


def _annotated(item: Any) -> list[Any]:
    """Return the names in an item of a list: itself, or what stands below "choices" or "label"."""
    span = isinstance(item, (list, tuple)) and len(item) > 2 and isinstance(item[0], int)  # [0, 5, "name"]
    if span or (isinstance(item, Mapping) and _SPAN_KEYS & set(item)):
        raise ValueError(SPANS)
    below = item.get("choices", item.get("label", item)) if isinstance(item, Mapping) else [item]
    values = below if isinstance(below, list) else [below]
    if any(isinstance(value, (list, tuple, set, Mapping, bytes)) for value in values):
        raise ValueError(NO_NAMES)
    return values


def _name(value: object) -> str:
    """Return a value as a name: 1.0 as 1, True as JSON writes it, and a missing one as nothing."""
    if value is None or value != value:  # NaN
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
