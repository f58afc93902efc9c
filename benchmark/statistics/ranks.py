"""Ranks that say what they do not know: every pair of a task tested, Holm-corrected; mean ranks across tasks."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from benchmark.statistics.intervals import SeedVariance
from benchmark.statistics.pair_tests import (
    MARGIN,
    Comparison,
    Evidence,
    compare,
    detectable,
    holm,
    seeds_of,
    shared_seeds,
)

SIGNIFICANT = 0.05
MIN_SEEDS = 2
BETTER, EQUAL, UNDECIDED = ("a", "b"), "equal", "undecided"
Key = tuple[str, str]  # an entry of a task: encoder and variant


def compare_all(
    evidence: Mapping[Key, Evidence],
    rng: np.random.Generator,
    margin: float = MARGIN,
    seeds: SeedVariance | None = None,
) -> pd.DataFrame:
    """Compare every pair of one task's entries.

    Args:
        evidence: by entry.
        rng: draws what the seeds add.
        margin: entries whose difference is surely smaller are equal; in the metric's unit.
        seeds: the variance of seeds; if not given, that of all these entries together.

    Returns:
        One row for each pair that is comparable. Columns: encoder_a, variant_a, encoder_b, variant_b, difference (a
        less b), low, high, p_value, least (the draws do not let it fall further), p_equal, test, superiority, seeds,
        decided_by, p_holm and p_equal_holm (each corrected over these pairs), verdict: "a" or "b" for the better one,
        "equal" within the margin, or "undecided", at 5 % after the correction; and what is the same in all rows: margin
        and `detectable`, the gap that such a comparison finds with a power of 80 %, for the strictest step of the
        correction, of the median pair that trained both sides.
    """
    seeds = seeds or seeds_of(evidence.values())
    both = [pair for pair in combinations(evidence, 2) if comparable(evidence[pair[0]], evidence[pair[1]])]
    found = [compare(evidence[a], evidence[b], rng, seeds, margin) for a, b in both]
    pairs = pd.DataFrame([_keys(*pair) | _as_row(each) for pair, each in zip(both, found, strict=True)])
    if both:
        trained = [each for pair, each in zip(both, found, strict=True) if all(evidence[key].random for key in pair)]
        units = evidence[both[0][0]].units
        gaps = [detectable(each.difference.sd, each.difference.degrees, units, len(both)) for each in trained or found]
        pairs["detectable"], pairs["margin"] = float(np.median(gaps)), margin
        pairs["p_holm"], pairs["p_equal_holm"] = (holm(pairs[name].to_numpy()) for name in ("p_value", "p_equal"))
        pairs["verdict"] = np.select(
            [pairs["p_holm"] <= SIGNIFICANT, pairs["p_equal_holm"] <= SIGNIFICANT],
            [np.where(pairs["difference"] > 0, *BETTER), EQUAL],
            UNDECIDED,
        )
    return pairs


def _keys(a: Key, b: Key) -> dict[str, str]:
    return dict(zip(("encoder_a", "variant_a", "encoder_b", "variant_b"), (*a, *b), strict=True))


def comparable(a: Evidence, b: Evidence) -> bool:
    """Return whether two entries share the seeds that a comparison on the board takes: with a single one, what the
    seeds of these two do would hardly be seen. Where neither is random, no second one is needed."""
    return len(shared_seeds(a, b)) >= (MIN_SEEDS if a.random or b.random else 1)


def _as_row(found: Comparison) -> dict[str, object]:
    return {
        "difference": found.difference.value,
        "low": found.difference.low,
        "high": found.difference.high,
        "p_value": found.p_value,
        "least": found.least,
        "p_equal": found.p_equal,
        "test": found.test,
        "superiority": found.superiority,
        "seeds": found.difference.seeds,
        "decided_by": found.decided_by,
    }


def rank_intervals(keys: Sequence[Key], pairs: pd.DataFrame) -> dict[Key, tuple[int, int]]:
    """Return the ranks that each entry may have: from one more than the number of entries that are significantly
    better to all less those that are significantly worse. Entries that cannot be told apart share ranks."""
    better, worse = dict.fromkeys(keys, 0), dict.fromkeys(keys, 0)
    for row in pairs.to_dict("records"):
        if row["verdict"] in BETTER:
            winner, loser = ("a", "b") if row["verdict"] == "a" else ("b", "a")
            worse[row[f"encoder_{winner}"], row[f"variant_{winner}"]] += 1
            better[row[f"encoder_{loser}"], row[f"variant_{loser}"]] += 1
    return {key: (1 + better[key], len(keys) - worse[key]) for key in keys}


def mean_ranks(scores: pd.DataFrame) -> pd.DataFrame:
    """Return ranks across tasks, computed on what each pair of encoders shares.

    Against each other encoder, the share of the tasks that both have on which the other one scores higher (half of an
    equal score) is taken; the rank is one more than their mean times the number of the others. Where all encoders have
    all tasks, this is the mean of their ranks. There is no interval: a handful of tasks is too few for one.

    Args:
        scores: one column a task, one row an encoder; nan where an encoder has no score.

    Returns:
        One row for each encoder that shares a task with another one, best first: encoder, mean_rank, tasks (how many it
        has).
    """
    lost = pd.DataFrame(np.nan, scores.index, scores.index)
    for one, other in combinations(scores.index, 2):
        gaps = (scores.loc[one] - scores.loc[other]).dropna()
        if len(gaps):
            share = float(np.mean(np.where(gaps < 0, 1.0, np.where(gaps > 0, 0.0, 0.5))))
            lost.loc[one, other], lost.loc[other, one] = share, 1 - share
    lost = lost.dropna(how="all")
    ranks = 1 + (len(lost) - 1) * lost.mean(axis=1)
    tasks = scores.loc[lost.index].notna().sum(axis=1)
    table = pd.DataFrame({"encoder": list(lost.index), "mean_rank": ranks.to_numpy(), "tasks": tasks.to_numpy()})
    return table.sort_values("mean_rank", kind="stable").reset_index(drop=True)
