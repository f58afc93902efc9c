"""The matrix: encoders by tasks, the main metric with the costs beside it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pandas as pd

from benchmark.board.pages import LINEAR, best_first, listed, of_task, tasks_of
from benchmark.board.tables import LENGTH, Board, protocol_of
from benchmark.statistics.ranks import MIN_SEEDS, mean_ranks
from benchmark.tasks.registry import Language, Task
from benchmark.training.recipes import IMPORTED

LANGUAGES = {"en": "English", "zh": "Chinese", "any": "any language"}
NOT_RUN, ONE_SEED, OTHER_RECIPES = "–", "†", "‡"  # why an encoder has no rank on a task


@dataclass(frozen=True)
class Score:
    """An encoder's score with its default recipe on a task, a fraction; `best` says that no other ranked encoder is
    better. One that is not `compared` is the only one of its task, so nothing is known of it."""

    value: float
    best: bool
    compared: bool = True


@dataclass(frozen=True)
class Row:
    """One encoder: its ranked scores by task; the tasks where it is `unfinished`, each with the score of the one seed
    that has the default recipe, or None where only other recipes were run; and its costs: millions of parameters,
    milliseconds for one text, and minutes of one training on the task that the matrix names. What is not told of an
    `imported` model is nan or None."""

    encoder: str
    baseline: bool
    scores: dict[str, Score]
    unfinished: dict[str, float | None]
    parameters: float
    ms: float
    minutes: float | None
    imported: bool = False

    @property
    def compared(self) -> int:
        """On how many tasks it is compared with another encoder."""
        return sum(score.compared for score in self.scores.values())


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
        return [row for row in self.rows if row.compared and not row.imported]


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
    ranks = shared_ranks(found)
    found.sort(key=lambda row: ranks.get(row.encoder, np.inf))
    return Matrix(tasks[0].language, list(tasks), found, timed, _machines(board, tasks))


def _is_ranked(row: dict[Any, Any]) -> bool:
    return protocol_of(row["variant"]) == "" and (row["seeds"] >= MIN_SEEDS or not row["random"])


def _row(encoder: str, rows: list[dict[Any, Any]], ranked: dict[str, dict[str, dict[Any, Any]]], timed: Task) -> Row:
    mine = {name: found[encoder] for name, found in ranked.items() if encoder in found}
    training = mine.get(timed.name)
    unfinished = {row["task"]: None for row in rows} | {
        row["task"]: row["value"] for row in rows if protocol_of(row["variant"]) == ""
    }
    return Row(
        encoder,
        baseline=rows[0]["family"] == LINEAR,
        imported=rows[0]["family"] == IMPORTED,
        scores={
            name: Score(row["value"], bool(row["rank_low"] == 1), bool(pd.notna(row["rank_low"])))
            for name, row in mine.items()
        },
        unfinished={name: value for name, value in unfinished.items() if name not in mine},
        parameters=float(np.median([row["parameters"] for row in rows])) / 1e6,
        ms=min(row["p50_ms"] for row in rows),
        minutes=training["train_seconds"] / 60 if training and training["train_seconds"] > 0 else None,
    )


def shared_ranks(rows: Sequence[Row]) -> dict[str, float]:
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
            f"{task.name} ({task.main_metric})": cell_text(row, task) for task in found.tasks
        }
        cells |= {"parameters (M)": _number(row.parameters), "ms a text": _number(row.ms)}
        cells[f"training (min, {found.timed.name})"] = NOT_RUN if row.minutes is None else _number(row.minutes)
        rows.append(cells)
    return pd.DataFrame(rows)


def _number(value: float) -> str:
    return NOT_RUN if np.isnan(value) else f"{value:.1f}"


def cell_text(row: Row, task: Task) -> str:
    """Return a ranked score in percent, or the mark in its place: NOT_RUN, OTHER_RECIPES, or a score with ONE_SEED."""
    if score := row.scores.get(task.name):
        return f"**{100 * score.value:.1f}**" if score.best else f"{100 * score.value:.1f}"
    if task.name not in row.unfinished:
        return NOT_RUN
    single = row.unfinished[task.name]
    return OTHER_RECIPES if single is None else f"{100 * single:.1f}{ONE_SEED}"


def legend(found: Sequence[Matrix]) -> list[str]:
    """Return the sentences that explain the marks and the times of matrices."""
    told = [
        "Bold marks the best group of a task: no encoder is shown to be better than any of them. A task without "
        "bold has fewer than two encoders with a rank."
    ]
    without_rank = [value for each in found for row in each.rows for value in row.unfinished.values()]
    if any(value is not None for value in without_rank):
        told.append(f"{ONE_SEED} marks the score of a single seed: it takes no rank until there is a second one.")
    if None in without_rank:
        told.append(
            f"{OTHER_RECIPES} means that only other recipes than the default were run so far; the page of the task has "
            "their scores."
        )
    if any(row.imported for each in found for row in each.rows):
        told.append("Predictions of an imported model were made elsewhere; its costs are those given at the import.")
    machines = list(dict.fromkeys(name for each in found for name in each.machines))
    where = f" on {listed(machines)}" if machines else ""
    told.append(
        f"Times are for a text of {LENGTH} tokens, the shortest of all tasks, measured{where}; other work on a machine "
        "makes them longer."
    )
    return [*told, "Differences are rounded after subtracting."]
