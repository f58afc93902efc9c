"""The board's plots and the report: what they draw is what the tables say."""

import re

import numpy as np
import pytest

from benchmark.leaderboard import Board, build
from benchmark.plots import figures, front, intervals, mean_ranks, on_front, ranks
from benchmark.report import html
from benchmark.tables import main_cells
from benchmark.tasks import TASKS

from .conftest import synthetic_writer

FEEDBACK = TASKS["feedback"]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    write = synthetic_writer(tmp_path_factory.mktemp("board"))
    for task in ("feedback", "sst2"):
        for encoder in ("minilm-l6", "granite-30m"):
            for seed in range(2):
                folder = write(task=task, encoder=encoder, seed=seed)
    write(task="sst2", encoder="tfidf-lr")
    return build(folder.parents[2])


def test_intervals_are_drawn_as_they_stand_on_the_board(board: Board) -> None:
    main = main_cells(board.cells, FEEDBACK)
    (trace,) = intervals(main, FEEDBACK).data
    assert list(trace.x) == main["value"].tolist()
    np.testing.assert_allclose(np.add(trace.x, trace.error_x.array), main["high"])
    np.testing.assert_allclose(np.subtract(trace.x, trace.error_x.arrayminus), main["low"])


def test_a_rank_interval_is_a_bar_over_its_ranks(board: Board) -> None:
    main = main_cells(board.cells, TASKS["sst2"])
    (bar,) = ranks(main).data
    assert set(bar.y) == {"minilm-l6", "granite-30m"}  # the one of a single seed has none
    low, high = np.array(bar.base) + 0.4, np.array(bar.base) + np.array(bar.x) - 0.4
    expected = main.dropna(subset=["rank_low"]).set_index("encoder").loc[list(bar.y)]
    np.testing.assert_allclose(low, expected["rank_low"].astype(int))
    np.testing.assert_allclose(high, expected["rank_high"].astype(int))


def test_the_front_is_of_what_nothing_beats_in_both() -> None:
    cost, quality = np.array([1.0, 2, 3, 3, 4, 4]), np.array([0.5, 0.7, 0.6, 0.7, 0.9, 0.9])
    assert on_front(cost, quality).tolist() == [True, True, False, False, True, True]


def test_the_front_is_joined_by_a_line(board: Board) -> None:
    main = main_cells(board.cells, FEEDBACK).assign(p50_ms=[1.0, 5.0], value=[0.5, 0.8])
    line = front(main, FEEDBACK).data[-1]
    assert (list(line.x), list(line.y)) == ([1.0, 5.0], [0.5, 0.8])


def test_mean_ranks_are_drawn_best_on_top(board: Board) -> None:
    (trace,) = mean_ranks(board.overall).data
    assert list(trace.y)[::-1] == board.overall["name"].tolist()


def test_every_task_has_its_figures(board: Board) -> None:
    assert len(figures(board, FEEDBACK)) == len(figures(board, TASKS["sst2"])) + 1  # decision rules
    (*rows, perfect) = figures(board, FEEDBACK)["Reliability: how often a score is right"].data
    assert perfect.name == "perfect"
    assert {trace.name for trace in rows} == {"minilm-l6", "granite-30m"}
    tempered = board.reliability[board.reliability["calibrator"] == "temperature"]
    assert len(rows[0].x) == len(tempered[(tempered["encoder"] == rows[0].name) & (tempered["task"] == "feedback")])


def test_the_report_needs_nothing_beside_it(board: Board) -> None:
    text = html(board)
    assert text.count("<figure>") == text.count("Plotly.newPlot(") == 10
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", text)
    for cell in main_cells(board.cells, FEEDBACK).to_dict("records"):
        assert f"{cell['value']:.4f} [{cell['low']:.4f}, {cell['high']:.4f}]" in text
