"""A call of the command line: one that trains, and how a call ends."""

from collections.abc import Callable
from dataclasses import dataclass

BASE = ("run", "--encoders", "tfidf-lr", "--tasks", "feedback", "--threads", "1")


@dataclass(frozen=True)
class Ended:
    """A process that has come to its end."""

    code: int
    stdout: str
    stderr: str


Call = Callable[..., Ended]


def one_line(ended: Ended, *named: str) -> None:
    """Fail if the call did not end in one line on stderr that names all of `named`."""
    assert ended.code == 1
    assert ended.stderr.startswith("Error: ")
    assert ended.stderr.count("\n") == 1
    for text in named:
        assert text in ended.stderr
