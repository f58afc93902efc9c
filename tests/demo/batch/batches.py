"""Batches as the tests make them: written to a file, read from it, classified."""

from pathlib import Path

import pandas as pd

from demo.batch.handlers import Results, classify_rows
from demo.batch.inputs import BatchRows, read_file


def results_of(rows: BatchRows, task: str, names: list[str], root: Path) -> Results:
    *_, last = classify_rows(rows, task, names, root)
    assert isinstance(last, Results)
    return last


def write(path: Path, content: str | bytes | pd.DataFrame) -> Path:
    if isinstance(content, pd.DataFrame):
        content.to_parquet(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path) -> BatchRows:
    return read_file(path, "text", "labels")
