"""Predicts a whole file of texts in bounded memory. A stopped prediction continues where it stopped.

The texts are read and predicted in chunks. Finished rows go to a hidden file beside the output, whose name is a
hash of the checkpoint and the input. At the end this file becomes the output in one step.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterator
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import UserError
from zoo.row_files import read_batches

if TYPE_CHECKING:
    from zoo.classifier import Classifier

CHUNK = 1024  # rows: enough to batch by length, and all that is in memory
OUTPUTS = (".csv", ".jsonl")
Report = Callable[[int], object]


def predict_file(
    checkpoint: Path, source: Path, target: Path, text_column: str = "text", report: Report = lambda rows: None
) -> int:
    """Write a checkpoint's scores and decided labels for every text of a file, in its order; return how many.

    Args:
        checkpoint: the folder of a fine-tuned model.
        source: a CSV, TSV, JSONL or parquet file.
        target: a .jsonl file (a row: `row`, `labels`, `scores` by label) or a .csv file (`row`, `labels` with "|"
            between them, a column of scores a label). Rows are counted from 1.
        text_column: the column of the texts; an empty cell is an empty text.
        report: called with the number of finished rows, first with those of a stopped prediction.

    Raises:
        UserError: the checkpoint or the file cannot be read, or there is no such column.
    """
    check_files(source, target)
    from zoo.classifier import Classifier  # takes seconds: after the checks above

    classifier = Classifier.load(checkpoint)
    if any("\n" in label for label in classifier.info.labels) and target.suffix.lower() == ".csv":
        raise UserError("A label has a line break in its name, which .csv lines cannot hold; write a .jsonl file")
    part = target.with_name(f".{target.name}-{_identity(classifier, source, text_column)}.part")
    write = _jsonl if target.suffix.lower() == ".jsonl" else _csv
    header = _header(classifier) if write is _csv else ""
    done = _go_on(part, header)
    report(done)
    texts = islice(read_texts(source, text_column), done, None)
    with part.open("a", encoding="utf-8", newline="") as file:
        while chunk := list(islice(texts, CHUNK)):
            file.write(write(classifier, chunk, done))
            file.flush()
            done += len(chunk)
            report(done)
    part.replace(target)
    return done


def check_files(source: Path, target: Path) -> None:
    """Check a prediction's two files before anything is read, fetched or loaded.

    Raises:
        UserError: the input is missing, or the output has another ending, is the input, or cannot be written there.
    """
    if target.suffix.lower() not in OUTPUTS:
        raise UserError(f"The output must end in {' or '.join(OUTPUTS)}, and {target} does not; give another --output")
    if not source.is_file():
        raise UserError(f"There is no file {source}; give one with --input")
    if target.resolve() == source.resolve():
        raise UserError(f"{target} is the input; give another --output")
    if not target.parent.is_dir():
        raise UserError(f"There is no folder {target.parent} for {target.name}; make it, or give another --output")
    if target.is_dir():
        raise UserError(f"{target} is a folder; give a file as --output")


def read_texts(source: Path, text_column: str) -> Iterator[str]:
    """Yield the texts of a column; an empty cell is an empty text.

    Raises:
        UserError: as `read_batches`.
    """
    for batch in read_batches(source, [text_column]):
        yield from ("" if text is None else str(text) for text in batch[text_column].to_pylist())


def count_rows(source: Path, text_column: str) -> int:
    """Return how many texts a file has. This reads the whole file once.

    Raises:
        UserError: as `read_texts`.
    """
    return sum(1 for _ in read_texts(source, text_column))


def _identity(classifier: "Classifier", source: Path, text_column: str) -> str:
    """Return a hash of what makes a prediction: the weights, the decision, the file and its column."""
    state = source.stat()
    known: list[Any] = [classifier.info.weights_sha256, classifier.decision.model_dump_json(), text_column]
    known += [str(source.resolve()), state.st_size, state.st_mtime_ns]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:12]


def _go_on(part: Path, header: str) -> int:
    """Cut off a stopped prediction's half-written last line, or begin a new file; return how many rows are done."""
    end = lines = 0
    with part.open("ab+") as file:
        file.seek(0)
        for line in file:
            if line.endswith(b"\n"):
                end, lines = end + len(line), lines + 1
        file.truncate(end)
        if not end:  # not even the header is whole
            file.write(header.encode())
            return 0
    return lines - bool(header)


def _predict(classifier: "Classifier", texts: list[str]) -> tuple[np.ndarray, list[list[str]]]:
    scores = classifier.predict_scores(texts)
    labels = [[classifier.info.labels[i] for i in np.flatnonzero(row)] for row in classifier.decide(scores)]
    return scores.round(6), labels


def _jsonl(classifier: "Classifier", texts: list[str], done: int) -> str:
    lines = []
    for row, (scores, labels) in enumerate(zip(*_predict(classifier, texts), strict=True), done + 1):
        by_label = dict(zip(classifier.info.labels, scores.tolist(), strict=True))
        lines.append(json.dumps({"row": row, "labels": labels, "scores": by_label}, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines)


def _csv(classifier: "Classifier", texts: list[str], done: int) -> str:
    scores, labels = _predict(classifier, texts)
    rows = zip(scores.tolist(), labels, strict=True)
    return _lines([row, "|".join(names), *of] for row, (of, names) in enumerate(rows, done + 1))


def _header(classifier: "Classifier") -> str:
    return _lines([["row", "labels", *(f"score_{label}" for label in classifier.info.labels)]])


def _lines(rows: Any) -> str:
    buffer = StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
