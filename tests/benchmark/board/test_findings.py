"""The findings: sentences of the board's own numbers, worked by hand on a small board."""

from dataclasses import fields
from itertools import combinations, pairwise
from typing import Any

import pandas as pd

from benchmark.board.findings import findings
from benchmark.board.store import read_board
from benchmark.board.tables import Board
from benchmark.tasks.registry import TASKS, as_json
from benchmark.training.runs import RESULTS

_NONE = pd.DataFrame(columns=["task"])


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
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not line.startswith("| task")]


def test_thresholds_and_seeds_are_told_in_points() -> None:
    entry = {"task": "feedback", "encoder": "a", "variant": ""}
    columns = ("rule", "gain", "low", "high", "over_global", "over_global_low", "over_global_high")
    gains = [
        ("fixed", 0.0, 0.0, 0.0, -0.021, -0.032, -0.01),
        ("global", 0.021, 0.01, 0.032, 0.0, 0.0, 0.0),
        ("per_label", 0.0345, 0.02, 0.05, 0.0135, -0.004, 0.031),
    ]
    rules = pd.DataFrame([entry | dict(zip(columns, gain, strict=True)) for gain in gains])
    text = findings(_board(cells=pd.DataFrame([_cells("a", 0.5)]), rules=rules))
    assert "one for each gains on none, loses on none, and cannot be told from it for 1 of 1 entries" in text
    row = ["feedback", "a", "f1_macro", "+1.4 [-0.4, +3.1]", "+3.5 [+2.0, +5.0]", "+2.1 [+1.0, +3.2]"]
    assert row in _rows(text)
    # By the table of chi-squared at 4 degrees of freedom: .003 sqrt(4 / 11.143) and .003 sqrt(4 / 0.4844).
    # 5 = 5 x 1 is the seed's own, 4 = 9 - 5 is of seed and rows together, a fifth of which is in the 16 of the mean.
    # 5 / (5 + 16 + 4 x 4 / 5); with the interval's ends in place of 9 the seed's own is 0 and 74.3 - 4.
    assert ["feedback", "a", "f1_macro", "5", "0.30 [0.18, 0.86]", "21% [0%, 79%]"] in _rows(text)
    assert "are under 0.30 points, the largest is 0.30 (a on feedback)" in text
    assert "whole word" not in text


def test_whole_word_masking_is_told_from_its_side_of_the_pair() -> None:
    names = ("zoo-bert-en", "zoo-bert-wwm-en")
    cells = pd.DataFrame([_cells(name, 0.5) for name in names])
    pair = _sides(names[0], names[1]) | {"task": "feedback", "difference": -0.01, "low": -0.02, "high": 0.001}
    pair |= {"p_holm": 0.2, "verdict": "cannot tell", "detectable": 0.03, "seeds": 5}
    text = findings(_board(cells=cells, rules=_NONE, pairs=pd.DataFrame([pair])))
    assert "Of its differences are real: in English 0 of 1." in text
    figures = ["f1_macro", "5", "+1.0 [-0.1, +2.0]", "0.2", "3.0", "cannot tell"]
    assert ["feedback", "zoo-bert-wwm-en less zoo-bert-en", "the default", *figures] in _rows(text)


def test_whole_word_masking_is_told_only_between_runs_of_one_recipe() -> None:
    pair = {"task": "feedback", "difference": 0.01, "low": 0.004, "high": 0.016, "p_holm": 0.01, "verdict": "better"}
    keys = [(f"zoo-bert{kind}-zh", recipe) for kind in ("", "-wwm") for recipe in ("", "epochs=1")]
    pair |= {"detectable": 0.03, "seeds": 3}
    pairs = [pair | _sides(a, b, of_a, of_b) for (a, of_a), (b, of_b) in combinations(keys, 2)]
    text = findings(_board(cells=pd.DataFrame([_cells("a", 0.5)]), rules=_NONE, pairs=pd.DataFrame(pairs)))
    told = [row[1:3] + row[5:6] + row[-1:] for row in _rows(text) if len(row) == 9]
    pair = "zoo-bert-wwm-zh less zoo-bert-zh"
    assert told == [[pair, recipe, "-1.0 [-1.6, -0.4]", "real"] for recipe in ("the default", "epochs=1")]
    assert "are real: in Chinese 2 of 2." in text


def test_a_gain_that_is_told_is_counted_by_task() -> None:
    rules = [
        {"task": "feedback", "encoder": name, "variant": "", "rule": rule, "gain": 0.0, "low": 0.0, "high": 0.0}
        | {"over_global": 0.01, "over_global_low": low, "over_global_high": high}
        for name, low, high in (("a", 0.001, 0.02), ("b", -0.02, -0.001), ("c", 0.002, 0.02), ("d", -0.01, 0.01))
        for rule in ("global", "per_label")
    ]
    cells = pd.DataFrame([_cells(name, 0.5) for name in "abcd"])
    text = findings(_board(cells=cells, rules=pd.DataFrame(rules)))
    assert "gains on feedback (2 of 4), loses on feedback (1 of 4), and cannot be told from it for 1 of 4" in text


def test_the_projects_own_board_has_findings_of_every_kind() -> None:
    text = findings(read_board(RESULTS))
    assert [line for line in text.splitlines() if line.startswith("##")] == [
        "## What does a threshold for each label buy?",
        "## How much is the noise of seeds?",
        "## What does whole word masking buy?",
        "## Which gaps are real?",
    ]


def _told(*entries: tuple[str, str, str]) -> str:
    """What is said of encoders, recipes and families, each better than the next."""
    cells = [_cells(encoder, 0.5 - place / 10) for place, (encoder, _, _) in enumerate(entries)]
    named = [
        cell | {"variant": variant, "family": family} for cell, (_, variant, family) in zip(cells, entries, strict=True)
    ]
    pair = {"task": "feedback", "difference": 0.1, "low": 0.05, "high": 0.15, "p_holm": 0.01, "verdict": "a"}
    pair |= {"detectable": 0.03, "seeds": 5}
    keys = [(encoder, variant) for encoder, variant, _ in entries]
    pairs = pd.DataFrame([pair | _sides(a, b, of_a, of_b) for (a, of_a), (b, of_b) in pairwise(keys)])
    return findings(_board(cells=pd.DataFrame(named), rules=_NONE, pairs=pairs)).partition("real?\n\n")[2]


def test_a_recipe_that_all_encoders_share_is_named_once() -> None:
    words = ("tfidf-lr", "", "linear"), ("tfidf-lr", "ngrams=2", "linear")
    text = _told(("a", "epochs=1", "bert"), ("b", "epochs=1", "bert"), *words)
    assert text.startswith("3 of 3 pairs are, 0 of them between unlike recipes of fine-tuning.")
    assert "- All are fine-tuned with epochs=1.\n- a is better than b: +10.0 points [+5.0, +15.0] over 5" in text
    assert "- b is better than tfidf-lr: +10.0" in text
    assert "- tfidf-lr is better than tfidf-lr (ngrams=2): +10.0" in text


def test_unlike_recipes_are_named_with_every_encoder_and_counted() -> None:
    text = _told(("a", "", "bert"), ("b", "epochs=1", "bert"), ("tfidf-lr", "", "linear"))
    assert text.startswith("2 of 2 pairs are, 1 of them between unlike recipes of fine-tuning.")
    assert "- a is better than b (epochs=1): +10.0" in text
    assert "- b (epochs=1) is better than tfidf-lr: +10.0" in text
    assert "All are" not in text
