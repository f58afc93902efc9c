"""The findings across tasks, worked by hand on small boards."""

from dataclasses import fields
from itertools import combinations
from typing import Any

import pandas as pd

from benchmark.board.findings import findings
from benchmark.board.store import read_board
from benchmark.board.tables import Board
from benchmark.tasks.registry import TASKS, as_json
from benchmark.training.runs import RESULTS


def _board(**tables: pd.DataFrame) -> Board:
    empty: dict[str, Any] = {field.name: pd.DataFrame() for field in fields(Board)}
    spec = pd.DataFrame({"task": ["feedback"], "spec": [as_json(TASKS["feedback"])]})
    return Board(**(empty | {"tasks": spec} | tables))


def _cells(encoder: str, value: float) -> dict[str, Any]:
    entry = {"task": "feedback", "encoder": encoder, "variant": "", "family": "bert"}
    found = {"rule": "per_label", "metric": "f1_macro", "value": value, "sd": 0.003, "sd_rows": 0.004, "seeds": 5}
    found |= {"sd_seeds": 0.001, "sd_seed_by_row": 0.002, "flags": ""}
    costs = ("train_seconds", "train_examples_per_second", "p50_ms", "p95_ms", "texts_per_second", "peak_memory_mib")
    found |= dict.fromkeys(costs, 1.0) | {"truncated": 0.0}
    return entry | found | {"rank_low": 1, "rank_high": 2, "parameters": 1, "low": value - 0.1, "high": value + 0.1}


def _sides(a: str, b: str, of_a: str = "", of_b: str = "") -> dict[str, str]:
    return {"encoder_a": a, "variant_a": of_a, "encoder_b": b, "variant_b": of_b}


def _rows(text: str) -> list[list[str]]:
    """The cells of all rows of the text's tables, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| task", "| ---"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _rules(*entries: tuple[str, str, float, float]) -> pd.DataFrame:
    """The gain of a threshold for each label over one for all: task, encoder and the ends of its interval."""
    return pd.DataFrame(
        {"task": task, "encoder": encoder, "variant": "", "rule": rule}
        | {"over_global": 0.01, "over_global_low": low, "over_global_high": high}
        for task, encoder, low, high in entries
        for rule in ("fixed", "global", "per_label")
    )


def test_gains_of_thresholds_are_counted_by_task() -> None:
    rules = _rules(("feedback", "a", 0.001, 0.02), ("feedback", "b", -0.02, -0.001), ("feedback", "c", 0.002, 0.02))
    rules = pd.concat([rules, _rules(("feedback", "d", -0.01, 0.01), ("feedback", "single", 0.001, 0.02))])
    cells = [_cells(name, 0.5) for name in "abcd"] + [_cells("single", 0.9) | {"seeds": 1}]
    text = findings(_board(cells=pd.DataFrame(cells), rules=rules))
    assert "It is better for 2 of 4 entries, worse for 1, and undecided for 1." in text
    assert ["feedback", "4", "2", "1", "1"] in _rows(text)


def test_the_spread_over_seeds_has_its_share_of_the_variance() -> None:
    text = findings(_board(cells=pd.DataFrame([_cells("a", 0.5)])))
    # By the table of chi-squared at 4 degrees of freedom: .003 sqrt(4 / 11.143) and .003 sqrt(4 / 0.4844).
    # 5 = 5 x 1 is the seed's own, 4 = 9 - 5 is of seed and rows together, a fifth of which is in the 16 of the mean.
    # 5 / (5 + 16 + 4 x 4 / 5); with the interval's ends in place of 9 the seed's own is 0 and 74.3 - 4.
    assert ["feedback", "a", "f1_macro", "5", "0.30 [0.18, 0.86]", "21% [0%, 79%]"] in _rows(text)
    assert "For half of the entries it is under 0.30 points; the largest is 0.30 points (a on feedback)" in text
    assert "whole word masking better" not in text
    assert "threshold for each label" not in text


def test_where_every_entry_has_one_seed_the_page_says_so() -> None:
    text = findings(_board(cells=pd.DataFrame([_cells("a", 0.5) | {"seeds": 1, "sd": float("nan")}])))
    assert "There is nothing to report yet." in text
    assert "##" not in text


def test_whole_word_masking_is_seen_from_its_side_of_the_pair() -> None:
    names = ("zoo-bert-en", "zoo-bert-wwm-en")
    cells = pd.DataFrame([_cells(name, 0.5) for name in names])
    pair = _sides(names[0], names[1]) | {"task": "feedback", "difference": -0.01, "low": -0.02, "high": 0.001}
    pair |= {"p_holm": 0.2, "verdict": "undecided", "detectable": 0.03, "seeds": 5}
    text = findings(_board(cells=cells, pairs=pd.DataFrame([pair])))
    assert "These runs do not show whether it is better: 1 of 1 comparisons are equal or undecided." in text
    figures = ["f1_macro", "5", "+1.0 [-0.1, +2.0]", "0.2", "3.0"]
    assert ["feedback", "zoo-bert-wwm-en minus zoo-bert-en", *figures] in _rows(text)


def test_whole_word_masking_is_compared_only_between_runs_of_the_default_recipe() -> None:
    pair = {"task": "feedback", "difference": 0.01, "low": 0.004, "high": 0.016, "p_holm": 0.01, "verdict": "a"}
    keys = [(f"zoo-bert{kind}-zh", recipe) for kind in ("", "-wwm") for recipe in ("", "tuned over 8 trials")]
    pair |= {"detectable": 0.03, "seeds": 3}
    pairs = [pair | _sides(a, b, of_a, of_b) for (a, of_a), (b, of_b) in combinations(keys, 2)]
    text = findings(_board(cells=pd.DataFrame([_cells("a", 0.5)]), pairs=pd.DataFrame(pairs)))
    shown = [row[1:2] + row[4:5] for row in _rows(text) if len(row) == 7]
    assert shown == [["zoo-bert-wwm-zh minus zoo-bert-zh", "-1.0 [-1.6, -0.4]"]]
    assert "It is better in 0 of 1 comparisons, worse in 1, and equal or undecided in 0." in text


def test_the_projects_own_board_has_findings_of_every_kind() -> None:
    text = findings(read_board(RESULTS))
    assert [line for line in text.splitlines() if line.startswith("##")] == [
        "## Is a threshold for each label better than one for all labels?",
        "## How much does a score depend on the seed?",
        "## Is whole word masking better?",
    ]
