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


def _board(entries: dict[str, tuple[int, int]], better: Collection[str], variant: str = "") -> Board:
    """Entries with their rank intervals, each ten points above the next; `better` names the pairs that are decided."""
    cells = [
        {"task": "feedback", "encoder": name, "variant": variant, "family": "linear" if name == "words" else "bert"}
        | {"rule": "per_label", "metric": "f1_macro", "value": 0.9 - place / 10, "seeds": 3}
        | {"rank_low": ranks[0] or None, "rank_high": ranks[1] or None}
        for place, (name, ranks) in enumerate(entries.items())
    ]
    cells = [cell | {"variant": ""} if cell["encoder"] == "words" else cell for cell in cells]
    variants = {cell["encoder"]: cell["variant"] for cell in cells}
    pairs = [
        {"task": "feedback", "encoder_a": b, "variant_a": variants[b], "encoder_b": a, "variant_b": variants[a]}
        | {"difference": -0.1, "low": -0.15, "high": -0.05, "p_value": 0.001, "p_holm": 0.003, "seeds": 3}
        | {"detectable": 0.05, "verdict": "b" if a + b in better else "cannot tell"}
        for a, b in combinations(entries, 2)
    ]
    empty: dict[str, Any] = {field.name: pd.DataFrame() for field in fields(Board)}
    spec = pd.DataFrame({"task": ["feedback"], "spec": [as_json(FEEDBACK)]})
    tables = {"cells": pd.DataFrame(cells), "pairs": pd.DataFrame(pairs), "tasks": spec}
    return Board(**(empty | tables))


def _answer(board: Board) -> str:
    (line,) = (line for line in index_page(board).splitlines() if line.startswith("- **[feedback]"))
    return line.partition("**: ")[2]


@pytest.mark.parametrize(
    ("entries", "better", "expected"),
    [
        (
            {"a": (1, 1), "b": (2, 3), "c": (2, 3)},
            {"ab", "ac"},
            "a is first of 3 ranked entries. b comes next, worse by 10.0 points (between 5.0 and 15.0).",
        ),
        (
            {"a": (1, 2), "b": (1, 3), "c": (2, 3)},
            {"ac"},
            "a and b share first place: the test rows and seeds cannot separate them. "
            "c comes next: it is worse than a by 10.0 points (between 5.0 and 15.0).",
        ),
        (
            {"a": (1, 2), "b": (1, 2)},
            set(),
            "a and b share first place: the test rows and seeds cannot separate them. "
            "The largest difference is between a and b; its 95 % interval is [+5.0, +15.0] points.",
        ),
        (
            {"a": (1, 2), "c": (2, 3), "b": (2, 2)},
            {"ac", "ab"},
            "No entry is better than a, but the test rows and seeds cannot separate it from all 2 others. "
            "c comes next: it is worse than a by 10.0 points (between 5.0 and 15.0).",
        ),
        (
            dict.fromkeys("abcdef", (1, 6)) | {"g": (7, 7)},
            {f"{name}g" for name in "abcdef"},
            "6 of 7 ranked entries share first place: the test rows and seeds cannot separate them. "
            "g comes next: it is worse than a by 10.0 points (between 5.0 and 15.0).",
        ),
        (
            {"a": (0, 0)},
            set(),
            "No entry is ranked yet: a ranking takes two entries with two seeds each. "
            "The highest score so far is 90.0, by a.",
        ),
    ],
)
def test_the_answer_says_who_is_first(entries: dict[str, tuple[int, int]], better: set[str], expected: str) -> None:
    assert _answer(_board(entries, better)) == expected


def test_each_pair_is_seen_from_its_better_side() -> None:
    found = verdicts(_board({"a": (1, 1), "b": (2, 3), "words": (2, 3)}, {"ab", "awords"}), FEEDBACK)
    assert [(each.better, each.worse, each.decided, each.recipes) for each in found.pairs] == [
        ("a", "b", True, "same"),
        ("a", "words", True, "baseline"),
        ("b", "words", False, "baseline"),
    ]
    assert {(each.difference, each.low, each.high) for each in found.pairs} == {(0.1, 0.05, 0.15)}
    assert [(each.better, each.worse) for each in found.neighbours] == [("a", "b"), ("b", "words")]
    assert found.also == {("words", False): ["a"]}


def test_a_recipe_that_all_encoders_share_is_named_once() -> None:
    entries = {"a": (1, 1), "b": (2, 2), "words": (3, 3)}
    found = verdicts(_board(entries, {"ab", "awords", "bwords"}, variant="epochs=1"), FEEDBACK)
    assert found.recipe == "epochs=1"
    assert [(each.better, each.worse) for each in found.neighbours] == [("a", "b"), ("b", "words")]


def test_a_shared_recipe_stays_with_the_names_where_the_default_has_an_entry_too() -> None:
    board = _board({"a": (1, 1), "b": (2, 2)}, {"ab"}, variant="epochs=1")
    single = board.cells.iloc[:1].assign(variant="", seeds=1, rank_low=None, rank_high=None)
    board.cells.loc[len(board.cells)] = single.iloc[0]
    found = verdicts(board, FEEDBACK)
    assert found.recipe == ""
    assert "epochs=1" in found.pairs[0].better
