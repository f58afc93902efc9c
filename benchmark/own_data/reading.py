"""A user's own data, read in bounded memory and checked: texts as one Arrow column, labels as a sparse matrix.

The bounds are MAX_ROWS, MOST_LABELS, MAX_CELLS and `benchmark.own_data.sources.MAX_BYTES`. Reading ends with an error
as soon as one is exceeded.
"""

import json
import re
from ast import literal_eval
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array

from benchmark.own_data.sources import MAX_BYTES, PARTS, find_pieces
from zoo.checkpoints.vetting import LONGEST_LABEL, MOST_LABELS
from zoo.decision import ProblemType
from zoo.errors import UserError
from zoo.row_files.format import ALL_FOUND, Format
from zoo.row_files.row_reader import Batch

MAX_ROWS = 2_000_000
MAX_CELLS = 500_000_000  # rows times labels: training needs as many bytes for the labels
_QUOTED = 40  # characters of a value that a message quotes
_FLAGS = {"0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}
# A list as Python or NumPy writes it. NumPy writes no commas, so Python's own parser would join its strings.
_ITEM = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?"""
_ITEMS = re.compile(_ITEM, re.DOTALL)
_LIST = re.compile(rf"\[\s*(?:(?:{_ITEM})(?:(?:\s*,\s*|\s+)(?:{_ITEM}))*\s*(?:,\s*)?)?\]", re.DOTALL)
_LISTED = r"(?s)^\s*\[.*\]\s*$"
Kind = Literal["one", "several", "flags"]
Labelled = tuple[np.ndarray, np.ndarray]  # rows and labels, by number


@dataclass(frozen=True)
class Columns:
    """Which columns of the user's data hold the texts and the labels.

    `kind` says how the labels are written. "one": one column, one label a row. "several": one column with a list (also
    a list as text, from pandas or JSON), or text with `delimiter` between the labels. "flags": one column of 0 and 1 a
    label.
    """

    text: str
    labels: tuple[str, ...]
    kind: Kind
    delimiter: str = "|"

    @property
    def problem_type(self) -> ProblemType:
        return "single_label_classification" if self.kind == "one" else "multi_label_classification"


@dataclass(frozen=True, eq=False)
class OwnData:
    """The n rows of `source`.

    `texts` are n strings. `y_true` is int8 of shape (n, num_labels), sparse. `labels` are in the order of their
    columns, or sorted if they are values of one column. `part` is the position in PARTS of every row, shape (n,).
    `parts` are the names of the splits that the user gave: one name if the rows are not split yet. `files` say how each
    file was read.
    """

    source: str
    texts: pa.ChunkedArray
    y_true: csr_array
    labels: tuple[str, ...]
    part: np.ndarray
    parts: tuple[str, ...]
    files: tuple[str, ...] = ()

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
            else, or every row has the same labels.
    """
    pieces = find_pieces(source, (columns.text, *columns.labels), given)
    names = {name: number for number, name in enumerate(columns.labels)} if columns.kind == "flags" else {}
    texts: list[pa.Array] = []
    found: list[Labelled] = []
    sizes = dict.fromkeys((piece.part for piece in pieces), 0)
    rows = size = 0
    for piece in pieces:
        before = sizes[piece.part]
        for batch in piece.batches:
            origin = _Origin(piece.where, sizes[piece.part] - before)
            texts.append(_texts(batch[columns.text], origin))
            of_batch, label = _labels(batch, columns, names, origin)
            found.append((of_batch + rows, label))
            sizes[piece.part] += len(texts[-1])
            rows, size = rows + len(texts[-1]), size + texts[-1].nbytes
            _check_bounds(source, rows, size, len(names))
            report(rows)
    if not rows:
        raise UserError(f"{source}: there are no rows")
    y_true, labels = _matrix(found, names, rows, columns)
    part = np.repeat([PARTS.index(name) for name in sizes], list(sizes.values())).astype(np.int8)
    _check_labels(source, y_true, labels)
    files = tuple(note for piece in pieces for note in piece.notes)
    return OwnData(source, pa.chunked_array(texts), y_true, labels, part, tuple(sizes), files)


@dataclass(frozen=True)
class _Origin:
    """Where a batch is from: its file, and the number of rows before it."""

    file: str
    before: int

    def error(self, bad: pa.Array, reason: str) -> UserError:
        """Return the error for the first row of the batch where `bad` is true. Rows count from 1."""
        return UserError(f"{self.file}: row {self.before + pc.index(bad, True).as_py() + 1} {reason}")


def _texts(values: pa.Array, origin: _Origin) -> pa.Array:
    if not (_is_text(values.type) or pa.types.is_null(values.type)):
        raise UserError(
            f"{origin.file}: the text column holds {values.type}, not text; name another with --text-column"
        )
    values = values.cast(pa.string())
    empty = pc.equal(pc.utf8_trim_whitespace(values), "").fill_null(True)
    if pc.any(empty).as_py():
        raise origin.error(empty, "has an empty text; remove the row")
    return values


def _labels(batch: Batch, columns: Columns, names: dict[str, int], origin: _Origin) -> Labelled:
    """Return the (row, label) pairs of the batch as two arrays. A new label takes the next number in `names`."""
    if columns.kind == "flags":
        yes = [_flagged(batch[column], column, origin) for column in columns.labels]
        return np.concatenate(yes), np.repeat(np.arange(len(yes)), [len(rows) for rows in yes])
    (column,) = columns.labels
    if columns.kind == "several":
        rows, values = _several(batch[column], column, columns.delimiter, origin)
    else:
        rows, values = np.arange(len(batch[column])), _names_in(batch[column], column, origin)
        if pc.any(pc.equal(values, "")).as_py():
            raise origin.error(
                pc.equal(values, ""), f"has no label in the column '{column}'; give one or remove the row"
            )
    coded = values.dictionary_encode()
    known = [names.setdefault(name, len(names)) for name in coded.dictionary.to_pylist()]
    return rows, np.array(known, np.int64)[coded.indices.to_numpy()]


def _flagged(values: pa.Array, column: str, origin: _Origin) -> np.ndarray:
    """Return the rows where a column of 0 and 1 holds 1."""
    place = pc.index_in(pc.utf8_lower(_names_in(values, column, origin)), pa.array(list(_FLAGS)))
    unknown = pc.is_null(place)
    if pc.any(unknown).as_py():
        value = str(values.filter(unknown)[0].as_py())[:_QUOTED]
        raise origin.error(unknown, f"has {value!r} in the label column '{column}', which must say 0 or 1")
    return np.flatnonzero(np.array(list(_FLAGS.values()))[place.to_numpy()])


def _several(values: pa.Array, column: str, delimiter: str, origin: _Origin) -> tuple[np.ndarray, pa.Array]:
    """Return row and name of every label in a column of lists, or of text with a delimiter; skip blank labels."""
    if _is_text(values.type):
        values = _split(values, delimiter)
    elif pa.types.is_null(values.type):
        values = values.cast(pa.list_(pa.string()))
    elif not (pa.types.is_list(values.type) or pa.types.is_large_list(values.type)):
        raise UserError(f"{origin.file}: the column '{column}' holds {values.type}, neither lists nor text of labels")
    rows, flat = pc.list_parent_indices(values), _names_in(pc.list_flatten(values), column, origin)
    named = pc.not_equal(flat, "")
    return rows.filter(named).to_numpy(), flat.filter(named)


def _split(values: pa.Array, delimiter: str) -> pa.Array:
    """Return the list of labels that each cell of text holds."""
    listed = pc.match_substring_regex(values, _LISTED).fill_null(False)
    if not pc.any(listed).as_py():
        return pc.split_pattern(values, delimiter)
    lists = [_read_list(text.strip()) if text else None for text in pc.if_else(listed, values, None).to_pylist()]
    plain = pc.split_pattern(values, delimiter).to_pylist()
    return pa.array([a if b is None else b for a, b in zip(plain, lists, strict=True)], pa.list_(pa.string()))


def _read_list(text: str) -> list[str] | None:
    """Return the labels of a list that is written as text; None if it is not a list of strings or numbers."""
    with suppress(ValueError, SyntaxError, RecursionError):  # ValueError: also a label that UTF-8 cannot encode
        found = _from_json(text)
        if found is None and _LIST.fullmatch(text):
            found = [str(literal_eval(item)) if item[0] in "'\"" else item for item in _ITEMS.findall(text)]
        "".join(found or []).encode()
        return found
    return None


def _from_json(text: str) -> list[str] | None:
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        if all(item is None or type(item) in (str, int) for item in found):
            return ["" if item is None else str(item) for item in found]
    return None


def _names_in(values: pa.Array, column: str, origin: _Origin) -> pa.Array:
    """Return values as text without surrounding blanks; a missing value is ""."""
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
    try:
        return pc.utf8_trim_whitespace(values.cast(pa.string())).fill_null("")
    except pa.ArrowException as error:
        raise UserError(f"{origin.file}: the column '{column}' holds {values.type}, which are no labels") from error


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


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


def _matrix(
    found: list[Labelled], names: dict[str, int], rows: int, columns: Columns
) -> tuple[csr_array, tuple[str, ...]]:
    """Return the labels of all rows, and their names, sorted, so that the order of the rows does not matter."""
    order = list(names) if columns.kind == "flags" else sorted(names)
    place = np.argsort([names[name] for name in order])
    row, label = (np.concatenate(part) for part in zip(*found, strict=True))
    y_true = csr_array((np.ones(len(row), bool), (row, place[label])), shape=(rows, len(order)))
    y_true.sum_duplicates()  # a row can name a label twice
    return y_true.astype(np.int8), tuple(order)


def _check_labels(source: str, y_true: csr_array, labels: tuple[str, ...]) -> None:
    """Raise UserError if a label is too long for a checkpoint, or if every row has the same labels."""
    if long := [label for label in labels if len(label) > LONGEST_LABEL]:
        raise UserError(
            f"{source}: the label '{long[0][:_QUOTED]}…' has {len(long[0]):,} characters and {LONGEST_LABEL} is the "
            "most; shorten it, or check which columns hold the labels"
        )
    positives = y_true.sum(axis=0, dtype=np.int64)
    if not ((positives > 0) & (positives < y_true.shape[0])).any():
        always = [name for name, number in zip(labels, positives, strict=True) if number]
        raise UserError(
            f"{source}: every row has the same labels ({', '.join(always)[:_QUOTED] or 'none'}), so there is "
            "nothing to learn; check which columns hold them"
        )
