"""Entries: what the board has a row for, one encoder with one recipe on one task; and which runs cannot stand there."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmark.board.searches import other_than_chosen
from benchmark.board.tables import LENGTH
from benchmark.statistics.resampling import Scored
from benchmark.statistics.seeds import Seeds
from benchmark.tasks.registry import TASKS, Task, known_tasks
from benchmark.training.recipes import (
    IMPORTED,
    Deterministic,
    ImportedRecipe,
    ProbeRecipe,
    Recipe,
    size_of,
    variant_of,
)
from benchmark.training.runs import CURVES, Run, RunInfo, read_run
from zoo.decision import Rule
from zoo.errors import UserError


@dataclass(frozen=True, eq=False)
class Entry:
    """The runs of one encoder with one recipe on one task, by seed.

    `variant` says in what the recipe differs from the task's default; it is empty for the default.
    """

    task: Task
    encoder: str
    variant: str
    runs: dict[int, Run]

    @property
    def key(self) -> tuple[str, str]:
        """Encoder and variant, which tell it from the task's other entries."""
        return self.encoder, self.variant

    @property
    def name(self) -> str:
        """How it is shown; never a key."""
        return f"{self.encoder} [{self.variant}]" if self.variant else self.encoder

    @property
    def info(self) -> RunInfo:
        """What is the same in all of its runs; the facts of the first."""
        return next(iter(self.runs.values())).info

    @property
    def random(self) -> bool:
        """Whether a seed changes anything; it does not where there is one set of imported predictions."""
        return len(self.runs) > 1 if self.imported else not isinstance(self.info.recipe, Deterministic)

    @property
    def imported(self) -> bool:
        """Whether its predictions were made elsewhere."""
        return isinstance(self.info.recipe, ImportedRecipe)

    @property
    def bare(self) -> bool:
        """Whether it has labels without scores, so that nothing is fitted."""
        recipe = self.info.recipe
        return isinstance(recipe, ImportedRecipe) and recipe.imported == "labels"

    @cached_property
    def seeds(self) -> Seeds:
        """What its seeds predicted; the first alone where a seed changes nothing."""
        runs = list(self.runs.items()) if self.random else list(self.runs.items())[:1]
        return Seeds(self.task, {seed: run.predictions for seed, run in runs}, self.bare)

    @property
    def y_true(self) -> np.ndarray:
        """Gold labels of the test rows, shape (n, num_labels)."""
        return self.seeds.y_true

    def scored(self, rule: Rule) -> dict[int, Scored]:
        """Return what every seed says about the test rows under its decision."""
        return self.seeds.scored(rule)


def find_runs(results: Path) -> tuple[list[Run], dict[str, str]]:
    """Read every run below `results`; return those that can be compared, and why each of the others cannot, by folder.

    Left out are runs that are damaged, of an unknown task, with other labels than their task, with logits that are not
    finite, tuned with another recipe than their trials choose, with other rows or gold labels than most runs of the
    task, of another revision or protocol than most of their encoder's, of another precision than most of their
    recipe's, or with the recipe and seed of another run.
    """
    runs, problems, known = [], {}, known_tasks(results)
    for path in sorted(results.glob("*/*/[!.]*/")):
        if path.is_relative_to(results / CURVES):
            continue
        try:
            run = read_run(path)
        except UserError as error:
            problems[_name(path)] = str(error)
            continue
        if reason := _flaw(run, known):
            problems[_name(path)] = reason
        else:
            runs.append(run)
    runs, mismatched = _without_mismatches(runs, "rows or gold labels", _task, _rows)
    runs, changed = _without_mismatches(runs, "revision or protocol", _encoder, _code)
    runs, rounded = _without_mismatches(runs, "precision", _recipe, _precision)
    runs, twice = _without_doubles(runs, known)
    return runs, problems | mismatched | changed | rounded | twice


Fields = Callable[[Run], tuple[object, ...]]


def _task(run: Run) -> tuple[object, ...]:
    return (run.info.task,)


def _rows(run: Run) -> tuple[object, ...]:
    found = run.predictions
    return (run.info.fingerprint, found.validation_y_true.tobytes(), found.test_y_true.tobytes())


def _encoder(run: Run) -> tuple[object, ...]:
    return (run.info.task, run.info.encoder)


def _code(run: Run) -> tuple[object, ...]:
    return (run.info.revision, run.info.protocol)


def _recipe(run: Run) -> tuple[object, ...]:
    recipe = run.info.recipe
    took_bf16 = isinstance(recipe, Recipe) and recipe.precision == "bf16"
    changes = {"seed": 0} | ({"precision": "auto"} if took_bf16 else {})
    return (*_encoder(run), run.info.runtime, run.info.trials, recipe.model_copy(update=changes))


def _precision(run: Run) -> tuple[object, ...]:
    return (run.info.hardware.get("precision"),)


def _name(folder: Path) -> str:
    return "/".join(folder.parts[-3:])


def _flaw(run: Run, known: Mapping[str, Task]) -> str:
    found = run.predictions
    if run.info.diverged:
        return f"diverged: {run.info.diverged}"
    if run.info.task not in known:
        return f"its task '{run.info.task}' is not registered"
    task = known[run.info.task]
    if (run.info.problem_type, run.info.labels) != (task.problem_type, task.labels):
        return f"its labels, their order, or its problem type are not those of '{task.name}'"
    for part, logits, y_true in (
        ("validation", found.validation_logits, found.validation_y_true),
        ("test", found.test_logits, found.test_y_true),
    ):
        if logits.ndim != 2 or logits.shape[1] != len(task.labels) or y_true.shape != logits.shape or not len(y_true):
            return (
                f"its {part} rows have logits of shape {logits.shape} and gold labels of shape {y_true.shape}, and "
                f"'{task.name}' has {len(task.labels)} labels"
            )
    if not (np.isfinite(found.validation_logits).all() and np.isfinite(found.test_logits).all()):
        return "its logits are not all finite"
    if not (
        task.multi_label or all((each.sum(axis=1) == 1).all() for each in (found.validation_y_true, found.test_y_true))
    ):
        return f"its rows have not one gold label each, as those of '{task.name}' have"
    measured = isinstance(run.info.recipe, ImportedRecipe) or any(each.length == LENGTH for each in run.info.latency)
    if not measured:
        return f"its latency at {LENGTH} tokens was not measured"
    if reason := other_than_chosen(run, task):
        return reason
    needed = 2 if run.info.problem_type == "single_label_classification" else 1
    if found.test_y_true.any(axis=0).sum() < needed:
        return "its test rows have one class only"
    return ""


def _without_mismatches(runs: list[Run], what: str, group: Fields, same: Fields) -> tuple[list[Run], dict[str, str]]:
    """Split off the runs that in the fields `same` are not like most runs that share the fields `group`."""
    votes: dict[object, Counter[object]] = {}
    for run in runs:
        votes.setdefault(group(run), Counter())[same(run)] += 1
    usual = {key: counted.most_common(1)[0][0] for key, counted in votes.items()}
    mismatched = [run for run in runs if same(run) != usual[group(run)]]
    reason = f"its {what} differ from its neighbours'"
    kept = [run for run in runs if same(run) == usual[group(run)]]
    return kept, {_name(run.folder): reason for run in mismatched}


def _without_doubles(runs: list[Run], known: Mapping[str, Task]) -> tuple[list[Run], dict[str, str]]:
    """Split off the runs whose task, encoder, recipe and seed an earlier one has: one fine-tuning counts once."""
    first: dict[tuple[object, ...], Run] = {}
    doubles = {}
    for run in runs:
        key = (*_encoder(run), _variant(run, known[run.info.task]), run.info.recipe.seed)
        if first.setdefault(key, run) is not run:
            doubles[_name(run.folder)] = f"has the recipe and the seed of {_name(first[key].folder)}"
    return list(first.values()), doubles


def make_entries(runs: list[Run], tasks: Mapping[str, Task] = TASKS) -> list[Entry]:
    """Group runs into entries, in the order of `tasks`, then of the encoders' names.

    On a user's own data, the recipe that all encoders share takes the place of the default (see `shared_recipe`).
    """
    grouped: dict[tuple[str, str, str], dict[int, Run]] = {}
    shared = {task: shared_recipe(runs, tasks[task]) for task in {run.info.task for run in runs}}
    for run in runs:
        variant = _variant(run, tasks[run.info.task])
        variant = "" if variant == shared[run.info.task] else variant
        grouped.setdefault((run.info.task, run.info.encoder, variant), {})[run.info.recipe.seed] = run
    order = list(tasks)
    keys = sorted(grouped, key=lambda key: (order.index(key[0]), key[1], key[2]))
    return [Entry(tasks[task], encoder, variant, grouped[task, encoder, variant]) for task, encoder, variant in keys]


def shared_recipe(runs: list[Run], task: Task) -> str:
    """Return how the one recipe of all fine-tuned encoders on a user's own data differs from the default; "" for a
    registered task, and where the recipes are not one."""
    if task.name in TASKS:
        return ""
    of_task = [run for run in runs if run.info.task == task.name and not run.info.trials]
    found = {_variant(run, task) for run in of_task if isinstance(run.info.recipe, Recipe | ProbeRecipe)}
    return found.pop() if len(found) == 1 else ""


def _variant(run: Run, task: Task) -> str:
    """Return in what a run differs from its task's default: in its recipe, or because it is an export's."""
    info = run.info
    if isinstance(info.recipe, ImportedRecipe):
        return IMPORTED
    tuned = f"tuned over {info.trials} trials" if info.trials else ""
    changes = [tuned or variant_of(info.recipe, task, size_of(info.parameters / 1e6), info.encoder)]
    if run.info.runtime != "torch":
        changes.append(f"runtime={run.info.runtime}")
    return ", ".join(filter(None, changes))
