"""Calibration: metrics against worked examples, scikit-learn and loops; temperatures against a grid; odd entries."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, softmax
from sklearn.metrics import brier_score_loss, log_loss

from benchmark.board.entries import Entry
from benchmark.statistics.calibration import (
    METRICS,
    calibration,
    label_temperatures,
    reliability,
    row_sums,
    scores,
    values,
)
from benchmark.statistics.metrics import ECE_BINS, calibration_error
from benchmark.statistics.resampling import draw, equal_mass_bins, weighted_sums
from benchmark.tasks.registry import TASKS
from benchmark.training.runs import Predictions, read_run
from tests.benchmark.conftest import WriteRun, make_predictions
from zoo.decision import ProblemType

MULTI: ProblemType = "multi_label_classification"
SINGLE: ProblemType = "single_label_classification"
CALIBRATORS = {"feedback": ["raw", "temperature", "per_label"], "sst2": ["raw", "temperature"]}


def _values(problem_type: ProblemType, y_true: np.ndarray, y_score: np.ndarray) -> dict[str, float]:
    found = values(row_sums(problem_type, y_true, y_score).sum(axis=0))
    return {metric: float(value) for metric, value in found.items()}


def _entry(write: WriteRun, task: str = "feedback", by_seed: dict[int, Predictions] | None = None) -> Entry:
    """An entry with the logits of `by_seed`, or with three seeds' of one set of gold labels."""
    if by_seed is None:
        spec = TASKS[task]
        first = make_predictions(len(spec.labels), spec.multi_label, 0)
        noise = {seed: np.random.default_rng(seed).normal(size=first.test_logits.shape) for seed in range(3)}
        by_seed = {seed: replace(first, test_logits=first.test_logits + each) for seed, each in noise.items()}
    runs = {seed: read_run(write(task=task, seed=seed, predictions=each)) for seed, each in by_seed.items()}
    return Entry(TASKS[task], "minilm-l6", "", runs)


def _calibrated(n: int, num_labels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Gold labels drawn with the very chance that their logits say."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, num_labels))
    return (rng.random(logits.shape) < expit(logits)).astype(np.int8), logits


def _value(table: pd.DataFrame, calibrator: str, metric: str, column: str = "value") -> float:
    found = table[(table["calibrator"] == calibrator) & (table["metric"] == metric)]
    assert len(found) == 1
    return float(found[column].iloc[0])


def test_metrics_of_an_example_worked_by_hand() -> None:
    """30 pairs in 15 bins of two. Scores 0.1 of y 0, 0 in ten bins; 0.8 of y 1, 0 in the other five."""
    y_score = np.array([[0.1] * 20 + [0.8] * 10]).T
    y_true = np.array([[0] * 20 + [1, 0] * 5], np.int8).T
    found = _values(MULTI, y_true, y_score)
    assert found["ece"] == pytest.approx((10 * 0.1 + 5 * abs(0.8 - 0.5)) / 15)
    # Chance adds 0.5 * (1 - 0.5) / (2 - 1) to the square in each of the upper bins, nothing in the lower.
    assert found["ece_debiased"] == pytest.approx((10 * 0.1**2 + 5 * (0.3**2 - 0.25)) / 15)
    assert found["brier"] == pytest.approx((20 * 0.1**2 + 5 * (0.2**2 + 0.8**2)) / 30)
    assert found["nll"] == pytest.approx(-(20 * np.log(0.9) + 5 * (np.log(0.8) + np.log(0.2))) / 30)


def test_a_single_label_example_worked_by_hand_judges_the_top_label() -> None:
    y_score = np.array([[0.7, 0.3], [0.4, 0.6]])
    found = _values(SINGLE, np.array([[1, 0], [1, 0]], np.int8), y_score)
    assert found["ece"] == pytest.approx((0.3 + 0.6) / 2)  # each row alone in its bin: 0.7 and right, 0.6 and wrong
    assert found["ece_debiased"] == 0  # no bin has two pairs to tell chance from
    assert found["brier"] == pytest.approx((2 * 0.3**2 + 2 * 0.6**2) / 4)
    assert found["nll"] == pytest.approx(-(np.log(0.7) + np.log(0.4)) / 2)


def test_multi_label_metrics_agree_with_others() -> None:
    y_true, logits = _calibrated(137, 5, seed=0)
    y_score = expit(1.7 * logits)
    found, (y, p) = _values(MULTI, y_true, y_score), (y_true.ravel(), y_score.ravel())
    assert found["ece"] == pytest.approx(calibration_error(p, y), abs=1e-12)
    assert found["brier"] == pytest.approx(brier_score_loss(y, p), abs=1e-12)
    assert found["nll"] == pytest.approx(log_loss(y, p), abs=1e-12)
    assert found["ece_debiased"] == pytest.approx(_debiased_by_loops(p, y), abs=1e-12)


def test_single_label_metrics_agree_with_others() -> None:
    rng = np.random.default_rng(0)
    y_score, gold = softmax(rng.normal(size=(203, 4)), axis=1), rng.integers(0, 4, 203)
    y_true = np.eye(4, dtype=np.int8)[gold]
    found = _values(SINGLE, y_true, y_score)
    top, right = y_score.max(axis=1), (y_score.argmax(axis=1) == gold).astype(int)
    assert found["ece"] == pytest.approx(calibration_error(top, right), abs=1e-12)
    assert found["brier"] == pytest.approx(brier_score_loss(y_true.ravel(), y_score.ravel()), abs=1e-12)
    assert found["nll"] == pytest.approx(log_loss(gold, y_score), abs=1e-12)
    assert found["ece_debiased"] == pytest.approx(_debiased_by_loops(top, right), abs=1e-12)


def _debiased_by_loops(confidence: np.ndarray, correct: np.ndarray) -> float:
    ordered = sorted(zip(confidence.tolist(), correct.tolist(), strict=True))
    whole, start = 0.0, 0
    for number in range(ECE_BINS):
        size = len(ordered) // ECE_BINS + (number < len(ordered) % ECE_BINS)
        part, start = ordered[start : start + size], start + size
        score, y = (sum(column) / size for column in zip(*part, strict=True))
        whole += size / len(ordered) * ((score - y) ** 2 - y * (1 - y) / (size - 1))
    return whole


def test_debiased_error_of_calibrated_scores_is_0_and_the_plain_one_is_not() -> None:
    found = []
    for seed in range(200):
        y_true, logits = _calibrated(600, 1, seed)
        found.append(_values(MULTI, y_true, expit(logits)))
    plain, debiased = (np.array([each[metric] for each in found]) for metric in ("ece", "ece_debiased"))
    assert plain.min() > 0.025
    assert abs(debiased.mean()) < 3 * debiased.std() / np.sqrt(len(debiased))
    assert abs(debiased.mean()) < 0.1 * plain.mean() ** 2


def test_debiased_error_finds_a_known_distance() -> None:
    y_true, logits = _calibrated(60_000, 1, seed=3)
    logits = np.clip(logits, -2, 2)  # leaves room for the shift
    y_true = (np.random.default_rng(4).random(logits.shape) < expit(logits) - 0.1).astype(np.int8)
    assert np.sqrt(_values(MULTI, y_true, expit(logits))["ece_debiased"]) == pytest.approx(0.1, abs=0.006)


@pytest.mark.parametrize("problem_type", [MULTI, SINGLE])
def test_a_resample_with_every_row_once_is_the_sample(problem_type: ProblemType) -> None:
    y_true, logits = _calibrated(90, 3, seed=1)
    if problem_type == SINGLE:
        y_true = np.eye(3, dtype=np.int8)[logits.argmax(axis=1)]
    columns = row_sums(problem_type, y_true, softmax(logits, axis=1))
    once = values(weighted_sums([np.ones((2, 90), np.uint8)], columns).astype(np.float64))
    for metric, value in values(columns.sum(axis=0)).items():
        assert once[metric] == pytest.approx(np.full(2, value), rel=1e-5, abs=1e-7)


def test_a_resample_is_the_sample_of_its_rows_in_the_bins_of_the_whole() -> None:
    y_true, logits = _calibrated(50, 2, seed=2)
    y_score, counts = expit(2 * logits), draw(50, 1).counts[0]
    found = values(weighted_sums([counts], row_sums(MULTI, y_true, y_score)).astype(np.float64))
    rows = np.repeat(np.arange(50), counts[0])
    bins = equal_mass_bins(y_score.ravel()).reshape(y_score.shape)[rows]
    gap = (y_score - y_true)[rows]
    assert found["ece"][0] == pytest.approx(sum(abs(gap[bins == i].sum()) for i in range(ECE_BINS)) / gap.size)
    assert found["nll"][0] == pytest.approx(log_loss(y_true[rows].ravel(), y_score[rows].ravel()))
    assert found["brier"][0] == pytest.approx((gap**2).mean())


def test_a_label_takes_the_best_temperature_of_a_grid() -> None:
    y_true, logits = _calibrated(400, 4, seed=5)
    logits *= [0.3, 1, 3, 40]  # the last asks for a temperature out of bounds
    grid = np.geomspace(0.05, 20, 1200)
    # -log sigmoid(z) of a positive, -log sigmoid(-z) of a negative
    losses = [np.logaddexp(0, (1 - 2 * y_true) * logits / temperature).mean(axis=0) for temperature in grid]
    found = label_temperatures(logits, y_true, shared=1.0)
    assert found == pytest.approx(grid[np.argmin(losses, axis=0)], rel=0.005)
    assert found[1] == pytest.approx(1, rel=0.2)
    assert found[3] == pytest.approx(20, rel=1e-3)


def test_a_label_too_rare_or_without_negatives_takes_the_shared_temperature() -> None:
    y_true, logits = _calibrated(100, 5, seed=6)
    y_true[:, :3] = 0
    y_true[:9, 1] = 1
    y_true[:10, 2] = 1
    y_true[:, 3] = 1
    found = label_temperatures(logits, y_true, shared=1.25)
    assert (found == 1.25).tolist() == [True, True, False, True, False]


@pytest.mark.parametrize("task", CALIBRATORS)
def test_table_has_the_means_over_seeds(write_synthetic: WriteRun, task: str) -> None:
    entry = _entry(write_synthetic, task)
    table = calibration(entry.seeds, draw(60, 200))
    assert [*zip(table["calibrator"], table["metric"], strict=True)] == [
        (calibrator, metric) for calibrator in CALIBRATORS[task] for metric in METRICS
    ]
    assert list(table) == ["calibrator", "metric", "value", "low", "high", "seeds"]
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert (table["seeds"] == 3).all()
    for calibrator, of_seeds in scores(entry.seeds).items():
        one = [_values(entry.task.problem_type, entry.y_true, each) for each in of_seeds.values()]
        mean = {metric: np.mean([each[metric] for each in one]) for metric in METRICS}
        mean["ece_debiased"] = np.sqrt(max(mean["ece_debiased"], 0))
        for metric in METRICS:
            assert _value(table, calibrator, metric) == pytest.approx(mean[metric])


@pytest.mark.parametrize("task", CALIBRATORS)
def test_temperature_repairs_logits_that_are_too_large(write_synthetic: WriteRun, task: str) -> None:
    labels, by_seed = len(TASKS[task].labels), {}
    for seed in range(2):
        splits = []
        for part in range(2):
            y_true, logits = _calibrated(1500, labels, seed=10 + part)
            if task == "sst2":
                first = np.random.default_rng(part).random(1500) < softmax(logits, axis=1)[:, 0]
                y_true = np.column_stack([first, ~first])
            splits += [5 * logits, y_true]
        by_seed[seed] = Predictions(*splits)
    entry = _entry(write_synthetic, task, by_seed)
    assert list(entry.seeds.temperatures.values()) == pytest.approx([5, 5], rel=0.1)
    table = calibration(entry.seeds, draw(1500, 200))
    for calibrator in CALIBRATORS[task][1:]:
        for metric in METRICS:
            assert _value(table, calibrator, metric, "high") < _value(table, "raw", metric, "low")
    assert _value(table, "temperature", "ece_debiased") < 0.03


def test_seeds_of_temperatures_are_those_of_the_entry(write_synthetic: WriteRun) -> None:
    y_true, logits = _calibrated(400, 8, seed=0)
    by_seed = {seed: Predictions(scale * logits, y_true, logits, y_true) for seed, scale in ((3, 2), (7, 0.5))}
    found = _entry(write_synthetic, by_seed=by_seed).seeds.temperatures
    assert found == {3: pytest.approx(2, rel=0.1), 7: pytest.approx(0.5, rel=0.1)}


@pytest.mark.parametrize("task", CALIBRATORS)
def test_reliability_pools_the_seeds(write_synthetic: WriteRun, task: str) -> None:
    entry = _entry(write_synthetic, task)
    table = reliability(entry.seeds)
    pairs = 3 * 60 * (8 if entry.task.multi_label else 1)
    assert list(table) == ["calibrator", "bin", "confidence", "frequency", "count"]
    assert list(table["calibrator"].unique()) == CALIBRATORS[task]
    for calibrator, of_calibrator in table.groupby("calibrator"):
        assert of_calibrator["bin"].tolist() == list(range(ECE_BINS))
        assert of_calibrator["count"].tolist() == [pairs // ECE_BINS] * ECE_BINS
        assert of_calibrator["confidence"].is_monotonic_increasing
        every = np.concatenate(list(scores(entry.seeds)[calibrator].values()))
        gold = np.tile(entry.y_true, (3, 1))
        if entry.task.multi_label:
            plain = calibration_error(every.ravel(), gold.ravel())
        else:
            plain = calibration_error(every.max(axis=1), every.argmax(axis=1) == gold.argmax(axis=1))
        gap = (of_calibrator["confidence"] - of_calibrator["frequency"]).abs()
        assert (gap * of_calibrator["count"]).sum() / pairs == pytest.approx(plain)


@pytest.mark.parametrize(("task", "num_labels", "n"), [("feedback", 1, 4), ("feedback", 8, 1), ("sst2", 2, 4)])
def test_one_seed_few_rows_and_one_label(write_synthetic: WriteRun, task: str, num_labels: int, n: int) -> None:
    found = make_predictions(num_labels, TASKS[task].multi_label, seed=0, n=n)
    entry = _entry(write_synthetic, task, {0: found})
    table, bins = calibration(entry.seeds, draw(n, 50)), reliability(entry.seeds)
    assert np.isfinite(table[["value", "low", "high"]].to_numpy()).all()
    assert (table["seeds"] == 1).all()
    assert (bins["count"] == 1).all()
    assert len(bins) == len(CALIBRATORS[task]) * n * (num_labels if task == "feedback" else 1)


def test_an_interval_of_calibrated_scores_reaches_0_and_no_further(write_synthetic: WriteRun) -> None:
    y_true, logits = _calibrated(200, 8, seed=1)
    table = calibration(
        _entry(write_synthetic, by_seed={0: Predictions(logits, y_true, logits, y_true)}).seeds, draw(200, 200)
    )
    assert _value(table, "raw", "ece_debiased", "low") == 0
    assert 0 < _value(table, "raw", "ece_debiased", "high") < 0.1


def test_labels_without_positives_anywhere_and_sure_mistakes_stay_finite(write_synthetic: WriteRun) -> None:
    y_true = np.zeros((30, 8), np.int8)
    y_true[:, 0] = 1
    logits = np.full((30, 8), 3000.0)
    table = calibration(
        _entry(write_synthetic, by_seed={0: Predictions(logits, y_true, logits, y_true)}).seeds, draw(30, 50)
    )
    assert np.isfinite(table[["value", "low", "high"]].to_numpy()).all()
    assert _value(table, "raw", "brier") == pytest.approx(7 / 8)
    assert _value(table, "raw", "nll") == pytest.approx(-7 / 8 * np.log(np.finfo(np.float64).eps), rel=1e-3)


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(1, 40), st.integers(1, 4), st.booleans())
def test_metrics_stay_in_their_range(data: st.DataObject, n: int, num_labels: int, multi: bool) -> None:
    y_score = data.draw(arrays(np.float64, (n, num_labels), elements=st.floats(0, 1)))
    if multi:
        y_true = data.draw(arrays(np.int8, (n, num_labels), elements=st.integers(0, 1)))
    else:
        y_true = np.eye(num_labels, dtype=np.int8)[
            data.draw(arrays(np.intp, n, elements=st.integers(0, num_labels - 1)))
        ]
    found = _values(MULTI if multi else SINGLE, y_true, y_score)
    assert 0 <= found["ece"] <= 1 + 1e-12
    assert 0 <= found["brier"] <= 1 + 1e-12
    assert found["ece_debiased"] <= 1 + 1e-12
    assert 0 <= found["nll"] < 37
