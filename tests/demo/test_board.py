"""The Leaderboard tab's handlers, without a browser."""

from pathlib import Path

import pandas as pd
import pytest

from demo.board import COSTS, read_board, reading_table, tasks_of, write_csv
from demo.leaderboard_view import show
from demo.plots import quality_against_cost
from zoo.errors import UserError


def test_the_table_is_best_first(results: Path) -> None:
    board = read_board(results)
    assert tasks_of(board) == ["feedback", "sst2"]
    assert list(reading_table(board, "feedback")["encoder"]) == ["large", "small", "words"]


def test_the_csv_has_every_metric_of_the_task(results: Path) -> None:
    board = read_board(results)
    read = pd.read_csv(write_csv(board, "sst2"), keep_default_na=False)
    pd.testing.assert_frame_equal(read, board[board["task"] == "sst2"].reset_index(drop=True), check_dtype=False)


@pytest.mark.parametrize(("cost", "column"), COSTS.items())
def test_the_plot_shows_each_encoder_once(cost: str, column: str, results: Path) -> None:
    board = read_board(results)
    figure = quality_against_cost(board, "feedback", cost)
    points = {name: (x, y) for trace in figure.data for name, x, y in zip(trace.text, trace.x, trace.y, strict=True)}
    assert {name: y for name, (_, y) in points.items()} == {"small": 0.7, "large": 0.8, "words": 0.6}
    costs = board.drop_duplicates("encoder").set_index("encoder")[column]
    assert {name: x for name, (x, _) in points.items()} == costs.to_dict()
    assert {trace.name for trace in figure.data} == {"bert", "linear"}
    assert all(sd == 0.01 for trace in figure.data for sd in trace.error_y.array)


def test_no_results_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There are no runs"):
        read_board(tmp_path)
    assert "There are no runs" in show(None, next(iter(COSTS)), tmp_path)[1]


def test_a_damaged_board_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "leaderboard.parquet").write_bytes(b"cut short")
    with pytest.raises(UserError, match="python -m benchmark leaderboard"):
        read_board(tmp_path)


def test_a_board_of_an_older_version_says_what_to_do(results: Path, tmp_path: Path) -> None:
    read_board(results).drop(columns="variant").to_parquet(tmp_path / "leaderboard.parquet")
    with pytest.raises(UserError, match="has no variant; make it again"):
        read_board(tmp_path)


def test_unknown_task_and_cost_are_refused(results: Path) -> None:
    board = read_board(results)
    with pytest.raises(UserError, match="Did you mean 'feedback'"):
        reading_table(board, "feedbak")
    with pytest.raises(UserError, match="Unknown cost"):
        quality_against_cost(board, "feedback", "money")


def test_a_new_board_is_seen(results: Path, tmp_path: Path) -> None:
    board = read_board(results)
    board.to_parquet(tmp_path / "leaderboard.parquet")
    assert tasks_of(read_board(tmp_path)) == ["feedback", "sst2"]
    board[board["task"] == "sst2"].to_parquet(tmp_path / "leaderboard.parquet")
    assert tasks_of(read_board(tmp_path)) == ["sst2"]
