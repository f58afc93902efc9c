"""Read a task's rows: from a folder that the user names, from the hub, or from the project itself."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmark.tasks.registry import Task
from benchmark.tasks.splits import carve, carve_sentences
from zoo.errors import UserError
from zoo.files import new_folder

if TYPE_CHECKING:
    from zoo.hub import Say

EMBEDDED = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Split:
    """`texts` and their gold labels `y_true`, int8 of shape (n, num_labels).

    `groups` are numbers, shape (n,): rows of one document, user or thread share theirs. None where rows stand alone.
    `teacher` are logits, shape (n, num_labels), that a student learns beside the labels. None without a teacher.
    """

    texts: list[str]
    y_true: np.ndarray
    groups: np.ndarray | None = None
    teacher: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Rows:
    """A task's rows: those to train on, those to tune on, and those that numbers are reported on."""

    train: Split
    validation: Split
    test: Split
    fingerprint: str


def read_rows(task: Task, data_dir: Path | None, say: "Say" = lambda line: None) -> Rows:
    """Read and check the rows of `task`. If the task says so, set validation rows aside from train.

    `say` is called with the reason when a call to the hub is repeated.

    Raises:
        UserError: the rows cannot be found or read, or they do not fit the task.
    """
    splits = _read_embedded(task) if task.embedded else _read_folder(task, data_dir) or _read_hub(task, data_dir, say)
    train, reported = splits["train"], splits[task.reported]
    if task.carve:
        train, validation = _carve(task, train)
    else:
        validation = splits["validation"]
    return Rows(train, validation, reported, fingerprint(train, validation, reported))


def write_splits(task: Task, rows: Rows, data_dir: Path) -> Path:
    """Write the splits to the task's folder in `data_dir`, in the format that `read_rows` reads; return the folder. A
    folder that exists stays as it is."""
    with new_folder(data_dir / task.name) as folder:
        for name, split in (("train", rows.train), ("validation", rows.validation), (task.reported, rows.test)):
            labels = [np.flatnonzero(row) for row in split.y_true] if task.multi_label else split.y_true.argmax(axis=1)
            target = "labels" if task.multi_label else "label"
            columns = {"text": split.texts, target: labels}
            columns |= {} if split.groups is None else {"group": split.groups}
            pd.DataFrame(columns).to_parquet(folder / f"{name}.parquet")
    return data_dir / task.name


def _carve(task: Task, train: Split) -> tuple[Split, Split]:
    try:
        if task.phrases:
            kept, tuning = carve_sentences(train.texts, task.carve, task.split_seed)
        else:
            kept, tuning = carve(train.y_true, task.carve, task.split_seed, task.multi_label)
    except ValueError:
        kept = tuning = np.empty(0, int)
    if not len(kept) or not len(tuning):
        raise UserError(
            f"The {len(train):,} train rows of '{task.name}' are too few to set {task.carve:.0%} of them aside for "
            "validation; give more"
        )
    return take(train, kept), take(train, tuning)


def _read_embedded(task: Task) -> dict[str, Split]:
    frame = pd.read_json(EMBEDDED / f"{task.name}.jsonl", lines=True)
    column = {label: i for i, label in enumerate(task.labels)}
    frame["labels"] = [[column[label] for label in labels] for labels in frame["labels"]]
    return {
        str(name): _split(task, part["text"], part["labels"], f"{task.name}.jsonl, {name}")
        for name, part in frame.groupby("split")
    }


def _read_folder(task: Task, data_dir: Path | None) -> dict[str, Split] | None:
    if data_dir is None:
        return None
    if not data_dir.is_dir():
        raise UserError(
            f"The data folder {data_dir} does not exist; give one with a folder '{task.name}' in it "
            "(--data-dir or ENCODER_ZOO_DATA)"
        )
    folder = data_dir / task.name
    if not folder.is_dir():
        return None
    _check_label_names(task, folder / "dataset.json")
    return {name: _read_parquet(task, folder / f"{name}.parquet") for name in _needed(task)}


def _needed(task: Task) -> list[str]:
    return ["train", task.reported] if task.carve else ["train", "validation", task.reported]


def _check_label_names(task: Task, path: Path) -> None:
    if not path.is_file():
        return
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))["labels"]
        given = tuple(labels)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is not a readable description of a dataset: it needs a list 'labels'") from error
    if given != task.labels:
        different = next(
            (f"{a!r} instead of {b!r}" for a, b in zip(labels, task.labels, strict=False) if a != b),
            f"{len(labels)} instead of {len(task.labels)}",
        )
        raise UserError(f"{path} has other labels than the task '{task.name}': {different}")


def _read_parquet(task: Task, path: Path) -> Split:
    if not path.is_file():
        files = ", ".join(f"{name}.parquet" for name in _needed(task))
        raise UserError(f"{path} does not exist; the task '{task.name}' needs {files} in that folder")
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} is not a readable parquet file; copy it again ({str(error).splitlines()[0]})"
        ) from error
    target = "labels" if task.multi_label else "label"
    missing = [column for column in ("text", target) if column not in frame]
    if missing:
        raise UserError(f"{path} has no column '{missing[0]}'; it has: {', '.join(map(str, frame.columns))}")
    split = _split(task, frame["text"], frame[target], str(path))
    return replace(split, groups=frame["group"].to_numpy(np.int64)) if "group" in frame else split


def _read_hub(task: Task, data_dir: Path | None, say: "Say") -> dict[str, Split]:
    where = f"{data_dir} has no folder '{task.name}'" if data_dir else f"No rows for the task '{task.name}' were given"
    remedy = f"give a folder that holds {task.name}/train.parquet with --data-dir (or ENCODER_ZOO_DATA)"
    if task.hub is None:
        raise UserError(f"{where}; {remedy}: the hub does not have this dataset as data")
    from datasets import load_dataset

    from zoo.hub import patiently, why_unread

    name, config, revision = task.hub.dataset, task.hub.config, task.hub.revision
    try:
        found = patiently(lambda: load_dataset(name, config, revision=revision), say)
    except Exception as error:  # datasets raises any kind
        raise UserError(
            f"{where}, and '{name}' cannot be had from the hub. {why_unread(name, error)}. Or {remedy}"
        ) from error
    frames = ((part, found[part].to_pandas()) for part in _needed(task))
    return {part: _split(task, frame[task.hub.text], frame[task.hub.target], name) for part, frame in frames}


def _split(task: Task, texts: pd.Series, targets: pd.Series, where: str) -> Split:
    rows = texts.tolist()
    for row, text in enumerate(rows, 1):
        if not isinstance(text, str) or not text.strip():
            raise UserError(f"{where}: row {row} has an empty text; remove the row")
    y_true = np.zeros((len(rows), len(task.labels)), np.int8)
    for row, target in enumerate(targets, 1):
        labels = np.atleast_1d(target).tolist()
        if not task.multi_label and len(labels) != 1:
            raise UserError(f"{where}: row {row} has the labels {labels}; '{task.name}' takes one label a row")
        for label in labels:
            if type(label) is not int or not 0 <= label < len(task.labels):
                raise UserError(
                    f"{where}: row {row} has the label {label!r}; labels are whole numbers from 0 to "
                    f"{len(task.labels) - 1}"
                )
            y_true[row - 1, label] = 1
    if not rows:
        raise UserError(f"{where}: there are no rows")
    return Split(rows, y_true)


def take(split: Split, rows: np.ndarray) -> Split:
    """Return some rows of a split, given by number."""
    groups = None if split.groups is None else split.groups[rows]
    return Split([split.texts[row] for row in rows], split.y_true[rows], groups)


def fingerprint(*splits: Split) -> str:
    """Return a hash of the rows of all splits, 16 hex digits."""
    digest = hashlib.sha256()
    for split in splits:
        for piece in json.JSONEncoder(ensure_ascii=False).iterencode(split.texts):  # without a copy of them all
            digest.update(piece.encode())
        digest.update(np.packbits(split.y_true).tobytes())
        if split.groups is not None:
            digest.update(split.groups.astype(np.int64).tobytes())
    return digest.hexdigest()[:16]
