"""Suspected label errors: where the models of all runs of a task agree against a gold label, from stored logits.

Confident learning for several labels (Thyagarajan et al. 2022, "Identifying Incorrect Annotations in Multi-Label
Classification Data"): each pair of row and label gets the models' probability of its gold value, the self-confidence.
The lower, the more suspect. The probability is that of calibrated scores: the mean over encoders of the mean over their
runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.board.entries import Entry
from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows, read_rows
from zoo.decision import ProblemType
from zoo.errors import UserError

AUDIT = "label-audit.csv"  # the file that the command line writes beside a task's runs


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the models say of the rows of one part: "train", "validation" or "test".

    `y_true`: gold labels, shape (n, num_labels). `y_score`: the mean of the calibrated scores, in the same shape.
    `decided`: the share of the runs that decide each label, in the same shape. `runs`: how many there are.
    """

    part: str
    y_true: np.ndarray
    y_score: np.ndarray
    decided: np.ndarray
    runs: int


def gather(entries: Sequence[Entry], part: str) -> Evidence:
    """Return what the runs of a task's entries say of its "validation" or "test" rows.

    Raises:
        UserError: none has scores.
    """
    scores, decided = [], []
    if not (scored := [each for each in entries if not each.bare]):
        raise UserError(
            f"Bare labels alone are no evidence, and no run of '{entries[0].task.name}' has scores; run an encoder"
        )
    for entry in scored:
        of_runs = []
        for seed, decision in entry.seeds.decisions(entry.task.rule).items():
            y_score = decision.scores(getattr(entry.seeds.predictions[seed], f"{part}_logits"))
            of_runs.append(y_score)
            decided.append(decision.decide(y_score))
        scores.append(np.mean(of_runs, axis=0))
    seeds = entries[0].seeds
    y_true = seeds.y_true if part == "test" else seeds.validation_y_true
    return Evidence(part, y_true, np.mean(scores, axis=0), np.mean(decided, axis=0), len(decided))


def margins(problem_type: ProblemType, y_true: np.ndarray, y_score: np.ndarray) -> np.ndarray:
    """Return how much the scores speak for each gold value, in [0, 1], shape (n, num_labels); low is suspect.

    Multi-label: the self-confidence of each pair, which is its normalised margin, too, since a pair has two values.
    Single-label: the normalised margin of a row's gold label (Northcutt et al. 2021, "Confident Learning"), half of 1
    and the lead over the highest other label; 1 for the labels that are not gold.
    """
    gold = y_true == 1
    if problem_type == "multi_label_classification":
        return np.where(gold, y_score, 1 - y_score)
    other = np.where(gold, -np.inf, y_score).max(axis=1, keepdims=True)
    return np.where(gold, (y_score - other + 1) / 2, 1.0)


def rank(task: Task, evidence: Evidence) -> pd.DataFrame:
    """Return the pairs of row and label where the models disagree with the gold label, the most suspect first.

    Columns: part, row (from 1), label, gold, suggestion, score (as `margins` has it; under 0.5), against (the share of
    the runs that decide against the gold label). In a multi-label task, gold and suggestion are 0 or 1; in a
    single-label task, the gold label and the one with the highest score.
    """
    score = margins(task.problem_type, evidence.y_true, evidence.y_score)
    rows, labels = np.nonzero(score < 0.5)
    gold = evidence.y_true[rows, labels]
    against = np.abs(gold - evidence.decided[rows, labels])
    names = np.array(task.labels, object)
    best = evidence.y_score[rows].argmax(axis=1)
    table = pd.DataFrame(
        {
            "part": evidence.part,
            "row": rows + 1,
            "label": names[labels],
            "gold": gold if task.multi_label else names[labels],
            "suggestion": 1 - gold if task.multi_label else names[best],
            "score": score[rows, labels],
            "against": against,
        }
    )
    return table.sort_values("score", kind="stable", ignore_index=True)


def audit(
    task: Task, entries: Sequence[Entry], rows: Rows | None = None, train: Evidence | None = None
) -> pd.DataFrame:
    """Return `rank` of the validation and the test rows together, with a column text where `rows` are at hand; of the
    train rows, too, where there is evidence (see `benchmark.from_logits.out_of_fold`)."""
    evidence = [gather(entries, part) for part in ("validation", "test")] + ([train] if train else [])
    found = [rank(task, each) for each in evidence]
    if rows is not None:
        for table, each in zip(found, evidence, strict=True):
            texts = np.array(getattr(rows, each.part).texts, object)
            table.insert(2, "text", texts[table["row"] - 1])
    return pd.concat(found, ignore_index=True).sort_values("score", kind="stable", ignore_index=True)


def rows_of(task: Task, entries: Sequence[Entry], data_dir: Path | None) -> Rows | None:
    """Return the rows of a task; None if they are not at hand, on this machine.

    Raises:
        UserError: the rows are not those of the runs.
    """
    if not task.embedded and not (data_dir and (data_dir / task.name).is_dir()):
        return None
    rows = read_rows(task, data_dir)
    if rows.fingerprint != entries[0].info.fingerprint:
        raise UserError(
            f"The rows of '{task.name}' in {data_dir or 'the project'} are not those of the runs; give those with "
            "--data-dir"
        )
    return rows


def train_suspects(path: Path, rows: Rows) -> pd.DataFrame:
    """Return what a file of `encoder-zoo audit-labels --train-by` says of train, in the columns of `rank`; nothing if
    there is no such file, or if it is of other rows."""
    if not path.is_file():
        return pd.DataFrame()
    found = pd.read_csv(path, keep_default_na=False)
    found = found[found["part"] == "train"].reset_index(drop=True)
    texts = rows.train.texts
    same = "text" in found and all(
        row <= len(texts) and texts[row - 1] == text for row, text in zip(found["row"], found["text"], strict=True)
    )
    return found.drop(columns="text") if same else found[:0]
