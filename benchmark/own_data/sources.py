"""The sources of a user's own rows: a file, a folder with one file a split, or a dataset of the hub."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from zoo.errors import UserError
from zoo.row_files import ENDINGS, Batch, read_batches

MAX_BYTES = 2**30  # of all files together
HUB = "hub:"
# The datasets library's words for a configuration that was not given ("Config name is missing...") or does not exist.
_CONFIGS = re.compile(r"(?:among the available configs|BuilderConfig '.*' not found\. Available): \[(.*?)\]")
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Piece:
    """The rows of one split and their source. Rows that are not split yet are one piece, "train"."""

    part: str
    where: str
    batches: Iterator[Batch]


def find_pieces(source: str, columns: Sequence[str]) -> list[Piece]:
    """Return the pieces of a user's data: one, or one a split (train, test, and validation if there is one).

    Args:
        source: the path of a CSV, TSV, JSONL or parquet file; or of a folder with one such file a split (train.csv,
            test.csv); or hub:NAME, or hub:NAME:CONFIG if the dataset has several configurations.
        columns: the columns to read.

    Raises:
        UserError: the source does not exist, is larger than MAX_BYTES, or has other splits.
    """
    if source.startswith(HUB):
        return _hub_pieces(source, columns)
    path = Path(source)
    files = {"train": path} if path.is_file() else _split_files(path)
    _check_size(source, sum(file.stat().st_size for file in files.values()))
    return [Piece(part, str(file), read_batches(file, columns)) for part, file in files.items()]


def _check_size(source: str, size: int) -> None:
    if size > MAX_BYTES:
        raise UserError(
            f"{source} has {size / 2**30:.2f} GiB and {MAX_BYTES / 2**30:g} GiB is the most; give fewer rows"
        )


def _split_files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise UserError(f"There is no file or folder {folder}; for a dataset of the hub write {HUB}{folder}")
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if file.stem in PARTS and file.suffix.lower() in ENDINGS:
            if file.stem in found:
                raise UserError(f"{folder} has {found[file.stem].name} and {file.name}; keep one of them")
            found[file.stem] = file
    _check_parts(str(folder), list(found))
    return {part: found[part] for part in PARTS if part in found}


def _check_parts(where: str, found: list[str]) -> None:
    if "train" not in found or ("validation" in found and "test" not in found):
        raise UserError(
            f"{where} has the splits {', '.join(found) or 'none'}; it needs train, or train and test, or train, "
            "validation and test"
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
        raise _hub_error(source, name, config, str(error)) from error
    _check_parts(source, [part for part in found if part in PARTS])
    for column in columns:
        if column not in found["train"].column_names:
            raise UserError(f"{source} has no column '{column}'; it has: {', '.join(found['train'].column_names)}")
    return [Piece(p, f"{source}, {p}", _hub_batches(found[p], columns)) for p in PARTS if p in found]


def _hub_error(source: str, name: str, config: str, said: str) -> UserError:
    if listed := _CONFIGS.search(said):
        wrong = f"no configuration '{config}'" if config else "several configurations"
        configs = listed[1].replace("'", "")[:300]
        return UserError(f"{source} has {wrong}; give one as {HUB}{name}:CONFIG: {configs}")
    reason = (said.splitlines() or ["no reason given"])[0][:160]
    return UserError(f"{source} cannot be loaded from the hub ({reason}); check its name and the connection")


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
