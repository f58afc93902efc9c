"""Atomic writes, by which a file or folder is there as a whole or not at all; content hashes; rows as CSV."""

import csv
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from platformdirs import user_cache_dir

WHOLE = "model.safetensors"  # the weights of a whole model, in transformers' format


def cache_folder() -> Path:
    """Return the folder for what can be rebuilt: `ENCODER_ZOO_CACHE`, or the user's cache folder."""
    return Path(os.environ.get("ENCODER_ZOO_CACHE") or user_cache_dir("encoder-zoo"))


def sha256(path: Path) -> str:
    """Return the hex SHA-256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(folder: Path) -> None:
    """Write the hash of a folder's weights beside them, for `is_whole`."""
    (folder / "weights.sha256").write_text(sha256(folder / WHOLE))


def is_whole(folder: Path) -> bool:
    """Return whether the weights in a folder are those that it was sealed with."""
    digest, weights = folder / "weights.sha256", folder / WHOLE
    return digest.is_file() and weights.is_file() and digest.read_text() == sha256(weights)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `target` that takes its place when the block ends without an error.

    A `target` that another process finished first stays as it is. A killed process leaves a folder whose name starts
    with a dot, so nothing mistakes it for a whole one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield temporary
        temporary.chmod(0o755)
        try:
            temporary.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` in one step: readers see the old content or the new, never a part."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one step: readers see the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV."""
    text = StringIO()
    csv.writer(text).writerows(rows)  # with \r\n, so that a cell with either is put in quotation marks
    return text.getvalue()
