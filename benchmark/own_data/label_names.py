"""What the names of labels tell by themselves: numbers, missing values, and names that are nearly the same."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable

UNSEEN = r"\x{ad}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{2064}\x{2066}-\x{206f}\x{feff}"  # for Arrow's patterns
MISSING = (
    "nan",
    "none",
    "null",
    "na",
    "n/a",
    "#n/a",
    "<na>",
    "nat",
)  # how programs write a missing value, in lower case
DELIMITERS = (",", ";", "|", "#", "/", "&", "+", " ")  # what may stand between labels
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_WHOLE = re.compile(r"\.0+$")
_BLANKS = " \u3000"  # the second is the blank of Chinese
_JOINERS = "\u200c\u200d"  # they belong to words of Persian and to emoji
_SELECTORS = re.compile("[\ufe00-\ufe0f]")  # they choose how an emoji is drawn


def is_missing(name: str) -> bool:
    return name.lower() in MISSING


def as_numbers(names: Collection[str]) -> dict[str, str]:
    """Return 1 for 1.0 and so on, where every name is a number or a missing value; {} elsewhere."""
    if not all(_NUMBER.fullmatch(name) or is_missing(name) for name in names):
        return {}
    return {name: _WHOLE.sub("", name) for name in names if _NUMBER.fullmatch(name) and _WHOLE.search(name)}


def nearly_same(names: Iterable[str]) -> list[list[str]]:
    """Return the groups of names that differ only in case, blanks, Unicode form or characters that are not seen."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[_core(name)].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _core(name: str) -> str:
    plain = unicodedata.normalize("NFKC", _SELECTORS.sub("", name)).casefold()
    seen = (char for char in plain if unicodedata.category(char) not in ("Cf", "Cc") and not char.isspace())
    return unicodedata.normalize("NFKC", "".join(seen)) or name  # case folding can leave the form


def has_unseen(name: str) -> bool:
    """Return whether a name has a character that looks like nothing or like a plain blank."""
    return any(_unseen(char) and char not in _JOINERS for char in name)


def shown(name: str) -> str:
    r"""Return the name in quotation marks, with \u escapes for what an eye cannot tell."""
    if name != unicodedata.normalize("NFC", name):
        escaped = (f"\\u{ord(char):04x}" if unicodedata.combining(char) or _unseen(char) else char for char in name)
    else:
        escaped = (f"\\u{ord(char):04x}" if _unseen(char) else char for char in name)
    return f"'{''.join(escaped)}'"


def _unseen(char: str) -> bool:
    return unicodedata.category(char) in ("Cf", "Cc", "Zs", "Zl", "Zp") and char not in _BLANKS


def other_delimiter(names: Collection[str]) -> tuple[str, list[str]] | None:
    """Return the delimiter that divides names into the fewest labels, and these labels, sorted.

    None if no delimiter leaves fewer labels than there are names, or if it would cut brackets or quotation marks.
    """
    best = None
    for delimiter in DELIMITERS:
        labels = {part.strip() for name in names for part in name.split(delimiter)} - {""}
        if len(labels) < len(best[1] if best else names) and all(map(_is_whole, labels)):
            best = delimiter, sorted(labels)
    return best


def _is_whole(name: str) -> bool:
    brackets = all(name.count(opens) == name.count(closes) for opens, closes in ("[]", "{}", "()"))
    return brackets and name.count('"') % 2 == 0
