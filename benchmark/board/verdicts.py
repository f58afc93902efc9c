"""What the comparisons of a task say: which entries are better or equal, what is undecided, and who is first."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd

from benchmark.board.pages import NOT_TUNED, best_first, of_task
from benchmark.board.tables import Board, entry_name, protocol_of
from benchmark.statistics.ranks import BETTER, EQUAL, UNDECIDED, Key
from benchmark.tasks.registry import Task


@dataclass(frozen=True)
class Verdict:
    """One comparison, from the side of the entry with the higher score on the seeds that both have.

    `verdict` is "better", "equal" (within `margin`) or "undecided". `difference` with its interval and `margin` are
    fractions. `decided_by` is what would narrow the interval more, "rows" or "seeds". `least` marks a p-value that the
    number of draws does not let fall further; `baseline` that one of the two is no fine-tuned encoder.
    """

    better: str
    worse: str
    verdict: str
    difference: float
    low: float
    high: float
    margin: float
    decided_by: str
    seeds: int
    p_value: float
    p_holm: float
    p_equal_holm: float
    least: bool
    baseline: bool

    @property
    def decided(self) -> bool:
        """Whether one of the two is better."""
        return self.verdict == "better"


@dataclass(frozen=True)
class Answer:
    """Who is first on a task: the entries that share the best rank, out of `ranked` ones; while none is ranked, the one
    with the highest score. `alone` says that the first is better than all others, `equal` that all that share the first
    place are equal within the margin. `next_one` is the comparison that keeps the best of the others from first place.
    `finds` is the gap that the task's comparisons find with a power of 80 %, a fraction; none where there are none."""

    first: list[str]
    ranked: int
    alone: bool
    equal: bool
    score: float
    next_one: Verdict | None
    finds: float | None


@dataclass(frozen=True)
class Verdicts:
    """All that the comparisons of a task's default recipes say, those of the best entries first; where no default has a
    rank, those of what was tuned with one number of trials. `neighbours` compares each entry with the next one in the
    ranking. `grid` has one row and one column an entry, both in the order of the ranking; see `SIGNS`."""

    answer: Answer
    pairs: list[Verdict]
    neighbours: list[Verdict]
    grid: pd.DataFrame


SIGNS = {"better": "+", "worse": "−", "equal": "=", "undecided": "?"}  # the row's entry against the column's


def verdicts(board: Board, task: Task, protocol: str | None = None) -> Verdicts:
    """Return what the board says of a task's pairs; those of one protocol, or of the first that has ranks."""
    rows = best_first(board.cells, task).to_dict("records")
    ranked = [row for row in rows if not pd.isna(row["rank_low"])]
    wanted = next((protocol_of(row["variant"]) for row in ranked), "") if protocol is None else protocol
    ranked = [row for row in ranked if protocol_of(row["variant"]) == wanted]
    place = {(row["encoder"], row["variant"]): number for number, row in enumerate(ranked)}
    baselines = {row["encoder"] for row in rows if row["family"] in NOT_TUNED}
    pairs = [pair for pair in of_task(board.pairs, task).to_dict("records") if set(keys_of(pair)) <= set(place)]
    pairs.sort(key=lambda pair: sorted(place[key] for key in keys_of(pair)))
    found = {frozenset(keys_of(pair)): verdict_of(pair, baselines) for pair in pairs}
    neighbours = [found[both] for both in map(frozenset, pairwise(place)) if both in found]
    finds = pairs[0]["detectable"] if pairs else None
    return Verdicts(_answer(rows, ranked, found, finds), list(found.values()), neighbours, _grid(list(place), found))


def verdict_of(pair: dict[Any, Any], baselines: set[str]) -> Verdict:
    """Return what a row of the board's pairs says."""
    better, worse = keys_of(pair)
    sign = 1 if pair["difference"] >= 0 else -1
    low, high = sorted((sign * pair["low"], sign * pair["high"]))
    names = [entry_name({"encoder": encoder, "variant": variant}) for encoder, variant in (better, worse)]
    return Verdict(
        better=names[0],
        worse=names[1],
        verdict="better" if pair["verdict"] in BETTER else pair["verdict"],
        difference=abs(pair["difference"]),
        low=low,
        high=high,
        **{
            str(name): pair[name]
            for name in ("margin", "decided_by", "seeds", "p_value", "p_holm", "p_equal_holm", "least")
        },
        baseline=bool({better[0], worse[0]} & baselines),
    )


def keys_of(pair: dict[Any, Any]) -> tuple[Key, Key]:
    """Return the encoder and the variant of both sides of a row of the board's pairs, the better one first."""
    a, b = ((pair[f"encoder_{side}"], pair[f"variant_{side}"]) for side in "ab")
    return (a, b) if pair["difference"] >= 0 else (b, a)


def counts(pairs: Iterable[Verdict]) -> dict[str, int]:
    """Return how many pairs have each verdict."""
    found = [each.verdict for each in pairs]
    return {name: found.count(name) for name in ("better", EQUAL, UNDECIDED)}


def _answer(
    rows: list[dict[Any, Any]],
    ranked: list[dict[Any, Any]],
    found: dict[frozenset[Key], Verdict],
    finds: float | None,
) -> Answer:
    if not ranked:
        return Answer([entry_name(rows[0])], 0, False, False, rows[0]["value"], None, None)
    top = min(row["rank_low"] for row in ranked)
    first = [row for row in ranked if row["rank_low"] == top]
    others = [row for row in ranked if row["rank_low"] > top]
    names = [entry_name(row) for row in first]
    worse = entry_name(others[0]) if others else ""
    next_one = next((each for each in found.values() if each.decided and each.worse == worse), None)
    among = [each.verdict for each in found.values() if {each.better, each.worse} <= set(names)]
    equal = bool(among) and set(among) == {EQUAL}
    return Answer(names, len(ranked), first[0]["rank_high"] == 1, equal, first[0]["value"], next_one, finds)


def _grid(keys: list[Key], found: dict[frozenset[Key], Verdict]) -> pd.DataFrame:
    names = {key: entry_name({"encoder": key[0], "variant": key[1]}) for key in keys}

    def sign(row: Key, column: Key) -> str:
        verdict = found.get(frozenset((row, column)))
        if verdict is None:
            return ""
        return SIGNS["worse" if verdict.decided and verdict.worse == names[row] else verdict.verdict]

    table = [[sign(row, column) for column in keys] for row in keys]
    return pd.DataFrame(table, list(names.values()), list(names.values())).rename_axis("encoder").reset_index()
