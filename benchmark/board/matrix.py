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
    """An encoder's score with its default recipe on a task, a fraction; `best` says that no other ranked encoder is
    better. One that is not `compared` is the only one of its task, so nothing is known of it."""

    value: float
    best: bool
    compared: bool = True


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
        return [row for row in self.rows if _tasks(row) and not row.imported]


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
        scores={
            name: Score(row["value"], bool(row["rank_low"] == 1), bool(pd.notna(row["rank_low"])))
            for name, row in mine.items()
        },
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
    told = ["Bold marks the best group of a task: the encoders that no other one is shown to be better than."]
    if any(row.unfinished for each in found for row in each.rows):
        told.append(f"{UNFINISHED} means that the default recipe does not have two seeds yet, so there is no rank.")
    if any(row.imported for each in found for row in each.rows):
        told.append("Predictions of an imported model were made elsewhere; its costs are those given at the import.")
    machines = list(dict.fromkeys(name for each in found for name in each.machines))
    where = f" on {listed(machines)}" if machines else ""
    return [*told, f"Times are for a text of {LENGTH} tokens, measured{where}; other work can slow them down."]


NOTHING_YET = (
    "Nothing can be compared on these tasks yet. A comparison takes two encoders with the default recipe, and two "
    "seeds of each encoder that is fine-tuned; see encoder-zoo run --help"
)


@dataclass(frozen=True)
class Choice:
    """Which encoder to take and why, what the smallest one costs: both as sentences. `encoder` and `smallest` are their
    names. `others` are in the best group on as many tasks; `tied` is one of them with the same mean rank, or ""."""

    encoder: str
    smallest: str
    others: int
    tied: str
    take: str
    cost: str


def answer_of(found: Matrix) -> str:
    """Return which encoder to take and what the smallest one costs, or that nothing can be compared yet."""
    if not found.candidates:
        return NOTHING_YET
    choice = which(found)
    return f"{choice.take} {choice.cost}"


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
    """Return which encoder to take: the one that is in the best group on the most tasks; of equals, the one with the
    best mean rank on shared tasks, and then the fastest.

    Raises:
        UserError: none is ranked, or none is as fast.
    """
    ranked = found.candidates
    fast = [row for row in ranked if max_ms is None or row.ms <= max_ms]
    if not ranked:
        raise UserError(NOTHING_YET)
    if not fast:
        least = min(ranked, key=lambda row: row.ms)
        told = f"the fastest, {least.encoder}, takes {least.ms:.1f} ms"
        raise UserError(f"No ranked encoder takes {max_ms:g} ms or less for a text; {told}")
    ranks = _ranks(fast)
    best = min(fast, key=lambda row: (-_won(row), ranks.get(row.encoder, np.inf), row.ms))
    others = [row.encoder for row in fast if row is not best and _won(row) == _won(best)]
    tied = next((name for name in others if ranks.get(name) == ranks.get(best.encoder)), "")
    smallest = min(fast, key=lambda row: (row.parameters, row.ms))
    limit = "" if max_ms is None else f" and at most {max_ms:g} ms a text"
    where = f"{_won(best)} of the {_counted(_tasks(best))}" if (_won(best), _tasks(best)) != (1, 1) else "the only task"
    take = (
        f"For {LANGUAGES[found.language]}{limit}, take {best.encoder}: it is in the best group on {where} where it is "
        f"ranked, and it answers a text in {best.ms:.1f} ms."
    )
    why = _why(best.encoder, len(others), tied, limited=max_ms is not None)
    return Choice(best.encoder, smallest.encoder, len(others), tied, f"{take} {why}", _cost(best, smallest))


def _won(row: Row) -> int:
    return sum(score.best for score in row.scores.values())


def _tasks(row: Row) -> int:
    return sum(score.compared for score in row.scores.values())


def _counted(tasks: int) -> str:
    return f"{tasks} task{'s' * (tasks != 1)}"


def _why(best: str, others: int, tied: str, limited: bool) -> str:
    """What decided between encoders in the best group on as many tasks."""
    among = " within this limit" if limited else ""
    if not others:
        return f"No other encoder{among} is in the best group on as many tasks."
    those = f"{others} other encoder{'s' * (others > 1)}{among} {'are' if others > 1 else 'is'}"
    reason = f"{tied} has the same mean rank, but is not faster" if tied else f"{best} has the best mean rank of them"
    return f"{those} in the best group on as many tasks; {reason}."


def _cost(best: Row, smallest: Row) -> str:
    if best == smallest:
        return "No ranked encoder is smaller."
    what = f"The smallest is {smallest.encoder}: {smallest.parameters:.1f} M parameters, {smallest.ms:.1f} ms a text."
    lower, higher, shared = gaps_of(best, smallest)
    where = f"the {_counted(shared)} that both have"
    if not shared:
        return f"{what} It is ranked on none of the same tasks."
    if not lower:
        return f"{what} It scores no lower on {where}."
    if len(lower) == shared:
        return f"{what} It scores {span(lower)} points lower on {where}."
    if not higher:
        return f"{what} Of {where}, it scores lower on {len(lower)}, by {span(lower)} points."
    ahead = f"higher on {len(higher)}, by {span(higher)} points"
    return f"{what} Of {where}, it scores lower on {len(lower)}, by {span(lower)} points, and {ahead}."


def gaps_of(best: Row, smallest: Row) -> tuple[list[float], list[float], int]:
    """Return by how much the smallest encoder scores lower than the best one, and by how much higher: fractions, one a
    task where it does, the least first; and how many tasks both have."""
    shared = best.scores.keys() & smallest.scores.keys()
    gaps = sorted(best.scores[name].value - smallest.scores[name].value for name in shared)
    return [gap for gap in gaps if gap > 0], sorted(-gap for gap in gaps if gap < 0), len(gaps)


def span(gaps: Sequence[float], between: str = " to ") -> str:
    """Return the least and the largest of some gaps in points, such as "4.5 to 31.1"; one figure where they agree."""
    return between.join(dict.fromkeys((size(gaps[0]), size(gaps[-1]))))
