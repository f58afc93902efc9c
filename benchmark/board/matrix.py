"""The matrix: encoders by tasks, the main metric with the costs beside it; and which encoder to take."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pandas as pd

from benchmark.board.pages import LINEAR, best_first, listed, of_task, size, tasks_of
from benchmark.board.tables import LENGTH, Board, protocol_of
from benchmark.statistics.ranks import MIN_SEEDS, mean_ranks
from benchmark.tasks.registry import Language, Task
from benchmark.training.recipes import IMPORTED
from zoo.errors import UserError, lookup

LANGUAGES = {"en": "English", "zh": "Chinese", "any": "any language"}
NOT_RUN, UNFINISHED = "–", "†"  # no run at all; trials alone, or a single seed of the default recipe


@dataclass(frozen=True)
class Score:
    """An encoder's ranked score on a task, a fraction; `best` says that no other ranked encoder is better."""

    value: float
    best: bool


@dataclass(frozen=True)
class Row:
    """One encoder: its ranked scores by task, the tasks where it is `unfinished` (only trials, or a single seed so
    far), and its costs: millions of parameters, milliseconds for one text, and minutes of one training on the task that
    the matrix names. What is not told of an `imported` model is nan or None."""

    encoder: str
    baseline: bool
    scores: dict[str, Score]
    unfinished: frozenset[str]
    parameters: float
    ms: float
    minutes: float | None
    imported: bool = False


@dataclass(frozen=True)
class Matrix:
    """Encoders by the tasks of one language, the best first. `timed` is the task whose training is timed, `machines`
    where times were measured."""

    language: str
    tasks: list[Task]
    rows: list[Row]
    timed: Task
    machines: list[str]

    @property
    def candidates(self) -> list[Row]:
        """The encoders that one can take: ranked ones, but for imported models, whose training is unknown."""
        return [row for row in self.rows if row.scores and not row.imported]


def matrices(board: Board) -> list[Matrix]:
    """Return the board's matrices, one a language that it has tasks of."""
    tasks = tasks_of(board)
    languages = [language for language in get_args(Language) if any(task.language == language for task in tasks)]
    return [matrix(board, [task for task in tasks if task.language == language]) for language in languages]


def matrix(board: Board, tasks: Sequence[Task]) -> Matrix:
    """Return the matrix of some tasks of one language."""
    columns = {task.name: best_first(board.cells, task).to_dict("records") for task in tasks}
    ranked = {name: {row["encoder"]: row for row in rows if _is_ranked(row)} for name, rows in columns.items()}
    timed = max(tasks, key=lambda task: len(ranked[task.name]))
    by_encoder: dict[str, list[dict[Any, Any]]] = {}
    for row in (row for rows in columns.values() for row in rows):
        by_encoder.setdefault(row["encoder"], []).append(row)
    found = [_row(encoder, rows, ranked, timed) for encoder, rows in by_encoder.items()]
    ranks = _ranks(found)
    found.sort(key=lambda row: ranks.get(row.encoder, np.inf))
    return Matrix(tasks[0].language, list(tasks), found, timed, _machines(board, tasks))


def _is_ranked(row: dict[Any, Any]) -> bool:
    return protocol_of(row["variant"]) == "" and (row["seeds"] >= MIN_SEEDS or not row["random"])


def _row(encoder: str, rows: list[dict[Any, Any]], ranked: dict[str, dict[str, dict[Any, Any]]], timed: Task) -> Row:
    mine = {name: found[encoder] for name, found in ranked.items() if encoder in found}
    training = mine.get(timed.name)
    return Row(
        encoder,
        baseline=rows[0]["family"] == LINEAR,
        imported=rows[0]["family"] == IMPORTED,
        scores={name: Score(row["value"], bool(row["rank_low"] == 1)) for name, row in mine.items()},
        unfinished=frozenset(row["task"] for row in rows) - set(mine),
        parameters=float(np.median([row["parameters"] for row in rows])) / 1e6,
        ms=min(row["p50_ms"] for row in rows),
        minutes=training["train_seconds"] / 60 if training and training["train_seconds"] > 0 else None,
    )


def _ranks(rows: Sequence[Row]) -> dict[str, float]:
    """The encoders' ranks on the tasks that each pair shares."""
    scores = pd.DataFrame({row.encoder: {name: each.value for name, each in row.scores.items()} for row in rows}).T
    found = mean_ranks(scores.astype(float))
    return dict(zip(found["encoder"], found["mean_rank"], strict=True))


def _machines(board: Board, tasks: Sequence[Task]) -> list[str]:
    """The processors and GPUs by name, without what stands in brackets."""
    rows = [row for task in tasks for row in of_task(board.costs, task).to_dict("records")]
    names = [re.sub(r" \(.*?\)", "", row[kind]).split(", ") for row in rows for kind in ("processor", "gpu")]
    return [name for name in dict.fromkeys(name for found in names for name in found) if name]


def table_of(found: Matrix) -> pd.DataFrame:
    """Return a matrix for reading in Markdown: percent, the best group of a task bold, gaps as marks."""
    rows = []
    for row in found.rows:
        cells = {"encoder": f"{row.encoder} ({IMPORTED})" if row.imported else row.encoder} | {
            f"{task.name} ({task.main_metric})": _cell(row, task) for task in found.tasks
        }
        cells |= {"parameters (M)": _number(row.parameters), "ms a text": _number(row.ms)}
        cells[f"training (min, {found.timed.name})"] = NOT_RUN if row.minutes is None else _number(row.minutes)
        rows.append(cells)
    return pd.DataFrame(rows)


def _number(value: float) -> str:
    return NOT_RUN if np.isnan(value) else f"{value:.1f}"


def _cell(row: Row, task: Task) -> str:
    score = row.scores.get(task.name)
    if score is None:
        return UNFINISHED if task.name in row.unfinished else NOT_RUN
    percent = f"{100 * score.value:.1f}"
    return f"**{percent}**" if score.best else percent


def legend(found: Sequence[Matrix]) -> list[str]:
    """Return the sentences that explain the marks and the times of matrices."""
    told = ["Bold marks the best group of a task: no other encoder is shown to be better."]
    if any(row.unfinished for each in found for row in each.rows):
        told.append(f"{UNFINISHED} is not trained to the end yet: fewer than two seeds of the default recipe.")
    if any(row.imported for each in found for row in each.rows):
        told.append("Predictions of an imported model were made elsewhere; its costs are those that were told.")
    machines = list(dict.fromkeys(name for each in found for name in each.machines))
    where = f" on {listed(machines)}" if machines else ""
    return [*told, f"A text has {LENGTH} tokens here. Times were measured{where}, and other work can slow them down."]


@dataclass(frozen=True)
class Choice:
    """Which encoder to take, what the smallest one costs, and how far the answer reaches; each one is a sentence.
    `encoder` and `smallest` are their names."""

    encoder: str
    smallest: str
    take: str
    cost: str


def which_of(board: Board, language: str, multi_label: bool | None = None, max_ms: float | None = None) -> Choice:
    """Return which encoder to take for a language.

    Args:
        board: as published.
        language: "en", "zh" or "any".
        multi_label: whether a text may have several labels; None looks at tasks of both kinds.
        max_ms: milliseconds that one text may take.

    Raises:
        UserError: the board has no such tasks, or no encoder that is ranked and fast enough.
    """
    lookup(LANGUAGES, language, "language")
    tasks = [task for task in tasks_of(board) if task.language == language and multi_label in (None, task.multi_label)]
    if not tasks:
        there = ", ".join(task.name for task in tasks_of(board))
        raise UserError(f"The board has no such task in {LANGUAGES[language]}; its tasks: {there}")
    return which(matrix(board, tasks), max_ms)


def which(found: Matrix, max_ms: float | None = None) -> Choice:
    """Return which encoder to take: the one that is in the best group of most tasks; of equals, the one with the better
    ranks on shared tasks, and then the faster one.

    Raises:
        UserError: none is ranked, or none is as fast.
    """
    ranked = found.candidates
    fast = [row for row in ranked if max_ms is None or row.ms <= max_ms]
    if not ranked:
        raise UserError(
            "No encoder is ranked on these tasks yet; make runs with the default recipe: encoder-zoo run --help"
        )
    if not fast:
        least = min(ranked, key=lambda row: row.ms)
        told = f"the fastest, {least.encoder}, takes {least.ms:.1f} ms"
        raise UserError(f"No ranked encoder takes {max_ms:g} ms or less for a text; {told}")
    ranks = _ranks(fast)
    best = min(fast, key=lambda row: (-_won(row), ranks.get(row.encoder, np.inf), row.ms))
    smallest = min(fast, key=lambda row: (row.parameters, row.ms))
    kind = f"For {LANGUAGES[found.language]}"
    tasks = f"{_won(best)} of the {len(best.scores)} task{'s' * (len(best.scores) > 1)} where it is ranked"
    take = (
        f"{kind}, take {best.encoder}: it is in the best group of {tasks}, and it answers a text in {best.ms:.1f} ms."
    )
    return Choice(best.encoder, smallest.encoder, take, _cost(best, smallest))


def _won(row: Row) -> int:
    return sum(score.best for score in row.scores.values())


def _cost(best: Row, smallest: Row) -> str:
    if best == smallest:
        return "No ranked encoder is smaller."
    shared = [name for name in best.scores if name in smallest.scores]
    what = f"The smallest, {smallest.encoder} ({smallest.parameters:.1f} M parameters, {smallest.ms:.1f} ms a text),"
    if not shared:
        return f"{what} is ranked on none of its tasks."
    gaps = sorted(best.scores[name].value - smallest.scores[name].value for name in shared)
    where = f"the {len(gaps)} task{'s' * (len(gaps) > 1)} that both have"
    if gaps[0] >= 0:
        return f"{what} scores {_range(gaps)} points lower on {where}."
    if gaps[-1] <= 0:
        return f"{what} scores no lower on {where}."
    ahead = sum(gap < 0 for gap in gaps)
    return f"{what} scores up to {size(gaps[-1])} points lower on {where}, and higher on {ahead} of them."


def _range(gaps: list[float]) -> str:
    low, high = size(gaps[0]), size(gaps[-1])
    return low if low == high else f"{low} to {high}"
