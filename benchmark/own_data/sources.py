"""The sources of a user's own rows: a file, a folder with one file a split, or a dataset of the hub."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from zoo.errors import UserError
from zoo.row_files.format import ALL_FOUND, Format
from zoo.row_files.row_reader import ENDINGS, PACKED, Batch, look_through, read_batches

MAX_BYTES = 2**30  # of all files together
HUB = "hub:"
# The datasets library's words for a configuration that was not given ("Config name is missing...") or does not exist.
_CONFIGS = re.compile(r"(?:among the available configs|BuilderConfig '.*' not found\. Available): \[(.*?)\]")
PARTS = ("train", "validation", "test")


# The names that the hub knows for each split, too; several files of one split are train-00000-of-00002 and so on.
_SPLITS = {"train": "train", "test": "test"} | dict.fromkeys(("validation", "valid", "val", "dev"), "validation")
_NAME = re.compile(rf"({'|'.join(_SPLITS)})(?:-(\d+)-of-(\d+))?")


@dataclass(frozen=True)
class Piece:
    """The rows of one split, or a part of them, and their source. Rows that are not split yet are one piece, "train".

    `notes` say how its file is read.
    """

    part: str
    where: str
    batches: Iterator[Batch]
    notes: tuple[str, ...] = ()


def find_pieces(source: str, columns: Sequence[str], given: Format = ALL_FOUND) -> list[Piece]:
    """Return the pieces of a user's data: one, or those of each split (train, test, and validation if there is one).

    Args:
        source: the path of a CSV, TSV, text, JSON or parquet file; or of a folder with such files for each split
            (train.csv, test.csv; train-00000-of-00002.parquet, ...); or hub:NAME, or hub:NAME:CONFIG if the dataset
            has several configurations.
        columns: the columns to read.
        given: what the user says of the files' format.

    Raises:
        UserError: the source does not exist, is larger than MAX_BYTES, or has other splits; or a file cannot be read.
    """
    if source.startswith(HUB):
        if (option := next(given.options(), None)) is not None:
            raise UserError(f"{source} takes no {option}; leave it out")
        return _hub_pieces(source, columns)
    path = Path(source)
    files, unused = ([("train", path)], []) if path.is_file() else _split_files(path)
    _check_size(source, sum(file.stat().st_size for _, file in files))
    pieces = []
    for part, file in files:
        found = look_through(file, columns, given)
        pieces.append(Piece(part, str(file), read_batches(found, columns), tuple(found.notes())))
    if unused:
        what = f"{path}: not read, since their names are of no split: {', '.join(unused)}"
        pieces[-1] = replace(pieces[-1], notes=(*pieces[-1].notes, what))
    return pieces


def _check_size(source: str, size: int) -> None:
    if size > MAX_BYTES:
        raise UserError(
            f"{source} has {size / 2**30:.2f} GiB and {MAX_BYTES / 2**30:g} GiB is the most; give fewer rows"
        )


def _split_files(folder: Path) -> tuple[list[tuple[str, Path]], list[str]]:
    """Return the files of each split, in the order of PARTS, and the names of what else is in the folder."""
    if not folder.is_dir():
        raise UserError(f"There is no file or folder {folder}; for a dataset of the hub write {HUB}{folder}")
    found: dict[str, list[Path]] = {}
    unused = []
    for file in sorted(folder.iterdir()):
        named = _named_split(file)
        if named and file.suffix.lower() in (*ENDINGS, *PACKED) and file.is_file():
            found.setdefault(_SPLITS[named[1]], []).append(file)
        elif not file.name.startswith("."):
            unused.append(file.name + "/" * file.is_dir())
    for files in found.values():
        _check_shards(folder, files)
    _check_parts(str(folder), [part for part in PARTS if part in found], unused)
    return [(part, file) for part in PARTS for file in found.get(part, [])], unused


def _named_split(file: Path) -> re.Match[str] | None:
    """Return what a file's name says of a split, whatever endings follow; None if nothing."""
    return _NAME.fullmatch(file.name.partition(".")[0].lower())


def _check_shards(folder: Path, files: list[Path]) -> None:
    """Raise UserError unless the files of a split are one, or all those that their names count."""
    names = list(map(_named_split, files))
    if len(files) == 1 and (names[0] is None or names[0][2] is None):
        return
    series = {
        (named[1], int(named[3]), file.suffix) for named, file in zip(names, files, strict=True) if named and named[2]
    }
    if len(series) != 1 or not all(named and named[2] for named in names):
        raise UserError(f"{folder} has {' and '.join(file.name for file in files)} for one split; keep one of them")
    ((_, count, _),) = series
    there = {int(named[2]) for named in names if named}
    if missing := sorted(set(range(count)) - there):
        raise UserError(f"{folder} has {files[0].name}, but part {missing[0]} of {count} is missing; add it")
    if len(there) != len(files) or len(there) != count:
        raise UserError(f"{folder} has {len(files)} files of a split in {count} parts; keep one of each part")


def _check_parts(where: str, found: list[str], others: Sequence[str] = ()) -> None:
    if "train" not in found or ("validation" in found and "test" not in found):
        beside = f" (beside {', '.join(others)[:160]})" if others else ""
        raise UserError(
            f"{where} has the splits {', '.join(found) or 'none'}{beside}; it needs train, or train and test, or "
            "train, validation and test"
        )


def _hub_pieces(source: str, columns: Sequence[str]) -> list[Piece]:
    from datasets import DownloadMode, load_dataset, load_dataset_builder
    from datasets.exceptions import DatasetsError
    from fsspec.core import url_to_fs
    from httpx import HTTPError

    name, _, config = source.removeprefix(HUB).partition(":")
    try:
        files = load_dataset_builder(name, config or None).config.data_files or {}  # only listed
        places = [url_to_fs(file) for split in files.values() for file in split]
        _check_size(source, sum(system.size(path) for system, path in places))
        found = load_dataset(name, config or None, download_mode=DownloadMode.REUSE_DATASET_IF_EXISTS)
    except (HTTPError, DatasetsError, OSError, ValueError, RuntimeError) as error:
        raise _hub_error(source, name, config, error) from error
    _check_parts(source, [part for part in found if part in PARTS])
    for column in columns:
        if column not in found["train"].column_names:
            raise UserError(f"{source} has no column '{column}'; it has: {', '.join(found['train'].column_names)}")
    return [Piece(p, f"{source}, {p}", _hub_batches(found[p], columns)) for p in PARTS if p in found]


def _hub_error(source: str, name: str, config: str, error: Exception) -> UserError:
    from zoo.hub import why_unread

    if listed := _CONFIGS.search(str(error)):
        wrong = f"no configuration '{config}'" if config else "several configurations"
        configs = listed[1].replace("'", "")[:300]
        return UserError(f"{source} has {wrong}; give one as {HUB}{name}:CONFIG: {configs}")
    return UserError(f"{source} cannot be loaded from the hub. {why_unread(name, error)}")


def _hub_batches(rows: Any, columns: Sequence[str]) -> Iterator[Batch]:
    names = {column: _class_names(rows.features[column]) for column in columns}
    for batch in rows.select_columns(list(columns)).with_format("arrow").iter(batch_size=1024):
        yield {column: _named(batch[column].combine_chunks(), names[column]) for column in columns}


def _class_names(feature: Any) -> list[str] | None:
    """Return the names of labels that the hub stores as numbers, one a row or in lists; None for other columns."""
    return getattr(feature, "names", None) or getattr(getattr(feature, "feature", None), "names", None)


def _named(values: pa.Array, names: list[str] | None) -> pa.Array:
    if names is None:
        return values
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        lengths = pc.list_value_length(values).fill_null(0)
        offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])
        return pa.ListArray.from_arrays(offsets, _named(pc.list_flatten(values), names))
    known = pc.and_(pc.greater_equal(values, 0), pc.less(values, len(names)))  # the hub writes -1 for a hidden label
    return pa.array(names).take(pc.if_else(known, values, None))
