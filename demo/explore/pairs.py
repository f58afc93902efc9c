"""Two entries of one task, found among the runs, with what the Explore tab knows about their test rows.

No model is loaded. The view imports this module when its tab is opened, since `benchmark` is slow to import.
"""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.board.entries import Entry, find_runs, make_entries
from benchmark.board.tables import entry_name
from benchmark.statistics.resampling import Scored
from benchmark.tasks.registry import Task, known_tasks
from benchmark.tasks.row_facts import find_row_facts
from benchmark.tasks.rows import read_rows
from benchmark.training.runs import RESULTS
from demo.compare.handlers import first_task
from demo.explore.form import Identity
from demo.leaderboard.handlers import read_board, records_of
from demo.leaderboard.verdict import pairs_of
from demo.shared.texts import Language, say
from zoo.errors import UserError, lookup

Stamps = tuple[tuple[Path, int], ...]


@dataclass(frozen=True)
class Found:
    """The entries of each task, and why runs were left out, by folder."""

    tasks: dict[str, dict[Identity, Entry]]
    problems: dict[str, str]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two entries of a task, each with its run of one seed and what that run decides on the test rows by the task's
    rule.

    `seeds` are the seeds that the two have in common.
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
    """Return the entries below `results` (None: the project's own runs); they are read again when a run has changed.

    Raises:
        UserError: there are no runs.
    """
    root = results or RESULTS
    found = _find(root, _stamps(root, "*/*/[!.]*/*"))
    if not found.tasks:
        first = "".join(f"; {run}: {reason}" for run, reason in list(found.problems.items())[:1])
        raise UserError(f"There are no runs in {root} yet; make some: encoder-zoo run --help{first}")
    return found


def _stamps(folder: Path, pattern: str) -> Stamps:
    """The files and when they changed: what is cached for these is stale as soon as one of them changes."""
    return tuple((path, path.stat().st_mtime_ns) for path in sorted(folder.glob(pattern)))


@lru_cache(maxsize=1)
def _find(root: Path, stamps: Stamps) -> Found:
    runs, problems = find_runs(root)
    tasks: dict[str, dict[Identity, Entry]] = {}
    for entry in make_entries(runs, known_tasks(root)):
        tasks.setdefault(entry.task.name, {})[entry.encoder, entry.variant] = entry
    return Found(tasks, problems)


def opening(
    found: Found,
    task: str | None,
    a: Identity | None,
    b: Identity | None,
    language: Language = "en",
    results: Path | None = None,
) -> tuple[str, Identity | None, Identity | None]:
    """Return task, A and B, with a choice in place of each None: the first task in `language` that has two entries, and
    the task's best two entries on the board. An entry is never compared with itself, and stays None where the task has
    too few."""
    task = task or str(first_task(found.tasks, language))
    entries = best_first(found, task, results)
    b = None if a == b else b
    a = a or next((entry for entry in entries if entry != b), None)
    return task, a, b or next((entry for entry in entries if entry != a), None)


def best_first(found: Found, task: str, results: Path | None) -> list[Identity]:
    """Return the entries of a task in the order of the board; those that are not on it come last."""
    entries = found.tasks.get(task, {})
    try:
        order = [(row["encoder"], row["variant"]) for row in records_of(read_board(results), task)]
    except UserError:  # the Leaderboard tab says why there is none
        order = []
    return [*(key for key in order if key in entries), *(key for key in entries if key not in order)]


def verdict_of(pair: "Pair", results: Path | None, language: Language) -> list[str]:
    """Return what the board says of a pair, in sentences; none where it does not compare the two."""
    both = {(entry.encoder, entry.variant) for entry in (pair.a, pair.b)}
    try:
        compared = pairs_of(read_board(results), pair.task, language)
    except UserError:
        return []
    return next((each["told"] for each in compared if set(map(tuple, each["entries"])) == both), [])


def pair_of(
    found: Found,
    task: str,
    a: Identity | None,
    b: Identity | None,
    seed: int | None = None,
    language: Language = "en",
) -> Pair:
    """Return two entries of a task with the runs of `seed`, or of the first seed that both have.

    Raises:
        UserError: the task or an entry is unknown, there is only one entry, or A and B are the same or share no seed.
    """
    entries = lookup(found.tasks, task, "task")
    if len(entries) < 2:
        raise UserError(say("explore_one_entry", language, task=task, entry=next(iter(entries.values())).name))
    first, second = _entry(entries, a), _entry(entries, b)
    if first is second:
        raise UserError(say("explore_same", language, entry=first.name))
    seeds = tuple(sorted(first.runs.keys() & second.runs.keys()))
    if not seeds:
        raise UserError(say("explore_no_seed", language, a=first.name, b=second.name, task=task))
    return _pair(first, second, seeds, seed if seed in seeds else seeds[0])


def _entry(entries: dict[Identity, Entry], identity: Identity | None) -> Entry:
    if identity is None or identity not in entries:
        name = entry_name(dict(zip(("encoder", "variant"), identity or ("", ""), strict=True)))
        raise UserError(f"Unknown entry '{name}'. All: {', '.join(entry.name for entry in entries.values())}")
    return entries[identity]


@lru_cache(maxsize=8)
def _pair(a: Entry, b: Entry, seeds: tuple[int, ...], seed: int) -> Pair:
    one, other = _of_seed(a, seed), _of_seed(b, seed)
    scored_a, scored_b = (entry.scored(entry.task.rule)[seed] for entry in (one, other))
    return Pair(one, other, seed, seeds, scored_a, scored_b)


@lru_cache(maxsize=16)
def _of_seed(entry: Entry, seed: int) -> Entry:
    """The entry with only one of its runs, so that no decision is fitted for the others."""
    return Entry(entry.task, entry.encoder, entry.variant, {seed: entry.runs[seed]})


def row_facts(pair: Pair, results: Path | None) -> pd.DataFrame | None:
    """Return the facts of the pair's test rows; None where the file is missing or is about other rows.

    Raises:
        UserError: the file is damaged.
    """
    return find_row_facts(results or RESULTS, pair.task.name).get(pair.a.info.fingerprint)


def has_texts(task: Task) -> bool:
    """Return whether a task's texts are here: `read_rows` would ask the hub for those of any other task."""
    return task.embedded or data_of(task)[0] is not None


def data_of(task: Task) -> tuple[Path | None, Stamps]:
    """Return the folder that ENCODER_ZOO_DATA names, None if it has no such task, and the task's files in it."""
    folder = os.environ.get("ENCODER_ZOO_DATA")
    if folder and (Path(folder) / task.name).is_dir():
        return Path(folder), _stamps(Path(folder) / task.name, "*")
    return None, ()


def texts_of(pair: Pair, language: Language = "en") -> list[str]:
    """Return the texts of the test rows, from the project or from the folder that ENCODER_ZOO_DATA names.

    Raises:
        UserError: the texts are not there, are damaged, or are not the texts of the runs.
    """
    task = pair.task
    if not has_texts(task):
        raise UserError(say("explore_no_texts", language, task=task.name))
    texts, fingerprint = _texts(task, *data_of(task))
    if fingerprint != pair.a.info.fingerprint:
        raise UserError(say("explore_other_rows", language, task=task.name))
    return texts


@lru_cache(maxsize=4)
def _texts(task: Task, folder: Path | None, stamps: Stamps) -> tuple[list[str], str]:
    rows = read_rows(task, folder)
    return rows.test.texts, rows.fingerprint
