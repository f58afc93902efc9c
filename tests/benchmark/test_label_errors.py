"""Suspected label errors: against cleanlab's figures and hand-worked ones, and flipped labels of stored runs found."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from benchmark.board.entries import Entry, make_entries
from benchmark.from_logits.label_errors import audit, gather, margins, rank, rows_of
from benchmark.from_logits.out_of_fold import folds, out_of_fold
from benchmark.tasks.registry import TASKS, Task
from benchmark.tasks.rows import Rows, Split, read_rows
from benchmark.training.runs import RESULTS, Run, read_run
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError

FEEDBACK = TASKS["feedback"]


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    return [read_run(path.parent) for path in sorted(RESULTS.glob("feedback/*/*/run.json"))]


def test_margins_are_those_of_cleanlab() -> None:
    """The figures are those of cleanlab 2.9.0: get_label_quality_scores_per_class (several labels) and
    get_label_quality_scores (one label), both with method="normalized_margin"."""
    y_score = np.array([[0.9, 0.2, 0.6], [0.1, 0.7, 0.5]])
    several = margins("multi_label_classification", np.array([[1, 0, 0], [1, 0, 1]]), y_score)
    np.testing.assert_allclose(several, [[0.9, 0.8, 0.4], [0.1, 0.3, 0.5]])
    y_score = np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1]])
    single = margins("single_label_classification", np.array([[1, 0, 0], [0, 0, 1]]), y_score)
    np.testing.assert_allclose(single, [[0.75, 1, 1], [1, 1, 0.2]])


def _flipped(runs: list[Run], share: float) -> tuple[list[Run], np.ndarray]:
    rng, first = np.random.default_rng(0), runs[0].predictions
    validation, test = (rng.random(y.shape) < share for y in (first.validation_y_true, first.test_y_true))
    changes = {"validation_y_true": first.validation_y_true ^ validation, "test_y_true": first.test_y_true ^ test}
    return [replace(run, predictions=replace(run.predictions, **changes)) for run in runs], np.vstack(
        [validation, test]
    )


def _found(entries: list[Entry], wrong: np.ndarray) -> tuple[float, float]:
    """Precision among the first 50, and average precision."""
    parts = [gather(entries, part) for part in ("validation", "test")]
    score = np.vstack([margins(FEEDBACK.problem_type, part.y_true, part.y_score) for part in parts]).ravel()
    first = np.argsort(score, kind="stable")[:50]
    return float(wrong.ravel()[first].mean()), float(average_precision_score(wrong.ravel(), -score))


@pytest.mark.parametrize("share", [0.05, 0.1])
def test_flipped_labels_come_first_and_many_runs_find_more_of_them_than_one(runs: list[Run], share: float) -> None:
    changed, wrong = _flipped(runs, share)
    entries = make_entries(changed)
    precision, average = _found(entries, wrong)
    one = next(entry for entry in entries if entry.encoder == "minilm-l6")
    alone = replace(one, runs=dict([next(iter(one.runs.items()))]))
    assert precision > 0.8 > 4 * wrong.mean()
    assert average > _found([alone], wrong)[1] > 5 * wrong.mean()


def test_the_list_names_rows_labels_and_what_the_models_say(runs: list[Run]) -> None:
    entries = make_entries(runs)
    rows = rows_of(FEEDBACK, entries, None)
    assert rows is not None
    table = audit(FEEDBACK, entries, rows)
    assert table["score"].is_monotonic_increasing
    assert (table["score"] < 0.5).all()
    first = table.iloc[0]
    gold = gather(entries, first["part"]).y_true[first["row"] - 1, FEEDBACK.labels.index(first["label"])]
    assert (first["gold"], first["suggestion"], first["text"]) == (
        gold,
        1 - gold,
        getattr(rows, first["part"]).texts[first["row"] - 1],
    )
    assert first["against"] > 0.9
    info = entries[0].info.model_copy(update={"fingerprint": "0"})
    strange = [replace(entries[0], runs={seed: replace(run, info=info) for seed, run in entries[0].runs.items()})]
    with pytest.raises(UserError, match="not those of the runs"):
        rows_of(FEEDBACK, strange, None)


def test_a_single_label_suggestion_is_the_highest_label() -> None:
    runs = [read_run(path.parent) for path in sorted(RESULTS.glob("sst2/minilm-l6/*/run.json"))[:2]]
    table: pd.DataFrame = audit(TASKS["sst2"], make_entries(runs))
    assert (table["gold"] != table["suggestion"]).all()
    assert (table["label"] == table["gold"]).all()


def test_flipped_labels_of_train_come_first_by_a_probe_that_did_not_see_them(
    tiny_bert: Path, toy_task: Task, toy_rows: Callable[..., Rows]
) -> None:
    _assert_found(toy_task, toy_rows(toy_task, (200, 50, 8)), f"probe:{tiny_bert}", 0.05, 20)


def test_rows_of_one_text_or_one_group_are_judged_together() -> None:
    """Row 1 has the text of row 0, and is of the group of row 2."""
    texts = [f"text {row}" for row in range(60)]
    texts[1] = "Text 0"
    groups = np.arange(60) // 3 * 3  # of three rows each
    groups[0] = 60
    y_true = (np.random.default_rng(0).random((60, 2)) < 0.5).astype(np.int8)
    fold = folds(Split(texts, y_true, groups))
    assert set(fold) == set(range(5))
    assert all(len(set(fold[row : row + 3])) == 1 for row in range(0, 60, 3))
    alone = folds(Split(texts, y_true))
    assert alone[0] == alone[1]
    assert any(len(set(alone[row : row + 3])) > 1 for row in range(0, 60, 3))


@pytest.mark.campaign
@pytest.mark.parametrize("share", [0.05, 0.1])
def test_so_do_those_of_feedback(share: float) -> None:
    _assert_found(FEEDBACK, read_rows(FEEDBACK, None), "probe:minilm-l6", share, 50)


def _assert_found(task: Task, rows: Rows, encoder: str, share: float, number: int) -> None:
    """Fail unless flipped labels are five times as frequent among the `number` most suspect ones as among all."""
    wrong = np.random.default_rng(0).random(rows.train.y_true.shape) < share
    changed = replace(rows, train=replace(rows.train, y_true=rows.train.y_true ^ wrong))
    found = out_of_fold(task, changed, get_encoder(encoder))
    score = margins(task.problem_type, found.y_true, found.y_score).ravel()
    first = np.argsort(score, kind="stable")[:number]
    assert wrong.ravel()[first].mean() > 5 * wrong.mean()
    table = rank(task, found)
    assert set(table["part"]) == {"train"}
    assert set(table["row"]) <= set(range(1, len(rows.train) + 1))
