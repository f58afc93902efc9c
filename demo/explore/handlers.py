"""Two entries of one task compared row by row, from the logits of their runs."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.board.entries import Entry
from benchmark.statistics.calibration import reliability
from benchmark.statistics.slices import MIN_ROWS, parts
from benchmark.tasks.registry import Task
from demo.explore.form import OUTCOMES
from demo.explore.pairs import Pair
from demo.leaderboard.handlers import read_board
from demo.shared.texts import Language, say
from zoo.errors import UserError, lookup

MAX_ROWS, MAX_LABELS = 200, 30


def outcomes(pair: Pair, label: str | None = None) -> np.ndarray:
    """Return the position in OUTCOMES of every test row, shape (n,).

    A row is right when all of its labels are right; with a `label`, when that one label is right.

    Raises:
        UserError: the label is unknown.
    """
    shown = slice(None) if label is None else [_index(pair.task, label)]
    wrong_a, wrong_b = (
        (scored.y_true != scored.y_pred)[:, shown].any(axis=1) for scored in (pair.scored_a, pair.scored_b)
    )
    return 2 * wrong_a.astype(int) + wrong_b


def _index(task: Task, label: str) -> int:
    return lookup({name: index for index, name in enumerate(task.labels)}, label, "label")


def by_part(pair: Pair, facts: pd.DataFrame | None, label: str | None = None) -> pd.DataFrame:
    """Count the outcomes on all test rows and on each part of them (see `benchmark.statistics.slices.parts`).

    Columns: slice, part, n and OUTCOMES. A part with fewer than MIN_ROWS rows is left out.

    Args:
        pair: the two entries.
        facts: of the test rows; without them there are only slices by gold labels.
        label: judge the rows by this label alone.
    """
    validation = pair.a.runs[pair.seed].predictions.validation_y_true
    of_rows = [part for part in parts(pair.task, pair.y_true, validation, facts) if part.slice != "label frequency"]
    shown = [part for part in of_rows if part.slice == "all" or len(part.rows) >= MIN_ROWS]
    found = outcomes(pair, label)
    return pd.DataFrame([{"slice": part.slice, "part": part.part} | _count(found[part.rows]) for part in shown])


def by_label(pair: Pair) -> pd.DataFrame:
    """Count the outcomes of each label by itself.

    The rows counted are those where the label is gold or, in a multi-label task, decided by A or B. Nearly all other
    rows are right for both, and would hide the difference.

    Columns: label, n and OUTCOMES.
    """
    counted = pair.y_true.astype(bool)
    if pair.task.multi_label:
        counted = counted | (pair.scored_a.y_pred | pair.scored_b.y_pred).astype(bool)
    found = {label: outcomes(pair, label)[counted[:, index]] for index, label in enumerate(pair.task.labels)}
    return pd.DataFrame([{"label": label} | _count(of_label) for label, of_label in found.items()])


def _count(found: np.ndarray) -> dict[str, int]:
    return {"n": len(found)} | dict(zip(OUTCOMES, np.bincount(found, minlength=4).tolist(), strict=True))


def rows_with(
    pair: Pair,
    outcome: str,
    label: str | None = None,
    gold: str | None = None,
    texts: Sequence[str] | None = None,
) -> tuple[pd.DataFrame, int]:
    """Return at most MAX_ROWS rows with an outcome, the widest gap between the two scores first, and the number of all
    such rows.

    Columns: row (its number in the split, from 0), text (only where `texts` are given), gold, a, b (labels), gap (A's
    score minus B's), at (the label whose scores these are). That label is `label` where it is given, else the gold
    label, or in a multi-label task the label with the widest gap.

    Args:
        pair: the two entries.
        outcome: one of OUTCOMES.
        label: judge the rows by this label alone.
        gold: keep only the rows with this gold label.
        texts: of all test rows.

    Raises:
        UserError: the outcome or a label is unknown.
    """
    position = lookup({name: index for index, name in enumerate(OUTCOMES)}, outcome, "outcome")
    chosen = outcomes(pair, label) == position
    if gold is not None:
        chosen &= pair.y_true[:, _index(pair.task, gold)] == 1
    rows = np.flatnonzero(chosen)
    at, gap = _gaps(pair, label)
    rows = rows[np.argsort(-np.abs(gap[rows]), kind="stable")]
    shown, names = rows[:MAX_ROWS], pair.task.labels
    decided = {"gold": pair.y_true, "a": pair.scored_a.y_pred, "b": pair.scored_b.y_pred}
    table = pd.DataFrame({"row": shown} | {key: _names(labels[shown], names) for key, labels in decided.items()})
    table["gap"], table["at"] = gap[shown].round(3), [names[index] for index in at[shown]]
    if texts is not None:
        table.insert(1, "text", [texts[row] for row in shown])
    return table, len(rows)


def _gaps(pair: Pair, label: str | None) -> tuple[np.ndarray, np.ndarray]:
    """The position of the label of each row's gap, and the gap, both of shape (n,)."""
    difference = pair.scored_a.y_score - pair.scored_b.y_score
    if label is not None:
        at = np.full(len(difference), _index(pair.task, label))
    else:
        at = (np.abs(difference) if pair.task.multi_label else pair.y_true).argmax(axis=1)
    return at, np.take_along_axis(difference, at[:, None], axis=1)[:, 0]


def _names(decided: np.ndarray, labels: Sequence[str]) -> list[str]:
    return [", ".join(label for label, on in zip(labels, row, strict=True) if on) or "–" for row in decided]


def confusion(pair: Pair, side: str) -> pd.DataFrame:
    """Count, for each gold label and each label that A or B decides, the rows that have both. In a single-label task
    this is the confusion matrix.

    Columns: gold, decided, n (rows with both) and share (of the rows with that gold label; nan where there are none).
    There is one row for each pair of the MAX_LABELS most frequent gold labels, most frequent first.

    Raises:
        UserError: `side` is neither "a" nor "b".
    """
    scored = lookup({"a": pair.scored_a, "b": pair.scored_b}, side, "side")
    gold = pair.y_true.sum(axis=0, dtype=int)
    kept = np.argsort(-gold, kind="stable")[:MAX_LABELS]
    counts = pair.y_true[:, kept].T.astype(int) @ scored.y_pred[:, kept]
    shares = np.divide(counts, gold[kept, None], out=np.full(counts.shape, np.nan), where=gold[kept, None] > 0)
    names = np.array(pair.task.labels, object)[kept]
    return pd.DataFrame(
        {
            "gold": np.repeat(names, len(kept)),
            "decided": np.tile(names, len(kept)),
            "n": counts.ravel(),
            "share": shares.ravel(),
        }
    )


def reliability_of(pair: Pair) -> pd.DataFrame:
    """Return the points of both reliability diagrams: the columns of `calibration.reliability`, encoder and variant."""
    return pd.concat([_reliability(entry) for entry in (pair.a, pair.b)], ignore_index=True)


@lru_cache(maxsize=8)
def _reliability(entry: Entry) -> pd.DataFrame:
    return reliability(entry.seeds).assign(encoder=entry.encoder, variant=entry.variant)


def gains_of(pair: Pair, results: Path | None, language: Language = "en") -> pd.DataFrame:
    """Return the board's gains of each decision rule for the two entries, over all of their seeds.

    Raises:
        UserError: the task has no thresholds, the board is missing or damaged, or an entry is not on it.
    """
    if not pair.task.multi_label:
        raise UserError(say("explore_no_thresholds", language, task=pair.task.name))
    rules = read_board(results).rules
    found = []
    for entry in (pair.a, pair.b):
        identity = {"task": pair.task.name, "encoder": entry.encoder, "variant": entry.variant}
        of_entry = rules[(rules[list(identity)] == list(identity.values())).all(axis=1)] if len(rules) else rules
        if not len(of_entry):
            raise UserError(say("explore_not_on_board", language, entry=entry.name))
        found.append(of_entry)
    return pd.concat(found).sort_index()
