"""What policies bring on the test rows: whether what was asked for is reached, and what the default decision has."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from benchmark.statistics.intervals import interval
from benchmark.statistics.resampling import Draws, Scored, pooled_counts, weighted_sums
from benchmark.statistics.seeds import Seeds, decision_for, score
from zoo.policy import Goal, Policy

STANDARD = {"precision": Goal(precision=0.9), "recall": Goal(recall=0.9)}


def standard_policies(seeds: Seeds, draws: Draws) -> pd.DataFrame:
    """Return what each of STANDARD brings to one entry: precision or recall of all labels together, on test.

    Columns: policy, asked, value (mean over seeds), low, high (95 %), verdict, default (the same of the default
    decision), other and default_other (recall where precision is asked for, and the other way round), seeds.
    """
    default = _sums_of(seeds.scored(seeds.task.rule))[0]
    rows = []
    for name, goal in STANDARD.items():
        other = "recall" if name == "precision" else "precision"
        sums, resampled = _sums_of(_scored(seeds, Policy(goal=goal)), draws)
        found = interval(value_of(sums, goal, name), value_of(resampled, goal, name), draws.rng, (0.0, 1.0))
        asked = float(getattr(goal, name))
        row = {"policy": str(goal), "asked": asked, "value": found.value, "low": found.low, "high": found.high}
        row |= {"verdict": verdict(asked, found.low, found.high), "seeds": found.seeds}
        row |= {"default": value_of(default, goal, name).mean(), "other": value_of(sums, goal, other).mean()}
        rows.append(row | {"default_other": value_of(default, goal, other).mean()})
    return pd.DataFrame(rows)


def verdict(asked: float, low: float, high: float) -> str:
    """Return whether an interval has what was asked for."""
    return "reached" if low >= asked else "not reached" if high < asked else "cannot tell"


def value_of(sums: np.ndarray, goal: Goal, metric: str) -> np.ndarray:
    """Return a metric ("precision", "recall", "f-beta" or "cost") from the sums of hits, decided and gold, shape
    (..., 3); a division by zero counts 0."""
    hits, decided, gold = np.moveaxis(np.asarray(sums, float), -1, 0)
    if metric == "cost":
        assert goal.cost
        return goal.cost[0] * (decided - hits) + goal.cost[1] * (gold - hits)
    square = (goal.f_beta or 1) ** 2
    fractions = {
        "precision": (hits, decided),
        "recall": (hits, gold),
        "f-beta": ((1 + square) * hits, decided + square * gold),
    }
    above, below = fractions[metric]
    return np.divide(above, below, out=np.zeros_like(below), where=below > 0)


def _scored(seeds: Seeds, policy: Policy) -> dict[int, Scored]:
    """Return what every seed says of the test rows under a policy, fitted on validation."""
    task, found = seeds.task, {}
    for seed, each in seeds.predictions.items():
        decision = decision_for(task, each, temperature=seeds.temperatures[seed], policy=policy)
        found[seed] = score(decision, each.test_logits, each.test_y_true)
    return found


def _sums_of(scored: Mapping[int, Scored], draws: Draws | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums of hits, decided and gold of each seed, shape (seeds, 3), and in each resample, shape (resamples,
    seeds, 3)."""
    columns = np.hstack([pooled_counts(each) for each in scored.values()])
    resampled = np.zeros((0, columns.shape[1])) if draws is None else weighted_sums(draws.counts, columns)
    return columns.sum(axis=0).reshape(-1, 3), resampled.reshape(-1, len(scored), 3)
