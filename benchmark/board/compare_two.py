"""Is the difference between two entries of a task real? The findings in lines, for the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.board.cells import sampled
from benchmark.board.entries import Entry, make_entries
from benchmark.board.pages import plain
from benchmark.board.ranked import rankable
from benchmark.statistics import intervals
from benchmark.statistics.intervals import FEW_SEEDS, Sample, flags, pooled
from benchmark.statistics.metrics import LOWER_IS_BETTER, metrics_of
from benchmark.statistics.pair_tests import MARGIN, RESAMPLES, Comparison, compare, gather, shared_seeds
from benchmark.statistics.ranks import SIGNIFICANT, Key
from benchmark.statistics.resampling import draw
from benchmark.tasks.registry import Task
from benchmark.tasks.row_facts import groups_of
from benchmark.training.runs import Run
from zoo.errors import UserError, lookup


@dataclass(frozen=True)
class Finding:
    """What a comparison found, in lines; and by how much A is better than B, a fraction, with its 95 % interval:
    negative where A is worse."""

    lines: list[str]
    better: float
    low: float
    high: float

    def worse_than(self, at_least: float, possibly: bool) -> bool:
        """Return whether A falls short of B by more than `at_least` allows (a fraction, such as -0.005): surely, with
        the whole interval, or possibly, with a part of it."""
        return (self.low if possibly else self.high) < at_least


def compare_two(
    runs: Sequence[Run],
    task: Task,
    a: Key,
    b: Key,
    metric: str,
    margin: float = MARGIN,
    facts: Mapping[str, pd.DataFrame] | None = None,
) -> Finding:
    """Compare two entries of a task with RESAMPLES resamples; return the findings.

    Args:
        runs: of the task, and perhaps of others. All ranked entries of the task say how much seeds matter.
        task: the task.
        a: encoder and variant of one entry; the variant is "" for the task's default recipe.
        b: those of the other.
        metric: one of the task's.
        margin: that of "equal", in the unit of the metric.
        facts: of the test rows, by fingerprint (see `benchmark.tasks.row_facts`); they say which rows belong together.

    Raises:
        UserError: an entry has no runs, they share no seed, or the metric is none of the task's.
    """
    lookup(metrics_of(task.problem_type), metric, "metric")
    of_task = [run for run in runs if run.info.task == task.name]
    entries = {entry.key: entry for entry in make_entries(of_task, {task.name: task})}
    if not entries:
        raise UserError(f"There are no runs of '{task.name}' to compare; make some: encoder-zoo run --help")
    both = [_entry(entries, key, task) for key in (a, b)]
    name_a, name_b = both[0].name, both[1].name
    groups = groups_of((facts or {}).get(both[0].info.fingerprint))
    draws = draw(len(both[0].y_true), RESAMPLES, groups=groups)
    first, second = (gather(entry.scored(task.rule), metric, draws, entry.random) for entry in both)
    common = shared_seeds(first, second)
    if not common:
        raise UserError(
            f"'{name_a}' and '{name_b}' have no seed in common on '{task.name}'; run both with the same --seeds"
        )
    others = [entry for entry in rankable(list(entries.values())) if entry not in both]
    samples = [_sample(entry, metric, groups) for entry in others]
    seeds = pooled([first.sample, second.sample, *samples])
    found = compare(first, second, draws.rng, seeds, margin)
    gap, sign = found.difference, -1 if metric in LOWER_IS_BETTER else 1
    low, high = sorted((sign * gap.low, sign * gap.high))
    values = [float(each.of(common).values.mean()) for each in (first, second)]
    beats = found.superiority if sign > 0 else 1 - found.superiority
    higher = name_a if sign * gap.value > 0 else name_b
    warned = flags(gap.seeds if any(each.random for each in both) else FEW_SEEDS, both[0].y_true, metric)
    lines = [
        f"{task.name}, {metric}, {task.reported} split, n = {len(both[0].y_true):,}, seeds in common: {gap.seeds}",
        f"{name_a}: {values[0]:.4f}    {name_b}: {values[1]:.4f}",
        f"{_told(found, margin, higher)} (this pair alone; the leaderboard corrects for all pairs of the task)",
        f"difference: {gap.value:+.4f}, 95 % interval [{gap.low:+.4f}, {gap.high:+.4f}]",
        f"p {'<=' if found.least else '='} {found.p_value:.2g} ({found.test}); of equal: p = {found.p_equal:.2g}",
        f"standard error from test rows {gap.sd_rows:.4f}, from seeds {gap.sd_seeds:.4f}",
        f"chance that one fine-tuning of {name_a} beats one of {name_b}: {beats:.0%}",
        f"smallest difference that would have shown (power 80 %): {found.detectable:.4f}",
        *(f"{each.name}: trained once, it has no randomness" for each in both if not each.random),
        *([f"whole groups of rows are drawn: {first.groups}"] if first.groups else []),
        *([f"caution: the interval may be too narrow: {'; '.join(warned)}"] if warned else []),
    ]
    return Finding(lines, sign * gap.value, low, high)


def _told(found: Comparison, margin: float, higher: str) -> str:
    if found.p_value <= SIGNIFICANT:
        return f"{higher} is better"
    if found.p_equal <= SIGNIFICANT:
        return f"equal within {plain(margin)}"
    return f"undecided; more {found.decided_by} would narrow the interval"


def _sample(entry: Entry, metric: str, groups: np.ndarray | None) -> Sample:
    draws = draw(len(entry.y_true), intervals.RESAMPLES, groups=groups)
    return sampled(entry, list(entry.scored(entry.task.rule).values()), [metric], draws)[metric]


def _entry(entries: dict[Key, Entry], key: Key, task: Task) -> Entry:
    lookup({encoder: encoder for encoder, _ in entries}, key[0], f"encoder with runs on '{task.name}'")
    of_encoder = {variant: entry for (encoder, variant), entry in entries.items() if encoder == key[0]}
    if key[1] == "" and len(of_encoder) == 1 and (only := next(iter(of_encoder.values()))).imported:
        return only  # predictions from elsewhere have no recipe that could be the default
    if key[1] not in of_encoder:
        there = ", ".join(repr(variant) for variant in of_encoder)
        raise UserError(
            f"'{key[0]}' has no variant {key[1]!r} on '{task.name}'. Its variants: {there} ('' is the default)"
        )
    return of_encoder[key[1]]
