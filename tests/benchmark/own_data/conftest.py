"""Files of own data, and the columns that say where their texts and labels are."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.own_data.columns import Columns

ONE = Columns("text", ("label",), "one")
SEVERAL = Columns("text", ("labels",), "several")
FLAGS = Columns("text", ("b", "a"), "flags")

Write = Callable[[str, str | bytes], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of that name and content; return its path."""

    def writing(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return writing
