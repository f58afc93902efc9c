"""The Explore tab's handlers, without a browser: counts against hand-worked rows, scikit-learn, and the board."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from benchmark.board.build import build
from benchmark.board.entries import Entry
from benchmark.board.pages import tasks_of
from benchmark.board.tables import write_tables
from benchmark.statistics.calibration import reliability
from benchmark.statistics.resampling import Scored, draw
from benchmark.statistics.slices import slices
from benchmark.tasks.registry import TASKS, Task
from benchmark.tasks.row_facts import FACTS, write_row_facts
from benchmark.tasks.rows import read_rows
from benchmark.training.recipes import Recipe
from benchmark.training.runs import RESULTS, Predictions
from demo.explore import handlers as explore
from demo.explore import pairs as explore_pairs
from demo.explore.contents import CONTENTS, _part_name
from demo.explore.form import OUTCOMES, VIEWS, Form, read_form
from demo.explore.handlers import MAX_LABELS, MAX_ROWS
from demo.explore.pairs import Pair, find, pair_of
from demo.explore.view import show
from demo.leaderboard.handlers import read_board, records_of
from demo.leaderboard.verdict import pairs_of
from demo.shared.texts import TEXTS
from tests.benchmark.conftest import WriteRun, make_predictions, synthetic_writer
from zoo.errors import UserError
from zoo.files import write_bytes

GOLD, ABOUT, PLOT, TABLE = 6, -3, -2, -1  # of what `show` returns
GRANITE, MINILM = ["granite-30m", ""], ["minilm-l6", ""]
CHOICES = {"task": 0, "a": 1, "b": 2, "seed": 3}


def decided(task: Task, rows: list[tuple[set[str], set[str]]]) -> Predictions:
    """Logits that decide, row by row, the labels in the second set, where those in the first are gold."""
    gold, said = (np.array([[label in both[i] for label in task.labels] for both in rows]) for i in (0, 1))
    validation = np.resize(np.eye(len(task.labels), dtype=np.int8), (60, len(task.labels)))
    logits = [np.where(on, 5.0, -5.0).astype(np.float32) for on in (validation, said)]
    return Predictions(logits[0], validation, logits[1], gold.astype(np.int8))


@pytest.fixture
def write(tmp_path: Path) -> WriteRun:
    return synthetic_writer(tmp_path)


def pair_in(folder: Path, task: str, a: str = "granite-30m", b: str = "minilm-l6", seed: int | None = None) -> Pair:
    return pair_of(find(folder), task, (a, ""), (b, ""), seed)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of two encoders on four tasks, and a board of those of feedback and sst2."""
    root = tmp_path_factory.mktemp("published")
    put = synthetic_writer(root)
    for task, n in {"feedback": 120, "sst2": 90}.items():
        for number, encoder in enumerate(("minilm-l6", "granite-30m")):
            for seed in range(2):
                put(task, encoder, seed, predictions=predictions_of(TASKS[task], 10 * number + seed, n))
    write_tables(build(root / "results"), root / "results" / "board", write_bytes)
    for task in ("duee_event_types", "chnsenticorp"):
        for number, encoder in enumerate(("minilm-l6", "granite-30m")):
            put(task, encoder, predictions=predictions_of(TASKS[task], number, 400))
    return root / "results"


def predictions_of(task: Task, seed: int, n: int) -> Predictions:
    """Synthetic predictions that are often wrong."""
    found = make_predictions(len(task.labels), task.multi_label, seed, n)
    noise = np.random.default_rng(seed).normal(0, 2, found.test_logits.shape).astype(np.float32)
    return replace(found, test_logits=found.test_logits + noise)


# -- counts ---------------------------------------------------------------------------------------------------------


def test_a_single_label_task_worked_by_hand(write: WriteRun, tmp_path: Path) -> None:
    gold = ["positive", "positive", "positive", "negative", "negative", "negative"]
    a = ["positive", "positive", "negative", "negative", "positive", "positive"]
    b = ["positive", "negative", "positive", "negative", "positive", "positive"]
    for encoder, said in {"granite-30m": a, "minilm-l6": b}.items():
        rows = [({label}, {answer}) for label, answer in zip(gold, said, strict=True)]
        write("sst2", encoder, predictions=decided(TASKS["sst2"], rows))
    pair = pair_in(tmp_path / "results", "sst2")
    assert [OUTCOMES[each] for each in explore.outcomes(pair)] == [
        "both",
        "only_a",
        "only_b",
        "both",
        "neither",
        "neither",
    ]
    assert explore.by_part(pair, None).to_dict("records") == [
        {"slice": "all", "part": "all", "n": 6, "both": 2, "only_a": 1, "only_b": 1, "neither": 2}
    ]
    assert explore.by_label(pair).to_numpy().tolist() == [["negative", 3, 1, 0, 0, 2], ["positive", 3, 1, 1, 1, 0]]
    table, total = explore.rows_with(pair, "only_a")
    assert (total, table[["row", "gold", "a", "b", "at"]].to_numpy().tolist()) == (
        1,
        [[1, "positive", "positive", "negative", "positive"]],
    )
    assert table["gap"].tolist() == pytest.approx([1.0], abs=0.01)


def test_a_multi_label_task_worked_by_hand(write: WriteRun, tmp_path: Path) -> None:
    gold: list[set[str]] = [{"price", "quality"}, {"price"}, {"price"}, set(), {"refund"}]
    a: list[set[str]] = [{"price", "quality"}, {"price"}, {"quality"}, {"price"}, {"refund"}]
    b: list[set[str]] = [{"price"}, {"price"}, {"quality"}, set(), {"refund", "praise"}]
    for encoder, said in {"granite-30m": a, "minilm-l6": b}.items():
        write("feedback", encoder, predictions=decided(TASKS["feedback"], list(zip(gold, said, strict=True))))
    pair = pair_in(tmp_path / "results", "feedback")
    assert explore.outcomes(pair).tolist() == [1, 0, 3, 2, 1]
    assert explore.outcomes(pair, "price").tolist() == [0, 0, 3, 2, 0]
    found = explore.by_label(pair).set_index("label")[["n", *OUTCOMES]]
    assert found.loc["price"].tolist() == [4, 2, 0, 1, 1]  # the row of the refund has no price in it anywhere
    assert found.loc["quality"].tolist() == [2, 0, 1, 0, 1]
    assert found.loc["praise"].tolist() == [1, 0, 1, 0, 0]
    assert found.loc["delivery"].tolist() == [0, 0, 0, 0, 0]
    table, total = explore.rows_with(pair, "only_a", texts=["one", "two", "three", "four", "five"])
    assert total == 2
    by_row = table.set_index("row")
    assert by_row.loc[0, ["text", "gold", "a", "b", "at"]].tolist() == [
        "one",
        "price, quality",
        "price, quality",
        "price",
        "quality",
    ]
    assert by_row.loc[4, ["text", "gold", "a", "b", "at"]].tolist() == [
        "five",
        "refund",
        "refund",
        "refund, praise",
        "praise",
    ]
    assert by_row["gap"].tolist() == pytest.approx([1.0, -1.0], abs=0.02)
    assert explore.rows_with(pair, "only_b")[0][["gold", "a", "b"]].to_numpy().tolist() == [["–", "price", "–"]]
    cells = explore.confusion(pair, "a").set_index(["gold", "decided"])
    assert cells.loc[("price", "price"), "n"] == 2
    assert cells.loc[("price", "quality"), ["n", "share"]].tolist() == pytest.approx([2, 2 / 3])
    assert np.isnan(cells.loc[("praise", "price"), "share"])


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """Any gold labels and decisions, without runs behind them."""
    task = TASKS[draw(st.sampled_from(["feedback", "sst2", "duee_event_types"]))]
    n, k = draw(st.integers(1, 80)), len(task.labels)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = draw(st.sampled_from([0.0, 0.05, 0.4, 1.0]))

    def labels() -> np.ndarray:
        found = rng.random((n, k)) < share if task.multi_label else np.eye(k)[rng.integers(0, k, n)]
        return found.astype(np.int8)

    y_true = labels()
    predictions = Predictions(rng.random((n, k)), y_true, rng.random((n, k)), y_true)
    scored = [Scored(task.problem_type, y_true, rng.random((n, k)), labels()) for _ in range(2)]
    runs: Any = {0: SimpleNamespace(predictions=predictions, info=SimpleNamespace(recipe=Recipe()))}
    return Pair(Entry(task, "one", "", runs), Entry(task, "two", "", runs), 0, (0,), *scored)


@given(pairs())
def test_counts_are_those_of_scikit_learn(pair: Pair) -> None:
    total, found = explore.by_part(pair, None).iloc[0], explore.by_label(pair)
    for scored, alone in ((pair.scored_a, "only_a"), (pair.scored_b, "only_b")):
        assert total["both"] + total[alone] == sk.accuracy_score(pair.y_true, scored.y_pred, normalize=False)
        table = sk.multilabel_confusion_matrix(pair.y_true, scored.y_pred)
        wrong = found["n"] - found["both"] - found[alone]
        missed, invented = table[:, 1, 0], table[:, 0, 1]
        assert wrong.tolist() == (missed + (invented if pair.task.multi_label else 0)).tolist()
    assert (found[list(OUTCOMES)].sum(axis=1) == found["n"]).all()


@given(pairs(), st.sampled_from(OUTCOMES), st.booleans(), st.booleans())
def test_rows_are_those_of_a_plain_loop(pair: Pair, outcome: str, one_label: bool, one_gold: bool) -> None:
    labels = pair.task.labels
    judged, gold = labels[0] if one_label else None, labels[1] if one_gold else None
    expected = set()
    for row in range(len(pair.y_true)):
        shown = [0] if one_label else range(len(labels))
        a, b = (
            all(scored.y_true[row, i] == scored.y_pred[row, i] for i in shown)
            for scored in (pair.scored_a, pair.scored_b)
        )
        name = {(True, True): "both", (True, False): "only_a", (False, True): "only_b", (False, False): "neither"}[a, b]
        if name == outcome and (gold is None or pair.y_true[row, 1]):
            expected.add(row)
    table, total = explore.rows_with(pair, outcome, judged, gold)
    assert (set(table["row"]), total) == (expected, len(expected))
    assert table["gap"].abs().is_monotonic_decreasing
    for row in table.to_dict("records"):
        at = labels.index(row["at"])
        gap = pair.scored_a.y_score[row["row"], at] - pair.scored_b.y_score[row["row"], at]
        assert row["gap"] == pytest.approx(gap, abs=6e-4)


@given(pairs(), st.sampled_from(["a", "b"]))
def test_confusions_are_those_of_a_plain_count(pair: Pair, side: str) -> None:
    y_pred = (pair.scored_a if side == "a" else pair.scored_b).y_pred
    found, gold = explore.confusion(pair, side), pair.y_true.sum(axis=0)
    labels = pair.task.labels
    assert found["gold"].nunique() == min(len(labels), MAX_LABELS)
    kept = {labels.index(name) for name in found["gold"]}
    assert min(gold[list(kept)]) >= max([gold[i] for i in range(len(labels)) if i not in kept], default=0)
    for name, said, n, share in found.itertuples(index=False):
        both = int((pair.y_true[:, labels.index(name)] & y_pred[:, labels.index(said)]).sum())
        assert n == both
        assert share == pytest.approx(both / gold[labels.index(name)]) if gold[labels.index(name)] else np.isnan(share)
    if not pair.task.multi_label:
        names = found["gold"].unique().tolist()
        order = [labels.index(name) for name in names]
        matrix = sk.confusion_matrix(pair.y_true.argmax(axis=1), y_pred.argmax(axis=1), labels=order)
        assert found["n"].tolist() == matrix.ravel().tolist()


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


# -- what is chosen ---------------------------------------------------------------------------------------------------


def table_of(shown: tuple[Any, ...]) -> dict[str, Any]:
    """The table that `packed` has made a text of."""
    found: dict[str, Any] = json.loads(shown[TABLE])[0]
    return found


def said(form: Form, results: Path) -> list[str]:
    return show(form, results, "en")[ABOUT]["lines"]


def problem(form: Form, results: Path) -> str:
    shown = show(form, results, "en")
    assert not shown[PLOT].visible
    assert shown[TABLE] is None
    return shown[ABOUT]["problem"]


def values(shown: tuple[object, ...]) -> dict[str, object]:
    found = {name: shown[at].value for name, at in CHOICES.items()}  # type: ignore[attr-defined]
    return found | {side: json.loads(found[side]) for side in ("a", "b")}


def test_it_opens_on_the_first_task_with_two_entries_and_a_seed_of_both(write: WriteRun, tmp_path: Path) -> None:
    write("feedback", "minilm-l6")
    for encoder, seeds in {"granite-30m": (0, 2, 3), "minilm-l6": (1, 2, 3), "tfidf-lr": (3,)}.items():
        for seed in seeds:
            write("sst2", encoder, seed)
    results = tmp_path / "results"
    opened = {"task": "sst2", "a": GRANITE, "b": MINILM, "seed": 2}
    assert values(show(Form(), results, "en")) == opened
    assert values(show(Form("sst2", tuple(MINILM)), results, "en")) == opened | {"a": MINILM, "b": GRANITE}
    assert values(show(Form("sst2", b=tuple(GRANITE)), results, "en"))["a"] == MINILM
    other = show(Form("sst2", tuple(GRANITE), ("tfidf-lr", ""), 2), results, "en")
    assert values(other) == opened | {"b": ["tfidf-lr", ""], "seed": 3}


def test_a_recipe_of_its_own_is_an_entry_of_its_own(write: WriteRun, tmp_path: Path) -> None:
    write("feedback", recipe={"loss": "mean"})
    write("feedback")
    shown = show(Form(), tmp_path / "results", "en")
    assert values(shown)["b"] == ["minilm-l6", "loss=mean"]
    assert [name for name, _ in shown[CHOICES["a"]].choices] == ["minilm-l6"]  # without the one on the other side
    assert [name for name, _ in shown[CHOICES["b"]].choices] == ["minilm-l6 [loss=mean]"]


def test_no_entry_is_compared_with_itself(published: Path) -> None:
    shown = values(show(Form("feedback", tuple(MINILM), tuple(MINILM)), published, "en"))
    assert (shown["a"], shown["b"]) == (MINILM, GRANITE)


def test_it_opens_on_the_best_and_its_runner_up_with_the_boards_verdict() -> None:
    board = read_board()
    best, runner_up = (row["encoder"] for row in records_of(board, "feedback")[:2])
    shown = show(Form("feedback"), None, "en")
    assert (values(shown)["a"], values(shown)["b"]) == ([best, ""], [runner_up, ""])
    (feedback,) = (task for task in tasks_of(board) if task.name == "feedback")
    (pair,) = (
        each
        for each in pairs_of(board, feedback, "en")
        if {encoder for encoder, _ in each["entries"]} == {best, runner_up}
    )
    assert shown[ABOUT]["told"] == " ".join(pair["told"])


def test_an_address_chooses_what_is_explored() -> None:
    link = "#tab=explore&explore=sst2&a=%5B%22minilm-l6%22%2C%22%22%5D&seed=3&view=rows&outcome=both&whose=b&gold=x"
    assert read_form(link) == Form("sst2", ("minilm-l6", ""), None, 3, "rows", None, "both", "x", "b")
    assert read_form("#a=%5B1%2C2%5D&b=nonsense&seed=-1&view=no&outcome=no&whose=c") == Form()


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
    assert "holds no readable board" in problem(Form(view="gains"), tmp_path / "results")


def test_a_damaged_run_is_named_and_the_others_stand(write: WriteRun, tmp_path: Path) -> None:
    folders = [write("feedback", encoder, seed) for encoder in ("granite-30m", "minilm-l6") for seed in (0, 1)]
    assert len(said(Form(), tmp_path / "results")) == 2
    (folders[0] / "predictions.npz").write_bytes(b"cut short")
    shown = show(Form(), tmp_path / "results", "en")
    assert values(shown)["seed"] == 1
    assert "has damaged predictions; delete" in shown[ABOUT]["lines"][-1]
    for folder in folders[1:]:
        (folder / "predictions.npz").unlink()
    assert "There are no runs" in problem(Form(), tmp_path / "results")


def test_a_new_run_is_seen_and_an_old_one_not_read_again(write: WriteRun, tmp_path: Path) -> None:
    for encoder in ("granite-30m", "minilm-l6"):
        write("feedback", encoder)
    pair = pair_in(tmp_path / "results", "feedback")
    assert pair_in(tmp_path / "results", "feedback") is pair
    assert find(tmp_path / "results").tasks["feedback"].keys() == {tuple(GRANITE), tuple(MINILM)}
    write("feedback", "tfidf-lr")
    assert ("tfidf-lr", "") in find(tmp_path / "results").tasks["feedback"]


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
