"""Which entries take a rank, and the mean ranks across tasks."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmark.board.build import build, build_entries
from benchmark.board.entries import find_runs, make_entries
from benchmark.board.ranked import rankable
from benchmark.board.task_page import task_page
from benchmark.tasks.registry import TASKS
from benchmark.training.runs import Predictions
from tests.benchmark.conftest import WriteRun
from zoo.encoders.registry import ENCODERS


def test_mean_ranks_stand_across_the_tasks_of_a_language(write_synthetic: WriteRun) -> None:
    for task in ("feedback", "sst2", "feedback_zh"):
        for encoder in ("minilm-l6", "granite-30m"):
            for seed in range(2):
                folder = write_synthetic(task=task, encoder=encoder, seed=seed)
    overall = build(folder.parents[2]).overall
    assert set(overall["language"]) == {"en"}  # one Chinese task gives no mean
    assert set(overall["encoder"]) == {"minilm-l6", "granite-30m"}
    assert (overall["tasks"] == 2).all()


def test_only_declared_recipes_rank_and_count_across_tasks(write_synthetic: WriteRun) -> None:
    """On sst2, granite-30m has one epoch alone, which is a trial; minilm-l6 has it besides the default."""
    for seed in range(2):
        for encoder in ("minilm-l6", "granite-30m", "tfidf-lr"):
            write_synthetic(encoder=encoder, seed=seed)
        for encoder in ("minilm-l6", "granite-30m"):
            folder = write_synthetic(task="sst2", encoder=encoder, seed=seed, recipe={"epochs": 1})
        for encoder in ("minilm-l6", "tfidf-lr"):
            write_synthetic(task="sst2", encoder=encoder, seed=seed)
    board = build(folder.parents[2])
    assert dict(zip(board.overall["encoder"], board.overall["tasks"], strict=True)) == {
        "minilm-l6": 2,
        "granite-30m": 1,
        "tfidf-lr": 2,
    }
    assert set(board.pairs["variant_a"]) | set(board.pairs["variant_b"]) == {""}
    ranked = board.cells[board.cells["rank_low"].notna()]
    assert set(zip(ranked["task"], ranked["encoder"], strict=True)) == {
        *(("feedback", encoder) for encoder in ("minilm-l6", "granite-30m", "tfidf-lr")),
        *(("sst2", encoder) for encoder in ("minilm-l6", "tfidf-lr")),
    }
    assert board.problems.empty  # a trial without a rank is no problem


def test_what_was_tuned_is_ranked_among_what_had_the_same_budget(write_synthetic: WriteRun) -> None:
    for encoder in ("minilm-l6", "granite-30m"):
        for seed in range(2):
            write_synthetic(encoder=encoder, seed=seed)
            folder = write_synthetic(encoder=encoder, seed=seed, recipe={"epochs": 2}, trials=8)
    board = build(folder.parents[2])
    pairs = set(zip(board.pairs["variant_a"], board.pairs["variant_b"], strict=True))
    assert pairs == {("", ""), ("tuned over 8 trials", "tuned over 8 trials")}
    main = board.cells[(board.cells["rule"] == "per_label") & (board.cells["metric"] == "f1_macro")]
    assert (main["rank_high"] <= 2).all()
    section = task_page(board, TASKS["feedback"]).partition("## Tuned over 8 trials")[2].partition("\n## ")[0]
    (line,) = (line for line in section.splitlines() if line.startswith("- "))
    assert line.count("[tuned over 8 trials]") == 2


def test_a_baseline_needs_no_second_seed_and_ranks_on_tiny_data_too(write_synthetic: WriteRun) -> None:
    for seed in range(2):
        write_synthetic(encoder="minilm-l6", seed=seed)
    folder = write_synthetic(encoder="tfidf-lr", recipe={"min_df": 1})
    entries = rankable(make_entries(find_runs(folder.parents[2])[0]))
    assert [entry.key for entry in entries] == [("minilm-l6", ""), ("tfidf-lr", "min_df=1")]
    (pair,) = build(folder.parents[2]).pairs.to_dict("records")
    assert {pair["encoder_a"], pair["encoder_b"]} == {"minilm-l6", "tfidf-lr"}
    assert pair["seeds"] == 2


def test_tasks_of_any_language_have_mean_ranks_of_their_own(write_synthetic: WriteRun) -> None:
    specs = [replace(TASKS[name], name=f"own-{name}", language="any") for name in ("feedback", "sst2")]
    for spec in specs:
        for encoder in ("minilm-l6", "granite-30m"):
            for seed in range(2):
                folder = write_synthetic(task=spec.name.removeprefix("own-"), encoder=encoder, seed=seed)
    own = {spec.name.removeprefix("own-"): spec for spec in specs}
    made = make_entries(find_runs(folder.parents[2])[0])
    entries = [replace(entry, task=own[entry.task.name]) for entry in made]
    overall = build_entries(entries, {}, {}, pd.DataFrame()).overall
    assert set(overall["language"]) == {"any"}
    assert set(overall["encoder"]) == {"minilm-l6", "granite-30m"}


@pytest.mark.campaign
def test_of_many_entries_a_clear_gap_is_still_told(write_synthetic: WriteRun) -> None:
    """Of 15 entries there are 105 pairs: one in 2,001 draws, the least that p can be, times 105 is over 5 %."""
    gold = np.eye(2, dtype=np.int8)[np.random.default_rng(0).integers(0, 2, 200)]
    names = list(ENCODERS)[:15]
    for encoder in names:
        for seed in range(2):
            rng = np.random.default_rng([seed, *map(ord, encoder)])
            right = rng.random(200) < (0.95 if encoder != names[-1] else 0.5)
            logits = np.where(right[:, None], 2.0 * gold - 1, 1 - 2.0 * gold).astype(np.float32)
            predictions = Predictions(logits, gold, logits, gold)
            size = round(ENCODERS[encoder].parameters * 1e6)  # which says what its default recipe is
            folder = write_synthetic("sst2", encoder, seed, predictions=predictions, parameters=size)
    pairs = build(folder.parents[2]).pairs
    assert len(pairs) == 105
    last = pairs[(pairs["encoder_a"] == names[-1]) | (pairs["encoder_b"] == names[-1])]
    assert last["verdict"].isin(["a", "b"]).all()
