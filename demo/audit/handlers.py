"""Suspected label errors of a task, and its rows with a person's corrections: the handlers behind the Label audit tab,
free of widgets.

Only tasks whose texts are at hand are audited: a person cannot judge a label without its text.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pandas as pd

from benchmark.from_logits.label_errors import AUDIT, audit, train_suspects
from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows, Split, read_rows
from benchmark.training.runs import RESULTS
from demo.explore.pairs import Found, Stamps, data_of, find, has_texts
from demo.shared.texts import PageError
from zoo.errors import lookup
from zoo.files import csv_text

MOST = 300  # suspects that are shown
ANSWERS = {"keep": "kept", "change": "changed", "unsure": "unsure"}  # and what the file calls them
Judged = dict[tuple[str, int, str], str]  # an answer by part, row (from 1) and label


@dataclass(frozen=True, eq=False)
class Audit:
    """A task's rows, and the pairs of row and label that the models speak against, the most suspect first (see
    `benchmark.from_logits.label_errors.rank`)."""

    task: Task
    rows: Rows
    suspects: pd.DataFrame

    def part(self, name: str) -> Split:
        """Return the rows of "train", "validation" or "test"."""
        return {"train": self.rows.train, "validation": self.rows.validation, "test": self.rows.test}[name]


def tasks_at_hand(found: Found) -> list[str]:
    """Return the tasks with runs whose texts are here."""
    tasks = [next(iter(entries.values())).task for entries in found.tasks.values()]
    return [task.name for task in tasks if has_texts(task)]


def audit_of(name: str, results: Path | None) -> Audit:
    """Return the audit of a task by all of its runs on the rows that are here.

    Raises:
        UserError: there are no runs, the task is unknown, its texts are not here, or they are not those of the runs.
    """
    found = find(results)
    entries = lookup(found.tasks, name, "task")
    if name not in tasks_at_hand(found):
        raise PageError("audit_no_texts", task=name)
    ids = tuple(run.info.id for entry in entries.values() for run in entry.runs.values())
    task = next(iter(entries.values())).task
    of_train = (results or RESULTS) / name / AUDIT
    written = of_train.stat().st_mtime if of_train.is_file() else 0.0
    return _audit(results, name, *data_of(task), ids, of_train, written)


@lru_cache(maxsize=2)
def _audit(
    results: Path | None,
    name: str,
    folder: Path | None,
    stamps: Stamps,
    runs: tuple[str, ...],
    of_train: Path,
    written: float,
) -> Audit:
    entries = list(find(results).tasks[name].values())
    task = entries[0].task
    rows = read_rows(task, folder)
    same = [entry for entry in entries if entry.info.fingerprint == rows.fingerprint]
    if not same:
        raise PageError("audit_other_rows", task=name)
    suspects = pd.concat([audit(task, same), train_suspects(of_train, rows)], ignore_index=True)
    return Audit(task, rows, suspects.sort_values("score", kind="stable", ignore_index=True))


def as_view(found: Audit) -> dict[str, Any]:
    """Return what audit.js draws: the task and its first MOST suspects, each with its text, all gold labels of the row,
    the label in question, whether it is gold, the suggestion, and how much speaks for what is gold."""
    task, shown = found.task, found.suspects.head(MOST)
    return {
        "task": task.name,
        "several": task.multi_label,
        "total": len(found.suspects),
        "rows": [
            {
                "part": row["part"],
                "row": row["row"],
                "text": found.part(row["part"]).texts[row["row"] - 1],
                "gold": _names(task, found.part(row["part"]).y_true[row["row"] - 1]),
                "label": row["label"],
                "add": bool(task.multi_label and row["gold"] == 0),
                "suggestion": row["label"] if task.multi_label else row["suggestion"],
                "score": float(row["score"]),
                "against": float(row["against"]),
            }
            for row in shown.to_dict("records")
        ],
    }


def _names(task: Task, row: np.ndarray) -> list[str]:
    return [label for label, on in zip(task.labels, row, strict=True) if on]


def read_answers(text: str) -> Judged:
    """Return the answers that audit.js sends: a JSON list of [part, row, label, answer].

    Raises:
        PageError: it is none.
    """
    try:
        found = {(str(part), int(row), str(label)): str(answer) for part, row, label, answer in json.loads(text)}
    except (ValueError, TypeError) as error:
        raise PageError("audit_no_answers") from error
    if not found or not set(found.values()) <= set(ANSWERS):
        raise PageError("audit_no_answers")
    return found


def write_corrected(found: Audit, judged: Judged, path: Path) -> Path:
    """Write a ZIP of train.csv, validation.csv and test.csv, as `encoder-zoo run-data` reads them from a folder.

    Each has the columns text, labels (a JSON list; in a single-label task label, a name) and audit: what a person said
    of the row (kept, changed, unsure, several with a comma), or nothing. Only what is changed has another label.

    Raises:
        PageError: an answer is about no suspect of this task.
    """
    task = found.task
    suggested = {
        (row["part"], row["row"], row["label"]): row["suggestion"] for row in found.suspects.to_dict("records")
    }
    if strange := next((key for key in judged if key not in suggested), None):
        raise PageError("audit_no_such_row", row=" ".join(map(str, strange)))
    with ZipFile(path, "w", ZIP_DEFLATED) as file:
        for part in ("train", "validation", "test"):
            y_true = found.part(part).y_true.copy()
            said: dict[int, list[str]] = {}
            for (of, row, label), answer in judged.items():
                if of == part:
                    said.setdefault(row - 1, []).append(ANSWERS[answer])
                    if answer == "change":
                        _change(task, y_true[row - 1], label, suggested[of, row, label])
            file.writestr(f"{part}.csv", _csv(task, found.part(part).texts, y_true, said))
    return path


def _change(task: Task, row: np.ndarray, label: str, suggestion: Any) -> None:
    if task.multi_label:
        row[task.labels.index(label)] = suggestion
    else:
        row[:] = 0
        row[task.labels.index(suggestion)] = 1


def _csv(task: Task, texts: list[str], y_true: np.ndarray, said: dict[int, list[str]]) -> str:
    rows = [["text", "labels" if task.multi_label else "label", "audit"]]
    for row, (text, gold) in enumerate(zip(texts, y_true, strict=True)):
        names = _names(task, gold)
        shown = json.dumps(names, ensure_ascii=False) if task.multi_label else names[0]
        rows.append([text, shown, ",".join(sorted(set(said.get(row, []))))])
    return csv_text(rows)
