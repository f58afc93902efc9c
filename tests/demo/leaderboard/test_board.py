"""The Leaderboard tab's handlers, without a browser."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest

from benchmark.statistics.metrics import metrics_of
from benchmark.training.runs import RESULTS
from demo.leaderboard.handlers import (
    OVERALL,
    PLOTS,
    SIZES,
    figure_of,
    note_of,
    published_of,
    read_board,
    select,
    table_of,
    views,
    write_csv,
)
from demo.leaderboard.view import _with_names, checkpoint_of, show, usual
from demo.leaderboard.words import CHINESE, ENGLISH, in_words, with_headings
from zoo.checkpoints.checkpoint import CHECKPOINTS, read_checkpoint
from zoo.decision import Rule
from zoo.errors import UserError

FAMILIES = ["bert", "linear"]
METRICS = {*metrics_of("single_label_classification"), *metrics_of("multi_label_classification")}
NOTE = 3  # where the line about the numbers stands among what `show` returns


def test_the_table_is_best_first(results: Path) -> None:
    board = read_board(results)
    assert views(board) == ["feedback", "sst2", OVERALL["en"]]
    assert table_of(board, "feedback").iloc[:, 0].tolist() == ["large", "small", "words"]
    assert table_of(board, OVERALL["en"])["mean rank"].tolist() == ["1.00", "2.00"]


def test_views_are_those_of_a_language(results: Path) -> None:
    assert views(read_board(results), "en") == views(read_board(results))
    assert views(read_board(results), "zh") == []
    assert "No encoder is left" in show(results, "en", language="zh")[NOTE]


def test_families_and_sizes_are_selected(results: Path) -> None:
    board = read_board(results)
    left = {
        (size, family): set(select(board, [family], size).cells["encoder"]) for size in SIZES for family in FAMILIES
    }
    assert {key: names for key, names in left.items() if names} == {
        ("any size", "bert"): {"small", "large"},
        ("any size", "linear"): {"words"},
        ("under 25 M", "bert"): {"small"},
        ("under 25 M", "linear"): {"words"},
        ("100 M and more", "bert"): {"large"},
    }
    mean_ranks = table_of(select(board, FAMILIES, "under 25 M"), OVERALL["en"])
    assert mean_ranks["encoder"].tolist() == ["small"]
    with pytest.raises(UserError, match="Unknown size"):
        select(board, FAMILIES, "huge")
    shown = show(results, "zh", "feedback", families=["linear"], size="100 M and more")
    assert "没有符合条件" in shown[NOTE]


def test_what_was_shown_goes_where_nothing_is_left(results: Path) -> None:
    shown = show(results, "en", OVERALL["en"], families=["linear"])
    assert "No encoder is left" in shown[NOTE]
    table, csv, figure = shown[NOTE + 1 : NOTE + 4]
    assert (table.visible, csv.visible, figure) == (False, False, None)


def test_columns_are_the_usual_ones_unless_some_are_chosen(results: Path) -> None:
    table = table_of(read_board(results), "feedback")
    costs = ["training (s)", "latency p50 (ms)"]
    assert usual(table) == ["rank", "f1_macro [95 %]", "family", "parameters (M)", "seeds", *costs]
    for chosen, expected in (([], usual(table)), (["MiB", "nonsense", "rank"], ["MiB", "rank"])):
        shown = show(results, "en", "feedback", columns=chosen)[4]
        assert list(pd.DataFrame(shown.value["data"], columns=shown.value["headers"]).columns) == ["encoder", *expected]


def test_the_csv_has_every_metric_of_the_task(results: Path) -> None:
    board = read_board(results)
    read = pd.read_csv(write_csv(board, "sst2"), keep_default_na=False)
    expected = board.cells[board.cells["task"] == "sst2"].reset_index(drop=True)
    pd.testing.assert_frame_equal(read, expected, check_dtype=False)
    filtered = write_csv(select(board, ["linear"], "any size"), "sst2")  # by another visitor, meanwhile
    assert set(pd.read_csv(filtered)["encoder"]) == {"words"}
    pd.testing.assert_frame_equal(pd.read_csv(write_csv(board, "sst2"), keep_default_na=False), read)


@pytest.mark.parametrize(("plot", "column"), [("time", "p50_ms"), ("training", "train_seconds")])
def test_the_front_shows_each_encoder_once(plot: str, column: str, results: Path) -> None:
    board = read_board(results)
    points = [trace for trace in figure_of(board, "feedback", plot).data if trace.mode == "markers+text"]
    found = {name: (x, y) for trace in points for name, x, y in zip(trace.text, trace.x, trace.y, strict=True)}
    assert {name: y for name, (_, y) in found.items()} == {"small": 0.7, "large": 0.8, "words": 0.6}
    costs = board.cells.drop_duplicates("encoder").set_index("encoder")[column]
    assert {name: x for name, (x, _) in found.items()} == costs.to_dict()
    assert {trace.name for trace in points} == {"bert", "linear"}
    assert all(up == pytest.approx(0.03) for trace in points for up in trace.error_y.array)
    assert all(down == pytest.approx(0.02) for trace in points for down in trace.error_y.arrayminus)


def test_every_plot_of_the_projects_own_board_is_drawn() -> None:
    board = read_board()
    for view in views(board):
        for plot in PLOTS:
            if plot in ("ranks", "gains") and view not in ("feedback", *OVERALL.values()):
                continue  # a task may have too few seeds for ranks, and one label has no rules
            assert len(figure_of(board, view, plot).data) > 0, (view, plot)
    with pytest.raises(UserError, match="nothing to draw"):
        figure_of(board, "sst2", "gains")
    with pytest.raises(UserError, match="Unknown plot"):
        figure_of(board, "feedback", "pie")


def test_what_is_published_stands_apart_and_takes_no_rank() -> None:
    board = read_board()
    published = published_of(board, "sst2")
    assert len(published) > 5
    assert {"encoder", "value", "source"} <= set(published)
    assert not {name for name in published if "rank" in name}
    assert len(published_of(board, "feedback")) == 0


def test_a_row_finds_the_checkpoint_of_its_own_runs() -> None:
    board = read_board()
    shipped = {folder.parent.name: folder for folder in (CHECKPOINTS / "sst2").glob("*/checkpoint.json")}
    (name,) = shipped
    (row,) = board.runs[board.runs["id"] == read_checkpoint(CHECKPOINTS / "sst2" / name).info.run].to_dict("records")
    assert checkpoint_of(board, "sst2", row["encoder"], row["variant"], None) == ("sst2", name)
    assert checkpoint_of(board, OVERALL["en"], row["encoder"], "", None)[1] == name
    for task, *entry in (
        ("sst2", row["encoder"], "another recipe"),
        ("feedback_zh", "tfidf-lr", ""),
        ("nothing", "granite-30m", ""),
    ):
        with pytest.raises(UserError, match="No checkpoint of"):
            checkpoint_of(board, task, *entry, None)


def test_variants_of_an_encoder_are_rows_with_a_column_of_their_own(results: Path) -> None:
    board = read_board(results)
    cells = board.cells.assign(variant=board.cells["encoder"].map({"small": "epochs=1", "large": "", "words": ""}))
    cells["encoder"] = cells["encoder"].replace("small", "large")
    table = table_of(replace(board, cells=cells), "feedback")
    assert table[["encoder", "variant"]].to_numpy().tolist() == [["large", ""], ["words", ""], ["large", "epochs=1"]]
    shown = _with_names(table, usual(table))
    assert shown[:4] == ["encoder", "rank", "f1_macro [95 %]", "variant"]
    assert "variant" not in _with_names(table_of(board, "feedback"), usual(table))


def test_headings_and_plots_are_in_the_pages_language() -> None:
    board = read_board()
    tables = [table_of(board, view) for view in views(board)]
    figures = [figure_of(board, view, plot) for view, plot in (("feedback", "time"), ("feedback", "gains"))]
    english = [list(with_headings(table, "en").columns) for table in tables]
    assert english == [list(table.columns) for table in tables]
    known = {name for table in tables for name in table}
    left = {name for table in tables for name in with_headings(table, "zh") if str(name).isascii()}
    assert left == {name for name in known if name == "MiB" or name.split(",")[0].split()[0] in METRICS}
    for figure in figures:
        before = figure.layout.xaxis.title.text
        assert in_words(figure, "en").layout.xaxis.title.text == before
        assert in_words(figure, "zh").layout.xaxis.title.text == CHINESE[before]


def test_no_results_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no leaderboard yet; make it: encoder-zoo board --results"):
        read_board(tmp_path)
    assert "no leaderboard" in show(tmp_path, "en")[NOTE]


def test_a_damaged_board_says_what_to_do(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results / "board", tmp_path / "board")
    (tmp_path / "board" / "cells.parquet").write_bytes(b"cut short")
    with pytest.raises(UserError, match="holds no readable board"):
        read_board(tmp_path)


def test_unknown_task_is_refused_and_an_unknown_view_is_the_first(results: Path) -> None:
    with pytest.raises(UserError, match="Did you mean 'feedback'"):
        table_of(read_board(results), "feedbak")
    assert show(results, "en", "feedbak")[0].value == "feedback"


def test_the_note_says_what_ranks_and_on_how_many_rows(results: Path) -> None:
    board = read_board(results)
    assert "f1_macro" in note_of(board, "feedback", "en")
    assert "n = 200" in note_of(board, "feedback", "zh")
    assert "on the tasks of the language that both have" in note_of(board, OVERALL["en"], "en")


def test_rules_and_splits_are_in_words(results: Path) -> None:
    board = read_board(results)
    assert "test split, n = 200; decision rule: a threshold for each label." in note_of(board, "feedback", "en")
    assert "decision rule: highest score." in note_of(board, "sst2", "en")
    assert "判定规则：每个标签各自的阈值" in note_of(board, "feedback", "zh")
    assert set(ENGLISH) >= set(get_args(Rule))
    assert set(ENGLISH) <= set(CHINESE)
    published = published_of(read_board(), "sst2")
    assert set(published["split"]) == {"test", "validation"}
    assert with_headings(published, "en").equals(published)
    chinese = with_headings(published, "zh")
    assert chinese["划分"].tolist() == [CHINESE[split] for split in published["split"]]
    legend = {trace.name for trace in in_words(figure_of(read_board(), "feedback", "gains"), "en").data}
    assert {"one threshold for all", "a threshold for each label"} <= legend


def test_a_new_board_is_seen(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results / "board", tmp_path / "board")
    board = read_board(tmp_path)
    assert "sst2" in views(board)
    board.tasks[board.tasks["task"] == "feedback"].to_parquet(tmp_path / "board" / "tasks.parquet")
    assert "sst2" not in views(read_board(tmp_path))


def test_the_projects_own_board_is_the_default() -> None:
    assert read_board() is read_board(RESULTS)
