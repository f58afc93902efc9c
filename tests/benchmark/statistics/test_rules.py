"""Decision rules against examples worked by hand, brute force, and runs that no training made."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from benchmark.board.entries import Entry, find_runs, make_entries
from benchmark.statistics.fit_decision import MIN_POSITIVES, best_threshold, global_threshold
from benchmark.statistics.resampling import Scored, draw
from benchmark.statistics.rules import (
    MAX_TOP,
    RULES,
    best_f1,
    decide_top,
    fit_top,
    gains,
    resampled_thresholds,
    scored_by,
    stability,
)
from benchmark.training.runs import Predictions
from tests.benchmark.conftest import WriteRun, make_predictions
from zoo.decision import ProblemType

MULTI: ProblemType = "multi_label_classification"
# By label of the feedback task: none at all, too few for a threshold of their own, just enough, and common ones.
POSITIVES = (0, MIN_POSITIVES - 1, MIN_POSITIVES, 60, 60, 60, 60, 60)


def _with_rare_labels(seed: int) -> Predictions:
    """Return validation and test logits whose labels have POSITIVES among 300 rows."""
    gold, rng = np.random.default_rng(5), np.random.default_rng([seed, 2])

    def split() -> tuple[np.ndarray, np.ndarray]:
        y_true = np.column_stack([gold.permutation(300) < number for number in POSITIVES])
        logits = 3 * y_true - 2 + rng.normal(size=y_true.shape)
        return logits.astype(np.float32), y_true.astype(np.int8)

    return Predictions(*split(), *split())


@pytest.fixture
def entry(write_synthetic: WriteRun) -> Entry:
    for seed in range(3):
        folder = write_synthetic(seed=seed, predictions=_with_rare_labels(seed))
    runs, problems = find_runs(folder.parents[2])
    assert problems == {}
    (found,) = make_entries(runs)
    return found


def test_the_highest_labels_are_decided_the_first_of_equals() -> None:
    y_score = np.array([[0.1, 0.9, 0.5], [0.4, 0.4, 0.4], [0.2, 0.7, 0.7]])
    assert decide_top(y_score, 1).tolist() == [[0, 1, 0], [1, 0, 0], [0, 1, 0]]
    assert decide_top(y_score, 2).tolist() == [[0, 1, 1], [1, 1, 0], [0, 1, 1]]
    assert decide_top(y_score, 3).all()


@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(2, 6))
def test_every_row_gets_k_labels_and_none_above_them_is_left_out(seed: int, n: int, k: int) -> None:
    y_score = np.random.default_rng(seed).integers(0, 5, (n, 6)) / 5
    y_pred = decide_top(y_score, k)
    assert (y_pred.sum(axis=1) == k).all()
    lowest = np.where(y_pred == 1, y_score, 2).min(axis=1)
    assert (np.where(y_pred == 0, y_score, -1).max(axis=1) <= lowest).all()


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_number_of_labels_is_found_again(k: int) -> None:
    y_score = np.random.default_rng(k).random((200, 5))
    assert fit_top(Scored(MULTI, decide_top(y_score, k), y_score, np.zeros_like(y_score)), "f1_macro") == k


def test_of_equally_good_numbers_of_labels_the_smallest_is_taken_and_none_beyond_the_limit() -> None:
    y_score = np.random.default_rng(0).random((50, MAX_TOP + 5))
    everything, nothing = np.ones(y_score.shape, np.int8), np.zeros(y_score.shape, np.int8)
    assert fit_top(Scored(MULTI, nothing, y_score, nothing), "f1_macro") == 1
    assert fit_top(Scored(MULTI, everything, y_score, nothing), "f1_macro") == MAX_TOP


def test_at_least_one_leaves_no_row_empty_and_changes_no_other(entry: Entry) -> None:
    before, after = scored_by(entry.seeds, "per_label"), scored_by(entry.seeds, "at_least_one")
    for seed in entry.runs:
        empty = before[seed].y_pred.sum(axis=1) == 0
        assert empty.any()
        assert (after[seed].y_pred[empty].sum(axis=1) == 1).all()
        assert (after[seed].y_pred[empty].argmax(axis=1) == after[seed].y_score[empty].argmax(axis=1)).all()
        np.testing.assert_array_equal(after[seed].y_pred[~empty], before[seed].y_pred[~empty])


def test_the_rank_cut_is_fitted_on_validation_and_applied_to_the_test_rows(write_synthetic: WriteRun) -> None:
    # Two labels each in validation, three each in test: the cut must stay at two.
    rng = np.random.default_rng(0)
    validation, test = rng.normal(size=(2, 100, 8)).astype(np.float32)
    found = Predictions(validation, decide_top(validation, 2), test, decide_top(test, 3))
    runs, _ = find_runs(write_synthetic(predictions=found).parents[2])
    (scored,) = scored_by(make_entries(runs)[0].seeds, "top_k").values()
    assert (scored.y_pred.sum(axis=1) == 2).all()


def test_gains_are_differences_to_one_half_and_to_one_threshold(entry: Entry) -> None:
    found = gains(entry.seeds, draw(len(entry.y_true), 300)).set_index("rule")
    assert tuple(found.index) == RULES
    assert list(found.loc["fixed", ["gain", "low", "high"]]) == [0, 0, 0]
    assert (found["seeds"] == 3).all()
    for rule in RULES:
        runs = scored_by(entry.seeds, rule).values()
        value = np.mean([f1_score(run.y_true, run.y_pred, average="macro", zero_division=0) for run in runs])
        row = found.loc[rule].to_dict()
        assert row["value"] == pytest.approx(value)
        assert row["gain"] == pytest.approx(value - found["value"].iloc[0])
        assert row["low"] <= row["gain"] <= row["high"]
        assert row["over_global"] == pytest.approx(value - found.loc["global", "value"])
        assert row["over_global_low"] <= row["over_global"] <= row["over_global_high"]
    assert list(found.loc["global", ["over_global", "over_global_low", "over_global_high"]]) == [0, 0, 0]


def test_a_single_label_task_has_no_rules_to_compare(write_synthetic: WriteRun) -> None:
    folder = write_synthetic(task="sst2", predictions=make_predictions(2, False, 0))
    (found,) = make_entries(find_runs(folder.parents[2])[0])
    assert gains(found.seeds, draw(len(found.y_true), 10)).empty


def test_resampled_thresholds_worked_by_hand() -> None:
    y_score, y_true = np.array([0.9, 0.7, 0.5, 0.3]), np.array([1, 0, 1, 0])
    counts = np.array(
        [
            [1, 1, 1, 1],  # down to 0.5: F1 4/5; to 0.9 only 2/3
            [1, 3, 1, 0],  # now 0.5 costs three false labels, 4/7
            [0, 2, 1, 1],  # without the first row
        ],
        np.uint8,
    )
    assert resampled_thresholds(y_score, y_true, counts).tolist() == pytest.approx([0.4, 0.8, 0.4])


def _label(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores with ties and gold labels, at least one of them positive."""
    rng = np.random.default_rng(seed)
    y_score, y_true = rng.integers(0, 9, n) / 9, rng.integers(0, 2, n)
    y_true[0] = 1
    return y_score, y_true


def _f1(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    return float(2 * (y_true * y_pred).sum() / (y_true.sum() + y_pred.sum()))


@given(st.integers(0, 10_000), st.integers(1, 40))
def test_the_rows_as_they_are_give_the_best_threshold(seed: int, n: int) -> None:
    y_score, y_true = _label(seed, n)
    (found,) = resampled_thresholds(y_score, y_true, np.ones((1, n), np.uint8))
    assert found == best_threshold(y_score, y_true)


@given(st.integers(0, 10_000), st.integers(1, 40))
def test_resampled_thresholds_are_the_best_on_the_repeated_rows(seed: int, n: int) -> None:
    y_score, y_true = _label(seed, n)
    counts = draw(n, 5, seed).counts[0]
    for found, count in zip(resampled_thresholds(y_score, y_true, counts), counts, strict=True):
        rows = np.repeat(np.arange(n), count)
        if y_true[rows].any():  # without a positive any threshold is as good
            best = max(_f1(y_true[rows], y_score[rows] >= cut) for cut in set(y_score[rows].tolist()))
            assert _f1(y_true[rows], y_score[rows] >= found) == pytest.approx(best)


def test_the_best_f1_worked_by_hand() -> None:
    assert best_f1(np.array([0.9, 0.7, 0.5, 0.3]), np.array([1, 0, 1, 0])) == pytest.approx(4 / 5)


def test_stability_tells_firm_thresholds_from_borrowed_ones(entry: Entry) -> None:
    found = stability(entry.seeds, draw)
    assert tuple(found["label"]) == entry.task.labels
    assert tuple(found["positives"]) == POSITIVES
    assert found["shared"].tolist() == [True, True, *[False] * 6]
    # Labels with few positives take the global threshold, the mean over seeds is shown; the others their own.
    decisions, runs = entry.seeds.decisions("per_label"), entry.runs
    for label in range(8):
        expected = []
        for seed, decision in decisions.items():
            y_score = decision.scores(runs[seed].predictions.validation_logits)
            gold = runs[seed].predictions.validation_y_true
            alone = best_threshold(y_score[:, label], gold[:, label])
            expected.append(global_threshold(y_score, gold, "macro") if label < 2 else alone)
        assert found["threshold"][label] == pytest.approx(np.mean(expected))
    # A label that validation never has has no best F1, and a borrowed threshold no interval of the label's own.
    assert found.loc[0, ["low", "high", "best_f1", "half_best_f1"]].isna().all()
    assert found.loc[1, ["low", "high"]].isna().all()
    own = found[2:]
    assert (own["low"] < own["high"]).all()
    assert (found["half_best_f1"][1:] == found["best_f1"][1:] / 2).all()
