"""Which encoder to take, and what the smallest one costs."""

from dataclasses import dataclass

import numpy as np

from benchmark.board.matrix import LANGUAGES, Matrix, Row, matrix, shared_ranks
from benchmark.board.pages import listed, size, tasks_of
from benchmark.board.tables import Board
from zoo.errors import UserError, lookup

NOTHING_YET = (
    "Nothing can be compared on these tasks yet. A comparison takes two encoders with the default recipe, and two "
    "seeds of each encoder that is fine-tuned; see encoder-zoo run --help"
)


@dataclass(frozen=True)
class Choice:
    """Which encoder to take and why, what the smallest one costs: both as sentences. `others` are in the best group on
    as many tasks; `tied` is one of them with the same mean rank."""

    best: Row
    smallest: Row
    others: int
    tied: Row | None
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
    ranks = shared_ranks(fast)
    best = min(fast, key=lambda row: (-_won(row), ranks.get(row.encoder, np.inf), row.ms))
    others = [row for row in fast if row is not best and _won(row) == _won(best)]
    tied = next((row for row in others if ranks.get(row.encoder) == ranks.get(best.encoder)), None)
    smallest = min(fast, key=lambda row: (row.parameters, row.ms))
    limit = "" if max_ms is None else f" and at most {max_ms:g} ms a text"
    take = (
        f"For {LANGUAGES[found.language]}{limit}, take {best.encoder}: it is in the best group on "
        f"{_share(_won(best), best.compared)} where it is ranked, and it answers a text in {best.ms:.1f} ms."
    )
    why = _why(best.encoder, len(others), tied, limited=max_ms is not None)
    return Choice(best, smallest, len(others), tied, f"{take} {why}", _cost(best, smallest))


def _won(row: Row) -> int:
    return sum(score.best for score in row.scores.values())


def _share(won: int, tasks: int) -> str:
    if won < tasks:
        return f"{won} of the {tasks} tasks"
    return {1: "the only task", 2: "both tasks"}.get(tasks, f"all {tasks} tasks")


def _why(best: str, others: int, tied: Row | None, limited: bool) -> str:
    """What decided between encoders in the best group on as many tasks."""
    among = " within this limit" if limited else ""
    if not others:
        return f"No other encoder{among} is in the best group on as many tasks."
    those = f"{others} other encoder{'s' * (others > 1)}{among} {'are' if others > 1 else 'is'}"
    same = f"{tied.encoder} has the same mean rank and takes {tied.ms:.1f} ms" if tied else ""
    reason = same or f"{best} has the best mean rank of them, which can be chance"
    return f"{those} in the best group on as many tasks; {reason}."


def _cost(best: Row, smallest: Row) -> str:
    if best == smallest:
        return "No ranked encoder is smaller."
    what = f"The smallest is {smallest.encoder}: {smallest.parameters:.1f} M parameters, {smallest.ms:.1f} ms a text."
    lower, higher, shared = gaps_of(best, smallest)
    if not shared:
        return f"{what} It is ranked on none of the same tasks."
    if not lower:
        return f"{what} It scores no lower than {best.encoder} on any task that both have."
    ahead = f", and higher on {_named(higher)}" if higher else ""
    return f"{what} It scores lower than {best.encoder} on {_named(lower)}{ahead}."


def _named(gaps: dict[str, str]) -> str:
    return listed([f"{task} (by {points} points)" for task, points in gaps.items()])


def gaps_of(best: Row, smallest: Row) -> tuple[dict[str, str], dict[str, str], int]:
    """Return by how many points, such as "4.5", the smallest encoder scores lower than the best one, by the task where
    it does, and where it scores higher; and how many tasks both have."""
    gaps = {
        name: score.value - smallest.scores[name].value
        for name, score in best.scores.items()
        if name in smallest.scores
    }
    lower, higher = (
        {name: size(sign * gap) for name, gap in gaps.items() if round(100 * sign * gap, 1) > 0} for sign in (1, -1)
    )
    return lower, higher, len(gaps)
