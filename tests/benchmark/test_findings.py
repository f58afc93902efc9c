"""The findings: sentences of the board's own numbers, worked by hand on a small board."""

from dataclasses import fields
from typing import Any

import pandas as pd

from benchmark.board import read_board
from benchmark.board_tables import Board
from benchmark.findings import findings
from benchmark.runs import RESULTS
from benchmark.tasks import TASKS, as_json

_NONE = pd.DataFrame(columns=["task"])


def _board(**tables: pd.DataFrame) -> Board:
    empty: dict[str, Any] = {field.name: pd.DataFrame() for field in fields(Board)}
    spec = pd.DataFrame({"task": ["feedback"], "spec": [as_json(TASKS["feedback"])]})
    return Board(**(empty | {"tasks": spec} | tables))


def _cells(encoder: str, value: float) -> dict[str, Any]:
    entry = {"task": "feedback", "encoder": encoder, "variant": "", "family": "bert"}
    found = {"rule": "per_label", "metric": "f1_macro", "value": value, "sd": 0.003, "sd_rows": 0.004, "seeds": 5}
    found |= {"sd_seeds": 0.001, "flags": ""}
    costs = ("train_seconds", "train_examples_per_second", "p50_ms", "p95_ms", "texts_per_second", "peak_memory_mib")
    found |= dict.fromkeys(costs, 1.0) | {"truncated": 0.0}
    return entry | found | {"rank_low": 1, "rank_high": 2, "parameters": 1, "low": value - 0.1, "high": value + 0.1}


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
    assert (
        "- feedback, a: +1.4 points [-0.4, +3.1] of f1_macro over one threshold for all. Over 0.5 a threshold a label "
        "gains +3.5 points [+2.0, +5.0], and one for all +2.1 points [+1.0, +3.2]." in text
    )
    # By the table of chi-squared at 4 degrees of freedom: .003 sqrt(4 / 11.143) and .003 sqrt(4 / 0.4844).
    assert "0.30 points [0.18, 0.86] (standard deviation of 5 seeds)" in text
    # 5 = 5 x 1 is the seed's own, 4 = 9 - 5 its luck with the rows, a fifth of which is in the 16 of the mean.
    # 5 / (5 + 16 + 4 x 4 / 5); with the interval's ends in place of 9 the seed's own is 0 and 74.3 - 4.
    assert "21% [0%, 79%] of the variance of one run on other test rows is the seed's own" in text
    assert "whole word" not in text


def test_whole_word_masking_is_told_from_its_side_of_the_pair() -> None:
    names = ("zoo-bert-en", "zoo-bert-wwm-en")
    cells = pd.DataFrame([_cells(name, 0.5) for name in names])
    pair = {"a": names[0], "b": names[1], "task": "feedback", "difference": -0.01, "low": -0.02, "high": 0.001}
    pair |= {"p_holm": 0.2, "verdict": "cannot tell", "detectable": 0.03, "seeds": 5}
    text = findings(_board(cells=cells, rules=_NONE, pairs=pd.DataFrame([pair])))
    assert (
        "- feedback, zoo-bert-wwm-en less zoo-bert-en, one pretraining each: +1.0 points [-0.1, +2.0]: cannot tell."
        in text
    )


def test_whole_word_masking_is_told_only_between_runs_of_one_recipe() -> None:
    pair = {"task": "feedback", "difference": 0.01, "low": 0.004, "high": 0.016, "p_holm": 0.01, "verdict": "better"}
    names = [f"zoo-bert{kind}-zh{recipe}" for kind in ("", "-wwm") for recipe in ("", " (epochs=1)")]
    pairs = [
        pair | {"a": a, "b": b, "detectable": 0.03, "seeds": 3} for i, a in enumerate(names) for b in names[i + 1 :]
    ]
    text = findings(_board(cells=pd.DataFrame([_cells("a", 0.5)]), rules=_NONE, pairs=pd.DataFrame(pairs)))
    told = [line.split(", one")[0] for line in text.splitlines() if "one pretraining each" in line]
    assert told == [
        "- feedback, zoo-bert-wwm-zh less zoo-bert-zh",
        "- feedback (epochs=1), zoo-bert-wwm-zh less zoo-bert-zh",
    ]
    assert text.count("one pretraining each: -1.0 points [-1.6, -0.4]: real.") == 2


def test_the_projects_own_board_has_findings_of_every_kind() -> None:
    text = findings(read_board(RESULTS))
    assert [line for line in text.splitlines() if line.startswith("##")] == [
        "## What does a threshold for each label buy?",
        "## How much is the noise of seeds?",
        "## What does whole word masking buy?",
        "## Which gaps are real?",
    ]
