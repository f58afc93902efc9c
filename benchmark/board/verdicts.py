"""What the comparisons of a task say: which entries are better, which pairs are undecided, and who is first."""

from dataclasses import dataclass
from itertools import pairwise
from math import comb
from typing import Any

import pandas as pd

from benchmark.board.pages import LINEAR, best_first, of_task
from benchmark.board.ranked import DRAWS_A_PAIR
from benchmark.board.tables import Board, entry_name
from benchmark.statistics.intervals import RESAMPLES
from benchmark.statistics.ranks import MIN_SEEDS, Key
from benchmark.tasks.registry import Task

UNDECIDED = "cannot tell"


@dataclass(frozen=True)
class Verdict:
    """One comparison, from the side of the entry with the higher score on the seeds that both have.

    `difference` with its interval and `detectable` are fractions. `recipes` says whether the two were fine-tuned alike:
    "same", "unlike", or "baseline". `least` marks a p-value that the number of draws does not let fall further.
    """

    better: str
    worse: str
    decided: bool
    difference: float
    low: float
    high: float
    seeds: int
    p_value: float
    p_holm: float
    least: bool
    detectable: float
    recipes: str


@dataclass(frozen=True)
class Answer:
    """Who is first on a task: the entries that share the best rank, out of `ranked` ones; while none is ranked, the one
    with the highest score. `alone` says that the first is better than all others. `next_one` is the comparison that
    keeps the best of the others from first place, `widest` the largest difference where there are no others."""

    first: list[str]
    ranked: int
    alone: bool
    score: float
    next_one: Verdict | None
    widest: Verdict | None


@dataclass(frozen=True)
class Verdicts:
    """All that the comparisons of a task say, those of the best entries first.

    `recipe` is what all fine-tuned entries with a rank share, if it is not the task's default; their names here leave
    it out. `neighbours` compares each entry with the next one in the ranking. `also` lists the better
    entries of all other decided pairs, by the worse one and by whether the recipes are unlike.
    """

    recipe: str
    answer: Answer
    pairs: list[Verdict]
    neighbours: list[Verdict]
    also: dict[tuple[str, bool], list[str]]


def verdicts(board: Board, task: Task) -> Verdicts:
    """Return what the board says of a task's pairs."""
    main = best_first(board.cells, task)
    recipe = _one_recipe(main)
    rows = main.to_dict("records")
    shown = {_key(row): row["encoder"] if recipe and row["variant"] == recipe else entry_name(row) for row in rows}
    place = {key: number for number, key in enumerate(shown)}
    baselines = set(main.loc[main["family"] == LINEAR, "encoder"])
    # No p-value is under one in its draws (see `benchmark.board.ranked.rank_task`); the tables have six digits of it.
    draws = max(RESAMPLES, DRAWS_A_PAIR * comb(int((main["seeds"] >= MIN_SEEDS).sum()), 2))
    floor = round(1 / (1 + draws), 6)
    pairs = of_task(board.pairs, task).to_dict("records")
    pairs.sort(key=lambda pair: sorted(place[key] for key in keys_of(pair)))
    found = {frozenset(keys_of(pair)): verdict_of(pair, shown, baselines, floor) for pair in pairs}
    near = [frozenset(both) for both in pairwise(_key(row) for row in rows if not pd.isna(row["rank_low"]))]
    also: dict[tuple[str, bool], list[str]] = {}
    for both, each in found.items():
        if each.decided and both not in near:
            also.setdefault((each.worse, each.recipes == "unlike"), []).append(each.better)
    neighbours = [found[both] for both in near if both in found]
    return Verdicts(recipe, _answer(rows, shown, found), list(found.values()), neighbours, also)


def verdict_of(pair: dict[Any, Any], shown: dict[Key, str], baselines: set[str], floor: float = 0) -> Verdict:
    """Return what a row of the board's pairs says; `shown` has the names of both entries for reading, `floor` is the
    least p-value that the test could give."""
    better, worse = keys_of(pair)
    sign = 1 if pair["difference"] >= 0 else -1
    low, high = sorted((sign * pair["low"], sign * pair["high"]))
    alike = "same" if better[1] == worse[1] else "unlike"
    return Verdict(
        shown[better],
        shown[worse],
        pair["verdict"] != UNDECIDED,
        *(abs(pair["difference"]), low, high, pair["seeds"], pair["p_value"], pair["p_holm"]),
        least=pair["p_value"] <= floor,
        detectable=pair["detectable"],
        recipes="baseline" if {better[0], worse[0]} & baselines else alike,
    )


def keys_of(pair: dict[Any, Any]) -> tuple[Key, Key]:
    """Return the encoder and the variant of both sides of a row of the board's pairs, the better one first."""
    a, b = ((pair[f"encoder_{side}"], pair[f"variant_{side}"]) for side in "ab")
    return (a, b) if pair["difference"] >= 0 else (b, a)


def _key(row: dict[Any, Any]) -> Key:
    return row["encoder"], row["variant"]


def _one_recipe(main: pd.DataFrame) -> str:
    """The variant that all fine-tuned entries with a rank share; "" where they do not, or where an entry with the
    default recipe would be taken for one of them without it."""
    tuned = main[main["family"] != LINEAR]
    shared = set(tuned.loc[tuned["rank_low"].notna(), "variant"])
    return next(iter(shared)) if len(shared) == 1 and not (tuned["variant"] == "").any() else ""


def _answer(rows: list[dict[Any, Any]], shown: dict[Key, str], found: dict[frozenset[Key], Verdict]) -> Answer:
    ranked = [row for row in rows if not pd.isna(row["rank_low"])]
    if not ranked:
        return Answer([shown[_key(rows[0])]], 0, False, rows[0]["value"], None, None)
    top = min(row["rank_low"] for row in ranked)
    first = [row for row in ranked if row["rank_low"] == top]
    others = [row for row in ranked if row["rank_low"] > top]
    widest = None if others else max(found.values(), key=lambda each: each.difference, default=None)
    name = shown[_key(others[0])] if others else ""
    next_one = next((each for each in found.values() if each.decided and each.worse == name), None)
    names = [shown[_key(row)] for row in first]
    return Answer(names, len(ranked), first[0]["rank_high"] == 1, first[0]["value"], next_one, widest)
