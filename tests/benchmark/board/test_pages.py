"""The board's pages: the table of a task, the page of a task, the index, the README's table."""

import re
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from benchmark.board.build import build
from benchmark.board.index_page import index_page, readme_part
from benchmark.board.pages import wide
from benchmark.board.store import read_board
from benchmark.board.tables import Board, entry_name
from benchmark.board.task_page import task_page
from benchmark.tasks.registry import TASKS, as_json
from benchmark.training.runs import RESULTS, Predictions
from tests.benchmark.conftest import synthetic_writer

FEEDBACK, SST2 = TASKS["feedback"], TASKS["sst2"]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """On feedback: one encoder without an error, two that are worse and alike, two with a single seed, of which one is
    without an error, too; one with a single seed on sst2."""
    write = synthetic_writer(tmp_path_factory.mktemp("board"))
    y_true = (np.random.default_rng(0).random((120, 8)) < 0.3).astype(np.int8)
    for noise, encoder in ((2, "tfidf-lr"), (0, "granite-30m"), (2, "minilm-l6")):
        for seed in range(3):
            rng = np.random.default_rng([seed, len(encoder)])
            logits = (4.0 * y_true - 2 + noise * rng.normal(size=y_true.shape)).astype(np.float32)
            write(encoder=encoder, seed=seed, predictions=Predictions(logits, y_true, logits, y_true))
    write(recipe={"loss": "mean"}, predictions=Predictions(-logits, y_true, -logits, y_true))
    # A single seed without an error stands between those that take a rank.
    write(recipe={"epochs": 1}, predictions=Predictions(4.0 * y_true - 2, y_true, 4.0 * y_true - 2, y_true))
    return build(write(task="sst2").parents[2])


@pytest.fixture(scope="module")
def page(board: Board) -> str:
    return task_page(board, FEEDBACK)


def _name(encoder: str, variant: str) -> str:
    return entry_name({"encoder": encoder, "variant": variant})


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def _rows(text: str, title: str) -> list[dict[str, str]]:
    """The first table after the line with this title, one dict a row."""
    table = re.search(r"^\|.*?(?=\n\n|\Z)", text[text.index(title) :], re.MULTILINE | re.DOTALL)
    assert table is not None
    head, _, *rows = map(_cells, table[0].splitlines())
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_table_has_the_best_first_with_rank_and_interval(board: Board) -> None:
    table = wide(board.cells, FEEDBACK)
    assert table["encoder"][0] == "granite-30m"
    assert table["encoder"].tolist()[3:] == [_name("minilm-l6", "epochs=1"), _name("minilm-l6", "loss=mean")]
    assert table["rank"].tolist() == ["1", "2–3", "2–3", "–", "–"]
    assert table["f1_macro [95 %]"][0] == "1.0000 [1.0000, 1.0000]"
    with_errors = table["f1_macro [95 %]"].drop([0, 3])
    assert all(re.fullmatch(r"0\.\d{4} \[0\.\d{4}, [01]\.\d{4}\]", cell) for cell in with_errors)
    assert table["sd over seeds"].tolist()[::4] == ["0.0000", "–"]
    assert table["standard error (seeds)"].tolist()[::3] == ["0.0000", "–"]
    assert all(re.fullmatch(r"0\.0\d{3}", error) for error in table["standard error (rows)"])
    assert table["caution"].tolist()[:4:3] == ["3 seeds; equal resamples", "1 seed; equal resamples"]
    assert table["caution"][1] == "3 seeds"
    assert not table.isna().any().any()
    main = board.cells[(board.cells["rule"] == "fixed") & (board.cells["metric"] == "f1_macro")]
    fixed = {entry_name(row): f"{row['value']:.4f}" for row in main.to_dict("records")}
    assert dict(zip(table["encoder"], table["f1_macro, fixed"], strict=True)) == fixed


def test_a_tasks_page_opens_with_its_answer(page: str) -> None:
    _, answer, facts, *_ = page.split("\n\n")
    second = r"(minilm-l6|tfidf-lr) comes next, worse by \d+\.\d points \(between \d+\.\d and \d+\.\d\)\."
    assert re.fullmatch(r"granite-30m is first of 3 ranked entries\. " + second, answer)
    assert "Every score is f1_macro on 120 rows of the test split." in facts
    assert "every label whose score reaches that label's own threshold" in facts
    assert page.count("Brackets show how a recipe differs from the task's default.") == 1


def test_every_gap_between_neighbours_is_told_and_every_pair_has_its_figures(board: Board, page: str) -> None:
    first, second, third = (line[2:] for line in page.splitlines() if line.startswith("- "))
    assert re.fullmatch(r"granite-30m is better than \S+ by \d+\.\d points \(between \d+\.\d and \d+\.\d\)\.", first)
    assert re.fullmatch(
        r"\S+ and \S+: undecided\. The difference is between -\d+\.\d and \+\d+\.\d points; "
        r"more seeds would narrow it\.",
        second,
    )
    assert re.fullmatch(r"granite-30m is better than (minilm-l6|tfidf-lr)\.", third)
    rows = _rows(page, "All pairs in figures.")
    assert [row["encoder"] for row in rows[:2]] == ["granite-30m", "granite-30m"]
    expected = {frozenset((row["encoder_a"], row["encoder_b"])): row for row in board.pairs.to_dict("records")}
    assert len(rows) == len(expected) == 3
    for row in rows:
        pair = expected[frozenset((row["encoder"], row["compared with"]))]
        figures = [float(each) for each in re.findall(r"[+-]?\d+\.\d", row["difference [95 %]"])]
        assert abs(figures[0]) == pytest.approx(100 * abs(pair["difference"]), abs=0.051)
        assert row["seeds"] == "3"
        assert float(row["Holm's p"].removeprefix("≤ ")) == pytest.approx(pair["p_holm"], rel=0.05)
        assert row["same recipe?"] == ("baseline" if "tfidf-lr" in row.values() else "yes")


def test_a_difference_that_the_correction_leaves_undecided_says_why(board: Board) -> None:
    pairs = board.pairs.assign(verdict="cannot tell", difference=0.02, low=0.001, high=0.04)
    text = task_page(replace(board, pairs=pairs), FEEDBACK)
    sentence = (
        "undecided. The difference is between +0.1 and +4.0 points, but among 3 pairs one can differ as much by "
        "chance; more seeds would narrow it."
    )
    assert text.count(sentence) == 2  # neighbours


def test_a_pair_of_unlike_recipes_says_so() -> None:
    text = task_page(read_board(RESULTS), SST2)
    sentences = [
        line for line in text.splitlines() if line.startswith("- ") and ("undecided" in line or " by " in line)
    ]
    unlike = [line for line in sentences if line.endswith("Their recipes differ.")]
    recipes = {row["same recipe?"] for row in _rows(text, "All pairs in figures.")}
    assert 0 < len(unlike) < len(sentences)
    also = [
        line for line in task_page(read_board(RESULTS), TASKS["go_emotions"]).splitlines() if " are better " in line
    ]
    assert all(line.endswith("Their recipes differ.") for line in also)
    assert len(also) == 4
    assert recipes == {"yes", "no", "baseline"}


def test_a_p_value_that_the_draws_hold_up_is_marked(board: Board) -> None:
    floor, above = [row["Holm's p"] for row in _rows(_with_p(board, 0.0005, 0.002), "All pairs in figures.")][:2]
    assert (floor, above) == ("≤ 0.0015", "0.006")


def _with_p(board: Board, *p_values: float) -> str:
    """The page of feedback, where the pairs of the best entry have these p-values, times 3 for Holm's."""
    rows = board.pairs.to_dict("records")
    best = [row for row in rows if "granite-30m" in (row["encoder_a"], row["encoder_b"])]
    order = wide(board.cells, FEEDBACK)["encoder"].tolist()
    best.sort(key=lambda row: max(order.index(row["encoder_a"]), order.index(row["encoder_b"])))
    for row, p_value in zip(best, p_values, strict=True):
        row |= {"p_value": p_value, "p_holm": 3 * p_value}
    return task_page(replace(board, pairs=pd.DataFrame(rows)), FEEDBACK)


def test_a_page_has_no_heading_without_what_belongs_under_it(board: Board, page: str) -> None:
    heads = [line for line in page.splitlines() if line.startswith("#")]
    first = ["# feedback", "## Ranks", "## Pairs", "## Other metrics", "## Thresholds", "## Calibration"]
    assert heads == [*first, "## Parts of the test rows", "## Costs", "## Runs"]
    lone = task_page(board, SST2)
    assert "## Pairs" not in lone  # one entry
    assert "## Thresholds" not in lone  # one label a row
    few = replace(board, slices=pd.DataFrame())  # as with under 30 test rows
    for text in (task_page(few, FEEDBACK), lone, task_page(few, SST2)):
        assert not re.search(r"^(#.*)\n+(#.*|\Z)", text, re.MULTILINE)
    assert "Parts of the test rows" not in task_page(few, FEEDBACK)


def test_an_entry_without_a_rank_is_named_as_the_highest_so_far(board: Board) -> None:
    value = board.cells.loc[(board.cells["task"] == "sst2") & (board.cells["metric"] == "accuracy"), "value"].iloc[0]
    text = f"two entries with two seeds each. The highest score so far is {100 * value:.1f}, by minilm-l6."
    assert text in task_page(board, SST2)
    assert text in index_page(board)


def test_parts_name_few_positives_but_not_how_few_the_seeds_of_an_entry_are(board: Board, page: str) -> None:
    shown = _rows(page, "## Parts of the test rows")
    assert {row["slice"] for row in shown} == {"all", "number of correct labels"}
    told = {row["part"]: row["caution"] for row in shown}
    # Of the rows with two labels, 9, 8, 9, 8 and 9 are positives of five of them. One entry without an error is enough
    # for the other reason.
    assert told == {"all": "equal resamples", "2": "5 labels under 10 positives", "3 or more": "equal resamples"}
    assert board.slices["flags"].str.contains("seed").all()


def test_what_thresholds_gain_over_one_for_all_stands_beside_their_gain(board: Board, page: str) -> None:
    rows = {row["encoder"]: row for row in _rows(page, "## Thresholds")}
    rules = board.rules[(board.rules["rule"] == "per_label") & (board.rules["variant"] == "")]
    assert set(rules["encoder"]) == {"granite-30m", "minilm-l6", "tfidf-lr"}
    assert (rules["gain"] != rules["over_global"]).any()
    for found in rules.to_dict("records"):
        shown = re.findall(r"[+-]?\d+\.\d", rows[found["encoder"]]["per_label over global"])
        expected = [100 * found[f"over_global{end}"] for end in ("", "_low", "_high")]
        assert [float(number) for number in shown] == pytest.approx(expected, abs=0.051)


def test_runs_and_costs_stand_on_the_page_of_their_task(board: Board, page: str) -> None:
    runs = board.runs[board.runs["task"] == "feedback"].to_dict("records")
    links = [f"[{row['id']}]({row['folder'].removeprefix('feedback/')})" for row in runs]
    assert [row["run"] for row in _rows(page, "## Runs")] == links
    costs = _rows(page, "## Costs")
    assert {row["encoder"] for row in costs} == set(wide(board.cells, FEEDBACK)["encoder"])
    shown = {(row["parameters (M)"], row["latency p50 (ms)"], row["machine"]) for row in costs}
    assert shown == {("22.7", "5.0", "one")}


def test_the_index_leads_to_every_task_and_says_what_has_no_rank(board: Board) -> None:
    text = index_page(board)
    assert re.findall(r"^- \*\*\[(\w+)\]\((\w+)/README\.md\)\*\*: ", text, re.MULTILINE) == [
        ("feedback", "feedback"),
        ("sst2", "sst2"),
    ]
    assert "granite-30m is first of 3 ranked entries." in text
    assert "For 2 of the 3 compared pairs the test shows which entry is better." in text
    assert "(findings.md)" in text
    left_out = text[text.index("## Left out") :]
    assert f"- feedback/{_name('minilm-l6', 'epochs=1')}: has one seed and takes no rank" in left_out
    assert "no two encoders are ranked on two tasks of one language" in text


def test_mean_ranks_take_the_place_of_the_sentence_that_there_are_none(board: Board) -> None:
    row = {"encoder": "a", "mean_rank": 1.25, "low": 1.0, "high": 2.0, "tasks": 2, "language": "any"}
    ranks = pd.DataFrame([row])
    text = index_page(replace(board, overall=ranks))
    assert "no two encoders" not in text
    assert _rows(text, "## Mean ranks") == [
        {"language": "any", "encoder": "a", "mean rank": "1.25 [1.00, 2.00]", "tasks": "2"}
    ]
    assert "## Left out" not in index_page(replace(board, problems=board.problems[:0]))


def test_the_readme_has_an_encoder_a_row_and_a_task_a_column(board: Board) -> None:
    rows = _rows(readme_part(board), "| encoder")
    assert (rows[0]["encoder"], rows[0]["feedback (f1_macro)"]) == ("granite-30m", "**100.0**")
    assert {row["encoder"] for row in rows} == {"granite-30m", "minilm-l6", "tfidf-lr"}
    main = wide(board.cells, FEEDBACK).set_index("encoder")["f1_macro [95 %]"]
    for row in rows[1:]:
        assert row["feedback (f1_macro)"] == f"{100 * float(main[row['encoder']].split()[0]):.1f}"
    assert {row["sst2 (accuracy)"] for row in rows} == {"–"}  # where nothing has a rank
    assert {row["parameters (M)"] for row in rows} == {"22.7"}
    assert "a mean over 3 seeds, in percent, with the task's default recipe.\n" in readme_part(board)


def test_the_readme_shows_the_default_recipe_first_and_marks_another() -> None:
    """Three encoders have the recipe; one of them has the default as well, and a fourth has the default alone."""
    keys = [("a", "epochs=1"), ("b", "epochs=1"), ("b", ""), ("c", ""), ("d", "epochs=1"), ("e", "epochs=2")]
    cells = [_cell(encoder, variant, 0.9 - place / 10) for place, (encoder, variant) in enumerate(keys)]
    text = readme_part(_board(cells))
    shown = {row["encoder"]: row["feedback (f1_macro)"] for row in _rows(text, "| encoder")}
    assert shown == {"a": "**90.0**\\*", "b": "70.0", "c": "60.0", "d": "50.0\\*"}
    assert "An asterisk marks a different recipe: the encoder has fewer than two runs with the default." in text


def _cell(encoder: str, variant: str, value: float) -> dict[str, object]:
    task = {"task": "feedback", "encoder": encoder, "variant": variant, "family": "bert", "rule": "per_label"}
    rank = 1 if value == 0.9 else 2
    return task | {
        "metric": "f1_macro",
        "value": value,
        "seeds": 3,
        "parameters": 2e7,
        "rank_low": rank,
        "rank_high": 4,
    }


def _board(cells: list[dict[str, object]]) -> Board:
    empty = {field.name: pd.DataFrame() for field in fields(Board)}
    spec = pd.DataFrame({"task": ["feedback"], "spec": [as_json(FEEDBACK)]})
    return Board(**(empty | {"cells": pd.DataFrame(cells), "tasks": spec}))
