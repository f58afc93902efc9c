"""What a board computed of an entry or a task before, kept in the user's cache; the next one computes what is new.

A file is named after the hash of all that its content was computed from, the code included, so that it is never stale.
The folder can be deleted at any time. What was not used for a month is deleted by itself.
"""

import hashlib
import io
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmark.statistics.intervals import Sample
from benchmark.tasks.row_facts import DAMAGE
from zoo.files import cache_folder, write_bytes

_MONTH = 30 * 24 * 3600  # seconds
_TABLE, _SAMPLE, _KEYS = "table:", "sample:", "samples"
Tables = dict[str, pd.DataFrame]
Samples = dict[tuple[str, str], Sample]  # by rule and metric


@dataclass(frozen=True)
class Kept:
    """Where results are kept, and what tells the code that computes them from any other."""

    folder: Path
    code: str

    def place(self, parts: Iterable[str | bytes]) -> Path:
        """Return the file of what is computed from `parts`."""
        digest = hashlib.sha256(self.code.encode())
        for part in parts:
            digest.update(hashlib.sha256(part.encode() if isinstance(part, str) else part).digest())
        return self.folder / f"{digest.hexdigest()}.npz"


def kept_by(code: str) -> Kept:
    """Return the user's folder for what this code computes, without what was not used for long."""
    folder = cache_folder() / "boards"
    for path in folder.glob("*.npz"):
        with suppress(OSError):  # another process deleted it
            if path.stat().st_mtime < time.time() - _MONTH:
                path.unlink()
    return Kept(folder, code)


def keep(path: Path, tables: Mapping[str, pd.DataFrame], samples: Mapping[tuple[str, str], Sample]) -> None:
    """Write tables and samples to a file; where it cannot be written, they are computed again the next time."""
    arrays = {f"{_TABLE}{name}": np.frombuffer(_packed(table), np.uint8) for name, table in tables.items()}
    arrays[_KEYS] = np.array([f"{rule}:{metric}" for rule, metric in samples], str)
    for field in fields(Sample):  # one array for all: a file of hundreds is slow to read
        arrays[f"{_SAMPLE}{field.name}"] = np.array([getattr(sample, field.name) for sample in samples.values()])
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    with suppress(OSError):
        write_bytes(path, content.getvalue())


def recall(path: Path) -> tuple[Tables, Samples] | None:
    """Return what `keep` wrote; None where there is nothing, or it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays}
        os.utime(path)
        tables = {
            name.removeprefix(_TABLE): pa.ipc.open_stream(content.tobytes()).read_all().to_pandas()
            for name, content in found.items()
            if name.startswith(_TABLE)
        }
        keys = [tuple(name.split(":")) for name in found[_KEYS].tolist()]
        samples = {(rule, metric): _sample(found, at) for at, (rule, metric) in enumerate(keys)}
    except DAMAGE:
        return None
    return tables, samples


def _packed(table: pd.DataFrame) -> bytes:
    """A table as an Arrow stream, which is read several times as fast as parquet."""
    made, sink = pa.Table.from_pandas(table, preserve_index=False), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, made.schema) as writer:
        writer.write_table(made)
    return bytes(sink.getvalue())


def _sample(found: Mapping[str, np.ndarray], at: int) -> Sample:
    values: dict[str, Any] = {field.name: found[f"{_SAMPLE}{field.name}"][at] for field in fields(Sample)}
    return Sample(**{name: value if value.ndim else value.item() for name, value in values.items()})
