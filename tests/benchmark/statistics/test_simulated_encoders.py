"""How often paired comparisons are right: on simulated encoders, whose true difference is known."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from benchmark.statistics.pair_tests import Comparison, compare, gather, holm
from benchmark.statistics.resampling import Draws, Scored, draw
from zoo.decision import ProblemType

# Simulated encoders. A row's score for a label is the gold label's effect plus what all encoders find hard about the
# row (variance 1), what one encoder does (`own`), and what one seed does (`luck`); seeds also differ as a whole and
# label by label (`seed_sd`). Of two encoders fine-tuned on the feedback task, scores of one label correlate by 0.68
# given the gold label, those of two seeds of one encoder by 0.87 to 0.90.
EIGHT = np.array([0.3, 0.2, 0.1, 0.1, 0.05, 0.05, 0.03, 0.02])
# Like GoEmotions: one label of a quarter of the rows, the others from 10 % down to 0.5 %; 1.1 labels a row.
GO_EMOTIONS, ROWS = np.append(np.geomspace(0.005, 0.1, 27), 0.25), 5427
EFFECT, LUCK = 2.6, 0.3
KIND: ProblemType = "multi_label_classification"


def _cut(prior: np.ndarray, own: float) -> np.ndarray:
    """Return about the F1-optimal threshold: where a label's chance is half of an F1 of 0.5."""
    return EFFECT / 2 + _variance(own) / EFFECT * (np.log((1 - prior) / prior) - np.log(3))


def _variance(own: float) -> float:
    return 1 + own**2 + LUCK**2


def _encoders(
    rng: np.random.Generator, better: list[float], n: int, prior: np.ndarray, own: float, seed_sd: float, seeds: int = 5
) -> list[dict[int, Scored]]:
    """Return runs by seed of one encoder for each of `better`, which is added to the gold label's effect."""
    y_true = rng.random((n, len(prior))) < prior
    shared = rng.normal(size=y_true.shape)
    gold = y_true.astype(np.int8)

    def runs(more: float) -> dict[int, Scored]:
        mine = shared + own * rng.normal(size=y_true.shape)
        shift, quality = (seed_sd * rng.normal(size=(seeds, 1, k)) for k in (len(prior), 1))
        score = (EFFECT + more + quality) * y_true + mine + shift
        score += LUCK * rng.normal(size=score.shape)
        return {s: Scored(KIND, gold, score[s], (score[s] > _cut(prior, own)).astype(np.int8)) for s in range(seeds)}

    return [runs(more) for more in better]


def _alike(rng: np.random.Generator, number: int, n: int, prior: np.ndarray, seed_sd: float) -> list[dict[int, Scored]]:
    """Return `number` times five seeds of one and the same model."""
    (runs,) = _encoders(rng, [0.0], n, prior, 0.0, seed_sd, seeds=5 * number)
    return [{seed: runs[5 * i + seed] for seed in range(5)} for i in range(number)]


def _compared(all_runs: list[dict[int, Scored]], metric: str, draws: Draws) -> list[Comparison]:
    found = [gather(runs, metric, draws) for runs in all_runs]
    return [compare(a, b, draws.rng) for at, a in enumerate(found) for b in found[:at]]


def _false_alarms(trials: int, number: int, metric: str, n: int, prior: np.ndarray, seed_sd: float) -> float:
    """Return the share of trials in which any pair of `number` equal entries is called different, Holm-corrected."""
    rng, alarms = np.random.default_rng(0), 0
    for trial in range(trials):
        if trial % 25 == 0:  # new draws now and then are enough, and 399 tell 5 % as well as 10,000
            draws = draw(n, 399, trial)
        pairs = _compared(_alike(rng, number, n, prior, seed_sd), metric, draws)
        alarms += holm(np.array([pair.p_value for pair in pairs])).min() <= 0.05
    return alarms / trials


@pytest.mark.parametrize("metric", ["f1_macro", pytest.param("subset_accuracy", marks=pytest.mark.campaign)])
def test_two_times_the_same_model_seldom_differ(metric: str) -> None:
    assert _false_alarms(100, 2, metric, 500, EIGHT, 0.02) <= 0.10


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_two_times_the_same_model_differ_in_at_most_5_percent_of_1000_trials() -> None:
    assert _false_alarms(1000, 2, "f1_macro", ROWS, GO_EMOTIONS, 0.01) <= 0.05


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_of_four_times_the_same_model_any_pair_differs_in_at_most_5_percent_of_families() -> None:
    assert _false_alarms(1000, 4, "f1_macro", ROWS, GO_EMOTIONS, 0.01) <= 0.05


def _true_macro_f1(more: float, prior: np.ndarray, own: float) -> float:
    """Return the macro-F1 over endless rows, from the normal distribution."""
    cut, sd = _cut(prior, own), np.sqrt(_variance(own))
    found, wrong = stats.norm.sf(cut, EFFECT + more, sd), stats.norm.sf(cut, 0, sd)
    return float(np.mean(2 * prior * found / (prior * (1 + found) + (1 - prior) * wrong)))


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("own", "power"), [(0.4, 0.80), (0.5, 0.65)])
def test_two_points_of_macro_f1_on_go_emotions_are_found(own: float, power: float) -> None:
    rng, found, values = np.random.default_rng(0), 0, []
    base = _true_macro_f1(0, GO_EMOTIONS, own)
    better = brentq(lambda more: _true_macro_f1(more, GO_EMOTIONS, own) - base - 0.02, 0, 1)
    for trial in range(100):
        if trial % 25 == 0:
            draws = draw(ROWS, 399, trial)
        (pair,) = _compared(_encoders(rng, [0.0, better], ROWS, GO_EMOTIONS, own, 0.005), "f1_macro", draws)
        found += pair.p_value <= 0.05 and pair.difference.value > 0
        values.append(pair.difference.value)
    assert np.mean(values) == pytest.approx(0.02, abs=0.003)
    assert found / 100 >= power
