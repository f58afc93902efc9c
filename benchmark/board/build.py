"""The leaderboard's tables, computed from the runs alone, without torch. `benchmark.board.pages` writes them out."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from benchmark.board.costs import costs, costs_by_length
from benchmark.board.entries import Entry, find_runs, make_entries, score
from benchmark.board.published import anchors, not_measured, read_published
from benchmark.board.tables import KEYS, Board, entry_name
from benchmark.statistics.calibration import calibration, reliability
from benchmark.statistics.intervals import RESAMPLES, interval, take_care
from benchmark.statistics.metrics import OF_SCORES, bounds, metrics_of
from benchmark.statistics.pair_tests import Evidence
from benchmark.statistics.ranks import (
    comparable,
    compare_all,
    evidence_of,
    mean_ranks,
    one_an_encoder,
    rank_intervals,
    rankable,
)
from benchmark.statistics.resampling import Draws, Scored, draw, of_labels, points, resample
from benchmark.statistics.rules import gains, stability
from benchmark.statistics.slices import slices
from benchmark.tasks.registry import Task, as_json, known_tasks
from benchmark.tasks.row_facts import find_row_facts
from zoo.decision import Rule
from zoo.errors import UserError

RULES: tuple[Rule, ...] = ("fixed", "global", "per_label")
DRAWS_A_PAIR = 40
MANY_ENTRIES = 20  # from here on a process for each core is worth its start


FactsOfRows = dict[str, pd.DataFrame]  # by the fingerprint of the rows


def build(results: Path) -> Board:
    """Compute the board of the runs below `results`.

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
        raise UserError(f"There are no runs in {results} yet; make some: python -m benchmark run --help")
    entries = make_entries(runs, known_tasks(results))
    facts = {name: find_row_facts(results, name) for name in {entry.task.name for entry in entries}}
    return build_entries(entries, facts, problems)


def build_entries(entries: list[Entry], facts: dict[str, FactsOfRows], problems: dict[str, str]) -> Board:
    """Compute the board of entries.

    Args:
        entries: what stands on it.
        facts: by task, what the slices need to know of the test rows, for the tasks that have them.
        problems: the runs that were left out, and why.
    """
    by_task = _by_task(entries)
    steps = [delayed(_rank_task)(task, of_task) for task, of_task in by_task.items()]
    steps += [delayed(_look_at)(entry, facts.get(entry.task.name, {}).get(entry.info.fingerprint)) for entry in entries]
    done = Parallel(n_jobs=os.cpu_count() if len(entries) >= MANY_ENTRIES else 1, batch_size=1)(steps)
    ranked, parts = done[: len(by_task)], done[len(by_task) :]
    tables = {name: _joined(part[name] for part in parts) for name in parts[0]}
    ranks = {(one.task.name, name): both for one in ranked for name, both in one.ranks.items()}
    cells, published = _with_ranks(tables.pop("cells"), ranks, list(by_task)), read_published()
    apart = {f"{e.task.name}/{e.name}": "has one seed and takes no rank" for e in entries if e not in rankable(entries)}
    for one in ranked:
        for a, b in combinations(one.evidence, 2):
            if not comparable(one.evidence[a], one.evidence[b]):
                apart[f"{one.task.name}/{a} and {b}"] = "share fewer than two seeds and are not compared"
    beside_ours = anchors(published, cells)
    return Board(
        cells=cells,
        pairs=_joined(one.pairs.assign(task=one.task.name) for one in ranked),
        overall=_overall({one.task: one.across for one in ranked}),
        anchors=beside_ours,
        unmeasured=not_measured(published, beside_ours),
        tasks=pd.DataFrame([(task.name, as_json(task)) for task in by_task], columns=["task", "spec"]),
        problems=pd.DataFrame((problems | apart).items(), columns=["run", "reason"], dtype="str"),
        **tables,
    )


@dataclass(frozen=True)
class _Ranked:
    """One task's entries compared; `across` is the evidence of those that stand for an encoder, by its name."""

    task: Task
    evidence: dict[str, Evidence]
    across: dict[str, Evidence]
    pairs: pd.DataFrame
    ranks: dict[str, tuple[int, int]]


def _rank_task(task: Task, entries: list[Entry]) -> _Ranked:
    with_rank = rankable(entries)
    # A p-value is not under one in the draws, and times the pairs it must come under 5 %.
    draws = draw(len(entries[0].y_true), max(RESAMPLES, DRAWS_A_PAIR * comb(len(with_rank), 2)))
    evidence = {entry.name: evidence_of(entry, draws) for entry in with_rank}
    across = {encoder: evidence[entry.name] for encoder, entry in one_an_encoder(with_rank).items()}
    pairs = compare_all(evidence, draws.rng)
    ranks = rank_intervals(list(evidence), pairs) if len(evidence) > 1 else {}  # one alone would be first in any case
    return _Ranked(task, evidence, across, pairs, ranks)


def _look_at(entry: Entry, facts: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
    """Return the tables that look at one entry alone; what they draw depends on no other entry."""
    draws_of = cache(draw)
    draws = draws_of(len(entry.y_true), RESAMPLES)
    multi_label = entry.task.multi_label
    tables = {
        "cells": _cells(entry, draws),
        "labels": _labels(entry),
        "rules": gains(entry, draws) if multi_label else pd.DataFrame(),
        "thresholds": stability(entry, draws_of) if multi_label else pd.DataFrame(),
        "calibration": calibration(entry, draws),
        "reliability": reliability(entry),
        "slices": slices(entry, facts, lambda n: draws_of(n, 1000)),
        "costs": costs_by_length(entry),
        "runs": _runs(entry),
    }
    return {name: _keyed(entry, table) for name, table in tables.items()}


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


def _cells(entry: Entry, draws: Draws) -> pd.DataFrame:
    names = list(metrics_of(entry.task.problem_type))
    decided = [name for name in names if name not in OF_SCORES]
    rules: tuple[Rule, ...] = RULES if entry.task.multi_label else ("argmax",)
    parts = [_rule_cells(entry, rule, list(entry.scored(rule).values()), decided, draws) for rule in rules]
    scores = list(entry.scored(rules[0]).values())
    parts.append(_rule_cells(entry, "scores", scores, [name for name in names if name in OF_SCORES], draws))
    parts.append(_rule_cells(entry, "raw", _raw(entry, rules[0]), ["ece", "brier"], draws))
    table = pd.DataFrame([row for part in parts for row in part])
    return table.assign(**costs(entry), runs=" ".join(run.info.id for run in entry.runs.values()))


def _raw(entry: Entry, rule: Rule) -> list[Scored]:
    """Return what the runs say with their logits as they are."""
    return [
        score(decision.uncalibrated(), entry.runs[seed].predictions.test_logits, entry.y_true)
        for seed, decision in entry.decisions(rule).items()
    ]


def _rule_cells(
    entry: Entry, rule: str, scored: list[Scored], metrics: list[str], draws: Draws
) -> list[dict[str, object]]:
    resampled = resample(scored, metrics, draws)
    return [
        {"rule": rule, "metric": metric} | _cell(entry, metric, points(scored, metric), resampled[metric], draws.rng)
        for metric in metrics
    ]


def _cell(
    entry: Entry, metric: str, of_seeds: np.ndarray, resampled: np.ndarray, rng: np.random.Generator
) -> dict[str, object]:
    found = interval(of_seeds, resampled, rng, bounds(metric))
    return {
        "value": round(found.value, 6),
        "low": round(found.low, 6),
        "high": round(found.high, 6),
        "sd": round(float(np.std(of_seeds, ddof=1)), 6) if len(of_seeds) > 1 else float("nan"),
        "sd_rows": round(found.sd_rows, 6),
        "sd_seeds": round(found.sd_seeds, 6),
        "sd_luck": round(found.luck, 6),
        "seeds": found.seeds,
        "n": len(entry.y_true),
        "flags": take_care(found, entry.y_true, metric),
    }


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


def _with_ranks(cells: pd.DataFrame, ranks: dict[tuple[str, str], tuple[int, int]], tasks: list[Task]) -> pd.DataFrame:
    """Add the rank interval to each ranked entry's cell of the main metric."""
    cells = cells.reset_index(drop=True)
    main = {(task.name, task.rule, task.main_metric) for task in tasks}
    cell = zip(cells["task"], cells["rule"], cells["metric"], strict=True)
    found = [ranks.get(name) if key in main else None for name, key in zip(_names(cells), cell, strict=True)]
    for side, name in enumerate(("rank_low", "rank_high")):
        cells[name] = pd.array([both[side] if both else None for both in found], dtype="Int64")
    return cells


def _names(cells: pd.DataFrame) -> list[tuple[str, str]]:
    return [(row["task"], entry_name(row)) for row in cells.to_dict("records")]


def _labels(entry: Entry) -> pd.DataFrame:
    tables = [of_labels(scored) for scored in entry.scored(entry.task.rule).values()]
    mean = {name: np.mean([table[name] for table in tables], axis=0) for name in tables[0]}
    return pd.DataFrame({"label": list(entry.task.labels)} | mean)


def _overall(evidence: dict[Task, dict[str, Evidence]]) -> pd.DataFrame:
    """Return mean ranks, language by language, where two tasks or more rank two entries or more: one alone is the
    first of its task whatever it is worth."""
    tables = []
    for language in ("en", "zh"):
        ranked = {task: found for task, found in evidence.items() if len(found) > 1}
        of_language = {task.name: found for task, found in ranked.items() if task.language == language}
        if len(of_language) > 1:
            tables.append(mean_ranks(of_language, np.random.default_rng(0)).assign(language=language))
    return _joined(tables)
