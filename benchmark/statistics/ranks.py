"""Ranks that say what they do not know: every pair of a task tested, Holm-corrected; mean ranks across tasks."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from benchmark.board.entries import Entry, make_entries
from benchmark.statistics.intervals import LEVEL, flags, seed_noise, seed_variance, stretch
from benchmark.statistics.metrics import LOWER_IS_BETTER, metrics_of
from benchmark.statistics.pair_tests import RESAMPLES, Comparison, Evidence, compare, detectable, gather, holm
from benchmark.statistics.resampling import Draws, draw
from benchmark.tasks.registry import Task
from benchmark.training.recipes import Recipe
from benchmark.training.runs import Run
from zoo.errors import UserError, lookup

SIGNIFICANT = 0.05
MIN_SEEDS = 2


def rankable(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries that take a rank: those with two seeds or more."""
    return [entry for entry in entries if len(entry.runs) >= MIN_SEEDS]


def evidence_of(entry: Entry, draws: Draws) -> Evidence:
    """Return an entry's evidence by its task's main metric and rule."""
    return gather(entry.scored(entry.task.rule), entry.task.main_metric, draws)


def compare_all(evidence: dict[str, Evidence], rng: np.random.Generator) -> pd.DataFrame:
    """Compare every pair of one task's entries.

    Returns:
        One row a pair that shares MIN_SEEDS seeds: a, b, difference, low, high, p_value, p_holm (corrected over these
        pairs), test, superiority, detectable (under the strictest correction, with at least the variance of seeds of
        the median pair with one of the two), seeds, verdict ("a", "b", or "cannot tell" at 5 % after correction).
    """
    both = [pair for pair in combinations(evidence, 2) if comparable(evidence[pair[0]], evidence[pair[1]])]
    found = [compare(evidence[a], evidence[b], rng) for a, b in both]
    pairs = pd.DataFrame([{"a": a, "b": b} | _as_row(each) for (a, b), each in zip(both, found, strict=True)])
    if both:
        gaps = {pair: each.difference for pair, each in zip(both, found, strict=True)}
        pairs["detectable"] = [
            detectable(gap, [other for names, other in gaps.items() if set(names) & set(pair)], len(both))
            for pair, gap in gaps.items()
        ]
        pairs["p_holm"] = holm(pairs["p_value"].to_numpy())
        better = np.where(pairs["difference"] > 0, "a", "b")
        pairs["verdict"] = np.where(pairs["p_holm"] <= SIGNIFICANT, better, "cannot tell")
    return pairs


def comparable(a: Evidence, b: Evidence) -> bool:
    """Return whether two entries share the seeds that a comparison on the board takes: without a second one, the noise
    of seeds would be left out of it."""
    return len(set(a.seeds) & set(b.seeds)) >= MIN_SEEDS


def _as_row(found: Comparison) -> dict[str, object]:
    return {
        "difference": found.difference.value,
        "low": found.difference.low,
        "high": found.difference.high,
        "p_value": found.p_value,
        "test": found.test,
        "superiority": found.superiority,
        "detectable": found.detectable,
        "seeds": found.difference.seeds,
    }


def rank_intervals(names: Sequence[str], pairs: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Return the ranks that each entry may have: from one more than the number of entries that are significantly
    better to all less those that are significantly worse. Entries that cannot be told apart share ranks."""
    better, worse = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for row in pairs.to_dict("records"):
        if row["verdict"] != "cannot tell":
            winner, loser = (row["a"], row["b"]) if row["verdict"] == "a" else (row["b"], row["a"])
            worse[winner] += 1
            better[loser] += 1
    return {name: (1 + better[name], len(names) - worse[name]) for name in names}


def one_an_encoder(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Return by encoder what stands for it across tasks: of a task's entries those with the recipe that most encoders
    share (in a tie, the default), and baselines, whose recipes are of another kind."""
    counts = Counter(entry.variant for entry in entries if _tuned(entry))
    shared = max(counts, key=lambda variant: (counts[variant], not variant, variant), default="")
    return {entry.encoder: entry for entry in entries if entry.variant == shared or not _tuned(entry)}


def _tuned(entry: Entry) -> bool:
    return isinstance(entry.info.recipe, Recipe)


def mean_ranks(evidence: dict[str, dict[str, Evidence]], rng: np.random.Generator) -> pd.DataFrame:
    """Return the mean rank across tasks of the entries that all of the tasks have.

    Ranks are taken anew in every resample of rows and seeds, task by task, so that a rank that hangs on noise has a
    wide interval; the tasks themselves are taken as given. A bare mean of the tasks' metrics would add what has no
    common unit.

    Args:
        evidence: by task, then by entry's name.
        rng: draws the seeds.

    Returns:
        One row an entry, best first: name, mean_rank, low, high (95 %), tasks; none where fewer than two entries have
        all tasks.
    """
    common = sorted(set.intersection(*(set(entries) for entries in evidence.values())))
    if len(common) < 2:
        return pd.DataFrame()
    point = np.mean([_ranks(_values(entries, common)) for entries in evidence.values()], axis=0)
    drawn = np.mean([_ranks(_drawn(entries, common, rng)) for entries in evidence.values()], axis=0)
    low, high = np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0)
    table = pd.DataFrame({"name": common, "mean_rank": point[0], "low": low, "high": high, "tasks": len(evidence)})
    return table.sort_values("mean_rank", kind="stable").reset_index(drop=True)


def _values(entries: dict[str, Evidence], names: list[str]) -> np.ndarray:
    return np.array([[entries[name].summable.value(entries[name].totals).mean() for name in names]])


def _drawn(entries: dict[str, Evidence], names: list[str], rng: np.random.Generator) -> np.ndarray:
    """Return the entries' means over seeds in every resample of rows and seeds, shape (draws, entries)."""
    columns = []
    for name in names:
        found = entries[name]
        of_seeds = found.summable.value(found.totals)
        _, of_mean, degrees = seed_variance(of_seeds, found.resampled)
        drawn = found.resampled.mean(axis=1) + seed_noise(of_seeds, of_mean, len(found.resampled), rng)
        columns.append(drawn.mean() + (drawn - drawn.mean()) * stretch(degrees))
    return np.column_stack(columns)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks from 1 for the highest (every main metric is the higher the better), equal values sharing their
    mean rank, row by row."""
    return np.asarray(rankdata(-values, axis=1))


def compare_two(runs: Sequence[Run], task: Task, a: str, b: str, metric: str) -> list[str]:
    """Compare two entries of a task by name with RESAMPLES resamples; return the findings, line by line.

    Raises:
        UserError: an entry has no runs, they share no seed, or the metric is none of the task's.
    """
    lookup(metrics_of(task.problem_type), metric, "metric")
    of_task = [run for run in runs if run.info.task == task.name]
    entries = {entry.name: entry for entry in make_entries(of_task, {task.name: task})}
    if not entries:
        raise UserError(f"There are no runs of '{task.name}' to compare; make some: python -m benchmark run --help")
    both = [lookup(entries, name, f"entry of '{task.name}'") for name in (a, b)]
    draws = draw(len(both[0].y_true), RESAMPLES)
    first, second = (gather(entry.scored(task.rule), metric, draws) for entry in both)
    common = sorted(set(first.seeds) & set(second.seeds))
    if not common:
        raise UserError(f"'{a}' and '{b}' have no seed in common on '{task.name}'; run both with the same --seeds")
    found = compare(first, second, draws.rng)
    gap = found.difference
    values = [float(each.summable.value(each.of(common).totals).mean()) for each in (first, second)]
    told = "real" if found.p_value <= SIGNIFICANT else "not to be told from noise"
    beats = 1 - found.superiority if metric in LOWER_IS_BETTER else found.superiority
    warned = flags(gap.seeds, both[0].y_true, metric)
    return [
        f"{task.name}, {metric}, {task.reported} split, n = {len(both[0].y_true):,}, seeds in common: {gap.seeds}",
        f"{a}: {values[0]:.4f}    {b}: {values[1]:.4f}",
        f"difference: {gap.value:+.4f}, 95 % interval [{gap.low:+.4f}, {gap.high:+.4f}]: {told}",
        "(this pair alone; the leaderboard corrects for all pairs of the task)",
        f"p = {found.p_value:.2g} ({found.test})",
        f"standard error from test rows {gap.sd_rows:.4f}, from seeds {gap.sd_seeds:.4f}",
        f"chance that one fine-tuning of {a} beats one of {b}: {beats:.0%}",
        f"smallest difference that would have shown (power 80 %): {found.detectable:.4f}",
        *([f"take care, the interval may be too narrow: {'; '.join(warned)}"] if warned else []),
    ]
