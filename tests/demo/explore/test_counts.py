"""What the Explore tab counts, against hand-worked rows, scikit-learn and plain loops."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from benchmark.board.entries import Entry
from benchmark.statistics.resampling import Scored
from benchmark.tasks.registry import TASKS, Task
from benchmark.training.recipes import Recipe
from benchmark.training.runs import Predictions
from demo.explore import handlers as explore
from demo.explore.form import OUTCOMES
from demo.explore.handlers import MAX_LABELS
from demo.explore.pairs import Pair
from tests.benchmark.conftest import WriteRun
from tests.demo.explore.shown import pair_in


def decided(task: Task, rows: list[tuple[set[str], set[str]]]) -> Predictions:
    """Logits that decide, row by row, the labels in the second set, where those in the first are gold."""
    gold, said = (np.array([[label in both[i] for label in task.labels] for both in rows]) for i in (0, 1))
    validation = np.resize(np.eye(len(task.labels), dtype=np.int8), (60, len(task.labels)))
    logits = [np.where(on, 5.0, -5.0).astype(np.float32) for on in (validation, said)]
    return Predictions(logits[0], validation, logits[1], gold.astype(np.int8))


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
