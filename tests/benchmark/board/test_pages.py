"""The board for reading: its order, its columns, its Markdown, the README's part."""

import re

import numpy as np
import pytest

from benchmark.board.build import build
from benchmark.board.pages import (
    BEGIN,
    END,
    between_markers,
    gaps,
    note,
    page,
    readme_part,
    screen_table,
    sentence,
    short,
    wide,
)
from benchmark.board.tables import Board
from benchmark.tasks.registry import TASKS
from benchmark.training.runs import Predictions
from tests.benchmark.conftest import synthetic_writer
from zoo.errors import UserError

FEEDBACK, SST2 = TASKS["feedback"], TASKS["sst2"]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """On feedback: one encoder without an error, two that are worse and alike, two with a single seed, of which one is
    without an error, too; one on sst2."""
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


def test_the_table_has_the_best_first_with_rank_and_interval(board: Board) -> None:
    table = wide(board.cells, FEEDBACK)
    assert table["encoder"][0] == "granite-30m"
    assert table["encoder"].tolist()[1::3] == ["minilm-l6 (epochs=1)", "minilm-l6 (loss=mean)"]
    assert table["rank"].tolist() == ["1", "–", "2–3", "2–3", "–"]
    assert table["f1_macro [95 %]"][0] == "1.0000 [1.0000, 1.0000]"
    assert all(re.fullmatch(r"0\.\d{4} \[0\.\d{4}, [01]\.\d{4}\]", cell) for cell in table["f1_macro [95 %]"][2:])
    assert table["sd of a seed"].tolist()[::4] == ["0.0000", "–"]
    assert table["error of seeds"].tolist()[:2] == ["0.0000", "–"]
    assert all(re.fullmatch(r"0\.0\d{3}", error) for error in table["error of rows"])
    assert table["take care"].tolist()[:3] == ["3 seeds; equal resamples", "1 seed; equal resamples", "3 seeds"]
    assert not table.isna().any().any()
    assert short(board.cells, FEEDBACK)["encoder"].tolist() == table["encoder"].tolist()
    assert screen_table(board).row_count == 6


def test_each_reason_to_take_care_is_named_once_above_the_table(board: Board) -> None:
    assert note(board.cells, FEEDBACK).endswith(
        "; intervals may be too narrow, as some rest on: 1 seed; 3 seeds; equal resamples"
    )


def test_every_gap_between_neighbours_is_told(board: Board) -> None:
    first, second, third = gaps(board, FEEDBACK)
    assert re.match(r"granite-30m is better than \S+: \+\d+\.\d points \[\+\d.* over 3 seeds, Holm's p = 0.0", first)
    assert re.search(r" or \S+: cannot tell \(.*; a gap of \d+\.\d would have shown four times in five\)\.", second)
    assert re.fullmatch(r"Real as well: granite-30m over (minilm-l6|tfidf-lr)\.", third)
    assert gaps(board, SST2) == []


def test_no_gap_is_promised_that_no_two_encoders_have() -> None:
    pair = {"a": "one", "b": "two", "difference": 0.002, "low": -0.08, "high": 0.08, "p_holm": 1.0, "seeds": 3}
    pair |= {"verdict": "cannot tell", "detectable": 1.641}
    assert sentence(pair).endswith("p = 1; seeds this few could have shown no gap that is likely).")
    assert "a gap of 20.0 would have shown" in sentence(pair | {"detectable": 0.2})


def test_markdown_has_a_table_a_task_in_the_registrys_order(board: Board) -> None:
    text = readme_part(board)
    heads = re.findall(r"^\*\*(\w+)\*\* \((\w+) split, n = (\d+); thresholds: (\w+)", text, re.MULTILINE)
    assert heads == [("feedback", "test", "120", "per_label"), ("sst2", "validation", "60", "argmax")]
    tables = [[line for line in part.splitlines() if line.startswith("|")] for part in text.split("**sst2**")]
    assert [len(table) for table in tables] == [5, 3]  # without the single runs of an encoder that has a rank
    assert "minilm-l6 (" not in text
    assert "minilm-l6 (epochs=1)" in page(board)
    assert all(len({line.count("|") for line in table}) == 1 for table in tables)


def test_the_page_holds_every_part(board: Board) -> None:
    text = page(board)
    for wanted in (
        "## feedback",
        "## sst2",
        "What a decision rule gains",
        "Thresholds of single labels",
        "## Left out",
        "takes no rank",
    ):
        assert wanted in text
    assert "No two encoders are ranked on two tasks of a language" in text


def test_parts_say_why_to_take_care_but_not_how_few_the_seeds_of_an_entry_are(board: Board) -> None:
    told = {row["part"]: row["take care"] for row in _rows(page(board), "Parts of the test rows:")}
    # Of the rows with two labels, 9, 8, 9, 8 and 9 are positives of five of them. One entry without an error is enough
    # for the other reason.
    assert told == {"all": "equal resamples", "2": "5 labels under 10 positives", "3 or more": "equal resamples"}
    assert board.slices["flags"].str.contains("seed").all()


def test_what_thresholds_buy_over_one_for_all_stands_beside_their_gain(board: Board) -> None:
    rows = {row["encoder"]: row for row in _rows(page(board), "What a decision rule gains")}
    rules = board.rules[(board.rules["rule"] == "per_label") & (board.rules["variant"] == "")]
    assert set(rules["encoder"]) == {"granite-30m", "minilm-l6", "tfidf-lr"}
    assert (rules["gain"] != rules["over_global"]).any()
    for found in rules.to_dict("records"):
        shown = re.findall(r"[+-]\d+\.\d", rows[found["encoder"]]["per_label over global"])
        expected = [100 * found[f"over_global{end}"] for end in ("", "_low", "_high")]
        assert [float(number) for number in shown] == pytest.approx(expected, abs=0.051)


def _rows(text: str, title: str) -> list[dict[str, str]]:
    """The table that follows the first line with this title, one dict a row."""
    lines = text[text.index(title) :].split("\n\n")[1].splitlines()
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_readme_is_changed_between_its_markers_alone_and_only_once(board: Board) -> None:
    readme = f"# Title\n\n{BEGIN}\nold table\n{END}\n\nthe rest | of it\n"
    once = between_markers(readme, readme_part(board))
    assert once.startswith("# Title\n\n" + BEGIN)
    assert once.endswith(END + "\n\nthe rest | of it\n")
    assert "old table" not in once
    assert readme_part(board) in once
    assert between_markers(once, readme_part(board)) == once
    for marker in (BEGIN, END):
        with pytest.raises(UserError, match="lost the line"):
            between_markers(readme.replace(marker, ""), "")
