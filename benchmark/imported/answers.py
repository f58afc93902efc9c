"""A file of predictions from elsewhere: which columns hold them, whether every row of the task is there, their values.

A row is named by its id, such as test-17 (see `ids_of`), or by its place: the validation rows, then the test rows.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmark.own_data.columns import DELIMITER
from benchmark.own_data.labels import read_cell
from benchmark.tasks.registry import Task
from zoo.errors import UserError, lookup
from zoo.row_files.format import ALL_FOUND, Format
from zoo.row_files.row_reader import look_through, read_plain_rows

ID, PREFIX = "id", "score_"  # `encoder-zoo predict` writes score_LABEL
_SUM = 0.01  # how far the probabilities of one label a text may be from a sum of 1, as rounding is
Scale = Literal["probabilities", "logits"]
Kind = Literal["probabilities", "logits", "labels"]


@dataclass(frozen=True)
class Given:
    """What a file says of a task's rows: `kind`, and by part the `values`, shape (n, num_labels). Bare labels are 0 and
    1, and may lack the validation rows."""

    kind: Kind
    values: dict[str, np.ndarray]


@dataclass(frozen=True)
class _Layout:
    """The columns that hold the predictions; `scores` says whether these are scores or names of labels."""

    columns: tuple[str, ...]
    scores: bool


def ids_of(sizes: Mapping[str, int]) -> list[str]:
    """Return the id of every row, part by part: validation-1 and so on."""
    return [f"{part}-{number}" for part, size in sizes.items() for number in range(1, size + 1)]


def read_given(
    source: Path, task: Task, sizes: Mapping[str, int], scale: Scale = "probabilities", given: Format = ALL_FOUND
) -> Given:
    """Read a file of predictions.

    Args:
        source: a CSV, TSV, JSON or parquet file. It has a column for each label, called as the label or score_LABEL; or
            an object `scores`; or a column `label` (`labels` where a text may have several) with names.
        task: whose rows are predicted.
        sizes: how many validation and test rows there are, in this order.
        scale: what scores are. Where all are 0 or 1, they are bare labels.
        given: what the user says of the file's format.

    Raises:
        UserError: the file cannot be read, lacks a row or has one that the task has not, or holds a value that cannot
            be used.
    """
    file = look_through(source, (), given)
    layout = _layout(source, file.columns, task)
    by_id = ID in file.columns
    wanted = [ID, *layout.columns] if by_id else list(layout.columns)
    rows = list(read_plain_rows(file, wanted, 1024))
    ids = [str(row[0]) for row in rows] if by_id else _ids_by_place(source, len(rows), sizes, layout.scores)
    cells = [row[1:] if by_id else row for row in rows]
    places = _places(source, ids, sizes, layout.scores)
    read = _scores if layout.scores else _labels
    values = np.array([read(f"{source}: row {at}", cell, task) for at, cell in enumerate(cells, 1)])
    kind: Kind = scale if layout.scores else "labels"
    if kind == "probabilities" and np.isin(values, (0, 1)).all():
        kind = "labels"
    _check(source, values, kind, task)
    return Given(kind, {part: values[at] for part, at in places.items()})


def _layout(source: Path, columns: Sequence[str], task: Task) -> _Layout:
    by_prefix = [tuple(f"{prefix}{label}" for label in task.labels) for prefix in ("", PREFIX)]
    for named in by_prefix:  # first, as a label can be called as a column that is no score, such as `text`
        if set(named) <= set(columns):
            return _Layout(named, True)
    for named in by_prefix:
        if set(named) & set(columns):
            missing = next(name for name in named if name not in columns)
            raise UserError(f"{source} has columns of scores, but none called '{missing}'; add it")
    if "scores" in columns:
        return _Layout(("scores",), True)
    names = "labels" if task.multi_label else "label"
    if names in columns:
        return _Layout((names,), False)
    raise UserError(
        f"{source} has neither scores (a column for each label of '{task.name}': {', '.join(task.labels)[:80]}...) nor "
        f"names of labels (a column '{names}'); its columns are: {', '.join(columns)[:160]}"
    )


def _ids_by_place(source: Path, rows: int, sizes: Mapping[str, int], scores: bool) -> list[str]:
    if rows == sum(sizes.values()):
        return ids_of(sizes)
    if rows == sizes["test"] and not scores:
        return ids_of({"test": sizes["test"]})
    needed = f"the {sizes['validation']:,} validation rows and then the {sizes['test']:,} test rows"
    raise UserError(
        f"{source} has {rows:,} rows and no column '{ID}'; without ids it needs {needed}, as encoder-zoo rows writes "
        "them" + ("" if scores else "; or, since it holds bare labels, the test rows alone")
    )


def _places(source: Path, ids: Sequence[str], sizes: Mapping[str, int], scores: bool) -> dict[str, np.ndarray]:
    """Return for each part where in the file its rows are."""
    place = {name: at for at, name in enumerate(ids)}
    if len(place) < len(ids):
        twice = Counter(ids).most_common(1)[0]
        raise UserError(f"{source} has the id '{twice[0]}' {twice[1]} times; keep one row of each id")
    known = ids_of(sizes)
    if unknown := sorted(set(place) - set(known)):
        told = f"{len(unknown):,} rows with ids that the task has not, such as '{unknown[0]}'"
        raise UserError(f"{source} has {told}; ids go from '{known[0]}' to '{known[-1]}', as encoder-zoo rows has them")
    found = {}
    for part, size in sizes.items():
        wanted = ids_of({part: size})
        missing = [name for name in wanted if name not in place]
        if len(missing) == size and part == "validation" and not scores:
            continue  # nothing is fitted to bare labels
        if missing:
            raise UserError(
                f"{source} lacks {len(missing):,} of {size:,} {part} rows, such as '{missing[0]}'; add them"
            )
        found[part] = np.array([place[name] for name in wanted])
    return found


def _scores(where: str, cells: Sequence[Any], task: Task) -> list[float]:
    if len(cells) == 1 and isinstance(cells[0], dict):
        strange = [name for name in cells[0] if name not in task.labels]
        if strange:
            raise UserError(f"{where} has a score of '{strange[0]}', which is no label of '{task.name}'")
        cells = [cells[0].get(label) for label in task.labels]
    if len(cells) != len(task.labels):
        raise UserError(f"{where} has scores that are no object with a number for each label; write one")
    return [_number(where, cell, label) for cell, label in zip(cells, task.labels, strict=True)]


def _number(where: str, cell: Any, label: str) -> float:
    try:
        value = float("nan") if cell is None or isinstance(cell, bool) else float(cell)
    except (TypeError, ValueError):
        value = float("nan")
    if not np.isfinite(value):
        raise UserError(f"{where} has {str(cell)[:40]!r} as the score of '{label}', which is no number; mend it")
    return value


def _labels(where: str, cells: Sequence[Any], task: Task) -> list[float]:
    found = read_cell("" if cells[0] is None else cells[0], DELIMITER if task.multi_label else None)
    if found.fault:
        raise UserError(f"{where} has {str(cells[0])[:40]!r} as labels, which {found.fault}")
    names = {name for name in found.names if name}
    if not task.multi_label and len(names) != 1:
        raise UserError(f"{where} has {len(names)} labels; '{task.name}' takes one label a text")
    for name in names:
        lookup(dict.fromkeys(task.labels), name, f"label in {where}")
    return [float(label in names) for label in task.labels]


def _check(source: Path, values: np.ndarray, kind: Kind, task: Task) -> None:
    other = "give --scores logits if these are logits"
    if kind == "probabilities" and len(bad := np.argwhere((values < 0) | (values > 1))):
        row, label = bad[0]
        value = f"{values[row, label]:g} for '{task.labels[label]}'"
        raise UserError(f"{source}: row {row + 1} has the score {value}; a probability is from 0 to 1; {other}")
    if kind != "logits" and not task.multi_label:
        sums = values.sum(axis=1)
        if len(off := np.flatnonzero(np.abs(sums - 1) > _SUM)):
            told = f"row {off[0] + 1} has probabilities that sum to {sums[off[0]]:g}"
            raise UserError(f"{source}: {told}; with one label a text they sum to 1; {other}")
    most = np.finfo(np.float16).max
    if len(beyond := np.flatnonzero((np.abs(values) > most).any(axis=1))):
        raise UserError(f"{source}: row {beyond[0] + 1} has a logit beyond {most:,.0f}, the largest that is kept")
