"""Predicts a whole file of texts in bounded memory. A stopped prediction continues where it stopped.

The texts are read and predicted in chunks. Finished rows go to a hidden file beside the output, whose name is a
hash of the checkpoint and the input. At the end this file becomes the output in one step.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from zoo.decision import Decision
from zoo.errors import UserError
from zoo.files import csv_text
from zoo.row_files.format import RowFile
from zoo.row_files.row_reader import read_plain_rows
from zoo.serving import AnyClassifier, load_classifier

CHUNK = 1024  # rows: enough to batch by length, and all that is in memory
OUTPUTS = (".csv", ".jsonl")
Report = Callable[[int], object]


def predict_file(
    checkpoint: Path,
    source: RowFile,
    target: Path,
    text_column: str = "text",
    report: Report = lambda rows: None,
    decision: Decision | None = None,
) -> int:
    """Write a checkpoint's scores and decided labels for every text of a file, in its order; return how many.

    Args:
        checkpoint: the folder of a fine-tuned model.
        source: the file, looked through.
        target: a .jsonl file or a .csv file. A row has its number `row`, from 1; the columns of the input (see
            `passed_on`); the decided labels, as the list `labels` (a JSON list in CSV), or where a text has one label
            as `label`, empty if no score reaches its threshold; `to_person`, whether a person should look at the text,
            if the decision leaves any to a person; and the scores by label (in CSV columns `score_NAME`).
        text_column: the column of the texts; an empty cell is an empty text.
        report: called with the number of finished rows, first with those of a stopped prediction.
        decision: in place of the checkpoint's own.

    Raises:
        UserError: the checkpoint or the file cannot be read, there is no such column, or another process does the same.
    """
    check_files(source.path, target)
    classifier = load_classifier(checkpoint)  # takes seconds: after the checks above
    classifier = replace(classifier, decision=decision or classifier.decision)
    columns = passed_on(source, classifier.info.labels)
    part = target.with_name(f".{target.name}-{_identity(classifier, source, text_column)}.part")
    as_csv = target.suffix.lower() == ".csv"
    with _alone(part, target):
        done = _go_on(part, csv_text([_header(classifier, columns)]) if as_csv else "")
        report(done)
        rows = islice(_read(source, text_column, list(columns)), done, None)
        with part.open("a", encoding="utf-8", newline="") as file:
            while chunk := list(islice(rows, CHUNK)):
                records = _records(classifier, chunk, list(columns.values()), done)
                file.write(csv_text(map(_cells, records)) if as_csv else _json_lines(records))
                file.flush()
                done += len(chunk)
                report(done)
        part.replace(target)
    return done


@contextmanager
def _alone(part: Path, target: Path) -> Iterator[None]:
    """Keep other processes from adding rows to the same file. The lock of a process that was killed is free."""
    lock = FileLock(part.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(
            f"Another process is writing {target}; wait until it has ended, or give another --output"
        ) from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows keeps a file that is open
            Path(lock.lock_file).unlink()
        lock.release()


def check_files(source: Path, target: Path, options: tuple[str, str] = ("--input", "--output")) -> None:
    """Check a prediction's two files before anything is read, fetched or loaded. `options` name them.

    Raises:
        UserError: the input is missing, or the output has another ending, is the input, or cannot be written there.
    """
    given, written = options
    if target.suffix.lower() not in OUTPUTS:
        raise UserError(f"The output must end in {' or '.join(OUTPUTS)}, and {target} does not; give another {written}")
    if not source.is_file():
        raise UserError(f"There is no file {source}; give one as {given}")
    if target.resolve() == source.resolve():
        raise UserError(f"{target} is the input; give another {written}")
    if not target.parent.is_dir():
        raise UserError(f"There is no folder {target.parent} for {target.name}; make it, or give another {written}")
    if target.is_dir():
        raise UserError(f"{target} is a folder; give a file as {written}")


def passed_on(source: RowFile, labels: Sequence[str]) -> dict[str, str]:
    """Return the columns of the input that the output has, too, each with its name there.

    A column that is named as one of the output's own is called input_NAME. One without a name, or with that of another,
    is left out.

    Raises:
        UserError: there is a column input_NAME already.
    """
    own = {"row", "label", "labels", "to_person", "scores", *(f"score_{label}" for label in labels)}
    names = [name for name in source.columns if name and source.columns.count(name) == 1]
    found = {name: f"input_{name}" if name in own else name for name in names}
    for name, new in found.items():
        if name != new and (new in names or new in own):
            raise UserError(
                f"{source.path} has the columns '{name}', as the output has, and '{new}'; rename one of them"
            )
    return found


def column_notes(source: RowFile, labels: Sequence[str]) -> list[str]:
    """Return what is said of columns that the output has under another name, or not at all."""
    found = passed_on(source, labels)
    notes = [f"the input's column '{name}' is called '{new}'" for name, new in found.items() if name != new]
    left = dict.fromkeys(name for name in source.columns if name not in found)
    notes += [f"the input's columns '{name}' are left out, since there are several" for name in left if name]
    return notes + ["a column of the input without a name is left out"] * ("" in left)


def _read(source: RowFile, text_column: str, columns: list[str]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the text and the values of the other columns of each row; a missing text is an empty one."""
    for number, (text, *values) in enumerate(read_plain_rows(source, [text_column, *columns], CHUNK), 1):
        if not isinstance(text, str | None):
            raise UserError(
                f"{source.path}: row {number} has {str(text)[:40]!r} in the column '{text_column}', which is no text; "
                "name another with --text-column"
            )
        yield text or "", values


def _identity(classifier: AnyClassifier, source: RowFile, text_column: str) -> str:
    """Return a hash of what makes a prediction: the weights, the decision, the file, how it is read, and its column."""
    state = source.path.stat()
    known: list[Any] = [classifier.info.weights_sha256, classifier.decision.model_dump_json(), text_column]
    known += [str(source.path.resolve()), state.st_size, state.st_mtime_ns, source.notes(), source.columns]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:12]


def _go_on(part: Path, header: str) -> int:
    """Cut off a stopped prediction's half-written last row, or begin a new file; return how many rows are done.

    A row of a CSV, which has a header, may have several lines: it ends where the quotation marks are even.
    """
    at = end = rows = marks = 0
    with part.open("ab+") as file:
        file.seek(0)
        for line in file:
            at, marks = at + len(line), marks + line.count(b'"')
            if line.endswith(b"\n") and (not header or marks % 2 == 0):
                end, rows = at, rows + 1
        file.truncate(end)
        if not end:  # not even the header is whole
            file.write(header.encode())
            return 0
    return rows - bool(header)


def _records(
    classifier: AnyClassifier, rows: list[tuple[str, list[Any]]], names: list[str], done: int
) -> list[dict[str, Any]]:
    scores = classifier.predict_scores([text for text, _ in rows])
    labels, single = classifier.info.labels, classifier.info.problem_type == "single_label_classification"
    records = []
    decided, handed = classifier.decide(scores), classifier.decision.hand_over(scores)
    each = zip(rows, scores.round(6), decided, handed.tolist(), strict=True)
    for number, ((_, values), of_row, chosen, to_person) in enumerate(each, done + 1):
        named = [labels[i] for i in np.flatnonzero(chosen)]
        record = {"row": number, **dict(zip(names, values, strict=True))}
        record |= {"label": next(iter(named), None)} if single else {"labels": named}
        record |= {"to_person": to_person} if classifier.decision.unsure else {}
        records.append(record | {"scores": dict(zip(labels, of_row.tolist(), strict=True))})
    return records


def _json_lines(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(_storable(record), ensure_ascii=False) + "\n" for record in records)


def _cells(record: dict[str, Any]) -> list[Any]:
    """Return a row of a CSV: text as it is, nothing as an empty cell, any other value but a number as JSON."""
    values = [_storable(value) for name, value in record.items() if name != "scores"]
    cells = [json.dumps(v, ensure_ascii=False) if isinstance(v, list | dict | bool) else v for v in values]
    return [*cells, *record["scores"].values()]


def _storable(value: Any) -> Any:
    """Return a value as JSON can hold it: infinity, dates and the like as text, NaN as nothing."""
    if isinstance(value, dict):
        return {str(name): _storable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(each) for each in value]
    if isinstance(value, bytes):
        return value.hex()
    if value != value:
        return None
    plain = isinstance(value, str | int | float | None) and value not in (inf, -inf)
    return value if plain else str(value)


def _header(classifier: AnyClassifier, columns: dict[str, str]) -> list[str]:
    single = classifier.info.problem_type == "single_label_classification"
    scores = (f"score_{label}" for label in classifier.info.labels)
    to_person = ["to_person"] if classifier.decision.unsure else []
    return ["row", *columns.values(), "label" if single else "labels", *to_person, *scores]
