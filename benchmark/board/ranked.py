"""One task's entries compared: evidence, pairs and ranks."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import pandas as pd

from benchmark.board.entries import Entry
from benchmark.statistics.intervals import RESAMPLES
from benchmark.statistics.pair_tests import Evidence, gather
from benchmark.statistics.ranks import MIN_SEEDS, Key, compare_all, rank_intervals
from benchmark.statistics.resampling import Draws, draw
from benchmark.tasks.registry import Task
from benchmark.training.recipes import Recipe

DRAWS_A_PAIR = 40


@dataclass(frozen=True)
class Ranked:
    """One task's entries compared. `across` holds, by encoder, the evidence of the entry that stands for it."""

    task: Task
    evidence: dict[Key, Evidence]
    across: dict[str, Evidence]
    pairs: pd.DataFrame
    ranks: dict[Key, tuple[int, int]]


def rank_task(task: Task, entries: list[Entry]) -> Ranked:
    """Compare the entries of a task that have seeds enough, and rank them."""
    with_rank = rankable(entries)
    # A p-value is not under one in the draws, and times the pairs it must come under 5 %.
    draws = draw(len(entries[0].y_true), max(RESAMPLES, DRAWS_A_PAIR * comb(len(with_rank), 2)))
    evidence = {entry.key: evidence_of(entry, draws) for entry in with_rank}
    across = {encoder: evidence[entry.key] for encoder, entry in one_an_encoder(with_rank).items()}
    pairs = compare_all(evidence, draws.rng)
    ranks = rank_intervals(list(evidence), pairs) if len(evidence) > 1 else {}  # one alone would be first in any case
    return Ranked(task, evidence, across, pairs, ranks)


def rankable(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries that take a rank: those with two seeds or more."""
    return [entry for entry in entries if len(entry.runs) >= MIN_SEEDS]


def evidence_of(entry: Entry, draws: Draws) -> Evidence:
    """Return an entry's evidence by its task's main metric and rule."""
    return gather(entry.scored(entry.task.rule), entry.task.main_metric, draws)


def one_an_encoder(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Return by encoder the entry that stands for it across tasks.

    Fine-tuned encoders stand by the recipe that most of them share (in a tie, the default). Baselines have recipes of
    another kind, so among them the same is asked again.
    """
    baselines, tuned = ([entry for entry in entries if _is_baseline(entry) == kind] for kind in (True, False))
    return {entry.encoder: entry for group in (tuned, baselines) for entry in _with_shared_recipe(group)}


def _with_shared_recipe(entries: Sequence[Entry]) -> list[Entry]:
    counts = Counter(entry.variant for entry in entries)
    shared = max(counts, key=lambda variant: (counts[variant], not variant, variant), default="")
    return [entry for entry in entries if entry.variant == shared]


def _is_baseline(entry: Entry) -> bool:
    return not isinstance(entry.info.recipe, Recipe)
