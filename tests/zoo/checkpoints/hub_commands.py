"""Commands that ask the hub: what they are called with, and what they end in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

REPO = "ann/toy"
Run = Callable[..., "Done"]


@dataclass(frozen=True)
class Done:
    """What a command ended in."""

    returncode: int
    stdout: str
    stderr: str


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def failed(done: Done, *words: str) -> None:
    """One line on stderr that has the words; no traceback."""
    assert done.returncode == 1
    error = done.stderr.splitlines()[-1]
    assert error.startswith("Error: ")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in error, error
