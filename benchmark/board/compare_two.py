"""Is the difference between two entries of a task real? The findings in lines, for the command line."""

from collections.abc import Sequence

from benchmark.board.entries import Entry, make_entries
from benchmark.statistics.intervals import flags
from benchmark.statistics.metrics import LOWER_IS_BETTER, metrics_of
from benchmark.statistics.pair_tests import RESAMPLES, compare, gather
from benchmark.statistics.ranks import SIGNIFICANT, Key
from benchmark.statistics.resampling import draw
from benchmark.tasks.registry import Task
from benchmark.training.runs import Run
from zoo.errors import UserError, lookup


def compare_two(runs: Sequence[Run], task: Task, a: Key, b: Key, metric: str) -> list[str]:
    """Compare two entries of a task with RESAMPLES resamples; return the findings, line by line.

    Args:
        runs: of the task, and perhaps of others.
        task: the task.
        a: encoder and variant of one entry; the variant is "" for the task's default recipe.
        b: those of the other.
        metric: one of the task's.

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
    draws = draw(len(both[0].y_true), RESAMPLES)
    first, second = (gather(entry.scored(task.rule), metric, draws) for entry in both)
    common = sorted(set(first.seeds) & set(second.seeds))
    if not common:
        raise UserError(
            f"'{name_a}' and '{name_b}' have no seed in common on '{task.name}'; run both with the same --seeds"
        )
    found = compare(first, second, draws.rng)
    gap = found.difference
    values = [float(each.summable.value(each.of(common).totals).mean()) for each in (first, second)]
    told = "real" if found.p_value <= SIGNIFICANT else "cannot tell"
    beats = 1 - found.superiority if metric in LOWER_IS_BETTER else found.superiority
    warned = flags(gap.seeds, both[0].y_true, metric)
    return [
        f"{task.name}, {metric}, {task.reported} split, n = {len(both[0].y_true):,}, seeds in common: {gap.seeds}",
        f"{name_a}: {values[0]:.4f}    {name_b}: {values[1]:.4f}",
        f"difference: {gap.value:+.4f}, 95 % interval [{gap.low:+.4f}, {gap.high:+.4f}]: {told}",
        "(This is for this pair alone. The leaderboard corrects for all pairs of the task.)",
        f"p = {found.p_value:.2g} ({found.test})",
        f"standard error from test rows {gap.sd_rows:.4f}, from seeds {gap.sd_seeds:.4f}",
        f"chance that one fine-tuning of {name_a} beats one of {name_b}: {beats:.0%}",
        f"smallest difference that would have shown (power 80 %): {found.detectable:.4f}",
        *([f"caution: the interval may be too narrow: {'; '.join(warned)}"] if warned else []),
    ]


def _entry(entries: dict[Key, Entry], key: Key, task: Task) -> Entry:
    lookup({encoder: encoder for encoder, _ in entries}, key[0], f"encoder with runs on '{task.name}'")
    of_encoder = {variant: entry for (encoder, variant), entry in entries.items() if encoder == key[0]}
    if key[1] not in of_encoder:
        there = ", ".join(repr(variant) for variant in of_encoder)
        raise UserError(
            f"'{key[0]}' has no variant {key[1]!r} on '{task.name}'. Its variants: {there} ('' is the default)"
        )
    return of_encoder[key[1]]
