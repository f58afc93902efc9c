"""What the Leaderboard tab shows, without a browser."""

import re
import shutil
from io import StringIO
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest

from benchmark.board.choice import which_of
from benchmark.board.matrix import legend, matrices, table_of
from benchmark.board.pages import tasks_of
from benchmark.board.verdicts import verdicts
from benchmark.statistics.metrics import metrics_of
from benchmark.tasks.registry import TASKS
from benchmark.training.runs import RESULTS
from demo.leaderboard.answer import SPEEDS
from demo.leaderboard.handlers import csv_of, note_of, published_of, read_board, records_of
from demo.leaderboard.page import board_page
from demo.leaderboard.verdict import first_sentences
from demo.leaderboard.words import CHINESE, ENGLISH, about_task, heading
from demo.shared.texts import TEXTS
from zoo.checkpoints.checkpoint import CHECKPOINTS, read_checkpoint
from zoo.decision import Rule
from zoo.errors import UserError

METRICS = {*metrics_of("single_label_classification"), *metrics_of("multi_label_classification")}


def own(name: str, language: str = "en") -> dict:
    """A task of the project's own leaderboard as the page has it."""
    found = board_page(None, None, language)["tasks"]
    return next(task for task in found if task["name"] == name)


def test_the_answer_is_that_of_the_command_line_in_both_languages() -> None:
    board = read_board()
    english, chinese = (board_page(None, None, language)["answers"] for language in ("en", "zh"))
    assert set(english) == {"en", "zh"}
    for language, kinds in english.items():
        for kind, several in {"": None, "several": True, "one": False}.items():
            choice = which_of(board, language, several)
            assert (kinds[kind]["take"], kinds[kind]["cost"]) == (choice.take, choice.cost)
            other = chinese[language][kind]
            names = re.compile(r"[a-z][\w.-]+")  # an encoder's name has figures of its own
            figures = [
                sorted(re.findall(r"[\d.]*\d", names.sub("", sentences)))
                for sentences in (choice.take + choice.cost, other["take"] + other["cost"])
            ]
            assert figures[0] == figures[1], other
            assert choice.best.encoder in other["take"]


def test_a_limit_of_time_has_the_answer_of_the_command_line() -> None:
    board = read_board()
    for language, kinds in board_page(None, None, "en")["answers"].items():
        assert list(kinds[""]["within"]) == list(map(str, SPEEDS))
        for speed, told in kinds[""]["within"].items():
            choice = which_of(board, language, None, float(speed))
            assert (told["take"], told["cost"]) == (choice.take, choice.cost)


def test_a_cell_has_its_group_of_equals_or_the_reason_for_none() -> None:
    answer = board_page(None, None, "en")["answers"]["en"][""]
    cells = {(row["encoder"], task): cell for row in answer["rows"] for task, cell in row["cells"].items()}
    board = read_board()
    for task in (task for task in tasks_of(board) if task.name in answer["tasks"]):
        first = set(verdicts(board, task).answer.first) if verdicts(board, task).answer.ranked else set()
        best = {encoder for (encoder, name), cell in cells.items() if name == task.name and cell.get("best")}
        zero = {encoder for (encoder, name), cell in cells.items() if name == task.name and cell.get("group") == 0}
        assert best == zero == first


def test_marks_and_their_meanings_are_those_of_the_boards_own_pages() -> None:
    answer = board_page(None, None, "en")["answers"]["en"][""]
    (found,) = (each for each in matrices(read_board()) if each.language == "en")
    shown = {row["encoder"]: [row["cells"][task].get("mark") for task in answer["tasks"]] for row in answer["rows"]}
    for row in table_of(found).to_dict("records"):
        pages = [row[f"{task.name} ({task.main_metric})"] for task in found.tasks]
        assert all(mark in (None, cell) for mark, cell in zip(shown[row["encoder"]], pages, strict=True))
    told = " ".join(legend([found])).replace("the page of the task", "the table of the task")
    assert [
        text for key, text in TEXTS["en"].items() if key in ("mark_one_seed", "mark_trials") and text not in told
    ] == []
    assert {"85.0†", "‡"} <= {mark for marks in shown.values() for mark in marks}


def test_a_task_says_what_it_is() -> None:
    (feedback,) = (task for task in tasks_of(read_board()) if task.name == "feedback")
    assert about_task(feedback, 213, "en") == "8 topics of customer messages, English, 213 test rows"
    assert about_task(feedback, 213, "zh") == "顾客留言的 8 个话题，英文，测试集 213 条"


def test_entries_are_plain_numbers_ranked_ones_first_and_trials_folded_under_their_encoder() -> None:
    entries = own("feedback")["entries"]
    shown = [entry for entry in entries if not entry["folded"]]
    defaults = [entry["encoder"] for entry in shown if not entry["variant"]]
    assert len(set(defaults)) == len(defaults)
    tuned = [entry for entry in shown if entry["variant"]]
    assert {entry["variant"] for entry in tuned} == {"tuned over 8 trials"}
    assert {entry["why"] for entry in tuned} == {"of the tuned"}
    ranked = [entry["rank"] is not None for entry in shown]
    assert ranked == sorted(ranked, reverse=True)
    folded = [entry for entry in entries if entry["folded"]]
    assert folded
    assert {entry["encoder"] for entry in folded} <= {entry["encoder"] for entry in shown}
    cells = {row["encoder"]: row for row in records_of(read_board(), "feedback") if not row["variant"]}
    for entry in (entry for entry in shown if not entry["variant"]):
        cell = cells[entry["encoder"]]
        assert (entry["value"], entry["low"], entry["high"]) == (cell["value"], cell["low"], cell["high"])
        assert entry["numbers"]["parameters (M)"] == cell["parameters"] / 1e6
        assert entry["numbers"]["latency p50 (ms)"] == cell["p50_ms"]


def test_an_entry_opens_the_checkpoint_of_its_own_run() -> None:
    board = read_board()
    for folder in CHECKPOINTS.glob("*/*/"):
        runs = board.runs[board.runs["id"] == read_checkpoint(folder).info.run].to_dict("records")
        entries = [entry for row in runs for entry in own(row["task"])["entries"] if entry["opens"] == folder.name]
        assert [(entry["encoder"], entry["variant"]) for entry in entries] == [
            (row["encoder"], row["variant"]) for row in runs
        ]


def test_two_entries_have_the_boards_verdict_with_what_would_decide_it() -> None:
    told = {frozenset(tuple(key) for key in pair["entries"]): pair for pair in own("feedback")["pairs"]}
    better = told[frozenset((("minilm-l6", ""), ("granite-30m", "")))]
    assert better["verdict"] == "better"
    pairs = read_board().pairs.query("task == 'feedback' and variant_a == '' and variant_b == ''")
    row = pairs.query("encoder_a == 'granite-30m' and encoder_b == 'minilm-l6'")
    points = [f"{100 * abs(row[name].iloc[0]):.1f}" for name in ("difference", "high", "low")]
    size, low, high = points
    expected = f"minilm-l6 is better than granite-30m by {size} points (between {low} and {high})."
    assert better["told"] == [expected]
    undecided = [pair for pair in told.values() if pair["verdict"] == "undecided"]
    assert undecided
    assert all("would decide it sooner" in pair["told"][-1] for pair in undecided)


def test_who_is_first_is_told_in_both_languages() -> None:
    board = read_board()
    for task in tasks_of(board):
        answer = verdicts(board, task).answer
        for language in ("en", "zh"):
            sentences = first_sentences(answer, language)
            assert len(sentences) == 1 + (answer.next_one is not None)
            assert all(name in sentences[0] for name in answer.first)


def test_what_is_published_stands_apart_takes_no_rank_and_names_its_source() -> None:
    published = own("sst2")["published"]
    assert len(published["rows"]) > 5
    assert not {name for name in published["headings"] if "rank" in name}
    assert any(link and link.startswith("https://arxiv.org/") for link in published["links"])
    assert own("feedback")["published"]["rows"] == []
    table = published_of(read_board(), "sst2")
    assert [row[0] for row in published["rows"]] == table["encoder"].tolist()
    chinese = own("sst2", "zh")["published"]
    assert not set(chinese["headings"]) & set(published["headings"])


def test_headings_are_in_the_pages_language() -> None:
    for task in board_page(None, None, "en")["tasks"]:
        assert task["headings"] == {name: name for name in task["columns"]}
        left = {name for name in task["columns"] if heading(name, "zh") == name}
        assert left == {name for name in task["columns"] if name == "MiB" or name.split(",")[0].split()[0] in METRICS}


# The app keeps one board, so the tests of other boards come last: each puts the project's own out.


def test_the_csv_has_every_metric_of_every_task(results: Path) -> None:
    board = read_board(results)
    read = pd.read_csv(StringIO(csv_of(board)), keep_default_na=False)
    pd.testing.assert_frame_equal(read, board.cells, check_dtype=False)


def test_no_results_and_a_damaged_board_say_what_to_do(results: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no leaderboard yet; make it: encoder-zoo board --results"):
        read_board(tmp_path)
    shutil.copytree(results / "board", tmp_path / "board")
    (tmp_path / "board" / "cells.parquet").write_bytes(b"cut short")
    with pytest.raises(UserError, match="holds no readable board"):
        read_board(tmp_path)


def test_an_unknown_task_is_refused(results: Path) -> None:
    with pytest.raises(UserError, match="Did you mean 'feedback'"):
        records_of(read_board(results), "feedbak")


def test_the_note_says_what_ranks_and_on_how_many_rows(results: Path) -> None:
    notes = {task["name"]: task["note"] for task in board_page(None, results, "en")["tasks"]}
    assert "by f1_macro on the test split, n = 200" in notes["feedback"]
    assert "decision rule: a threshold for each label." in notes["feedback"]
    assert "decision rule: highest score." in notes["sst2"]
    assert "判定规则：每个标签各自的阈值" in note_of(TASKS["feedback"], 200, "zh")
    assert set(get_args(Rule)) <= set(ENGLISH) <= set(CHINESE)


def test_a_new_board_is_seen(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results / "board", tmp_path / "board")
    names = [task["name"] for task in board_page(None, tmp_path, "en")["tasks"]]
    board = read_board(tmp_path)
    board.tasks[board.tasks["task"] == "feedback"].to_parquet(tmp_path / "board" / "tasks.parquet")
    assert names == ["feedback", "sst2"]
    assert [task["name"] for task in board_page(None, tmp_path, "en")["tasks"]] == ["feedback"]


def test_the_projects_own_board_is_the_default() -> None:
    assert read_board() is read_board(RESULTS)
