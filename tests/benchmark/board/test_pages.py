"""The board's pages: the table of a task, the page of a task, the index, the README's table."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmark.board.build import build
from benchmark.board.index_page import index_page, readme_part
from benchmark.board.pages import wide
from benchmark.board.tables import Board, entry_name
from benchmark.board.task_page import task_page
from benchmark.tasks.registry import TASKS
from benchmark.training.runs import Predictions
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


def test_beside_a_macro_f1_with_rare_labels_stands_that_of_the_others(board: Board, page: str) -> None:
    (name,) = set(FEEDBACK.labels[:1])
    labels = board.labels.assign(support=np.where(board.labels["label"] == name, 9, 10))
    rows = _rows(task_page(replace(board, labels=labels), FEEDBACK), "## Other metrics")
    column = "f1_macro of labels with 10 positives"
    assert column not in _rows(page, "## Other metrics")[0]  # all labels have more here
    of_entry = labels[(labels["encoder"] == "minilm-l6") & (labels["variant"] == "") & (labels["task"] == "feedback")]
    expected = of_entry.loc[of_entry["label"] != name, "f1"].mean()
    (shown,) = (row[column] for row in rows if row["encoder"] == "minilm-l6")
    assert float(shown) == pytest.approx(expected, abs=5.1e-5)


def test_a_tasks_page_opens_with_its_answer(page: str) -> None:
    _, answer, facts, *_ = page.split("\n\n")
    second = r"(minilm-l6|tfidf-lr) comes next, worse by \d+\.\d points \(between \d+\.\d and \d+\.\d\)\."
    finds = r" This board finds gaps of about \d+\.\d points\."
    assert re.fullmatch(r"granite-30m is first of 3 ranked entries\. " + second + finds, answer)
    assert "Every score is f1_macro on 120 test rows." in facts
    assert "every label whose score reaches that label's own threshold" in facts
    assert page.count("Brackets after a name show how the entry differs from the task's default.") == 1


def test_every_gap_between_neighbours_is_told_and_every_pair_has_its_figures(board: Board, page: str) -> None:
    first, second = (line[2:] for line in page.splitlines() if line.startswith("- "))
    assert re.fullmatch(r"granite-30m is better than \S+ by \d+\.\d points \(between \d+\.\d and \d+\.\d\)\.", first)
    assert re.fullmatch(
        r"\S+ and \S+: undecided\. The difference is between -\d+\.\d and \+\d+\.\d points; "
        r"more rows would narrow it\.",
        second,
    )
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
        assert row["verdict"] == ("undecided" if pair["verdict"] == "undecided" else "better")
    grid = {row["encoder"]: row for row in _rows(page, "All pairs. Each cell compares")}
    assert [grid["granite-30m"][name] for name in ("minilm-l6", "tfidf-lr")] == ["+", "+"]
    assert grid["tfidf-lr"]["minilm-l6"] == "?"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"verdict": "undecided", "low": 0.001, "decided_by": "seeds"},
            ": undecided. The difference is between +0.1 and +4.0 points, but among 3 pairs one can differ as much by "
            "chance; more seeds would narrow it.",
        ),
        ({"verdict": "undecided", "low": -0.02, "decided_by": "rows"}, "more rows would narrow it."),
        (
            {"verdict": "equal", "low": -0.004, "high": 0.008},
            " are equal within 1 point. The difference is between -0.4 and +0.8 points.",
        ),
    ],
)
def test_what_is_not_better_says_what_it_is(board: Board, changes: dict[str, object], sentence: str) -> None:
    pairs = board.pairs.assign(difference=0.02, high=0.04).assign(**changes)
    assert task_page(replace(board, pairs=pairs), FEEDBACK).count(sentence) == 2  # neighbours


def test_a_p_value_that_the_draws_hold_up_is_marked(board: Board) -> None:
    pairs = board.pairs.assign(least=[True, False, False], p_value=0.0005, p_holm=0.0015)
    shown = [
        row["Holm's p"] for row in _rows(task_page(replace(board, pairs=pairs), FEEDBACK), "All pairs in figures.")
    ]
    assert sorted(shown) == ["0.0015", "0.0015", "≤ 0.0015"]


def test_a_page_has_no_heading_without_what_belongs_under_it(board: Board, page: str) -> None:
    heads = [line for line in page.splitlines() if line.startswith("#")]
    first = ["# feedback", "## Ranks", "## Pairs", "## Without a rank", "## What the intervals do not cover"]
    assert heads == [
        *first,
        "## Other metrics",
        "## Thresholds",
        "## Policies",
        "## Calibration",
        "## Parts of the test rows",
        "## Costs",
        "## Runs",
    ]
    lone = task_page(board, SST2)
    assert "## Pairs" not in lone  # one entry
    assert "## Thresholds" not in lone  # one label a row
    few = replace(board, slices=pd.DataFrame())  # as with under 30 test rows
    for text in (task_page(few, FEEDBACK), lone, task_page(few, SST2)):
        assert not re.search(r"^(#.*)\n+(#.*|\Z)", text, re.MULTILINE)
    assert "Parts of the test rows" not in task_page(few, FEEDBACK)


def test_an_entry_without_a_rank_is_named_as_the_highest_so_far(board: Board) -> None:
    value = board.cells.loc[(board.cells["task"] == "sst2") & (board.cells["metric"] == "accuracy"), "value"].iloc[0]
    text = (
        f"two seeds each. Of the entries that could take a rank, minilm-l6 has the highest score: {100 * value:.1f} %."
    )
    assert text in task_page(board, SST2)
    assert text in index_page(board)


def test_parts_name_few_positives_but_not_how_few_the_seeds_of_an_entry_are(board: Board, page: str) -> None:
    shown = _rows(page, "## Parts of the test rows")
    assert {row["slice"] for row in shown} == {"all", "number of correct labels"}
    told = {row["part"]: row["caution"] for row in shown}
    # Of the rows with two labels, 9, 8, 9, 8 and 9 are positives of five of them. One entry without an error is enough
    # for the other reason.
    assert told == {"all": "equal resamples", "2": "5 labels under 10 positives", "3 or more": "equal resamples"}
    seeds_matter = board.slices["encoder"] != "tfidf-lr"
    assert (board.slices["flags"].str.contains("seed") == seeds_matter).all()


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
    assert (
        "encoders with the default recipe are compared in 1 pair: one is better in 1, 0 are equal within 1 point"
        in text
    )
    assert "imported model is compared with another entry in 2 pairs: one is better in 1," in text
    assert "(findings.md)" in text
    left_out = text[text.index("## Left out") :]
    assert "- sst2/minilm-l6: has one seed and takes no rank" in left_out
    assert "feedback/" not in left_out  # where only trials have a single seed
    assert "no two tasks of one language rank two encoders" in text


def test_mean_ranks_take_the_place_of_the_sentence_that_there_are_none(board: Board) -> None:
    row = {"encoder": "a", "mean_rank": 1.25, "tasks": 2, "language": "any"}
    ranks = pd.DataFrame([row])
    text = index_page(replace(board, overall=ranks))
    assert "no two tasks" not in text
    assert _rows(text, "## Ranks across tasks") == [
        {"language": "any", "encoder": "a", "mean rank": "1.25", "tasks": "2"}
    ]
    assert "## Left out" not in index_page(replace(board, problems=board.problems[:0]))


def test_the_readme_has_an_encoder_a_row_and_a_task_a_column(board: Board) -> None:
    text = readme_part(board)
    rows = _rows(text, "| encoder")
    assert (rows[0]["encoder"], rows[0]["feedback (f1_macro)"]) == ("granite-30m", "**100.0**")
    assert {row["encoder"] for row in rows} == {"granite-30m", "minilm-l6", "tfidf-lr"}
    main = wide(board.cells, FEEDBACK).set_index("encoder")["f1_macro [95 %]"]
    for row in rows[1:]:
        assert row["feedback (f1_macro)"] == f"{100 * float(main[row['encoder']].split()[0]):.1f}"
    gaps = {row["encoder"]: row["sst2 (accuracy)"] for row in rows}
    single = float(wide(board.cells, SST2).set_index("encoder").loc["minilm-l6", "accuracy [95 %]"].split()[0])
    assert gaps == {"granite-30m": "–", "minilm-l6": f"{100 * single:.1f}†", "tfidf-lr": "–"}  # a single seed; not run
    assert "† marks the score of a single seed: it takes no rank" in text
    assert {(row["parameters (M)"], row["ms a text"], row["training (min, feedback)"]) for row in rows} == {
        ("22.7", "5.0", "0.2")
    }
