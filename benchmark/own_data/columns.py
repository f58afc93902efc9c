"""Which columns of a user's data hold the texts and labels, and which column was meant where a name is wrong."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from benchmark.own_data.sources import HUB, find_pieces
from zoo.decision import ProblemType
from zoo.errors import UserError
from zoo.row_files import column_names

DELIMITER = "|"
Kind = Literal["one", "several", "flags"]


@dataclass(frozen=True)
class Columns:
    """Which columns of the user's data hold the texts and the labels.

    `kind` says how the labels are written. "one": one column, one label a row. "several": one column with a list (also
    one written as text, see `benchmark.own_data.labels`), or text with `delimiter` between the labels. "flags": one
    column of 0 and 1 a label.
    """

    text: str
    labels: tuple[str, ...]
    kind: Kind
    delimiter: str = DELIMITER

    @property
    def problem_type(self) -> ProblemType:
        return "single_label_classification" if self.kind == "one" else "multi_label_classification"


def choose_columns(
    source: str, text: str, label: str, label_list: str, label_columns: Sequence[str], delimiter: str | None
) -> Columns:
    """Return the columns that the command line names; the delimiter is DELIMITER if it is None.

    Each of several `label_columns` is one name. A single one is divided at its commas, unless a column of a file has
    the whole name.

    Raises:
        UserError: the labels are not named, in more than one way, or in the column of the texts; or the delimiter is
            empty or does not apply; or the columns of the source have to be looked up and cannot.
    """
    flags = tuple(name for name in label_columns if name.strip(" ,"))
    kinds: list[tuple[tuple[str, ...], Kind]] = [((label,), "one"), ((label_list,), "several"), (flags, "flags")]
    given = [(names, kind) for names, kind in kinds if any(names)]
    if len(given) != 1:
        raise UserError(
            "Say where the labels are in one way: --label-column NAME (one a row), --label-list NAME (several in one "
            "column) or --label-columns A,B,C (a column of 0 and 1 for each)"
        )
    if delimiter is not None and not label_list:
        raise UserError(f"--delimiter '{delimiter}' applies to --label-list alone; leave it out")
    if delimiter == "":
        raise UserError("--delimiter is empty; give the text between two labels")
    names, kind = given[0]
    names = _divided(source, names[0]) if kind == "flags" and len(names) == 1 else tuple(dict.fromkeys(names))
    if text in names:
        raise UserError(f"The column '{text}' cannot hold both the texts and a label; name another with --text-column")
    return Columns(text, names, kind, delimiter or DELIMITER)


def _divided(source: str, given: str) -> tuple[str, ...]:
    if given == given.strip() and "," not in given:
        return (given,)
    there = columns_of(source)
    parts = [given] if given in there else given.split(",")
    return tuple(dict.fromkeys(part if part in there else part.strip() for part in parts if part.strip()))


def columns_of(source: str) -> list[str]:
    """Return the names of the columns of a file, or of the first file of a folder; none for a dataset of the hub."""
    if source.startswith(HUB):
        return []
    first = Path(find_pieces(source, ())[0].where)
    return column_names(first)


def nearest_column(name: str, there: Sequence[str]) -> str | None:
    """Return the column that was probably meant: the same but for case and marks, then one that contains it, then a
    similar one; None if there is none."""
    plain = {each: form for each in there if (form := _plain(each))}
    return next(_nearest(_plain(name), plain), None)


def _nearest(name: str, plain: dict[str, str]) -> Iterator[str]:
    yield from (each for each, form in plain.items() if form == name)
    yield from (each for each, form in plain.items() if name and (name in form or form in name))
    similar = get_close_matches(name, plain.values(), n=1)
    yield from (each for each, form in plain.items() if form in similar)


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold()))
