"""Ensembles from stored logits: the mean of calibrated logits over an encoder's runs, or over runs of several encoders.

Members and decisions are chosen on validation alone. The greedy selection is that of Caruana et al. 2004, "Ensemble
Selection from Libraries of Models": the run is added that makes the ensemble best on validation, as long as one does. A
run may be added again, which gives it more weight.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.board.entries import Entry
from benchmark.board.tables import LENGTH
from benchmark.statistics.intervals import RESAMPLES, interval
from benchmark.statistics.metrics import bounds
from benchmark.statistics.resampling import draw, points, resample
from benchmark.statistics.seeds import Predictions, decision_for, score
from benchmark.tasks.registry import Task
from benchmark.training.runs import RunInfo, groups_of_run
from zoo.decision import Decision
from zoo.errors import UserError

MOST = 20  # steps of the greedy selection


@dataclass(frozen=True, eq=False)
class Member:
    """One run: its name, what it is, and its logits divided by its temperature."""

    name: str
    info: RunInfo
    predictions: Predictions


def members(entries: Sequence[Entry]) -> list[Member]:
    """Return the runs of a task's entries, each with calibrated logits; an export is no run of its own, nor are further
    seeds of a model that no seed changes.

    Raises:
        UserError: none was trained here.
    """
    found = [
        Member(entry.name, entry.runs[seed].info, _calibrated(entry.runs[seed].predictions, temperature))
        for entry in entries
        if entry.info.runtime == "torch"
        for seed, temperature in entry.seeds.temperatures.items()
    ]
    if not found:
        names = ", ".join(entry.name for entry in entries)
        raise UserError(f"None of {names} was trained here, and the costs of others are not known; run an encoder")
    return found


def _calibrated(found: Predictions, temperature: float) -> Predictions:
    return Predictions(
        found.validation_logits / temperature,
        found.validation_y_true,
        found.test_logits / temperature,
        found.test_y_true,
    )


def joined(chosen: Sequence[Member]) -> Predictions:
    """Return the mean of the members' calibrated logits."""
    first = chosen[0].predictions
    return Predictions(
        np.mean([each.predictions.validation_logits for each in chosen], axis=0),
        first.validation_y_true,
        np.mean([each.predictions.test_logits for each in chosen], axis=0),
        first.test_y_true,
    )


def validation_score(task: Task, found: Predictions, decision: Decision | None = None) -> float:
    """Return the main metric on validation, under the decision that was fitted there."""
    scored = score(decision or decision_for(task, found), found.validation_logits, found.validation_y_true)
    return float(points([scored], task.main_metric)[0])


def select(task: Task, runs: Sequence[Member]) -> list[Member]:
    """Return the greedy selection of runs by the main metric on validation, in the order of choice."""
    chosen: list[Member] = []
    best = -np.inf
    while len(chosen) < MOST:
        # A temperature moves no decision that is fitted after it, so none is fitted in the search.
        tried = (joined([*chosen, each]) for each in runs)
        worth = [validation_score(task, found, decision_for(task, found, temperature=1.0)) for found in tried]
        at = int(np.argmax(worth))
        if worth[at] <= best:
            break
        best = worth[at]
        chosen.append(runs[at])
    return chosen


def table(task: Task, entries: Sequence[Entry]) -> pd.DataFrame:
    """Return the ensembles of a task beside its best single run by validation, the best by validation first.

    Columns: ensemble, members, of (the members' names, of a selection), validation (main metric), value, low, high (on
    test, 95 % for the test rows: the members are fixed), gain, gain_low, gain_high (over the best single run),
    train_seconds, latency_ms, parameters (sums over the different members; latency of one text of LENGTH tokens).
    """
    runs = members(entries)
    by_entry: dict[str, list[Member]] = {}
    for each in runs:
        by_entry.setdefault(each.name, []).append(each)
    alone = max(runs, key=lambda each: validation_score(task, each.predictions))
    sets = {"best single run": [alone]}
    sets |= {f"all runs of {name}": found for name, found in by_entry.items() if len(found) > 1}
    sets["all runs"] = runs
    sets["greedy selection"] = select(task, runs)
    groups = groups_of_run(next(iter(entries[0].runs.values())))
    rows = _judged(task, {name: joined(chosen) for name, chosen in sets.items()}, groups)
    named = [_named(chosen) if name in ("best single run", "greedy selection") else "" for name, chosen in sets.items()]
    rows = rows.assign(members=list(map(len, sets.values())), of=named)
    costs = pd.DataFrame([_costs(chosen) for chosen in sets.values()])
    return pd.concat([rows, costs], axis=1).sort_values("validation", ascending=False, kind="stable", ignore_index=True)


def _judged(task: Task, ensembles: Mapping[str, Predictions], groups: np.ndarray | None) -> pd.DataFrame:
    """Return the scores of each ensemble; gains are over the first."""
    decisions = [decision_for(task, found) for found in ensembles.values()]
    scored = [
        score(decision, found.test_logits, found.test_y_true)
        for decision, found in zip(decisions, ensembles.values(), strict=True)
    ]
    metric = task.main_metric
    draws = draw(len(scored[0].y_true), RESAMPLES, groups=groups)
    on_test, resampled = points(scored, metric), resample(scored, [metric], draws)[metric]
    rows = []
    for at, (name, found) in enumerate(ensembles.items()):
        own = interval(on_test[[at]], resampled[:, [at]], draws.rng, bounds(metric))
        gain = interval(on_test[[at]] - on_test[0], resampled[:, [at]] - resampled[:, [0]], draws.rng)
        row = {"ensemble": name, "validation": validation_score(task, found, decisions[at])}
        row |= {"value": own.value, "low": own.low, "high": own.high}
        rows.append(row | {"gain": gain.value, "gain_low": gain.low, "gain_high": gain.high})
    return pd.DataFrame(rows)


def _named(chosen: Sequence[Member]) -> str:
    counted = Counter(f"{each.name} seed {each.info.recipe.seed}" for each in chosen)
    return ", ".join(f"{number} x {name}" if number > 1 else name for name, number in counted.items())


def _costs(chosen: Sequence[Member]) -> dict[str, float]:
    """Return the summed costs of the different members."""
    infos = list({each.info.id: each.info for each in chosen}.values())
    # A run whose recipe reads fewer tokens was not measured at LENGTH.
    latencies = [next((found.p50_ms for found in info.latency if found.length == LENGTH), np.nan) for info in infos]
    return {
        "train_seconds": sum(info.train_seconds for info in infos),
        "latency_ms": sum(latencies),
        "parameters": sum(info.parameters for info in infos),
    }
