"""The board's plots and the report: what they draw is what the tables say."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmark.board.build import build
from benchmark.board.html_report import html
from benchmark.board.pages import main_cells
from benchmark.board.plots import COLOURS, figures, front, intervals, mean_ranks, on_front, ranks, reliability
from benchmark.board.tables import Board
from benchmark.tasks.registry import TASKS
from tests.benchmark.conftest import WriteRun, synthetic_writer

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
    assert set(bar.y) == {"minilm-l6", "granite-30m", "tfidf-lr"}  # a baseline needs one seed
    low, high = np.array(bar.base) + 0.4, np.array(bar.base) + np.array(bar.x) - 0.4
    expected = main.dropna(subset=["rank_low"]).set_index("encoder").loc[list(bar.y)]
    np.testing.assert_allclose(low, expected["rank_low"].astype(int))
    np.testing.assert_allclose(high, expected["rank_high"].astype(int))


def test_what_was_tuned_has_a_plot_of_ranks_of_its_own(write_synthetic: WriteRun) -> None:
    for encoder in ("minilm-l6", "granite-30m"):
        for seed in range(2):
            write_synthetic(encoder=encoder, seed=seed)
            folder = write_synthetic(encoder=encoder, seed=seed, recipe={"epochs": 2}, trials=8)
    found = {title: figure for title, figure in figures(build(folder.parents[2]), FEEDBACK).items() if "ranks" in title}
    assert list(found) == [
        "The ranks that each entry may have",
        "The ranks that each entry may have: tuned over 8 trials",
    ]
    for figure, tuned in zip(found.values(), ("", " [tuned over 8 trials]"), strict=True):
        assert set(figure.data[0].y) == {f"minilm-l6{tuned}", f"granite-30m{tuned}"}


def test_the_front_is_of_what_nothing_beats_in_both() -> None:
    cost, quality = np.array([1.0, 2, 3, 3, 4, 4]), np.array([0.5, 0.7, 0.6, 0.7, 0.9, 0.9])
    assert on_front(cost, quality).tolist() == [True, True, False, False, True, True]


def test_the_front_is_joined_by_a_line(board: Board) -> None:
    main = main_cells(board.cells, FEEDBACK).assign(p50_ms=[1.0, 5.0], value=[0.5, 0.8])
    line = front(main, FEEDBACK).data[-1]
    assert (list(line.x), list(line.y)) == ([1.0, 5.0], [0.5, 0.8])


def test_mean_ranks_are_drawn_best_on_top(board: Board) -> None:
    (trace,) = mean_ranks(board.overall).data
    assert list(trace.y)[::-1] == board.overall["encoder"].tolist()


def test_every_task_has_its_figures(board: Board) -> None:
    assert len(figures(board, FEEDBACK)) == len(figures(board, TASKS["sst2"])) + 1  # decision rules
    (*rows, perfect) = figures(board, FEEDBACK)["Reliability: how often a score is right"].data
    assert perfect.name == "perfect"
    assert {trace.name for trace in rows} == {"minilm-l6", "granite-30m"}
    tempered = board.reliability[board.reliability["calibrator"] == "temperature"]
    assert len(rows[0].x) == len(tempered[(tempered["encoder"] == rows[0].name) & (tempered["task"] == "feedback")])


def _reliability(shares: list[float], entries: int) -> pd.DataFrame:
    points = pd.DataFrame({"confidence": np.linspace(0.01, 0.9, len(shares)), "frequency": shares})
    named = [points.assign(encoder=f"encoder {number}", variant="") for number in range(entries)]
    return pd.concat(named).assign(calibrator="temperature")


def test_entries_past_the_colours_are_told_apart_by_symbol_and_dash() -> None:
    *rows, _ = reliability(_reliability([0.1, 0.9], 2 * len(COLOURS) + 1)).data
    for looks in (
        {(row.marker.color, row.marker.symbol) for row in rows},
        {(row.line.color, row.line.dash) for row in rows},
    ):
        assert len(looks) == len(rows)
    main = pd.DataFrame({"family": [f"family {number}" for number in range(8)], "encoder": "x", "variant": ""})
    main = main.assign(value=0.5, low=0.4, high=0.6, seeds=3, p50_ms=1.0)
    *points, _ = front(main, FEEDBACK).data
    assert len({(point.marker.color, point.marker.symbol) for point in points}) == 8


@pytest.mark.parametrize(
    ("shares", "drawn", "ticks"),
    [
        ([0.0, 0.02, 1.0], [0.01, 0.02, 1.0], {0.01: "0", 0.1: "0.1", 1.0: "1"}),
        ([0.0, 1e-4, 0.5], [1e-5, 1e-4, 0.5], {1e-5: "0", 1e-4: "0.0001", 1e-3: "0.001", 0.01: "0.01"}),
        ([1e-5, 0.5], [1e-5, 0.5], {1e-6: "0.000001", 1e-5: "0.00001"}),
        ([0.0, 0.0], [0.01, 0.01], {0.01: "0", 0.1: "0.1"}),
    ],
)
def test_a_share_of_0_is_called_0_and_ticks_are_written_out(
    shares: list[float], drawn: list[float], ticks: dict[float, str]
) -> None:
    figure = reliability(_reliability(shares, 1))
    row, perfect = figure.data
    assert list(row.y) == pytest.approx(drawn)
    assert list(row.customdata) == shares  # what the pointer shows
    assert perfect.y[0] == max(0.01, min(figure.layout.yaxis.tickvals))
    found = list(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    for (value, text), (expected, said) in zip(found, ticks.items(), strict=False):
        assert value == pytest.approx(expected)
        assert text == said
    assert found[-1] == (1.0, "1")


def test_the_report_needs_nothing_beside_it(board: Board) -> None:
    text = html(board)
    assert text.count("<figure>") == text.count("Plotly.newPlot(") == 10
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", text)
    for cell in main_cells(board.cells, FEEDBACK).to_dict("records"):
        assert f"{cell['value']:.4f} [{cell['low']:.4f}, {cell['high']:.4f}]" in text


def test_the_report_shows_a_name_as_text(board: Board) -> None:
    odd = {name: getattr(board, name).replace("minilm-l6", "<b>odd</b>") for name in ("cells", "pairs", "problems")}
    text = html(replace(board, **odd))
    assert "<b>odd" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert text.count("&lt;b&gt;odd&lt;/b&gt;") >= 2 * 2  # a table and a sentence a task
