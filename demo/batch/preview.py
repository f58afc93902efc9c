"""What a chosen file looks like before it is classified: how it is read, its first rows, its columns guessed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from demo.batch.inputs import DELIMITED, check_file, format_of, look, told
from demo.shared.texts import PageError
from zoo.row_files.format import RowFile
from zoo.row_files.row_reader import look_through, read_plain_rows

SHOWN = 5  # rows
_CHARACTERS = 120  # of a cell
_LONG = 60  # characters; no column has such a name
_TEXTS = ("text", "texts", "sentence", "content", "body", "review", "comment", "message", "文本", "内容", "评论")
_LABELS = ("labels", "label", "gold", "category", "class", "target", "tags", "topic", "标签", "类别", "分类")


@dataclass(frozen=True)
class Preview:
    """How a file is read, its first SHOWN rows, whether it has a header, and which column probably holds the texts and
    which one the labels, "" if none does."""

    file: RowFile
    rows: list[list[Any]]
    header: bool
    text: str
    labels: str

    @property
    def asks(self) -> bool:
        """Whether a person may say that there is no header."""
        return self.file.form == "delimited"


def preview(path: Path, labels: Sequence[str], header: bool | None = None) -> Preview:
    """Look at a file.

    Args:
        path: the file; its ending says its format.
        labels: the task's; a first row that holds one is no header.
        header: whether the first row of a CSV, TSV or text file names the columns; None finds out.

    Raises:
        PageError: the file is too large, damaged, of another kind, or has no column.
    """
    check_file(path)
    with told():
        file = look(path)
        if not file.columns:
            raise PageError("batch_empty")
        if header is None:
            header = not (path.suffix.lower() in DELIMITED and _is_row(file.columns, labels))
        if not header:
            file = look_through(path, [], format_of(path, header=False))
        rows = list(islice(read_plain_rows(file, file.columns), SHOWN))
    text = _text_column(file.columns, rows)
    named = {name.casefold().strip(): name for name in file.columns if name != text}
    return Preview(file, rows, header, text, next((named[name] for name in _LABELS if name in named), ""))


def _is_row(cells: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether cells are those of a row, not of a header: one is a label or a number, or is too long for a name."""
    return len(cells) > 1 and any(cell in labels or cell.strip().isdecimal() or len(cell) > _LONG for cell in cells)


def _text_column(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """The column with a usual name, else the one with the longest cells."""
    named = {name.casefold().strip(): name for name in columns}
    usual = next((named[name] for name in _TEXTS if name in named), None)
    lengths = [sum(len(row[place]) for row in rows if isinstance(row[place], str)) for place in range(len(columns))]
    return usual or columns[lengths.index(max(lengths))]


def as_table(found: Preview) -> dict[str, Any]:
    """Return the first rows as `demo/shared/plain_table.js` draws them."""
    cells = [["" if cell is None else _cut(str(cell)) for cell in row] for row in found.rows]
    return {"columns": [{"title": name} for name in found.file.columns], "rows": cells}


def _cut(text: str) -> str:
    return text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 1]}…"
