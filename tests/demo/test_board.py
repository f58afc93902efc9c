"""The Leaderboard tab's handlers, without a browser."""

from pathlib import Path

import pandas as pd
import pytest

from demo.board import COSTS, read_board, reading_table, tasks_of, write_csv
from demo.leaderboard_view import show
from zoo.errors import UserError


def test_the_table_is_best_first(results: Path) -> None:
    board = read_board(results)
    assert tasks_of(board) == ["feedback", "sst2"]
    assert reading_table(board, "feedback").iloc[:, 0].tolist() == ["large", "small", "words"]


def test_the_csv_has_every_metric_of_the_task(results: Path) -> None:
    board = read_board(results)
    read = pd.read_csv(write_csv(board, "sst2"), keep_default_na=False)
    pd.testing.assert_frame_equal(read, board[board["task"] == "sst2"].reset_index(drop=True), check_dtype=False)


@pytest.mark.parametrize("cost", COSTS)
def test_the_plot_shows_each_encoder_once(cost: str, results: Path) -> None:
    *_, figure = show("feedback", cost, results)
    points = [trace for trace in figure.data if trace.mode == "markers+text"]
    found = {name: (x, y) for trace in points for name, x, y in zip(trace.text, trace.x, trace.y, strict=True)}
    assert {name: y for name, (_, y) in found.items()} == {"small": 0.7, "large": 0.8, "words": 0.6}
    costs = read_board(results).drop_duplicates("encoder").set_index("encoder")[COSTS[cost][0]]
    assert {name: x for name, (x, _) in found.items()} == costs.to_dict()
    assert {trace.name for trace in points} == {"bert", "linear"}
    assert all(up == pytest.approx(0.03) for trace in points for up in trace.error_y.array)
    assert all(down == pytest.approx(0.02) for trace in points for down in trace.error_y.arrayminus)


def test_no_results_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no leaderboard yet; make it: python -m benchmark leaderboard"):
        read_board(tmp_path)
    assert "no leaderboard" in show(None, next(iter(COSTS)), tmp_path)[1]


def test_a_damaged_board_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "board").mkdir()
    (tmp_path / "board" / "cells.parquet").write_bytes(b"cut short")
    with pytest.raises(UserError, match="python -m benchmark leaderboard"):
        read_board(tmp_path)


def test_a_board_of_an_older_version_says_what_to_do(results: Path, tmp_path: Path) -> None:
    (tmp_path / "board").mkdir()
    read_board(results).drop(columns="variant").to_parquet(tmp_path / "board" / "cells.parquet")
    with pytest.raises(UserError, match="has no variant; make it again"):
        read_board(tmp_path)


def test_unknown_task_and_cost_are_refused(results: Path) -> None:
    board = read_board(results)
    with pytest.raises(UserError, match="Did you mean 'feedback'"):
        reading_table(board, "feedbak")
    assert "Unknown cost 'money'" in show("feedback", "money", results)[1]


def test_a_new_board_is_seen(results: Path, tmp_path: Path) -> None:
    board = read_board(results)
    (tmp_path / "board").mkdir()
    board.to_parquet(tmp_path / "board" / "cells.parquet")
    assert tasks_of(read_board(tmp_path)) == ["feedback", "sst2"]
    board[board["task"] == "sst2"].to_parquet(tmp_path / "board" / "cells.parquet")
    assert tasks_of(read_board(tmp_path)) == ["sst2"]
