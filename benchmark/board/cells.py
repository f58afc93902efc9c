"""The cells of the board: each entry's metrics with their intervals, by one variance of seeds for each task."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmark.board.costs import costs
from benchmark.board.entries import Entry
from benchmark.board.kept import Samples
from benchmark.board.ranked import has_seeds
from benchmark.board.tables import protocol_of
from benchmark.statistics.intervals import UNKNOWN, Sample, SeedVariance, cautions, interval_of, pooled, sample
from benchmark.statistics.metrics import OF_SCORES, bounds, metrics_of
from benchmark.statistics.resampling import Draws, Scored, points, resample
from benchmark.statistics.seeds import score
from zoo.decision import Rule

RULES: tuple[Rule, ...] = ("fixed", "global", "per_label")


def samples_of(entry: Entry, draws: Draws) -> Samples:
    """Return the mean over seeds of every metric under every rule, with what its error is computed from. Bare labels
    have none of the metrics that need scores."""
    names = list(metrics_of(entry.task.problem_type))
    decided = [name for name in names if name not in OF_SCORES]
    rules: tuple[Rule, ...] = RULES if entry.task.multi_label else ("argmax",)
    parts: list[tuple[str, list[Scored], list[str]]] = [
        (rule, list(entry.scored(rule).values()), decided) for rule in rules
    ]
    if not entry.bare:
        scores = list(entry.scored(rules[0]).values())
        parts.append(("scores", scores, [name for name in names if name in OF_SCORES]))
        parts.append(("raw", _raw(entry, rules[0]), ["ece", "brier"]))
    return {
        (rule, metric): found
        for rule, scored, metrics in parts
        for metric, found in sampled(entry, scored, metrics, draws).items()
    }


def _raw(entry: Entry, rule: Rule) -> list[Scored]:
    """Return what the runs say with their logits as they are."""
    return [
        score(decision.uncalibrated(), entry.runs[seed].predictions.test_logits, entry.y_true)
        for seed, decision in entry.seeds.decisions(rule).items()
    ]


def sampled(entry: Entry, scored: list[Scored], metrics: list[str], draws: Draws) -> dict[str, Sample]:
    """Return the mean over seeds of some metrics of what an entry's runs say, with what its error is computed from."""
    resampled = resample(scored, metrics, draws)
    return {name: sample(points(scored, name), resampled[name], int(entry.random)) for name in metrics}


def cells(entries: Sequence[Entry], samples: Sequence[Samples]) -> list[pd.DataFrame]:
    """Return one table an entry of a task: a row for each rule and metric.

    Declared recipes share one variance of seeds. A trial has the one of its own seeds, or, with a single seed, theirs.
    """
    both = list(zip(entries, samples, strict=True))
    declared = [found for entry, found in both if protocol_of(entry.variant) is not None and has_seeds(entry)]
    keys = dict.fromkeys(key for found in samples for key in found)
    shared = {key: pooled(found[key] for found in declared if key in found) for key in keys}
    return [
        _table(entry, {key: (each, shared[key] if _shares(entry) else pooled([each])) for key, each in found.items()})
        for entry, found in both
    ]


def _shares(entry: Entry) -> bool:
    return protocol_of(entry.variant) is not None or not has_seeds(entry)


def _table(entry: Entry, found: dict[tuple[str, str], tuple[Sample, SeedVariance]]) -> pd.DataFrame:
    rows = [
        {"rule": rule, "metric": metric} | _cell(entry, metric, each, seeds)
        for (rule, metric), (each, seeds) in found.items()
    ]
    runs = " ".join(run.info.id for run in entry.runs.values())
    return pd.DataFrame(rows).assign(**costs(entry), runs=runs)


def _cell(entry: Entry, metric: str, each: Sample, seeds: SeedVariance) -> dict[str, object]:
    found = interval_of(each, seeds, np.random.default_rng(1), bounds(metric))
    several = len(each.of_seeds) > 1
    return {
        "value": round(found.value, 6),
        "low": round(found.low, 6),
        "high": round(found.high, 6),
        "sd": round(float(np.std(each.of_seeds, ddof=1)), 6) if several else float("nan"),
        "sd_rows": round(found.sd_rows, 6),
        "sd_seeds": round(found.sd_seeds, 6) if seeds is not UNKNOWN or not entry.random else float("nan"),
        "sd_seed_by_row": round(found.seed_by_row, 6),
        "seeds": len(entry.runs),
        "random": entry.random,
        "n": len(entry.y_true),
        "flags": cautions(found, entry.y_true, metric, entry.random),
    }
