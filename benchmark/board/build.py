"""The leaderboard's tables, computed from the runs alone, without torch. `benchmark.board.pages` writes them out."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from benchmark.board.cells import cells, samples_of
from benchmark.board.costs import costs_by_length
from benchmark.board.declared import doubts
from benchmark.board.entries import Entry, find_runs, make_entries, shared_recipe
from benchmark.board.kept import Kept, Samples, keep, recall
from benchmark.board.published import anchors, not_measured, read_published
from benchmark.board.ranked import Ranked, rank_task, rankable, ranked_of, scores_of
from benchmark.board.searches import searches
from benchmark.board.tables import KEYS, Board, protocol_of
from benchmark.board.train_samples import refit_table
from benchmark.statistics.calibration import calibration, reliability
from benchmark.statistics.intervals import RESAMPLES
from benchmark.statistics.pair_tests import MARGIN
from benchmark.statistics.policies_reached import standard_policies
from benchmark.statistics.ranks import mean_ranks
from benchmark.statistics.resampling import draw, metrics_of_labels
from benchmark.statistics.rules import gains, stability
from benchmark.statistics.slices import slices
from benchmark.tasks.registry import Language, Task, as_json, known_tasks
from benchmark.tasks.row_facts import find_row_facts, groups_of
from zoo.decision import Decision
from zoo.errors import UserError

# From here on a process for each core is worth its start.
MANY_LOOKS = 20
MANY_TASKS = 3

FactsOfRows = dict[str, pd.DataFrame]  # by the fingerprint of the rows
Looked = tuple[dict[str, pd.DataFrame], Samples]
Decisions = dict[int, Decision]  # by seed


@dataclass(frozen=True)
class _Step:
    """A part of the work, and what it is done with: entries, tasks, row facts and numbers."""

    do: Callable[..., Looked]
    given: tuple[Any, ...]

    def parts(self) -> Iterator[str | bytes]:
        """Yield all that its outcome depends on."""
        yield self.do.__name__
        for each in self.given:
            yield from _contents(each)


def _contents(given: Any) -> Iterator[str | bytes]:
    match given:
        case Task():
            yield as_json(given)
        case Entry():
            yield from (as_json(given.task), given.encoder, given.variant)
            for run in given.runs.values():
                yield from (run.folder.name, run.info.model_dump_json())  # with the hash of its predictions
        case list():
            for each in given:
                yield from _contents(each)
        case pd.DataFrame():
            yield from (part for name in given for part in (str(name), given[name].to_numpy().tobytes()))
        case _:
            yield repr(given)


def _done(steps: list[_Step], kept: Kept | None, many: int) -> Iterator[Looked]:
    """Yield the outcome of every step, so that no more of them is in memory than is looked at. What is not kept yet is
    computed, on all cores where it is so many steps, and kept."""
    places = [kept.place(step.parts()) if kept else None for step in steps]
    new = [place is None or not place.is_file() for place in places]
    run = Parallel(n_jobs=os.cpu_count() if sum(new) >= many else 1, batch_size=1, return_as="generator")
    made = run(delayed(step.do)(*step.given) for step, is_new in zip(steps, new, strict=True) if is_new)
    for step, place, is_new in zip(steps, places, new, strict=True):
        outcome = None if is_new or place is None else recall(place)
        if outcome is None:  # new, or what was kept is damaged
            outcome = next(made) if is_new else step.do(*step.given)
            if place is not None:
                keep(place, *outcome)
        yield outcome


def build(results: Path, margin: float = MARGIN, kept: Kept | None = None) -> Board:
    """Compute the board of the runs below `results`; two entries are equal if they differ by less than `margin`. What
    is `kept` from an earlier board is not computed again.

    Raises:
        UserError: there is no run that can stand on a board.
    """
    runs, problems = find_runs(results)
    if problems and not runs:
        told = "; ".join(f"{run}: {reason}" for run, reason in problems.items())
        raise UserError(
            f"None of the {len(problems)} runs in {results} can stand on a board; mend or delete them: {told}"
        )
    if not runs:
        raise UserError(f"There are no runs in {results} yet; make some: encoder-zoo run --help")
    entries = make_entries(runs, known_tasks(results))
    facts = {name: find_row_facts(results, name) for name in {entry.task.name for entry in entries}}
    return build_entries(entries, facts, problems, searches(results), margin, kept)


def build_entries(
    entries: list[Entry],
    facts: dict[str, FactsOfRows],
    problems: dict[str, str],
    found: pd.DataFrame,
    margin: float = MARGIN,
    kept: Kept | None = None,
) -> Board:
    """Compute the board of entries.

    Args:
        entries: what stands on it.
        facts: by task, what the slices need to know of the test rows, for the tasks that have them.
        problems: the runs that were left out, and why.
        found: what the searches for recipes found (see `benchmark.board.searches`).
        margin: that of "equal", in the unit of the metrics.
        kept: what was computed before.
    """
    by_task = _by_task(entries)
    known = {entry: facts.get(entry.task.name, {}).get(entry.info.fingerprint) for entry in entries}
    looks = _done([_Step(_look_at, (entry, known[entry])) for entry in entries], kept, MANY_LOOKS)
    looked, made, decided = list[dict[str, pd.DataFrame]](), list[pd.DataFrame](), dict[Entry, Decisions]()
    for of_task in by_task.values():
        tables_of, samples = zip(*(next(looks) for _ in of_task), strict=True)
        decided |= {entry: _decisions(each.pop("decisions")) for entry, each in zip(of_task, tables_of, strict=True)}
        looked += tables_of
        made += [_keyed(entry, table) for entry, table in zip(of_task, cells(of_task, samples), strict=True)]
    comparisons = [
        _Step(_rank, (task, of_task, [decided[entry] for entry in of_task], margin, known[of_task[0]]))
        for task, of_task in by_task.items()
    ]
    compared = dict(zip(by_task, (found for found, _ in _done(comparisons, kept, MANY_TASKS)), strict=True))
    ranked = {task: ranked_of(found) for task, found in compared.items()}
    doubted = {task: found["doubts"] for task, found in compared.items()}
    tables = {name: _joined(each[name] for each in looked) for name in looked[0]}
    ranks = {(task.name, *key): both for task, one in ranked.items() for key, both in one.ranks.items()}
    main, published = _with_ranks(_joined(made), ranks, list(by_task)), read_published()
    beside_ours = anchors(published, main)
    return Board(
        cells=main,
        pairs=_joined(one.pairs.assign(task=task.name) for task, one in ranked.items()),
        overall=_overall(ranked),
        anchors=beside_ours,
        unmeasured=not_measured(published, beside_ours),
        tuning=found,
        refits=refit_table(entries),
        tasks=pd.DataFrame(
            [(task.name, as_json(task), _shared(of_task)) for task, of_task in by_task.items()],
            columns=["task", "spec", "recipe"],
        ),
        problems=_problems(entries, ranked, problems, doubted),
        **tables,
    )


def _shared(entries: list[Entry]) -> str:
    return shared_recipe([run for entry in entries for run in entry.runs.values()], entries[0].task)


def _problems(
    entries: list[Entry], ranked: dict[Task, Ranked], problems: dict[str, str], doubted: dict[Task, pd.DataFrame]
) -> pd.DataFrame:
    """Return why runs are not on the board, declared recipes without a rank or in doubt, and pairs not compared."""
    rows = [(*run.split("/")[:2], "", run, reason) for run, reason in problems.items()]
    with_rank = rankable(entries)
    single = [entry for entry in entries if protocol_of(entry.variant) is not None and entry not in with_rank]
    rows += [(entry.task.name, *entry.key, "", "has one seed and takes no rank") for entry in single]
    for task, one in ranked.items():
        for a, b in one.apart:
            other = f"{b[0]} [{b[1]}]" if b[1] else b[0]
            rows.append((task.name, *a, "", f"shares fewer than two seeds with {other}: not compared"))
    for task, table in doubted.items():
        rows += [(task.name, encoder, "", "", reason) for encoder, reason in table.itertuples(index=False, name=None)]
    return pd.DataFrame(rows, columns=["task", "encoder", "variant", "run", "reason"], dtype="str")


def _decisions(table: pd.DataFrame) -> Decisions:
    return {int(seed): Decision.model_validate_json(fitted) for seed, fitted in table.itertuples(index=False)}


def _rank(
    task: Task, entries: list[Entry], decided: list[Decisions], margin: float, facts: pd.DataFrame | None
) -> Looked:
    """Return the tables that compare the entries of a task, by the decisions that were fitted for its rule."""
    for entry, decisions in zip(entries, decided, strict=True):
        entry.seeds.take(task.rule, decisions)
    tables = rank_task(task, entries, margin, groups_of(facts)).tables()
    return tables | {"doubts": doubts(entries)}, {}


def _look_at(entry: Entry, facts: pd.DataFrame | None) -> Looked:
    """Return the tables that look at an entry alone, and what its cells are made of; what they draw depends on no other
    entry."""
    draws_of = cache(draw)
    draws = draw(len(entry.y_true), RESAMPLES, groups=groups_of(facts))
    fitted, scores = entry.task.multi_label and not entry.bare, not entry.bare
    tables = {
        "labels": _labels(entry),
        "rules": gains(entry.seeds, draws) if fitted else pd.DataFrame(),
        "policies": standard_policies(entry.seeds, draw(len(entry.y_true), RESAMPLES, groups=groups_of(facts)))
        if scores
        else pd.DataFrame(),
        "thresholds": stability(entry.seeds, draws_of) if fitted else pd.DataFrame(),
        "calibration": calibration(entry.seeds, draws) if scores else pd.DataFrame(),
        "reliability": reliability(entry.seeds) if scores else pd.DataFrame(),
        "slices": slices(entry.seeds, facts, partial(draw, number=1000), entry.random),
        "costs": costs_by_length(entry),
        "runs": _runs(entry),
    }
    keyed = {name: _keyed(entry, table) for name, table in tables.items()}
    return keyed | {"decisions": _fitted(entry)}, samples_of(entry, draws)


def _fitted(entry: Entry) -> pd.DataFrame:
    decisions = entry.seeds.decisions(entry.task.rule)
    return pd.DataFrame({"seed": list(decisions), "decision": [each.model_dump_json() for each in decisions.values()]})


def _by_task(entries: list[Entry]) -> dict[Task, list[Entry]]:
    found: dict[Task, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.task, []).append(entry)
    return found


def _joined(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    kept = [table for table in tables if len(table)]
    return pd.concat(kept, ignore_index=True).round(6) if kept else pd.DataFrame()


def _keyed(entry: Entry, table: pd.DataFrame) -> pd.DataFrame:
    """Put the entry's keys before a table of it."""
    keys = dict(zip(KEYS, (entry.task.name, entry.encoder, entry.info.family, entry.variant), strict=True))
    return pd.DataFrame(keys, index=table.index).join(table)


def _runs(entry: Entry) -> pd.DataFrame:
    rows = [
        {
            "seed": seed,
            "id": run.info.id,
            "folder": "/".join(run.folder.parts[-3:]),
            "recipe": run.info.recipe.model_dump_json(),
            "best_epoch": run.info.best_epoch,
            "commit": run.info.commit,
            "versions": json.dumps(run.info.versions),
            "hardware": json.dumps(run.info.hardware),
        }
        for seed, run in entry.runs.items()
    ]
    return pd.DataFrame(rows)


def _with_ranks(
    cells: pd.DataFrame, ranks: dict[tuple[str, str, str], tuple[int, int]], tasks: list[Task]
) -> pd.DataFrame:
    """Add the rank interval to each ranked entry's cell of the main metric."""
    cells = cells.reset_index(drop=True)
    main = {(task.name, task.rule, task.main_metric) for task in tasks}
    cell = zip(cells["task"], cells["rule"], cells["metric"], strict=True)
    entry = zip(cells["task"], cells["encoder"], cells["variant"], strict=True)
    found = [ranks.get(of) if key in main else None for of, key in zip(entry, cell, strict=True)]
    for side, name in enumerate(("rank_low", "rank_high")):
        cells[name] = pd.array([both[side] if both else None for both in found], dtype="Int64")
    return cells


def _labels(entry: Entry) -> pd.DataFrame:
    tables = [metrics_of_labels(scored) for scored in entry.scored(entry.task.rule).values()]
    mean = {name: np.mean([table[name] for table in tables], axis=0) for name in tables[0]}
    if entry.bare:
        mean["average_precision"] = np.full(len(entry.task.labels), np.nan)
    return pd.DataFrame({"label": list(entry.task.labels)} | mean)


def _overall(ranked: dict[Task, Ranked]) -> pd.DataFrame:
    """Return ranks across tasks, language by language, where two tasks or more rank two entries or more: one alone is
    the first of its task whatever it is worth."""
    tables = []
    for language in get_args(Language):
        of_language = {t: one for t, one in ranked.items() if t.language == language and len(one.ranks) > 1}
        if len(of_language) > 1:
            tables.append(mean_ranks(scores_of(of_language)).assign(language=language))
    return _joined(tables)
