"""One task's ranked entries compared: evidence, pairs and ranks. What ranks is the declared recipe of each encoder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from benchmark.board.entries import Entry
from benchmark.board.tables import protocol_of
from benchmark.statistics.intervals import RESAMPLES
from benchmark.statistics.pair_tests import MARGIN, gather, seeds_of
from benchmark.statistics.ranks import MIN_SEEDS, Key, comparable, compare_all, rank_intervals
from benchmark.statistics.resampling import draw
from benchmark.tasks.registry import Task

DRAWS_A_PAIR = 40


@dataclass(frozen=True)
class Ranked:
    """One task's ranked entries compared. Entries with the default recipe are compared with each other, and entries
    that were tuned with each other if they had the same number of trials.

    `values` are their means of the main metric. `apart` are pairs of one protocol that share too few seeds.
    """

    values: dict[Key, float]
    apart: list[tuple[Key, Key]]
    pairs: pd.DataFrame
    ranks: dict[Key, tuple[int, int]]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return it as tables, for `ranked_of`."""
        entries = [(*key, value, *self.ranks.get(key, (0, 0))) for key, value in self.values.items()]
        return {
            "pairs": self.pairs,
            "entries": pd.DataFrame(entries, columns=["encoder", "variant", "value", "low", "high"]),
            "apart": pd.DataFrame([(*a, *b) for a, b in self.apart], columns=["a", "variant_a", "b", "variant_b"]),
        }


def ranked_of(tables: Mapping[str, pd.DataFrame]) -> Ranked:
    """Return what `Ranked.tables` wrote down."""
    rows = list(tables["entries"].itertuples(index=False, name=None))
    return Ranked(
        values={(encoder, variant): value for encoder, variant, value, _, _ in rows},
        apart=[((a, b), (c, d)) for a, b, c, d in tables["apart"].itertuples(index=False, name=None)],
        pairs=tables["pairs"],
        ranks={(encoder, variant): (low, high) for encoder, variant, _, low, high in rows if low},
    )


def rank_task(task: Task, entries: list[Entry], margin: float = MARGIN, groups: np.ndarray | None = None) -> Ranked:
    """Compare the entries of a task that take a rank, protocol by protocol; `margin` is that of "equal", and `groups`
    those of the test rows, if they have any."""
    with_rank = rankable(entries)
    # A p-value is not under one in the draws, and times the pairs it must come under 5 %.
    number = max(RESAMPLES, DRAWS_A_PAIR * comb(len(with_rank), 2))
    draws = draw(len(entries[0].y_true), number, groups=groups)
    evidence = {
        entry.key: gather(entry.scored(task.rule), task.main_metric, draws, entry.random) for entry in with_rank
    }
    seeds = seeds_of(evidence.values())
    pairs, ranks = [], dict[Key, tuple[int, int]]()
    for protocol in dict.fromkeys(protocol_of(variant) for _, variant in evidence):
        group = {key: each for key, each in evidence.items() if protocol_of(key[1]) == protocol}
        pairs.append(compare_all(group, draws.rng, margin, seeds))
        if len(group) > 1:  # one alone would be first in any case
            ranks |= rank_intervals(list(group), pairs[-1])
    apart = [
        (a, b)
        for a, b in combinations(evidence, 2)
        if protocol_of(a[1]) == protocol_of(b[1]) and not comparable(evidence[a], evidence[b])
    ]
    values = {key: float(each.values.mean()) for key, each in evidence.items()}
    return Ranked(values, apart, pd.concat(pairs, ignore_index=True) if pairs else pd.DataFrame(), ranks)


def rankable(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries that take a rank: a declared recipe with two seeds or more, or with one where seeds change
    nothing."""
    return [entry for entry in entries if protocol_of(entry.variant) is not None and has_seeds(entry)]


def has_seeds(entry: Entry) -> bool:
    """Return whether an entry has the seeds that a comparison on the board takes."""
    return len(entry.runs) >= MIN_SEEDS or not entry.random


def scores_of(ranked: Mapping[Task, Ranked]) -> pd.DataFrame:
    """Return the main metric of the ranked entries with a default recipe: one row an encoder, one column a task, nan
    where an encoder has none."""
    columns = {task.name: _defaults(one) for task, one in ranked.items()}
    return pd.DataFrame(columns).sort_index()


def _defaults(ranked: Ranked) -> dict[str, float]:
    return {encoder: value for (encoder, variant), value in ranked.values.items() if protocol_of(variant) == ""}
