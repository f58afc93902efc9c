"""What the board says of two entries of a task, in sentences: the same in the Leaderboard tab and in Explore."""

from typing import TYPE_CHECKING, Any

from demo.shared.texts import Language, say

if TYPE_CHECKING:
    from benchmark.board.tables import Board
    from benchmark.board.verdicts import Answer, Verdict
    from benchmark.tasks.registry import Task


def pairs_of(board: "Board", task: "Task", page: Language) -> list[dict[str, Any]]:
    """Return every two entries of a task that were compared: `entries`, each with its encoder and variant, the verdict
    and its sentences."""
    from benchmark.board.pages import LINEAR, main_cells, of_task
    from benchmark.board.verdicts import keys_of, verdict_of

    cells, pairs = main_cells(board.cells, task), of_task(board.pairs, task).to_dict("records")
    baselines = set(cells.loc[cells["family"] == LINEAR, "encoder"])
    found = []
    for pair in pairs:
        verdict = verdict_of(pair, baselines)
        told = sentences(verdict, len(pairs), pair["detectable"], page)
        found.append({"entries": [list(key) for key in keys_of(pair)], "verdict": verdict.verdict, "told": told})
    return found


def sentences(verdict: "Verdict", pairs: int, finds: float, page: Language) -> list[str]:
    """Return the verdict with the difference and its interval; and, while it is undecided, what would decide it.

    Args:
        verdict: of two entries.
        pairs: how many pairs the task has; among many, one can differ as much by chance.
        finds: the difference that the comparisons find with a power of 80 %, a fraction.
        page: the language of the page.
    """
    from benchmark.board.pages import gap, plain, points, size

    names = {"better": verdict.better, "worse": verdict.worse}
    if verdict.verdict == "better":
        span = {"low": size(verdict.low), "high": size(verdict.high)}
        return [say("pair_better", page, **names, size=size(verdict.difference), **span)]
    span = {"low": points(verdict.low), "high": points(verdict.high)}
    if verdict.verdict == "equal":
        margin = plain(verdict.margin) if page == "en" else f"{100 * verdict.margin:g}"
        return [say("pair_equal", page, **names, margin=margin, **span)]
    told = [say("pair_undecided", page, **names, size=points(verdict.difference), **span)]
    if verdict.low > 0:
        told.append(say("pair_by_chance", page, pairs=pairs))
    return [*told, say(f"pair_more_{verdict.decided_by}", page, gap=gap(finds))]


def first_sentences(found: "Answer", page: Language) -> list[str]:
    """Return who is first on a task, and what comes next."""
    from benchmark.board.pages import size

    if not found.ranked:
        return [say("first_none", page, score=f"{100 * found.score:.1f}", name=found.first[0])]
    if len(found.first) == 1:
        key = "first_alone" if found.alone else "first_maybe"
        told = [say(key, page, name=found.first[0], ranked=found.ranked, others=found.ranked - 1)]
    else:
        told = [say("first_equal" if found.equal else "first_shared", page, names=_listed(found.first, page))]
    if (after := found.next_one) is not None:
        span = {"size": size(after.difference), "low": size(after.low), "high": size(after.high)}
        told.append(say("first_next", page, worse=after.worse, better=after.better, **span))
    return told


def _listed(names: list[str], page: Language) -> str:
    from benchmark.board.pages import listed

    return listed(names) if page == "en" else "、".join(names)
