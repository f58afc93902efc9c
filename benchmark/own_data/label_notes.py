"""What may be wrong with a user's labels and texts although they could be read: a line each, with counts and advice."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array

from benchmark.own_data.label_names import MISSING, has_unseen, is_missing, nearly_same, other_delimiter, shown
from benchmark.own_data.reading import OwnData
from benchmark.own_data.sources import PARTS

SHOWN = 5  # labels, or groups of them, that a line names
_ABSENT = {
    "train": "nothing can be learnt of such a label; add rows with it, or remove it",
    "validation": "nothing is tuned for such a label; add rows with it",
    "test": "such a label cannot be judged; add rows with it",
}


@dataclass(frozen=True)
class Note:
    """One thing to look at: `about` what, in how many `rows`, with which `labels`. `line` says it with what to do."""

    about: str
    rows: int
    labels: tuple[str, ...]
    line: str


def label_notes(data: OwnData, part: np.ndarray) -> tuple[Note, ...]:
    """Return what to look at.

    Args:
        data: the rows.
        part: the position in PARTS of every row, shape (n,).
    """
    return (*_of_cells(data), *_of_missing(data), *_of_names(data), *_of_delimiters(data), *_of_parts(data, part))


def _of_cells(data: OwnData) -> Iterator[Note]:
    """Yield what is odd in the cells of the labels."""
    odd = data.odd
    if odd.missing:
        line = "without anything in the column of the labels (null, or no such key); write [] where no label applies"
        yield Note("no value", odd.missing, (), f"{_rows(odd.missing)} {line}")
    if odd.blank:
        line = "with a blank among the labels, which is left out; check for a delimiter too many"
        yield Note("blank label", odd.blank, (), f"{_rows(odd.blank)} {line}")
    if odd.renamed:
        renamed = _listed(f"{old} is read as {new}" for old, new in odd.renamed.items())
        line = f"all labels are numbers, so {renamed} (in {_rows(odd.renamed_rows)}); if they are codes, add a letter"
        yield Note("number", odd.renamed_rows, tuple(odd.renamed), line)


def _of_missing(data: OwnData) -> Iterator[Note]:
    """Yield the labels and texts that may be a missing value written as a word."""
    for name, rows in _with_rows(data):
        if is_missing(name) and data.kind != "flags":
            do = "remove these rows" if data.kind == "one" else "leave these cells empty"
            line = f"{_rows(rows)} with the label {shown(name)}; if it means that the label is missing, {do}"
            yield Note("missing label", rows, (name,), line)
    texts = pc.utf8_lower(pc.utf8_trim_whitespace(data.texts))
    if rows := pc.sum(pc.is_in(texts, pa.array(MISSING, texts.type))).as_py():
        line = "with no other text than nan, None or the like; if it means that the text is missing, remove these rows"
        yield Note("missing text", rows, (), f"{_rows(rows)} {line}")


def _of_names(data: OwnData) -> Iterator[Note]:
    """Yield the names that look like one another, or have characters that are not seen."""
    rows = dict(_with_rows(data))
    if groups := nearly_same(data.labels):
        names = tuple(name for group in groups for name in group)
        said = _listed(
            (" and ".join(f"{shown(name)} ({_rows(rows[name])})" for name in group) for group in groups), "; "
        )
        line = f"{len(names):,} labels may be {len(groups):,}, since they differ only in case, blanks or Unicode form"
        yield Note("same name", sum(rows[name] for name in names), names, f"{line}; write each in one way: {said}")
    if unseen := tuple(name for name in data.labels if has_unseen(name)):
        number = sum(rows[name] for name in unseen)
        line = f"{_labels(unseen)} with characters that are not seen, in {_rows(number)}; remove the characters"
        yield Note("unseen character", number, unseen, f"{line}: {_listed(map(shown, unseen))}")


def _of_delimiters(data: OwnData) -> Iterator[Note]:
    """Yield the delimiter that would divide the names, where the one that was used divides none."""
    if data.kind != "several" or data.odd.listed or data.odd.blank or data.y_true.sum(axis=1).max() > 1:
        return
    if found := other_delimiter(data.labels):
        delimiter, labels = found
        rows = {name: number for name, number in _with_rows(data) if delimiter in name}
        line = (
            f"{_labels(rows)} with '{delimiter}' in the name, and no row with more than one label; if it separates "
            f"labels, give --delimiter '{delimiter}', which makes {len(labels):,} of all {len(data.labels):,}: "
        )
        yield Note("delimiter", sum(rows.values()), tuple(rows), line + _listed(map(shown, labels)))


def _of_parts(data: OwnData, part: np.ndarray) -> Iterator[Note]:
    """Yield the labels that a part has no row of."""
    rows = dict(_with_rows(data))
    if never := tuple(name for name, number in rows.items() if not number):
        line = f"{_labels(never)} without any row; leave the column out of --label-columns"
        yield Note("no row", 0, never, f"{line}: {_listed(map(shown, never))}")
    for number, name in enumerate(PARTS):
        if not (part == number).any():
            continue
        counts = _counts(data.y_true[part == number])
        absent = tuple(each for each, here in zip(data.labels, counts, strict=True) if rows[each] and not here)
        if absent:
            said = _listed(f"{shown(each)} ({_rows(rows[each])} elsewhere)" for each in absent)
            line = f"{_labels(absent)} without a {name} row: {said}; {_ABSENT[name]}"
            yield Note(f"no {name} row", sum(rows[each] for each in absent), absent, line)


def _with_rows(data: OwnData) -> Iterator[tuple[str, int]]:
    return zip(data.labels, _counts(data.y_true), strict=True)


def _counts(y_true: csr_array) -> list[int]:
    found: list[int] = y_true.sum(axis=0, dtype=np.int64).tolist()
    return found


def _rows(number: int) -> str:
    return f"{number:,} row{'s' * (number != 1)}"


def _labels(names: Collection[str]) -> str:
    return f"{len(names):,} label{'s' * (len(names) != 1)}"


def _listed(names: Iterable[str], between: str = ", ") -> str:
    every = list(names)
    return between.join(every[:SHOWN]) + (f"{between}..." if len(every) > SHOWN else "")
