"""What becomes of a case: in own data, and in predict and Batch."""

import re
from collections import Counter
from pathlib import Path

from benchmark.own_data.label_notes import label_notes
from benchmark.own_data.reading import read_own
from demo.batch.inputs import read_file
from demo.shared.texts import PageError
from tests.cases.table import Case
from zoo.errors import UserError
from zoo.row_files.format import ALL_FOUND
from zoo.row_files.row_reader import look_through, read_plain_rows


def own_outcome(case: Case, folder: Path) -> str:
    """Return "read: rows; labels; what the report says of them; how the files were read" or "refused: the line"."""
    source = folder if len(case.files) > 1 else folder / next(iter(case.files))
    try:
        data = read_own(str(source), case.columns, given=case.format)
    except UserError as error:
        return _refused(error, folder)
    counts = dict(zip(data.labels, data.y_true.sum(axis=0).tolist(), strict=True))
    labels = ", ".join(f"{name} {count}" for name, count in counts.items())
    notes = [note.line for note in label_notes(data, data.part)]
    return _shown("read: " + "; ".join([f"{len(data)} rows", labels, *notes, *data.files]), folder)


def texts_outcome(case: Case, folder: Path) -> str:
    """Return how predict reads the texts of a case's files. Batch must read the same ones
    but for those without a text, which it skips, or refuse as well."""
    found = Counter(_texts_outcome(folder / name, case) for name in case.files)
    return "; ".join(found)


def _texts_outcome(path: Path, case: Case) -> str:
    try:
        file = look_through(path, [case.columns.text], case.format)
        texts = [text for (text,) in read_plain_rows(file, [case.columns.text])]
        assert len(texts) == file.rows
        outcome = _shown("read: " + "; ".join([f"{len(texts)} rows", *file.notes()]), path.parent)
    except UserError as error:
        texts, outcome = [], _refused(error, path.parent)
    if case.format == ALL_FOUND:  # which Batch has no options for
        assert _batch_texts(path, case.columns.text) in (texts, [text for text in texts if text.strip()], None)
    return outcome


def _batch_texts(path: Path, column: str) -> list[str] | None:
    """Return the texts that Batch reads, [] if it refuses the file, None if it refuses only a row without a text."""
    try:
        return read_file(path, column, "").texts
    except PageError as error:
        return None if error.key in ("batch_no_text", "batch_not_text") else []


def matches(expected: str, outcome: str) -> bool:
    """Return whether an outcome begins as expected, where "..." stands for any words."""
    return re.match(".*?".join(map(re.escape, expected.split("..."))), outcome, re.DOTALL) is not None


def _refused(error: UserError, folder: Path) -> str:
    return _shown(f"refused: {error}", folder)


def _shown(line: str, folder: Path) -> str:
    return line.replace(f"{folder}/", "").replace(str(folder), "the folder")
