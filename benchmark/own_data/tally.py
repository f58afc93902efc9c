"""The labels of a user's rows as they are read, batch by batch, with the rows that cannot be used counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmark.own_data.columns import Columns
from benchmark.own_data.labels import FLAGS, Cell, read_cell
from zoo.errors import UserError
from zoo.row_files.row_reader import Batch

QUOTED = 40  # characters of a value that a message quotes
Labelled = tuple[np.ndarray, np.ndarray]  # rows and labels, by number


@dataclass
class Tally:
    """What has been found so far.

    names: the number of every label. faults: by rank and kind, the first row at fault in words, and how many there are.
    widths: the length of every list of 0 and 1, and 0 if there is any other label. missing: rows without any value
    where a list was to be. blank: rows with a blank name among others. listed: whether a cell holds a list.
    file, before: where the batch is from, and the rows before it.
    """

    columns: Columns
    names: dict[str, int] = field(default_factory=dict)
    faults: dict[tuple[int, str], tuple[str, int]] = field(default_factory=dict)
    widths: set[int] = field(default_factory=set)
    missing: int = 0
    blank: int = 0
    listed: bool = False
    file: str = ""
    before: int = 0

    def fault(self, rank: int, kind: str, rows: Sequence[int] | np.ndarray, reason: str) -> None:
        """Count these rows of the batch, and keep the first one's reason."""
        if len(rows):
            new = f"{self.file}: row {self.before + int(rows[0]) + 1} {reason}", 0
            first, number = self.faults.get((rank, kind), new)
            self.faults[rank, kind] = first, number + len(rows)

    def check(self, source: str) -> None:
        """Raise UserError where rows cannot be used: for the fault of the lowest rank, with the number of its rows."""
        if len(self.widths) == 1 and (width := max(self.widths)) > 1:
            raise UserError(
                f"{source}: the column '{self.columns.labels[0]}' has a list of {width} flags (0 or 1) in every row, "
                "which does not name the labels; write a column of 0 and 1 for each label, and name them with "
                "--label-columns"
            )
        if self.faults:
            told, number = self.faults[min(self.faults)]
            raise UserError(f"{told} ({number:,} such rows)" if number > 1 else told)


def read_labels(batch: Batch, tally: Tally) -> Labelled:
    """Return the (row, label) pairs of the batch as two arrays. A new label takes the next number in `tally.names`."""
    columns = tally.columns
    if columns.kind == "flags":
        tally.names = {name: number for number, name in enumerate(columns.labels)}
        yes = [_flagged(batch[column], column, tally) for column in columns.labels]
        return np.concatenate(yes), np.repeat(np.arange(len(yes)), [len(rows) for rows in yes])
    values = _plain(batch[columns.labels[0]])
    delimiter = columns.delimiter if columns.kind == "several" else None
    pairs = []
    for row, value in enumerate(values):
        cell = read_cell(value, delimiter)
        _count(cell, value, row, tally)
        pairs += [(row, tally.names.setdefault(name, len(tally.names))) for name in cell.names if name]
    rows, labels = np.array(pairs, np.int64).reshape(-1, 2).T
    return rows, labels


def _plain(values: pa.Array) -> list[Any]:
    """Return Arrow's values as Python's; numbers as Arrow writes them, so that 0.1 of any width is 0.1."""
    found: list[Any] = (_as_text(values) if pa.types.is_floating(values.type) else values).to_pylist()
    return found


def _as_text(values: pa.Array) -> pa.Array:
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
    return values.cast(pa.string())


def _count(cell: Cell, value: object, row: int, tally: Tally) -> None:
    named, column = any(cell.names), tally.columns.labels[0]
    tally.listed |= cell.listed
    if cell.listed or named:
        tally.widths.add(len(cell.names) if cell.one_hot else 0)
    if cell.fault:
        tally.fault(0, cell.fault, [row], f"has {_quoted(value)} in the column '{column}', which {cell.fault}")
    elif tally.columns.kind == "several":
        tally.missing += value is None
        tally.blank += len(cell.names) > 1 and not all(cell.names)
    elif cell.listed:
        reason = f"which holds a list of labels; read it with --label-list '{column}'"
        tally.fault(0, "list", [row], f"has {_quoted(value)} in the column '{column}', {reason}")
    elif not named:
        tally.fault(2, column, [row], f"has no label in the column '{column}'; give one or remove the row")


def _quoted(value: object) -> str:
    text = str(value)
    return repr(text[:QUOTED]) + ("..." if len(text) > QUOTED else "")


def _flagged(values: pa.Array, column: str, tally: Tally) -> np.ndarray:
    """Return the rows where a column of 0 and 1 holds 1."""
    try:
        text = pc.utf8_trim_whitespace(_as_text(values)).fill_null("")
    except pa.ArrowException as error:
        raise UserError(f"{tally.file}: the column '{column}' holds {values.type}, which must say 0 or 1") from error
    place = pc.index_in(pc.utf8_lower(text), pa.array(list(FLAGS)))
    unknown = np.flatnonzero(pc.is_null(place))
    if len(unknown):
        value = text[int(unknown[0])].as_py()
        reason = "which must say 0 or 1" + ("" if value else "; write 0 where the label does not apply")
        tally.fault(0, column, unknown, f"has {_quoted(value)} in the label column '{column}', {reason}")
    return np.flatnonzero(np.array(list(FLAGS.values()))[place.fill_null(0).to_numpy()])
