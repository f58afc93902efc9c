"""Who is first on a task, and what its pairs say, worked by hand on small boards."""

from collections.abc import Collection
from dataclasses import fields
from itertools import combinations
from typing import Any

import pandas as pd
import pytest

from benchmark.board.index_page import index_page
from benchmark.board.tables import Board
from benchmark.board.verdicts import verdicts
from benchmark.tasks.registry import TASKS, as_json

FEEDBACK = TASKS["feedback"]


def _board(entries: dict[str, tuple[int, int]], better: Collection[str], equal: Collection[str] = ()) -> Board:
    """Entries with their rank intervals, each ten points above the next; `better` names the pairs of which the first is
    better, `equal` those that are equal; the rest is undecided."""
    cells = [
        {"task": "feedback", "encoder": name, "variant": "", "family": "linear" if name == "words" else "bert"}
        | {"rule": "per_label", "metric": "f1_macro", "value": 0.9 - place / 10, "seeds": 3}
        | {"rank_low": ranks[0] or None, "rank_high": ranks[1] or None, "random": name != "words"}
        | {"parameters": 2e7, "p50_ms": 5.0, "train_seconds": 60.0}
        for place, (name, ranks) in enumerate(entries.items())
    ]
    pairs = [
        {"task": "feedback", "encoder_a": b, "variant_a": "", "encoder_b": a, "variant_b": ""}
        | {"difference": -0.1, "low": -0.15, "high": -0.05, "p_value": 0.001, "p_holm": 0.003, "seeds": 3}
        | {"detectable": 0.05, "margin": 0.01, "least": False, "p_equal_holm": 1.0, "decided_by": "rows"}
        | {"verdict": "b" if a + b in better else "equal" if a + b in equal else "undecided"}
        for a, b in combinations(entries, 2)
    ]
    empty: dict[str, Any] = {field.name: pd.DataFrame() for field in fields(Board)}
    spec = pd.DataFrame({"task": ["feedback"], "spec": [as_json(FEEDBACK)]})
    tables = {"cells": pd.DataFrame(cells), "pairs": pd.DataFrame(pairs), "tasks": spec}
    return Board(**(empty | tables))


def _answer(board: Board) -> str:
    (line,) = (line for line in index_page(board).splitlines() if line.startswith("- **[feedback]"))
    return line.partition("**: ")[2]


FINDS = " This board finds gaps of about 5.0 points."


@pytest.mark.parametrize(
    ("entries", "better", "equal", "expected"),
    [
        (
            {"a": (1, 1), "b": (2, 3), "c": (2, 3)},
            {"ab", "ac"},
            {},
            "a is first of 3 ranked entries. b comes next, worse by 10.0 points (between 5.0 and 15.0)." + FINDS,
        ),
        (
            {"a": (1, 2), "b": (1, 3), "c": (2, 3)},
            {"ac"},
            {},
            "a and b share first place: the test rows and seeds cannot separate them. "
            "c comes next: it is worse than a by 10.0 points (between 5.0 and 15.0)." + FINDS,
        ),
        (
            {"a": (1, 2), "b": (1, 2)},
            set(),
            {"ab"},
            "a and b share first place: they are equal within the margin." + FINDS,
        ),
        (
            {"a": (1, 2), "c": (2, 3), "b": (2, 2)},
            {"ac", "ab"},
            {},
            "No entry is better than a, but the test rows and seeds cannot separate it from all 2 others. "
            "c comes next: it is worse than a by 10.0 points (between 5.0 and 15.0)." + FINDS,
        ),
        (
            dict.fromkeys("abcdef", (1, 6)) | {"g": (7, 7)},
            {f"{name}g" for name in "abcdef"},
            {},
            "6 of 7 ranked entries share first place: the test rows and seeds cannot separate them. "
            "g comes next: it is worse than a by 10.0 points (between 5.0 and 15.0)." + FINDS,
        ),
        (
            {"a": (0, 0)},
            set(),
            {},
            "No entry is ranked yet: a ranking takes two encoders with the default recipe and two seeds each. "
            "Of the entries that could take a rank, a has the highest score: 90.0 %.",
        ),
    ],
)
def test_the_answer_says_who_is_first(
    entries: dict[str, tuple[int, int]], better: set[str], equal: set[str], expected: str
) -> None:
    assert _answer(_board(entries, better, equal)) == expected


def test_each_pair_is_seen_from_its_better_side() -> None:
    board = _board({"a": (1, 1), "b": (2, 3), "words": (2, 3)}, {"ab", "awords"})
    found = verdicts(board, FEEDBACK)
    assert [(each.better, each.worse, each.verdict, each.baseline) for each in found.pairs] == [
        ("a", "b", "better", False),
        ("a", "words", "better", True),
        ("b", "words", "undecided", True),
    ]
    assert {(each.difference, each.low, each.high) for each in found.pairs} == {(0.1, 0.05, 0.15)}
    assert [(each.better, each.worse) for each in found.neighbours] == [("a", "b"), ("b", "words")]
    assert found.grid.set_index("encoder").to_dict("index") == {
        "a": {"a": "", "b": "+", "words": "+"},
        "b": {"a": "−", "b": "", "words": "?"},
        "words": {"a": "−", "b": "?", "words": ""},
    }


def test_a_summary_leads_with_pairs_of_encoders_and_counts_those_with_a_baseline_apart() -> None:
    ranks = {"a": (1, 2), "b": (1, 2), "c": (3, 3), "words": (4, 4)}
    better = {"ac", "bc", "awords", "bwords", "cwords"}
    text = index_page(_board(ranks, better, {"ab"}))
    ours = "are compared in 3 pairs: one is better in 2, 1 is equal within 1 point, and 0 are undecided."
    theirs = "imported model is compared with another entry in 3 pairs: one is better in 3,"
    assert text.index(ours) < text.index(theirs)


def test_a_trial_is_in_no_sentence_on_pairs() -> None:
    board = _board({"a": (1, 1), "b": (2, 2)}, {"ab"})
    trial = board.cells.iloc[:1].assign(variant="epochs=1", value=0.99, rank_low=None, rank_high=None)
    board.cells.loc[len(board.cells)] = trial.iloc[0]
    found = verdicts(board, FEEDBACK)
    assert found.answer.first == ["a"]
    assert found.answer.ranked == 2
    assert list(found.grid["encoder"]) == ["a", "b"]
