"""Parquet: text is text whatever its type: categories, views, large or of bytes in UTF-8."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from zoo.row_files.faults import RowFileError, check_columns, check_count
from zoo.row_files.format import Format, RowFile


def look_through_parquet(source: Path, wanted: Sequence[str], given: Format) -> RowFile:
    """Return what the file's own figures say.

    Raises:
        RowFileError: there is no such column, or an option of text is given.
    """
    if (option := next(given.options(), None)) is not None:
        raise RowFileError(source, "option", option=option)
    with parquet.ParquetFile(source) as file:
        names = list(file.schema_arrow.names)
        check_columns(source, names, wanted)
        return RowFile(source, "parquet", tuple(names), file.metadata.num_rows, "parquet")


def parquet_batches(file: RowFile, wanted: Sequence[str], size: int) -> Iterator[dict[str, pa.Array]]:
    """Yield the wanted columns of at most `size` rows at a time, with text of any type as strings."""
    rows = 0
    with parquet.ParquetFile(file.path) as opened:
        check_columns(file.path, opened.schema_arrow.names, wanted)
        for batch in opened.iter_batches(batch_size=size, columns=list(dict.fromkeys(wanted)), use_threads=size > 1):
            rows += batch.num_rows
            yield {column: _told(file.path, column, batch.column(column)) for column in wanted}
    check_count(file.path, file.rows, rows)


def _told(source: Path, column: str, values: pa.Array) -> pa.Array:
    try:
        return plain_text(values)
    except pa.ArrowException as error:
        raise RowFileError(source, "not_utf8", column=column) from error


def plain_text(values: pa.Array) -> pa.Array:
    """Return text of any type as strings, also in lists; anything else as it is."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return plain_text(values.dictionary_decode())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        if (items := plain_text(values.flatten())).type == kind.value_type:
            return values
        lengths = pc.list_value_length(values).cast(pa.int64()).fill_null(0)
        offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths)])
        return pa.LargeListArray.from_arrays(offsets, items, mask=values.is_null())
    views = pa.types.is_string_view(kind) or pa.types.is_binary_view(kind)
    if views or pa.types.is_large_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return values.cast(pa.string())
    if pa.types.is_fixed_size_binary(kind):
        return values.cast(pa.binary()).cast(pa.string())
    return values
