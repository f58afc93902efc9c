"""The Explore tab's views, without a browser: against the board's own numbers, and with the texts of the rows."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.board.build import build
from benchmark.board.tables import write_tables
from benchmark.statistics.calibration import reliability
from benchmark.statistics.resampling import draw
from benchmark.statistics.slices import slices
from benchmark.tasks.registry import TASKS, Task
from benchmark.tasks.row_facts import FACTS, write_row_facts
from benchmark.tasks.rows import read_rows
from benchmark.training.runs import RESULTS, Predictions
from demo.explore import handlers as explore
from demo.explore import pairs as explore_pairs
from demo.explore.contents import CONTENTS, _part_name
from demo.explore.form import OUTCOMES, VIEWS, Form
from demo.explore.handlers import MAX_ROWS
from demo.explore.pairs import find
from demo.explore.view import show
from demo.shared.texts import TEXTS
from tests.benchmark.conftest import WriteRun, make_predictions, synthetic_writer
from tests.demo.explore.shown import ABOUT, GOLD, GRANITE, MINILM, PLOT, pair_in, problem, said, table_of, values
from zoo.errors import UserError


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of two encoders on four tasks, and a board of those of feedback and sst2."""
    root = tmp_path_factory.mktemp("published")
    put = synthetic_writer(root)
    for task, n in {"feedback": 120, "sst2": 90}.items():
        for number, encoder in enumerate(("minilm-l6", "granite-30m")):
            for seed in range(2):
                put(task, encoder, seed, predictions=predictions_of(TASKS[task], 10 * number + seed, n))
    write_tables(build(root / "results"), root / "results" / "board")
    for task in ("duee_event_types", "chnsenticorp"):
        for number, encoder in enumerate(("minilm-l6", "granite-30m")):
            put(task, encoder, predictions=predictions_of(TASKS[task], number, 400))
    return root / "results"


def predictions_of(task: Task, seed: int, n: int) -> Predictions:
    """Synthetic predictions that are often wrong."""
    found = make_predictions(len(task.labels), task.multi_label, seed, n)
    noise = np.random.default_rng(seed).normal(0, 2, found.test_logits.shape).astype(np.float32)
    return replace(found, test_logits=found.test_logits + noise)


@pytest.mark.parametrize("task", ["feedback", "sst2", "duee_event_types", "chnsenticorp"])
def test_the_decisions_are_the_boards_own(published: Path, task: str) -> None:
    entry = find(published).tasks[task]["granite-30m", ""]
    pair = pair_in(published, task, seed=max(entry.runs))
    expected = entry.scored(entry.task.rule)[pair.seed]
    np.testing.assert_array_equal(pair.scored_a.y_pred, expected.y_pred)
    np.testing.assert_array_equal(pair.scored_a.y_score, expected.y_score)


def test_parts_are_those_of_the_board_with_at_least_30_rows(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published / "feedback", tmp_path / "feedback")
    rng = np.random.default_rng(0)
    facts = pd.DataFrame({name: rng.integers(0, 2, 120) for name in FACTS}).astype(FACTS)
    facts["words"], facts["emoji"] = np.arange(120), np.arange(120) < 29
    pair = pair_in(tmp_path, "feedback")
    assert explore_pairs.row_facts(pair, tmp_path) is None
    for fingerprint, known in {"rows": True, "other rows": False}.items():
        write_row_facts(tmp_path / "feedback" / "rows.npz", facts, fingerprint)
        shown = explore_pairs.row_facts(pair, tmp_path)
        assert (shown is not None) == known
        found = explore.by_part(pair, shown)
        board = slices(pair.a.seeds, facts if known else None, partial(draw, number=10))
        assert found[["slice", "part", "n"]].to_numpy().tolist() == board[["slice", "part", "n"]].to_numpy().tolist()
        assert (found[list(OUTCOMES)].sum(axis=1) == found["n"]).all()
    (tmp_path / "feedback" / "rows.npz").write_bytes(b"cut short")
    assert "is not a readable file of row facts" in problem(Form(task="feedback"), tmp_path)


def test_at_most_200_rows_are_shown_and_it_is_said(published: Path) -> None:
    found = {outcome: explore.rows_with(pair_in(published, "chnsenticorp"), outcome) for outcome in OUTCOMES}
    assert sum(total for _, total in found.values()) == 400
    table, total = found["both"]
    assert (len(table), total > MAX_ROWS) == (MAX_ROWS, True)
    assert any(
        f"{total:,} rows; the table shows the 200 rows" in line
        for line in said(Form(task="chnsenticorp", view="rows", outcome="both"), published)
    )


# -- the other views --------------------------------------------------------------------------------------------------


def test_reliability_is_the_calibrations_own(published: Path) -> None:
    pair = pair_in(published, "feedback", seed=1)
    found = explore.reliability_of(pair)
    for entry in (pair.a, pair.b):
        assert list(entry.runs) == [1]
        expected = reliability(entry.seeds)
        of_entry = found[found["encoder"] == entry.encoder].reset_index(drop=True)
        pd.testing.assert_frame_equal(of_entry[expected.columns], expected)


def test_gains_are_those_of_the_board(published: Path) -> None:
    rules = pd.read_parquet(published / "board" / "rules.parquet")
    found = explore.gains_of(pair_in(published, "feedback"), published)
    pd.testing.assert_frame_equal(found, rules[rules["task"] == "feedback"])
    assert set(found["encoder"]) == {"granite-30m", "minilm-l6"}


@pytest.mark.parametrize("language", ["en", pytest.param("zh", marks=pytest.mark.slow)])
@pytest.mark.parametrize("task", ["feedback", "sst2", "duee_event_types"])
@pytest.mark.parametrize("view", [view for view in VIEWS if view != "gains"])
def test_every_view_of_every_kind_of_task_shows_something(published: Path, view: str, task: str, language: str) -> None:
    outcome = "neither" if task == "duee_event_types" else "only_a"  # of 65 labels one is always wrong
    shown = show(Form(task=task, view=view, outcome=outcome), published, language)  # type: ignore[arg-type]
    assert shown[ABOUT]["problem"] == ""
    assert ("A: granite-30m" in shown[ABOUT]["lines"][0]) == (language == "en")
    assert shown[PLOT].visible == (view != "rows")
    assert len(table_of(shown)["rows"]) > 0


@pytest.mark.parametrize("view", ["labels", "rows", "confusion"])
def test_labels_of_the_chinese_task_have_chinese_names_on_a_chinese_page(view: str) -> None:
    names = {label: TEXTS["zh"][f"label_{label}"] for label in TASKS["feedback_zh"].labels}
    form = Form(task="feedback_zh", view=view, outcome="both", gold="price")  # type: ignore[arg-type]
    shown = {language: show(form, None, language) for language in ("en", "zh")}  # type: ignore[arg-type]
    english, chinese = (
        {cell for row in table_of(each)["rows"] for cell in row if isinstance(cell, str)} for each in shown.values()
    )
    listed = [cell for cell in english if set(cell.split(", ")) <= names.keys()]
    assert listed
    assert {", ".join(names[label] for label in cell.split(", ")) for cell in listed} <= chinese
    assert not chinese & names.keys()
    if view == "rows":
        choices = {language: dict(each[GOLD].choices) for language, each in shown.items()}
        assert choices["zh"][names["price"]] == choices["en"]["price"] == "price"
        assert shown["zh"][GOLD].value == "price"


def test_a_plot_shows_the_counts_of_its_table(published: Path) -> None:
    pair = pair_in(published, "feedback")
    content = CONTENTS["labels"](pair, Form(), published, "en")
    table = explore.by_label(pair)
    assert content.figure is not None
    for trace, outcome in zip(content.figure.data, OUTCOMES, strict=True):
        assert list(trace.y) == list(pair.task.labels)
        np.testing.assert_allclose(trace.x, 100 * table[outcome] / table["n"])
    square = CONTENTS["confusion"](pair, Form(whose="b"), published, "en").figure
    assert square is not None
    cells = explore.confusion(pair, "b").set_index(["gold", "decided"])
    (trace,) = square.data
    for i, gold in enumerate(trace.y):
        for j, said_ in enumerate(trace.x):
            assert trace.z[i][j] == pytest.approx(100 * cells.loc[(gold, said_), "share"])
            assert trace.customdata[i][j] == cells.loc[(gold, said_), "n"]


def test_every_slice_of_the_committed_board_has_a_name_in_both_languages() -> None:
    board = pd.read_parquet(RESULTS / "board" / "slices.parquet")
    found = board[board["slice"] != "label frequency"][["slice", "part"]].drop_duplicates()
    for slice_, part in found.itertuples(index=False):
        assert len({_part_name(slice_, part, "en"), _part_name(slice_, part, "zh")}) == 2
    assert _part_name("length", "1-8 words", "zh") == "长度: 1-8 个词"


def test_no_entry_is_compared_with_itself(published: Path) -> None:
    shown = values(show(Form("feedback", tuple(MINILM), tuple(MINILM)), published, "en"))
    assert (shown["a"], shown["b"]) == (MINILM, GRANITE)


def test_what_cannot_be_shown_is_said_in_one_line(published: Path, write: WriteRun, tmp_path: Path) -> None:
    for form, expected in {
        Form("feedbak"): "Unknown task 'feedbak'. Did you mean 'feedback'",
        Form("feedback", ("granit-30m", "")): "Unknown entry 'granit-30m'. All: granite-30m, minilm-l6",
        Form("feedback", judged="pric"): "Unknown label 'pric'. Did you mean 'price'",
        Form("feedback", view="rows", gold="pric"): "Unknown label 'pric'",
        Form("feedback", view="rows", outcome="all"): "Unknown outcome 'all'",
        Form("feedback", view="confusion", whose="c"): "Unknown side 'c'",
        Form("sst2", view="gains"): "'sst2' decides for the label with the highest score and has no thresholds",
        Form("duee_event_types", view="gains"): "granite-30m is not on the leaderboard yet",
    }.items():
        assert problem(form, published).startswith(expected)
    assert "There are no runs in" in problem(Form(), tmp_path / "nothing")
    write("feedback")
    assert "'feedback' has only one entry, minilm-l6, and a comp" in problem(Form(), tmp_path / "results")
    write("feedback", "granite-30m", 1)
    assert "granite-30m and minilm-l6 have no seed in common on 'feedback'" in problem(Form(), tmp_path / "results")
    write("feedback", "granite-30m", 0)
    assert "holds no leaderboard yet; make it: encoder-zoo board" in problem(Form(view="gains"), tmp_path / "results")


# -- texts ------------------------------------------------------------------------------------------------------------


def runs_of_rows(write: WriteRun, task: str, data: Path | None) -> list[str]:
    """Two runs of the rows of a task, whose texts are returned."""
    rows = read_rows(TASKS[task], data)
    for seed, encoder in enumerate(("granite-30m", "minilm-l6")):
        predictions = predictions_of(TASKS[task], seed, len(rows.test))
        write(task, encoder, predictions=predictions, fingerprint=rows.fingerprint)
    return rows.test.texts


def headings(shown: tuple[object, ...]) -> list[str]:
    return [column["title"] for column in table_of(shown)["columns"]]


@pytest.mark.parametrize("task", ["feedback", "sst2"])
def test_texts_are_shown_where_they_are_at_hand(
    task: str, write: WriteRun, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENCODER_ZOO_DATA", str(data_dir))
    texts = runs_of_rows(write, task, data_dir)
    assert explore_pairs.texts_of(pair_in(tmp_path / "results", task)) == texts
    shown = show(Form(task, view="rows", outcome="both"), tmp_path / "results", "en")
    assert headings(shown)[:2] == ["row", "text"]
    assert all(text == texts[row] for row, text, *_ in table_of(shown)["rows"])


def test_without_texts_rows_and_labels_are_shown_and_it_is_said(
    write: WriteRun,
    tmp_path: Path,
    data_dir: Path,
    write_dataset: Callable[[Path, Task], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs_of_rows(write, "sst2", data_dir)
    for folder in (None, str(tmp_path / "no-such-folder"), str(tmp_path)):
        monkeypatch.delenv("ENCODER_ZOO_DATA", raising=False)
        if folder:
            monkeypatch.setenv("ENCODER_ZOO_DATA", folder)
        shown = show(Form("sst2", view="rows", outcome="both"), tmp_path / "results", "en")
        assert headings(shown) == ["row", "gold", "A decides", "B decides", "score gap", "gap at label"]
        assert shown[ABOUT]["lines"][-1] == (
            "The texts of 'sst2' do not come with the app. The rows stand here without them."
        )
    write_dataset(tmp_path / "sst2", TASKS["sst2"])
    assert "text" in headings(show(Form("sst2", view="rows", outcome="both"), tmp_path / "results", "en"))
    frame = pd.read_parquet(tmp_path / "sst2" / "train.parquet").iloc[1:]
    frame.to_parquet(tmp_path / "sst2" / "train.parquet")
    assert "are not the rows of these runs" in said(Form("sst2", view="rows", outcome="both"), tmp_path / "results")[-1]
    (tmp_path / "sst2" / "train.parquet").write_bytes(b"cut short")
    assert "is not a readable parquet file" in said(Form("sst2", view="rows", outcome="both"), tmp_path / "results")[-1]


def test_an_unknown_side_or_outcome_is_an_error(published: Path) -> None:
    pair = pair_in(published, "feedback")
    with pytest.raises(UserError, match="All: both, only_a, only_b, neither"):
        explore.rows_with(pair, "none")
    with pytest.raises(UserError, match="All: a, b"):
        explore.confusion(pair, "")
