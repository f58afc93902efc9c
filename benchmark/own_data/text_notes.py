"""What may be wrong with a user's texts, or with labels that say the same: a line each, with examples and advice."""

import re
from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc

from benchmark.own_data.label_names import shown
from benchmark.own_data.label_notes import Note
from benchmark.own_data.reading import OwnData, text_hashes
from benchmark.own_data.sources import PARTS
from benchmark.tasks.row_facts import normalized

SHOWN = 3  # examples of a line
LONGEST = 60  # characters of an example
MIXED = 0.02  # share of the texts in the rarer script, before they are called mixed
LEAST_ROWS = 5  # with a label, before it is said that it always comes with another
_NO_LETTER = re.compile(r"[\W\d_]+")


def text_notes(data: OwnData, part: np.ndarray, groups: np.ndarray) -> tuple[Note, ...]:
    """Return what to look at.

    Args:
        data: the rows.
        part: the position in PARTS of every row, shape (n,).
        groups: the number of every row's text, equal for equal texts, shape (n,).
    """
    return (
        *_of_contradictions(data, groups),
        *_of_near_duplicates(data, part, groups),
        *_of_implied_labels(data),
        *_of_scripts(data),
    )


def _of_contradictions(data: OwnData, groups: np.ndarray) -> Iterator[Note]:
    """Yield the first texts that occur with different labels."""
    order = np.argsort(groups, kind="stable")
    same = order[1:][groups[order[1:]] == groups[order[:-1]]]
    first = order[np.searchsorted(groups[order], groups[same])]
    differ = np.flatnonzero((data.y_true[same] != data.y_true[first]).sum(axis=1))
    pairs = {int(groups[same[at]]): (int(first[at]), int(same[at])) for at in differ[::-1]}
    if pairs:
        found = sorted(pairs.values())[:SHOWN]
        said = "; ".join(f"{_text(data, a)} ({_labels(data, a)}, and {_labels(data, b)})" for a, b in found)
        yield Note("different labels", len(pairs), (), f"the first of the texts with different labels: {said}")


def _of_near_duplicates(data: OwnData, part: np.ndarray, groups: np.ndarray) -> Iterator[Note]:
    """Yield the texts of validation and test whose letters are those of another text in train."""
    letters = text_hashes(data.texts, lambda text: _NO_LETTER.sub("", normalized(text)))
    train = np.flatnonzero(part == PARTS.index("train"))
    known, first = np.unique(letters[train], return_index=True)
    other = np.flatnonzero((part != PARTS.index("train")) & (letters != 0))
    at = np.minimum(np.searchsorted(known, letters[other]), len(known) - 1)
    near = known[at] == letters[other]
    pairs = [(int(a), int(train[first[b]])) for a, b in zip(other[near], at[near], strict=True)]
    equal = np.isin(groups, groups[train])
    pairs = [(a, b) for a, b in pairs if not equal[a]]
    if pairs:
        said = "; ".join(f"{_text(data, a)} and {_text(data, b)}" for a, b in pairs[:SHOWN])
        line = (
            f"{len(pairs):,} validation or test texts differ from a train text in digits, blanks and punctuation "
            f"alone, so the scores may come out too high; keep such texts in one part: {said}"
        )
        yield Note("near duplicate", len(pairs), (), line)


def _of_implied_labels(data: OwnData) -> Iterator[Note]:
    """Yield the labels that never come without another one."""
    counts = data.y_true.astype(np.int64)
    of_label = counts.sum(axis=0)
    both = (counts.T @ counts).tocoo()
    a, b = both.coords
    implied = (a != b) & (both.data == of_label[a]) & (of_label[a] >= LEAST_ROWS)
    pairs = [
        (data.labels[i], data.labels[j], int(n))
        for i, j, n in zip(a[implied], b[implied], both.data[implied], strict=True)
    ]
    if pairs:
        said = ", ".join(f"{shown(i)} without {shown(j)} ({n:,} rows)" for i, j, n in pairs[:SHOWN])
        more = ", ..." if len(pairs) > SHOWN else ""
        names = tuple(dict.fromkeys(i for i, _, _ in pairs))
        line = f"labels that never come without another: {said}{more}; if two mean the same, keep one of them"
        yield Note("implied label", sum(n for _, _, n in pairs), names, line)


def _of_scripts(data: OwnData) -> Iterator[Note]:
    """Yield that some texts are mostly in Chinese characters and others in Latin letters."""
    han, latin = (pc.count_substring_regex(data.texts, pattern).to_numpy() for pattern in (r"\p{Han}", r"\p{Latin}"))
    found = {"Chinese characters": np.flatnonzero(han > latin), "Latin letters": np.flatnonzero(latin > han)}
    rarer = min(found, key=lambda name: len(found[name]))
    rows = found[rarer]
    if len(rows) >= MIXED * len(data):
        said = "; ".join(_text(data, int(row)) for row in rows[:SHOWN])
        line = (
            f"{len(rows):,} texts are mostly in {rarer}, and others are not; an encoder of one language reads the "
            f"other badly, so split the data by language: {said}"
        )
        yield Note("languages", len(rows), (), line)


def _text(data: OwnData, row: int) -> str:
    text = " ".join(data.texts[row].as_py().split())
    return repr(text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...")


def _labels(data: OwnData, row: int) -> str:
    return ", ".join(shown(data.labels[label]) for label in data.y_true[[row]].indices) or "no label"
