"""A user's own data, read in bounded memory and checked: texts as one Arrow column, labels as a sparse matrix.

The bounds are MAX_ROWS, MOST_LABELS, MAX_CELLS and `benchmark.own_data.sources.MAX_BYTES`. Reading ends with an error
as soon as one is exceeded. Rows that cannot be used end it after the last row, so that the error can count them.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array

from benchmark.own_data.columns import Columns, Kind, nearest_column
from benchmark.own_data.label_names import UNSEEN, as_numbers
from benchmark.own_data.labels import SPANS
from benchmark.own_data.sources import MAX_BYTES, PARTS, find_pieces
from benchmark.own_data.tally import QUOTED, Labelled, Tally, read_labels
from zoo.checkpoints.vetting import LONGEST_LABEL, MOST_LABELS
from zoo.errors import UserError
from zoo.row_files.faults import RowFileError
from zoo.row_files.format import ALL_FOUND, Format

MAX_ROWS = 2_000_000
MAX_CELLS = 500_000_000  # rows times labels: training needs as many bytes for the labels
_EMPTY = rf"^[\s\pZ\x{{85}}{UNSEEN}]*$"
_SPAN = re.compile(r"has \[\[\d+, \d+")  # how a message of the row reader quotes [[0, 5, "name"]]


def text_hashes(texts: pa.ChunkedArray, of: Callable[[str], str]) -> np.ndarray:
    """Return a hash of what `of` makes of every text, shape (n,): 0 where that is empty."""
    every = (of(text) for chunk in texts.chunks for text in chunk.to_pylist())
    digests = b"".join(blake2b(each.encode(), digest_size=8).digest() if each else bytes(8) for each in every)
    return np.frombuffer(digests, np.uint64)


@dataclass(frozen=True)
class Oddities:
    """What is odd in the cells of the labels, though they could be read.

    missing: rows without a value where a list was to be. blank: rows with a blank name among others. renamed: the new
    names of numbers, such as 1 for 1.0. renamed_rows: rows with the old names. listed: whether a cell holds a list.
    """

    missing: int = 0
    blank: int = 0
    renamed: dict[str, str] = field(default_factory=dict)
    renamed_rows: int = 0
    listed: bool = False


@dataclass(frozen=True, eq=False)
class OwnData:
    """The n rows of `source`.

    `texts` are n strings. `y_true` is int8 of shape (n, num_labels), sparse. `labels` are in the order of their
    columns, or sorted if they are values of one column. `part` is the position in PARTS of every row, shape (n,).
    `parts` are the names of the splits that the user gave: one name if the rows are not split yet. `files` say how each
    file was read. `kind` is that of the columns. `group` has the number of every row's group, shape (n,), where a
    column says which rows belong together.
    """

    source: str
    texts: pa.ChunkedArray
    y_true: csr_array
    labels: tuple[str, ...]
    part: np.ndarray
    parts: tuple[str, ...]
    files: tuple[str, ...] = ()
    kind: Kind = "one"
    odd: Oddities = Oddities()
    group: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.texts)


def read_own(
    source: str,
    columns: Columns,
    report: Callable[[int], object] = lambda rows: None,
    given: Format = ALL_FOUND,
) -> OwnData:
    """Read a user's data.

    Args:
        source: see `benchmark.own_data.sources.find_pieces`.
        columns: which columns hold what.
        report: called after every batch with the number of rows read so far.
        given: what the user says of the format of the files.

    Raises:
        UserError: the source is missing, damaged or exceeds a bound, a row has no text, a label column holds something
            else or no names of labels, or every row has the same labels.
    """
    try:
        return _read(source, columns, report, given)
    except RowFileError as error:
        there: Any = error.values.get("names", ())
        if columns.whole and columns.whole in there:
            return _read(source, replace(columns, labels=(columns.whole,)), report, given)
        if there:
            raise UserError(f"{error}{_hint(str(error.values['column']), there, columns)}") from error
        if _SPAN.search(str(error)):
            raise UserError(f"{str(error).partition(', which')[0]}, which {SPANS}") from error
        raise


def _hint(missing: str, there: Sequence[str], columns: Columns) -> str:
    """Return what was probably meant, as the end of an error about a missing column."""
    near = nearest_column(missing, there)
    if missing == columns.text:
        return f". Did you mean --text-column '{near}'?" if near else "; --text-column names the column of the texts"
    if near is None:
        return ""
    apart = columns.whole and ("," in near or near != near.strip())
    return f". Did you mean '{near}'?" + (" Give --label-columns once for each name" if apart else "")


def _read(source: str, columns: Columns, report: Callable[[int], object], given: Format) -> OwnData:
    pieces = find_pieces(source, columns.names, given)
    tally = Tally(columns)
    texts: list[pa.Array] = []
    found: list[Labelled] = []
    groups: dict[str, int] = {}
    of_rows: list[int] = []
    sizes = dict.fromkeys((piece.part for piece in pieces), 0)
    rows = size = 0
    for piece in pieces:
        tally.file, tally.before = piece.where, 0
        for batch in piece.batches:
            texts.append(_texts(batch[columns.text], tally))
            of_batch, label = read_labels(batch, tally)
            if columns.group:
                named = _group_names(batch[columns.group], columns.group, tally)
                of_rows += [groups.setdefault(name, len(groups)) for name in named]
            tally.before += len(texts[-1])
            found.append((of_batch + rows, label))
            sizes[piece.part] += len(texts[-1])
            rows, size = rows + len(texts[-1]), size + texts[-1].nbytes
            _check_bounds(source, rows, size, len(tally.names))
            report(rows)
    if not rows:
        raise UserError(f"{source}: there are no rows")
    tally.check(source)
    y_true, labels, odd = _matrix(found, rows, tally)
    part = np.repeat([PARTS.index(name) for name in sizes], list(sizes.values())).astype(np.int8)
    _check_labels(source, y_true, labels)
    files = tuple(note for piece in pieces for note in piece.notes)
    group = np.array(of_rows, np.int64) if columns.group else None
    return OwnData(source, pa.chunked_array(texts), y_true, labels, part, tuple(sizes), files, columns.kind, odd, group)


def _group_names(values: pa.Array, column: str, tally: Tally) -> list[str]:
    """Return what stands in the column of groups, as text; a row without it is a fault."""
    names = ["" if value is None else str(value).strip() for value in values.to_pylist()]
    without = [row for row, name in enumerate(names) if not name]
    tally.fault(1, "group", without, f"has nothing in the group column '{column}'; give the row one of its own")
    return names


def _texts(values: pa.Array, tally: Tally) -> pa.Array:
    values = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type) or pa.types.is_null(values.type)):
        raise UserError(f"{tally.file}: the text column holds {values.type}, not text; name another with --text-column")
    values = values.cast(pa.string())
    empty = pc.match_substring_regex(values, _EMPTY).fill_null(True)
    tally.fault(1, "text", np.flatnonzero(empty), "has an empty text (nothing that is seen); remove the row")
    return values


def _check_bounds(source: str, rows: int, size: int, labels: int) -> None:
    for what, found, most in (
        ("rows", rows, MAX_ROWS),
        ("bytes of text", size, MAX_BYTES),
        ("different labels", labels, MOST_LABELS),
        ("rows times labels", rows * labels, MAX_CELLS),
    ):
        if found > most:
            raise UserError(
                f"{source} has more than {most:,} {what}, the most that is read; give fewer rows, or check which "
                "columns hold the labels"
            )


def _matrix(found: list[Labelled], rows: int, tally: Tally) -> tuple[csr_array, tuple[str, ...], Oddities]:
    """Return the labels of all rows, and their names, sorted, so that the order of the rows does not matter."""
    flags, old = tally.columns.kind == "flags", list(tally.names)
    renamed = {} if flags else as_numbers(old)
    new = [renamed.get(name, name) for name in old]
    order = new if flags else sorted(set(new))
    row, label = (np.concatenate(part) for part in zip(*found, strict=True))
    changed = len(np.unique(row[np.isin(label, [tally.names[name] for name in renamed])]))
    place = np.array([order.index(name) for name in new], np.int64)
    y_true = csr_array((np.ones(len(row), bool), (row, place[label])), shape=(rows, len(order)))
    y_true.sum_duplicates()  # a row can name a label twice
    odd = Oddities(tally.missing, tally.blank, renamed, changed, tally.listed)
    return y_true.astype(np.int8), tuple(order), odd


def _check_labels(source: str, y_true: csr_array, labels: tuple[str, ...]) -> None:
    """Raise UserError if a label is too long for a checkpoint, or if every row has the same labels."""
    if long := [label for label in labels if len(label) > LONGEST_LABEL]:
        raise UserError(
            f"{source}: the label '{long[0][:QUOTED]}…' has {len(long[0]):,} characters and {LONGEST_LABEL} is the "
            "most; shorten it, or check which columns hold the labels"
        )
    positives = y_true.sum(axis=0, dtype=np.int64)
    if not ((positives > 0) & (positives < y_true.shape[0])).any():
        always = [name for name, number in zip(labels, positives, strict=True) if number]
        raise UserError(
            f"{source}: every row has the same labels ({', '.join(always)[:QUOTED] or 'none'}), so there is "
            "nothing to learn; check which columns hold them"
        )
