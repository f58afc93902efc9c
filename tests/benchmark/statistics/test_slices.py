"""Slices: parts that are whole, and scores as scikit-learn's."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from benchmark.board.entries import Entry
from benchmark.statistics.resampling import Draws, draw
from benchmark.statistics.slices import (
    COLUMNS,
    MIN_ROWS,
    by_length,
    parts,
    slices,
)
from benchmark.tasks.registry import TASKS, Task
from benchmark.tasks.row_facts import FACTS
from benchmark.training.runs import read_run
from tests.benchmark.conftest import WriteRun, make_predictions
from zoo.errors import UserError

MakeEntry = Callable[..., Entry]


@cache
def draws_of(n: int) -> Draws:
    return draw(n, 200)


@pytest.fixture
def make_entry(write_synthetic: WriteRun) -> MakeEntry:
    """Make an entry of `task` from synthetic runs; `n` rows each, all with the gold labels of the first."""

    def make(task: str, seeds: int = 1, n: int = 300, y_true: np.ndarray | None = None) -> Entry:
        spec = TASKS[task]
        first = make_predictions(len(spec.labels), spec.multi_label, 0, n)
        gold = first.test_y_true if y_true is None else y_true.astype(np.int8)
        runs = {}
        for seed in range(seeds):
            noise = np.random.default_rng(seed).normal(size=gold.shape)
            made = replace(first, test_y_true=gold, test_logits=(2 * gold - 1 + noise).astype(np.float32))
            runs[seed] = read_run(write_synthetic(task=task, seed=seed, predictions=made))
        return Entry(spec, "minilm-l6", "", runs)

    return make


def make_facts(n: int, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    flags = {name: rng.random(n) < 0.4 for name in ("duplicate", "negation", "emoji")}
    return pd.DataFrame({"words": rng.integers(1, 40, n)} | flags | columns).astype(FACTS)


def test_lengths_are_cut_into_quarters_by_hand() -> None:
    found = by_length(np.array([8, 1, 2, 7, 3, 6, 4, 5]), "word")
    assert {name: rows.tolist() for name, rows in found.items()} == {
        "1-2 words": [1, 2],
        "3-4 words": [4, 6],
        "5-6 words": [5, 7],
        "7-8 words": [0, 3],
    }


def test_equal_lengths_stay_together_and_leave_fewer_parts() -> None:
    found = by_length(np.array([1] * 6 + [2, 9]), "character")
    assert {name: len(rows) for name, rows in found.items()} == {"1 character": 6, "2-9 characters": 2}
    assert list(by_length(np.full(9, 4), "word")) == ["4 words"]
    assert list(by_length(np.array([3, 9, 9, 9, 9]), "word")) == ["3-9 words"]


@st.composite
def described(draw: st.DrawFn) -> tuple[Task, np.ndarray, pd.DataFrame]:
    task = TASKS[draw(st.sampled_from(["feedback", "feedback_zh", "sst2", "chnsenticorp", "go_emotions"]))]
    n = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    k = len(task.labels)
    y_true = rng.random((n, k)) < draw(st.floats(0, 0.6)) if task.multi_label else np.eye(k)[rng.integers(0, k, n)]
    words = rng.integers(1, draw(st.integers(2, 60)), n)
    flags = {name: rng.random(n) < draw(st.sampled_from([0, 0.3, 1])) for name in ("duplicate", "negation", "emoji")}
    return task, y_true.astype(np.int8), pd.DataFrame({"words": words} | flags).astype(FACTS)


@given(described())
def test_the_parts_of_a_grouping_are_disjoint_and_whole(made: tuple[Task, np.ndarray, pd.DataFrame]) -> None:
    task, y_true, facts = made
    found = parts(task, y_true, y_true, facts)
    assert len({(part.slice, part.part) for part in found}) == len(found)
    assert all(len(part.rows) for part in found)
    every = list(range(len(y_true)))
    names = {part.slice for part in found}
    for name in names - {"label frequency"}:
        assert sorted(np.concatenate([part.rows for part in found if part.slice == name]).tolist()) == every
    thirds = [part for part in found if part.slice == "label frequency"]
    assert all(part.rows.tolist() == every for part in thirds)
    if thirds:
        assert sorted(np.concatenate([part.labels for part in thirds]).tolist()) == list(range(len(task.labels)))


def groups(task: str, facts: bool) -> list[str]:
    spec, rng = TASKS[task], np.random.default_rng(0)
    y_true = rng.integers(0, 2, (40, len(spec.labels))).astype(np.int8)
    return list(dict.fromkeys(part.slice for part in parts(spec, y_true, y_true, make_facts(40) if facts else None)))


def test_each_task_has_the_slices_that_say_something_of_it() -> None:
    texts = ["length", "training duplicates"]
    assert groups("go_emotions", True) == ["all", *texts, "negation", "emoji", "gold labels", "label frequency"]
    assert groups("go_emotions", False) == ["all", "gold labels", "label frequency"]
    assert groups("duee_event_types", True) == ["all", *texts, "gold labels", "label frequency"]
    assert groups("feedback", True) == ["all", *texts, "negation", "emoji", "gold labels"]
    assert groups("sst2", True) == ["all", *texts, "negation", "emoji"]
    assert groups("chnsenticorp", True) == ["all", *texts]
    assert groups("chnsenticorp", False) == ["all"]


def test_labels_are_split_into_thirds_by_their_validation_positives() -> None:
    task = TASKS["go_emotions"]
    positives = np.random.default_rng(0).permutation(28)
    validation = (np.arange(40)[:, None] < positives).astype(np.int8)
    found = {part.part: part for part in parts(task, np.ones((30, 28), np.int8), validation, None)}
    assert sorted(positives[found["rare (10 labels)"].labels]) == list(range(10))
    assert sorted(positives[found["middle (9 labels)"].labels]) == list(range(10, 19))
    assert sorted(positives[found["frequent (9 labels)"].labels]) == list(range(19, 28))


def rows_of(found: pd.DataFrame, slice_: str) -> pd.DataFrame:
    return found[found["slice"] == slice_].set_index("part")


@pytest.mark.parametrize(
    ("task", "score"),
    [
        ("feedback", lambda y_true, y_pred: sk.f1_score(y_true, y_pred, average="macro", zero_division=0)),
        ("duee_event_types", lambda y_true, y_pred: sk.f1_score(y_true, y_pred, average="micro", zero_division=0)),
        ("sst2", sk.accuracy_score),
    ],
)
def test_values_are_those_of_scikit_learn_on_the_same_rows(
    make_entry: MakeEntry, task: str, score: Callable[..., float]
) -> None:
    entry, facts = make_entry(task, seeds=3), make_facts(300)
    found = slices(entry.seeds, facts, draws_of)
    runs = entry.scored(entry.task.rule).values()
    assert list(found.columns) == COLUMNS
    for name in ("duplicate", "negation", "emoji") if entry.task.language == "en" else ("duplicate",):
        rows = np.flatnonzero(facts[name])
        part = rows_of(found, {"duplicate": "training duplicates"}.get(name, name)).iloc[1]
        assert part["n"] == len(rows)
        expected = np.mean([score(run.y_true[rows], run.y_pred[rows]) for run in runs])
        assert part["value"] == pytest.approx(expected, abs=1e-12)
    everything = found.iloc[0]
    assert tuple(everything[["slice", "part", "metric", "n", "seeds"]]) == (
        "all",
        "all",
        entry.task.main_metric,
        300,
        3,
    )
    assert everything["value"] == pytest.approx(np.mean([score(run.y_true, run.y_pred) for run in runs]), abs=1e-12)
    assert (found["low"] <= found["value"]).all()
    assert (found["value"] <= found["high"]).all()
    assert (found["high"] > found["low"]).any()


def test_thirds_of_the_labels_are_judged_by_macro_f1_on_all_rows(make_entry: MakeEntry) -> None:
    entry = make_entry("duee_event_types", seeds=2)
    found = rows_of(slices(entry.seeds, None, draws_of), "label frequency")
    validation = entry.runs[0].predictions.validation_y_true
    rare = sorted(range(65), key=lambda label: (validation[:, label].sum(), label))[:22]
    expected = [
        sk.f1_score(run.y_true[:, rare], run.y_pred[:, rare], average="macro", zero_division=0)
        for run in entry.scored("global").values()
    ]
    assert found.loc["rare (22 labels)", "value"] == pytest.approx(np.mean(expected), abs=1e-12)
    assert found["metric"].tolist() == ["f1_macro"] * 3
    assert found["n"].tolist() == [300] * 3


def test_a_part_with_few_positives_is_flagged_and_so_are_resamples_that_are_all_alike(make_entry: MakeEntry) -> None:
    entry = make_entry("feedback", n=400, seeds=4)
    gold = entry.y_true.copy()
    gold[9:, 0], gold[:9, 0] = 0, 1
    runs = {
        seed: replace(run, predictions=replace(run.predictions, test_y_true=gold)) for seed, run in entry.runs.items()
    }
    found = slices(replace(entry, runs=runs).seeds, None, draws_of)
    assert found.loc[found["part"] == "all", "flags"].tolist() == ["1 label under 10 positives"]
    perfect = {
        seed: replace(run, predictions=replace(run.predictions, test_logits=run.predictions.test_y_true * 20.0 - 10))
        for seed, run in entry.runs.items()
    }
    assert slices(replace(entry, runs=perfect).seeds, None, draws_of)["flags"][0] == "equal resamples"


def test_a_macro_f1_leaves_out_labels_whose_gold_rows_are_elsewhere(make_entry: MakeEntry) -> None:
    y_true = np.zeros((100, 8), np.int8)
    y_true[:50, 0] = y_true[50:, 1] = y_true[40:60, 2] = 1  # labels 3 to 7 are gold nowhere
    entry = make_entry("feedback", y_true=y_true)
    facts = make_facts(100, duplicate=np.arange(100) < 40)
    found = slices(entry.seeds, facts, draws_of)
    run = entry.scored("per_label")[0]
    f1 = sk.f1_score(run.y_true[:40], run.y_pred[:40], average=None, zero_division=0)
    kept = [0, 3, 4, 5, 6, 7]
    assert rows_of(found, "training duplicates").loc["duplicate", "value"] == pytest.approx(f1[kept].mean())
    standard = sk.f1_score(run.y_true, run.y_pred, average="macro", zero_division=0)
    assert found.iloc[0]["value"] == pytest.approx(standard)


def test_rows_without_gold_labels_are_judged_by_how_many_get_none(make_entry: MakeEntry) -> None:
    y_true = np.repeat(np.tri(5, 8, -1, dtype=np.int8), 40, axis=0)  # 40 rows each with 0, 1, 2, 3 and 4 labels
    entry = make_entry("feedback", y_true=y_true)
    found = rows_of(slices(entry.seeds, None, draws_of), "gold labels")
    y_pred = entry.scored("per_label")[0].y_pred[:40]
    assert found.loc["0", "value"] == pytest.approx((y_pred.sum(axis=1) == 0).mean())
    assert found["metric"].to_dict() == {
        "0": "subset_accuracy",
        "1": "f1_macro",
        "2": "f1_macro",
        "3 or more": "f1_macro",
    }
    assert found["n"].tolist() == [40, 40, 40, 80]


def test_nothing_under_30_rows_is_shown(make_entry: MakeEntry) -> None:
    entry = make_entry("sst2", n=59)
    flagged = np.arange(59) < 29
    found = slices(entry.seeds, make_facts(59, duplicate=flagged, negation=~flagged, words=np.arange(59)), draws_of)
    assert (found["n"] >= MIN_ROWS).all()
    assert list(rows_of(found, "training duplicates").index) == ["clean"]
    assert list(rows_of(found, "negation").index) == ["with"]
    assert "length" not in set(found["slice"])
    assert rows_of(found, "all")["n"].tolist() == [59]


def test_under_30_rows_in_all_leave_an_empty_table(make_entry: MakeEntry) -> None:
    found = slices(make_entry("sst2", n=29).seeds, make_facts(29), draws_of)
    assert list(found.columns) == COLUMNS
    assert found.empty


@pytest.mark.parametrize(("flag", "part"), [(False, "clean"), (True, "duplicate")])
def test_none_or_all_duplicates_leave_one_part_with_the_standard_score(
    make_entry: MakeEntry, flag: bool, part: str
) -> None:
    found = slices(make_entry("sst2", seeds=2).seeds, make_facts(300, duplicate=np.full(300, flag)), draws_of)
    one = rows_of(found, "training duplicates")
    assert list(one.index) == [part]
    numbers = ["n", "value", "low", "high"]
    assert one.iloc[0][numbers].tolist() == found.iloc[0][numbers].tolist()


def test_one_seed_has_an_interval_from_the_rows_alone(make_entry: MakeEntry) -> None:
    entry = make_entry("sst2", n=300)
    found = slices(entry.seeds, None, lambda n: draw(n, 2000)).iloc[0]
    p, n = found["value"], 300
    assert found["seeds"] == 1
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 * np.sqrt(p * (1 - p) / n), rel=0.1)


def test_the_same_runs_give_the_same_table_with_draws_that_were_used_before(make_entry: MakeEntry) -> None:
    entry, facts = make_entry("feedback", seeds=3, n=120), make_facts(120)
    pd.testing.assert_frame_equal(slices(entry.seeds, facts, draws_of), slices(entry.seeds, facts, draws_of))


def test_facts_of_another_number_of_rows_are_refused(make_entry: MakeEntry) -> None:
    with pytest.raises(UserError, match="are of 31 rows and its runs of 60; write the facts again"):
        slices(make_entry("sst2", n=60).seeds, make_facts(31), draws_of)


def test_labels_that_a_task_has_few_of_are_not_split(make_entry: MakeEntry) -> None:
    assert "label frequency" not in set(slices(make_entry("feedback").seeds, None, draws_of)["slice"])
