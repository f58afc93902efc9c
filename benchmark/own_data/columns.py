"""Which columns of a user's data hold the texts and labels, and which one was meant where a name is wrong."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from zoo.decision import ProblemType
from zoo.errors import UserError

DELIMITER = "|"
Kind = Literal["one", "several", "flags"]


@dataclass(frozen=True)
class Columns:
    """Which columns of the user's data hold the texts and the labels.

    `kind` says how the labels are written. "one": one column, one label a row. "several": one column with a list (also
    one written as text, see `benchmark.own_data.labels`), or text with `delimiter` between the labels. "flags": one
    column of 0 and 1 a label; `whole` is the text that was divided at its commas into their names, or "". `group` tells
    which rows belong together, such as those of one user; "" if none does.
    """

    text: str
    labels: tuple[str, ...]
    kind: Kind
    delimiter: str = DELIMITER
    whole: str = ""
    group: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All columns that are read."""
        return (self.text, *self.labels, *filter(None, [self.group]))

    @property
    def problem_type(self) -> ProblemType:
        return "single_label_classification" if self.kind == "one" else "multi_label_classification"


def choose_columns(
    text: str, label: str, label_list: str, label_columns: Sequence[str], delimiter: str | None, group: str = ""
) -> Columns:
    """Return the columns that the command line names; the delimiter is DELIMITER if it is None.

    Each of several `label_columns` is one name. A single one is divided at its commas.

    Raises:
        UserError: the labels are not named, in more than one way, or in the column of the texts; the group is named in
            a column of either; or the delimiter is empty or does not apply.
    """
    whole = label_columns[0] if len(label_columns) == 1 and "," in label_columns[0] else ""
    flags = [name.strip() for name in whole.split(",")] if whole else label_columns
    flags = tuple(dict.fromkeys(name for name in flags if name.strip()))
    kinds: list[tuple[tuple[str, ...], Kind]] = [((label,), "one"), ((label_list,), "several"), (flags, "flags")]
    given = [(names, kind) for names, kind in kinds if any(names)]
    if len(given) != 1:
        raise UserError(
            "Say where the labels are in one way: --label-column NAME (one a row), --label-list NAME (several in one "
            "column) or --label-columns A,B,C (a column of 0 and 1 for each)"
        )
    if text in given[0][0]:
        raise UserError(f"The column '{text}' cannot hold both the texts and a label; name another with --text-column")
    if group and group in (text, *given[0][0]):
        raise UserError(f"--group-column '{group}' holds the texts or a label; name the column that tells rows apart")
    if delimiter is not None and not label_list:
        raise UserError(f"--delimiter '{delimiter}' applies to --label-list alone; leave it out")
    if delimiter == "":
        raise UserError("--delimiter is empty; give the text between two labels")
    return Columns(text, *given[0], delimiter or DELIMITER, whole, group)


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
