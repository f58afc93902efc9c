"""Two entries of one task held against each other row by row, from the logits of their runs; no model is loaded.

The view imports this module when its tab is opened, since what it needs of `benchmark` is slow to import.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.board.entries import Entry, find_runs, make_entries
from benchmark.board.store import read_board
from benchmark.board.tables import entry_name
from benchmark.statistics.calibration import reliability
from benchmark.statistics.resampling import Scored
from benchmark.statistics.slices import MIN_ROWS, ROW_FACTS, parts, read_row_facts
from benchmark.tasks.registry import Task, known_tasks
from benchmark.tasks.rows import read_rows
from benchmark.training.runs import RESULTS
from demo.compare.handlers import first_task
from demo.shared.texts import Language, say
from zoo.errors import UserError, lookup

OUTCOMES = ("both", "only_a", "only_b", "neither")
MAX_ROWS, MAX_LABELS = 200, 30
Stamps = tuple[tuple[Path, int], ...]


@dataclass(frozen=True)
class Found:
    """The entries of each task, by name, and why runs were left out, by folder."""

    tasks: dict[str, dict[str, Entry]]
    problems: dict[str, str]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two entries of a task with the run of one seed each, and what these say of the test rows by the task's rule.

    `seeds` are those that the two have in common.
    """

    a: Entry
    b: Entry
    seed: int
    seeds: tuple[int, ...]
    scored_a: Scored
    scored_b: Scored

    @property
    def task(self) -> Task:
        return self.a.task

    @property
    def y_true(self) -> np.ndarray:
        """Gold labels of the test rows, shape (n, num_labels)."""
        return self.a.y_true


def find(results: Path | None) -> Found:
    """Return what stands below `results` (None: the project's own runs); read again when a run has changed.

    Raises:
        UserError: there are no runs.
    """
    root = results or RESULTS
    found = _find(root, _stamps(root, "*/*/[!.]*/*"))
    if not found.tasks:
        first = "".join(f"; {run}: {reason}" for run, reason in list(found.problems.items())[:1])
        raise UserError(f"There are no runs in {root} yet; make some: python -m benchmark run --help{first}")
    return found


def _stamps(folder: Path, pattern: str) -> Stamps:
    """The files and when they changed, so that what is kept of them is kept no longer."""
    return tuple((path, path.stat().st_mtime_ns) for path in sorted(folder.glob(pattern)))


@lru_cache(maxsize=1)
def _find(root: Path, stamps: Stamps) -> Found:
    runs, problems = find_runs(root)
    tasks: dict[str, dict[str, Entry]] = {}
    for entry in make_entries(runs, known_tasks(root)):
        tasks.setdefault(entry.task.name, {})[entry.name] = entry
    return Found(tasks, problems)


def opening(
    found: Found, task: str | None, a: str | None, b: str | None, language: Language = "en"
) -> tuple[str, str, str]:
    """Return task, A and B with what is None chosen: the first task in `language` that has two entries, its first two
    entries. What there is nothing for stays empty."""
    several = [name for name, entries in found.tasks.items() if len(entries) > 1]
    task = task or str(first_task(several or found.tasks, language))
    names = list(found.tasks.get(task, {}))
    a = a or next((name for name in names if name != b), "")
    return task, a, b or next((name for name in names if name != a), "")


def pair_of(found: Found, task: str, a: str, b: str, seed: int | None = None, language: Language = "en") -> Pair:
    """Return two entries of a task with the runs of `seed`, or of the first seed that both have.

    Raises:
        UserError: the task or an entry is unknown, there is one entry only, both are the same, or share no seed.
    """
    entries = lookup(found.tasks, task, "task")
    if len(entries) < 2:
        raise UserError(say("explore_one_entry", language, task=task, entry=next(iter(entries))))
    first, second = lookup(entries, a, "entry"), lookup(entries, b, "entry")
    if first is second:
        raise UserError(say("explore_same", language, entry=a))
    seeds = tuple(sorted(first.runs.keys() & second.runs.keys()))
    if not seeds:
        raise UserError(say("explore_no_seed", language, a=a, b=b, task=task))
    return _pair(first, second, seeds, seed if seed in seeds else seeds[0])


@lru_cache(maxsize=8)
def _pair(a: Entry, b: Entry, seeds: tuple[int, ...], seed: int) -> Pair:
    one, other = _of_seed(a, seed), _of_seed(b, seed)
    scored_a, scored_b = (entry.scored(entry.task.rule)[seed] for entry in (one, other))
    return Pair(one, other, seed, seeds, scored_a, scored_b)


@lru_cache(maxsize=16)
def _of_seed(entry: Entry, seed: int) -> Entry:
    """The entry with one of its runs, so that no decision is fitted for the others."""
    return Entry(entry.task, entry.encoder, entry.variant, {seed: entry.runs[seed]})


def outcomes(pair: Pair, label: str | None = None) -> np.ndarray:
    """Return the position in OUTCOMES of every test row, shape (n,).

    A row is right when all of its labels are decided rightly; with a `label`, when that one is.

    Raises:
        UserError: the label is unknown.
    """
    shown = slice(None) if label is None else [_index(pair.task, label)]
    wrong_a, wrong_b = (
        (scored.y_true != scored.y_pred)[:, shown].any(axis=1) for scored in (pair.scored_a, pair.scored_b)
    )
    return 2 * wrong_a.astype(int) + wrong_b


def _index(task: Task, label: str) -> int:
    return lookup({name: index for index, name in enumerate(task.labels)}, label, "label")


def by_part(pair: Pair, facts: pd.DataFrame | None, label: str | None = None) -> pd.DataFrame:
    """Count the outcomes on all test rows and on each part of them that the board has (see
    `benchmark.statistics.slices.parts`).

    Columns: slice, part, n and OUTCOMES. A part of under MIN_ROWS rows has no row.

    Args:
        pair: what is compared.
        facts: of the test rows; without them there are only slices by gold labels.
        label: judge the rows by this label alone.
    """
    validation = pair.a.runs[pair.seed].predictions.validation_y_true
    of_rows = [part for part in parts(pair.task, pair.y_true, validation, facts) if part.slice != "label frequency"]
    shown = [part for part in of_rows if part.slice == "all" or len(part.rows) >= MIN_ROWS]
    found = outcomes(pair, label)
    return pd.DataFrame([{"slice": part.slice, "part": part.part} | _count(found[part.rows]) for part in shown])


def by_label(pair: Pair) -> pd.DataFrame:
    """Count the outcomes label by label, each judged by itself on the rows where it is gold or, in a multi-label task,
    decided by either: the others, which both leave without it and rightly so, would drown them.

    Columns: label, n and OUTCOMES.
    """
    counted = pair.y_true.astype(bool)
    if pair.task.multi_label:
        counted = counted | (pair.scored_a.y_pred | pair.scored_b.y_pred).astype(bool)
    found = {label: outcomes(pair, label)[counted[:, index]] for index, label in enumerate(pair.task.labels)}
    return pd.DataFrame([{"label": label} | _count(of_label) for label, of_label in found.items()])


def _count(found: np.ndarray) -> dict[str, int]:
    return {"n": len(found)} | dict(zip(OUTCOMES, np.bincount(found, minlength=4).tolist(), strict=True))


def row_facts(pair: Pair, results: Path | None) -> pd.DataFrame | None:
    """Return the facts of the pair's test rows, None where there are none of these very rows.

    Raises:
        UserError: the file is damaged.
    """
    path = (results or RESULTS) / pair.task.name / ROW_FACTS
    if not path.is_file():
        return None
    facts, fingerprint = read_row_facts(path)
    return facts if fingerprint == pair.a.info.fingerprint else None


def rows_with(
    pair: Pair,
    outcome: str,
    label: str | None = None,
    gold: str | None = None,
    texts: Sequence[str] | None = None,
) -> tuple[pd.DataFrame, int]:
    """Return the rows with an outcome, those first on whose scores the two differ most: at most MAX_ROWS of them; and
    how many there are.

    Columns: row (its number in the split, from 0), text (where `texts` of all test rows are given), gold, a, b
    (labels), gap (A's score less B's), at (the label of that gap). The gap is that of the `label` that the rows are
    judged by, else of the gold label, or in a multi-label task of the label with the widest one.

    Args:
        pair: what is compared.
        outcome: one of OUTCOMES.
        label: judge the rows by this label alone.
        gold: keep the rows that have this gold label.
        texts: of the test rows.

    Raises:
        UserError: the outcome or a label is unknown.
    """
    position = lookup({name: index for index, name in enumerate(OUTCOMES)}, outcome, "outcome")
    chosen = outcomes(pair, label) == position
    if gold is not None:
        chosen &= pair.y_true[:, _index(pair.task, gold)] == 1
    rows = np.flatnonzero(chosen)
    at, gap = _gaps(pair, label)
    rows = rows[np.argsort(-np.abs(gap[rows]), kind="stable")]
    shown, names = rows[:MAX_ROWS], pair.task.labels
    decided = {"gold": pair.y_true, "a": pair.scored_a.y_pred, "b": pair.scored_b.y_pred}
    table = pd.DataFrame({"row": shown} | {key: _names(labels[shown], names) for key, labels in decided.items()})
    table["gap"], table["at"] = gap[shown].round(3), [names[index] for index in at[shown]]
    if texts is not None:
        table.insert(1, "text", [texts[row] for row in shown])
    return table, len(rows)


def _gaps(pair: Pair, label: str | None) -> tuple[np.ndarray, np.ndarray]:
    """The label of each row's gap, and the gap."""
    difference = pair.scored_a.y_score - pair.scored_b.y_score
    if label is not None:
        at = np.full(len(difference), _index(pair.task, label))
    else:
        at = (np.abs(difference) if pair.task.multi_label else pair.y_true).argmax(axis=1)
    return at, np.take_along_axis(difference, at[:, None], axis=1)[:, 0]


def _names(decided: np.ndarray, labels: Sequence[str]) -> list[str]:
    return [", ".join(label for label, on in zip(labels, row, strict=True) if on) or "–" for row in decided]


def texts_of(pair: Pair, language: Language = "en") -> list[str]:
    """Return the texts of the test rows, from the project or from the folder that ENCODER_ZOO_DATA names.

    Raises:
        UserError: they are not there, are damaged, or are not those of the runs.
    """
    task, folder = pair.task, os.environ.get("ENCODER_ZOO_DATA")
    # Without rows of its own or in the folder a task would be asked for on the hub.
    if not (task.embedded or (folder and (Path(folder) / task.name).is_dir())):
        raise UserError(say("explore_no_texts", language, task=task.name))
    texts, fingerprint = _texts(task, Path(folder) if folder else None, _stamps(Path(folder or ".") / task.name, "*"))
    if fingerprint != pair.a.info.fingerprint:
        raise UserError(say("explore_other_rows", language, task=task.name))
    return texts


@lru_cache(maxsize=4)
def _texts(task: Task, folder: Path | None, stamps: Stamps) -> tuple[list[str], str]:
    rows = read_rows(task, folder)
    return rows.test.texts, rows.fingerprint


def together(pair: Pair, side: str) -> pd.DataFrame:
    """Count the rows that have one label as gold and another, or the same, as decided by A or B: in a single-label task
    its confusion matrix.

    Columns: gold, decided, n (rows with both) and share (of the rows with that gold label; nan without any). One row a
    pair of the MAX_LABELS labels that are gold most often, most often first.

    Raises:
        UserError: `side` is neither "a" nor "b".
    """
    scored = lookup({"a": pair.scored_a, "b": pair.scored_b}, side, "side")
    gold = pair.y_true.sum(axis=0, dtype=int)
    kept = np.argsort(-gold, kind="stable")[:MAX_LABELS]
    counts = pair.y_true[:, kept].T.astype(int) @ scored.y_pred[:, kept]
    shares = np.divide(counts, gold[kept, None], out=np.full(counts.shape, np.nan), where=gold[kept, None] > 0)
    names = np.array(pair.task.labels, object)[kept]
    return pd.DataFrame(
        {
            "gold": np.repeat(names, len(kept)),
            "decided": np.tile(names, len(kept)),
            "n": counts.ravel(),
            "share": shares.ravel(),
        }
    )


def reliability_of(pair: Pair) -> pd.DataFrame:
    """Return the points of both reliability diagrams, as `calibration.reliability` has them, with the columns encoder
    and variant."""
    return pd.concat([_reliability(entry) for entry in (pair.a, pair.b)], ignore_index=True)


@lru_cache(maxsize=8)
def _reliability(entry: Entry) -> pd.DataFrame:
    return reliability(entry.seeds).assign(encoder=entry.encoder, variant=entry.variant)


def gains_of(pair: Pair, results: Path | None, language: Language = "en") -> pd.DataFrame:
    """Return what the board says that each decision rule gains for the two, over all of their seeds.

    Raises:
        UserError: the task decides without thresholds, or the board is missing, damaged or has not both.
    """
    if not pair.task.multi_label:
        raise UserError(say("explore_no_thresholds", language, task=pair.task.name))
    rules = read_board(results or RESULTS).rules
    names = [pair.a.name, pair.b.name]
    of_task = rules[rules["task"] == pair.task.name] if len(rules) else rules
    of_pair = of_task[[entry_name(row) in names for row in of_task.to_dict("records")]]
    for name in names:
        if name not in set(map(entry_name, of_pair.to_dict("records"))):
            raise UserError(say("explore_not_on_board", language, entry=name))
    return of_pair
