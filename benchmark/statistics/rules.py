"""What a decision rule buys: fixed 0.5, one threshold, one a label, and two rules that no slider has.

The two are the rank cut (the k highest labels, k fitted on validation) and at least one label (each label's own
threshold, and the highest label of a text that reaches none). A checkpoint serves them by a policy (see `zoo.policy`).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from benchmark.statistics.fit_decision import MIN_POSITIVES, best_threshold, between
from benchmark.statistics.intervals import interval
from benchmark.statistics.resampling import Draws, Scored, points, resample
from benchmark.statistics.seeds import Seeds, score
from zoo.decision import Decision

RULES = ("fixed", "global", "per_label", "top_k", "at_least_one")
MAX_TOP = 10
_RESAMPLES = 100


def scored_by(seeds: Seeds, rule: str) -> dict[int, Scored]:
    """Return what every seed says about the test rows under one of RULES; "top_k" and "at_least_one" are fitted on
    validation like the others."""
    if rule == "top_k":
        return {seed: _top_scored(seeds, seed, decision) for seed, decision in seeds.decisions("fixed").items()}
    if rule == "at_least_one":
        return {seed: _with_one(scored) for seed, scored in seeds.scored("per_label").items()}
    return seeds.scored(rule)  # type: ignore[arg-type]


def decide_top(y_score: np.ndarray, k: int) -> np.ndarray:
    """Return y_pred that decides the k highest labels of every row (the first of equals), int8 of y_score's shape."""
    order = np.argsort(-y_score, axis=1, kind="stable")[:, :k]
    y_pred = np.zeros(y_score.shape, np.int8)
    np.put_along_axis(y_pred, order, 1, axis=1)
    return y_pred


def fit_top(scored: Scored, metric: str) -> int:
    """Return the k, up to MAX_TOP, whose rank cut has the highest metric on these rows; the smallest of equals."""
    candidates = range(1, min(MAX_TOP, scored.y_true.shape[1]) + 1)

    cut = [replace(scored, y_pred=decide_top(scored.y_score, k)) for k in candidates]
    return candidates[int(np.argmax(points(cut, metric)))]


def _top_scored(seeds: Seeds, seed: int, decision: Decision) -> Scored:
    found = seeds.predictions[seed]
    k = fit_top(score(decision, found.validation_logits, found.validation_y_true), seeds.task.main_metric)
    scored = score(decision, found.test_logits, found.test_y_true)
    return replace(scored, y_pred=decide_top(scored.y_score, k))


def _with_one(scored: Scored) -> Scored:
    none = scored.y_pred.sum(axis=1, keepdims=True) == 0
    y_pred = np.where(none, decide_top(scored.y_score, 1), scored.y_pred)
    return replace(scored, y_pred=y_pred)


def gains(seeds: Seeds, draws: Draws) -> pd.DataFrame:
    """Return what each rule gains on the test rows over 0.5, and over one threshold for all labels, by the task's main
    metric.

    Columns: rule, value (mean over seeds), gain, low, high (of the gain over 0.5, 95 %), over_global, over_global_low,
    over_global_high (the same over one threshold), seeds. Empty for a single-label task.
    """
    if not seeds.task.multi_label:
        return pd.DataFrame()
    metric, rows = seeds.task.main_metric, []
    by_rule = {rule: list(scored_by(seeds, rule).values()) for rule in RULES}
    values = {rule: (points(runs, metric), resample(runs, [metric], draws)[metric]) for rule, runs in by_rule.items()}
    for rule in RULES:
        over_half, over_one = (
            interval(values[rule][0] - values[base][0], values[rule][1] - values[base][1], draws.rng)
            for base in ("fixed", "global")
        )
        rows.append(
            {
                "rule": rule,
                "value": values[rule][0].mean(),
                "gain": over_half.value,
                "low": over_half.low,
                "high": over_half.high,
                "over_global": over_one.value,
                "over_global_low": over_one.low,
                "over_global_high": over_one.high,
                "seeds": over_half.seeds,
            }
        )
    return pd.DataFrame(rows)


def stability(seeds: Seeds, draws_of: Callable[[int, int], Draws]) -> pd.DataFrame:
    """Return how firm each label's threshold is, by 100 bootstrap resamples of the validation rows of every seed.

    Columns: label, positives (in validation), shared (whether the label takes the global threshold), threshold (mean
    over seeds), low, high (95 % of the resampled ones, over all seeds; none where it is shared), best_f1 (on
    validation, of its own threshold), half_best_f1: for calibrated scores the F1-optimal threshold is half of the best
    F1 (Lipton, Elkan and Naryanaswamy 2014), so `threshold` far from it says that the scores are not calibrated, or
    the label too rare to tell.

    Args:
        seeds: of one entry of a multi-label task.
        draws_of: gives draws of so many rows.
    """
    decisions = seeds.decisions("per_label")
    y_true = seeds.validation_y_true
    counts = np.vstack(list(draws_of(len(y_true), _RESAMPLES).counts))
    scores = {seed: decision.scores(seeds.predictions[seed].validation_logits) for seed, decision in decisions.items()}
    rows = []
    for index, label in enumerate(seeds.task.labels):
        gold = y_true[:, index]
        row: dict[str, object] = {"label": label, "positives": int(gold.sum())}
        row["shared"] = bool(gold.sum() < MIN_POSITIVES)
        row["threshold"] = float(np.mean([decision.thresholds[index] for decision in decisions.values()]))
        row |= dict.fromkeys(("low", "high", "best_f1", "half_best_f1"), float("nan"))
        if gold.any():
            best = float(np.mean([best_f1(each[:, index], gold) for each in scores.values()]))
            row |= {"best_f1": best, "half_best_f1": best / 2}
        if not row["shared"]:
            resampled = [resampled_thresholds(each[:, index], gold, counts) for each in scores.values()]
            low, high = np.quantile(np.concatenate(resampled), (0.025, 0.975))
            row |= {"low": float(low), "high": float(high)}
        rows.append(row)
    return pd.DataFrame(rows)


def best_f1(y_score: np.ndarray, y_true: np.ndarray) -> float:
    """Return the F1 of one label at its best threshold, shapes (n,)."""
    y_pred = y_score >= best_threshold(y_score, y_true)
    return float(2 * (y_pred & (y_true == 1)).sum() / (y_pred.sum() + y_true.sum()))


def resampled_thresholds(y_score: np.ndarray, y_true: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the F1-optimal threshold of one label in every resample, shape (resamples,): as `best_threshold`, the
    middle between the lowest decided score and the next one of all rows.

    Args:
        y_score: shape (n,).
        y_true: shape (n,).
        counts: how often each resample has each row, shape (resamples, n).
    """
    # Only scores of positives can be best: between them more is decided and nothing is hit. Equal scores go together.
    possible, group = np.unique(-y_score[y_true == 1], return_inverse=True)
    at_least = np.searchsorted(possible, -y_score)  # of the possible cuts, the first that decides the row
    decided = np.stack([np.bincount(at_least, weights=row, minlength=len(possible) + 1) for row in counts])
    hits = np.stack([np.bincount(group, weights=row, minlength=len(possible)) for row in counts[:, y_true == 1]])
    hits = np.cumsum(hits, axis=1)
    f1 = 2 * hits / np.maximum(np.cumsum(decided[:, :-1], axis=1) + hits[:, -1:], 1)
    ordered = np.unique(y_score)
    place = np.searchsorted(ordered, -possible)
    return between(-possible, np.where(place > 0, ordered[place - 1], 0))[f1.argmax(axis=1)]
