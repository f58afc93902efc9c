"""Which encoder to take, and the matrix of encoders by tasks: what the page opens on, as plain values."""

from math import isnan
from typing import TYPE_CHECKING, Any, get_args

from demo.leaderboard.links import encoder_links
from demo.leaderboard.words import language_name
from demo.shared.texts import Language, say
from zoo.errors import UserError

if TYPE_CHECKING:
    from benchmark.board.choice import Choice
    from benchmark.board.matrix import Matrix, Row
    from benchmark.board.tables import Board
    from benchmark.tasks.registry import Task

SPEEDS = (5, 20, 50)  # milliseconds that one text may take
KINDS: dict[str, bool | None] = {"": None, "several": True, "one": False}  # of labels a text has; whether several


def answers_of(board: "Board", page: Language) -> dict[str, dict[str, Any]]:
    """Return, for each language that the board has tasks of and each of KINDS among them, which encoder to take in two
    sentences (or the `problem` why none), the same under `within` each of SPEEDS, and the matrix below them."""
    from benchmark.board.pages import tasks_of
    from benchmark.tasks.registry import Language as OfTask

    tasks = tasks_of(board)
    found: dict[str, dict[str, Any]] = {}
    for language in get_args(OfTask):
        for kind, several in KINDS.items():
            chosen = [task for task in tasks if task.language == language and several in (None, task.multi_label)]
            if chosen:
                found.setdefault(language, {})[kind] = _answer(board, chosen, page)
    return found


def _answer(board: "Board", tasks: "list[Task]", page: Language) -> dict[str, Any]:
    from benchmark.board.matrix import matrix

    found = matrix(board, tasks)
    shown = {
        "tasks": [task.name for task in found.tasks],
        "timed": found.timed.name,
        "machines": found.machines,
        "rows": [_row(board, row, found, page) for row in found.rows],
    }
    within = {str(speed): _told(found, speed, page) for speed in SPEEDS}
    return shown | _told(found, None, page) | {"within": within}


def _told(found: "Matrix", speed: float | None, page: Language) -> dict[str, Any]:
    """The sentences for the encoders that take so many milliseconds for a text, or for all of them."""
    from benchmark.board.choice import which

    try:
        choice = which(found, speed)
    except UserError:
        ranked = any(row.scores for row in found.rows)
        return {"problem": say("answer_too_slow", page, ms=speed) if ranked else say("answer_none", page)}
    return {"take": _take(choice, found, page), "cost": _cost(choice, page)}


def _take(choice: "Choice", found: "Matrix", page: Language) -> str:
    """The sentences of `which`; in Chinese the same from the same numbers."""
    if page == "en":
        return choice.take
    best = choice.best
    won, tasks = (sum(getattr(score, name) for score in best.scores.values()) for name in ("best", "compared"))
    spoken = language_name(found.language, page)
    all_won = {1: "answer_take_only", 2: "answer_take_both"}.get(tasks, "answer_take_all")
    key = "answer_take" if won < tasks else all_won
    take = say(key, page, spoken=spoken, encoder=best.encoder, won=won, tasks=tasks, ms=f"{best.ms:.1f}")
    reason = "answer_why_alone" if not choice.others else "answer_why_tied" if choice.tied else "answer_why_rank"
    tied = {"tied": choice.tied.encoder, "tied_ms": f"{choice.tied.ms:.1f}"} if choice.tied else {}
    return take + say(reason, page, encoder=best.encoder, others=choice.others, **tied)


def _cost(choice: "Choice", page: Language) -> str:
    from benchmark.board.choice import gaps_of

    best, smallest = choice.best, choice.smallest
    if page == "en":
        return choice.cost
    if best == smallest:
        return say("answer_no_smaller", page)
    lower, higher, shared = gaps_of(best, smallest)
    costs = {"parameters": f"{smallest.parameters:.1f}", "ms": f"{smallest.ms:.1f}"}
    what = say("answer_smallest", page, encoder=smallest.encoder, **costs)
    if not shared:
        return what + say("answer_cost_unshared", page)
    if not lower:
        return what + say("answer_cost_no_lower", page, best=best.encoder)
    if not higher:
        return what + say("answer_cost_lower", page, best=best.encoder, lower=_named(lower, page))
    return what + say(
        "answer_cost_mixed", page, best=best.encoder, lower=_named(lower, page), higher=_named(higher, page)
    )


def _named(gaps: dict[str, str], page: Language) -> str:
    return "、".join(say("answer_gap", page, task=task, points=points) for task, points in gaps.items())


def _row(board: "Board", row: "Row", found: "Matrix", page: Language) -> dict[str, Any]:
    return {
        "encoder": row.encoder,
        "imported": row.imported,
        **encoder_links(row.encoder),
        "cells": {task.name: _cell(board, row, task, page) for task in found.tasks},
        "parameters": _told_or_none(row.parameters),
        "ms": _told_or_none(row.ms),
        "minutes": row.minutes,
    }


def _told_or_none(cost: float) -> float | None:
    """What is not told of an imported model is nan, which is no JSON."""
    return None if isnan(cost) else cost


def _cell(board: "Board", row: "Row", task: "Task", page: Language) -> dict[str, Any]:
    """A ranked score with its group of equals, counted from 0; or the mark in its place, and what it means."""
    from benchmark.board.matrix import NOT_RUN, ONE_SEED, OTHER_RECIPES, cell_text
    from benchmark.board.pages import main_cells

    score = row.scores.get(task.name)
    cells = main_cells(board.cells, task).to_dict("records")
    if score is None:
        keys = {NOT_RUN: "gap_not_run", OTHER_RECIPES: "gap_trials", ONE_SEED: "gap_one_seed"}
        mark = cell_text(row, task)
        return {"mark": mark, "gap": say(keys[mark[-1]], page)}
    return {"value": score.value, "best": score.best, "group": groups_of(cells).get(row.encoder)}


def groups_of(cells: list[dict[Any, Any]]) -> dict[str, int]:
    """Return the group of equals of each encoder whose default recipe is ranked, from 0: those with one lowest rank."""
    import pandas as pd

    from benchmark.board.tables import protocol_of

    default = [each for each in cells if protocol_of(each["variant"]) == ""]
    ranks = {each["encoder"]: int(each["rank_low"]) for each in default if pd.notna(each["rank_low"])}
    order = sorted(set(ranks.values()))
    return {encoder: order.index(rank) for encoder, rank in ranks.items()}
