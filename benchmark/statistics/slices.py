"""How an encoder does on parts of a task's test rows: long texts, texts that also stand in train, rare labels.

The board is built without the texts. What the slices need to know of them comes from `benchmark.tasks.row_facts`, the
rest from the logits and the gold labels in the runs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.statistics.intervals import cautions, interval
from benchmark.statistics.metrics import bounds
from benchmark.statistics.resampling import Draws, Scored, points, resample
from benchmark.statistics.seeds import Seeds
from benchmark.tasks.registry import Task
from benchmark.tasks.row_facts import groups_of
from zoo.errors import UserError

COLUMNS = ["slice", "part", "metric", "n", "value", "low", "high", "seeds", "flags"]
MIN_ROWS = 30
# Tasks with fewer labels show each of them on its own; thirds of them would say less.
MANY_LABELS = 10


@dataclass(frozen=True)
class Part:
    """A part of a task's test that is judged by itself: some rows, some labels, one metric.

    `rows` and `labels` are numbers of rows and of labels. `slice` is the grouping that the part belongs to.
    """

    slice: str
    part: str
    metric: str
    rows: np.ndarray
    labels: np.ndarray


def slices(
    seeds: Seeds, facts: pd.DataFrame | None, draws_of: Callable[..., Draws], random: bool = True
) -> pd.DataFrame:
    """Return how an entry does on each part of its task's test that has at least `MIN_ROWS` rows: one row a part.

    Columns: `slice` and `part`, `metric`, `n` test rows, `value` (mean over seeds), `low` and `high` (its 95 %
    interval), `seeds`, `flags` (why the interval may be too narrow). All rows come first, as the standard to compare
    with. The decisions are the entry's own, by its task's rule. `parts` says which slices there are and by what metric
    they are judged.

    Args:
        seeds: the predictions of one entry.
        facts: of the task's test rows in order; without them there are only slices by gold labels and by frequency.
        draws_of: returns resamples of as many rows; may return the same object each time.
        random: whether seeds change its predictions; where not, one is not too few.

    Raises:
        UserError: the facts are of another number of rows.
    """
    if facts is not None and len(facts) != len(seeds.y_true):
        raise UserError(
            f"The row facts of '{seeds.task.name}' are of {len(facts):,} rows and its runs of {len(seeds.y_true):,}; "
            "write the facts again from the rows that the runs are of"
        )
    runs = list(seeds.scored(seeds.task.rule).values())
    shown = [
        part for part in parts(seeds.task, seeds.y_true, seeds.validation_y_true, facts) if len(part.rows) >= MIN_ROWS
    ]
    drawn = (draws_of(len(part.rows), **_groups(facts, part.rows)) for part in shown)
    rows = [_judge(part, runs, draws, random) for part, draws in zip(shown, drawn, strict=True)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _groups(facts: pd.DataFrame | None, rows: np.ndarray) -> dict[str, np.ndarray]:
    groups = groups_of(facts)
    return {} if groups is None else {"groups": groups[rows]}


def _judge(part: Part, runs: list[Scored], draws: Draws, random: bool) -> dict[str, object]:
    taken = [_take(run, part) for run in runs]
    # Not the generator of the draws: what it gives next depends on which slices, of which encoders, came before.
    rng = np.random.default_rng(1)
    resampled = resample(taken, [part.metric], draws)[part.metric]
    found = interval(points(taken, part.metric), resampled, rng, bounds(part.metric))
    return {
        "slice": part.slice,
        "part": part.part,
        "metric": part.metric,
        "n": len(part.rows),
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "seeds": found.seeds,
        "flags": cautions(found, taken[0].y_true, part.metric, random),
    }


def _take(run: Scored, part: Part) -> Scored:
    of_rows = run.take(part.rows)
    arrays = (array[:, part.labels] for array in (of_rows.y_true, of_rows.y_score, of_rows.y_pred))
    return Scored(run.problem_type, *arrays)


def parts(task: Task, y_true: np.ndarray, validation_y_true: np.ndarray, facts: pd.DataFrame | None) -> list[Part]:
    """Return all parts of a task's test, of any size but none empty.

    Those by rows hold every row once in each grouping and are judged by the task's main metric. A macro-F1 on some
    rows leaves out labels whose gold rows are all elsewhere: they could only count 0. Rows without gold labels have
    no F1 at all, so they are judged by subset accuracy: the share that gets no label. "label frequency" groups the
    labels instead: macro-F1 of a third of them, on all rows.

    Args:
        task: with its main metric and language.
        y_true: gold labels of the test rows, shape (n, num_labels).
        validation_y_true: those of the validation rows, shape (m, num_labels).
        facts: of the test rows, n of them.
    """
    groupings = {"all": {"all": np.arange(len(y_true))}}
    if facts is not None:
        groupings |= _by_text(task, facts)
    if task.multi_label:
        groupings["gold labels"] = _by_number(y_true.sum(axis=1))
    found = [
        _part_of_rows(task, slice_, part, rows, y_true)
        for slice_, grouping in groupings.items()
        for part, rows in grouping.items()
        if len(rows)
    ]
    if task.multi_label and len(task.labels) > MANY_LABELS:
        found += _by_frequency(validation_y_true.sum(axis=0), np.arange(len(y_true)))
    return found


def _part_of_rows(task: Task, slice_: str, part: str, rows: np.ndarray, y_true: np.ndarray) -> Part:
    gold = y_true[rows].any(axis=0)
    labels = np.arange(y_true.shape[1])
    if not gold.any():
        return Part(slice_, part, "subset_accuracy", rows, labels)
    if task.main_metric == "f1_macro":
        # A label that is gold nowhere counts 0 in the standard score too.
        labels = np.flatnonzero(gold | ~y_true.any(axis=0))
    return Part(slice_, part, task.main_metric, rows, labels)


def _by_text(task: Task, facts: pd.DataFrame) -> dict[str, dict[str, np.ndarray]]:
    english = task.language == "en"
    found = {
        "length": by_length(facts["words"].to_numpy(), "word" if english else "character"),
        "training duplicates": _by_flag(facts["duplicate"], "duplicate", "clean"),
    }
    if english:
        found |= {name: _by_flag(facts[name], "with", "without") for name in ("negation", "emoji")}
    return found


def by_length(words: np.ndarray, unit: str) -> dict[str, np.ndarray]:
    """Return the rows of every quarter of the lengths, by its name, such as "1-8 words".

    Equal lengths stay together, so that quarters can be of unlike size, or fewer than four; none is empty.

    Args:
        words: the length of every row, shape (n,).
        unit: what is counted, in the singular.
    """
    # Edges that are lengths themselves: each is the longest of its part.
    edges = np.unique(np.quantile(words, (0.25, 0.5, 0.75), method="inverted_cdf"))
    at = np.searchsorted(edges[edges < words.max()], words)
    return {_span(words[at == number], unit): np.flatnonzero(at == number) for number in range(at.max() + 1)}


def _span(words: np.ndarray, unit: str) -> str:
    low, high = int(words.min()), int(words.max())
    return f"{low}-{high} {unit}s" if low < high else f"{low} {unit}{'s' * (low != 1)}"


def _by_flag(flags: pd.Series, yes: str, no: str) -> dict[str, np.ndarray]:
    flagged = flags.to_numpy(bool)
    return {no: np.flatnonzero(~flagged), yes: np.flatnonzero(flagged)}


def _by_number(numbers: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.flatnonzero(np.minimum(numbers, 3) == i) for i, name in enumerate(("0", "1", "2", "3 or more"))}


def _by_frequency(positives: np.ndarray, rows: np.ndarray) -> Iterable[Part]:
    """Yield the thirds of the labels by their number of validation positives; of equals, the first label is rarer."""
    thirds = np.array_split(np.argsort(positives, kind="stable"), 3)
    for name, labels in zip(("rare", "middle", "frequent"), thirds, strict=True):
        yield Part("label frequency", f"{name} ({len(labels)} labels)", "f1_macro", rows, np.sort(labels))
