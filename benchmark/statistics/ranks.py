"""Ranks that say what they do not know: every pair of a task tested, Holm-corrected; mean ranks across tasks."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from benchmark.statistics.intervals import LEVEL, seed_noise, seed_variance, t_over_normal
from benchmark.statistics.pair_tests import Comparison, Evidence, compare, detectable, holm

SIGNIFICANT = 0.05
MIN_SEEDS = 2
Key = tuple[str, str]  # an entry of a task: encoder and variant


def compare_all(evidence: dict[Key, Evidence], rng: np.random.Generator) -> pd.DataFrame:
    """Compare every pair of one task's entries.

    Returns:
        One row for each pair that shares MIN_SEEDS seeds. Columns: encoder_a, variant_a, encoder_b, variant_b,
        difference (a less b), low, high, p_value, test, superiority, detectable, seeds, p_holm (corrected over these
        pairs), verdict: "a", "b", or "cannot tell" at 5 % after the correction. `detectable` is for the strictest step
        of the correction; it takes at least the variance of seeds of the median pair with one of the two.
    """
    both = [pair for pair in combinations(evidence, 2) if comparable(evidence[pair[0]], evidence[pair[1]])]
    found = [compare(evidence[a], evidence[b], rng) for a, b in both]
    pairs = pd.DataFrame([_keys(*pair) | _as_row(each) for pair, each in zip(both, found, strict=True)])
    if both:
        gaps = {pair: each.difference for pair, each in zip(both, found, strict=True)}
        pairs["detectable"] = [
            detectable(gap, [other for names, other in gaps.items() if set(names) & set(pair)], len(both))
            for pair, gap in gaps.items()
        ]
        pairs["p_holm"] = holm(pairs["p_value"].to_numpy())
        better = np.where(pairs["difference"] > 0, "a", "b")
        pairs["verdict"] = np.where(pairs["p_holm"] <= SIGNIFICANT, better, "cannot tell")
    return pairs


def _keys(a: Key, b: Key) -> dict[str, str]:
    return dict(zip(("encoder_a", "variant_a", "encoder_b", "variant_b"), (*a, *b), strict=True))


def comparable(a: Evidence, b: Evidence) -> bool:
    """Return whether two entries share the seeds that a comparison on the board takes: without a second one, the noise
    of seeds would be left out of it."""
    return len(set(a.seeds) & set(b.seeds)) >= MIN_SEEDS


def _as_row(found: Comparison) -> dict[str, object]:
    return {
        "difference": found.difference.value,
        "low": found.difference.low,
        "high": found.difference.high,
        "p_value": found.p_value,
        "test": found.test,
        "superiority": found.superiority,
        "detectable": found.detectable,
        "seeds": found.difference.seeds,
    }


def rank_intervals(keys: Sequence[Key], pairs: pd.DataFrame) -> dict[Key, tuple[int, int]]:
    """Return the ranks that each entry may have: from one more than the number of entries that are significantly
    better to all less those that are significantly worse. Entries that cannot be told apart share ranks."""
    better, worse = dict.fromkeys(keys, 0), dict.fromkeys(keys, 0)
    for row in pairs.to_dict("records"):
        if row["verdict"] != "cannot tell":
            winner, loser = ("a", "b") if row["verdict"] == "a" else ("b", "a")
            worse[row[f"encoder_{winner}"], row[f"variant_{winner}"]] += 1
            better[row[f"encoder_{loser}"], row[f"variant_{loser}"]] += 1
    return {key: (1 + better[key], len(keys) - worse[key]) for key in keys}


def mean_ranks(evidence: dict[str, dict[str, Evidence]], rng: np.random.Generator) -> pd.DataFrame:
    """Return the mean rank across tasks of the entries that all of the tasks have.

    Ranks are taken anew in every resample of rows and seeds, task by task, so that a rank that hangs on noise has a
    wide interval; the tasks themselves are taken as given. A bare mean of the tasks' metrics would add what has no
    common unit.

    Args:
        evidence: by task, then by encoder.
        rng: draws the seeds.

    Returns:
        One row an encoder, best first: encoder, mean_rank, low, high (95 %), tasks; none where fewer than two have
        all tasks.
    """
    common = sorted(set.intersection(*(set(entries) for entries in evidence.values())))
    if len(common) < 2:
        return pd.DataFrame()
    point = np.mean([_ranks(_values(entries, common)) for entries in evidence.values()], axis=0)
    drawn = np.mean([_ranks(_drawn(entries, common, rng)) for entries in evidence.values()], axis=0)
    low, high = np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0)
    table = pd.DataFrame({"encoder": common, "mean_rank": point[0], "low": low, "high": high, "tasks": len(evidence)})
    return table.sort_values("mean_rank", kind="stable").reset_index(drop=True)


def _values(entries: dict[str, Evidence], names: list[str]) -> np.ndarray:
    return np.array([[entries[name].summable.value(entries[name].totals).mean() for name in names]])


def _drawn(entries: dict[str, Evidence], names: list[str], rng: np.random.Generator) -> np.ndarray:
    """Return the entries' means over seeds in every resample of rows and seeds, shape (draws, entries)."""
    columns = []
    for name in names:
        found = entries[name]
        of_seeds = found.summable.value(found.totals)
        _, of_mean, degrees = seed_variance(of_seeds, found.resampled)
        drawn = found.resampled.mean(axis=1) + seed_noise(of_seeds, of_mean, len(found.resampled), rng)
        columns.append(drawn.mean() + (drawn - drawn.mean()) * t_over_normal(degrees))
    return np.column_stack(columns)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks from 1 for the highest (every main metric is the higher the better), equal values sharing their
    mean rank, row by row."""
    return np.asarray(rankdata(-values, axis=1))
