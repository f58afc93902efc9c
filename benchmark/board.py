"""The board on disk: made from the runs when they have changed, written out, and verified."""

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pandas as pd

from benchmark.findings import findings
from benchmark.leaderboard import Board, build, identity, read_tables, write_tables
from benchmark.pretrained_page import pretrained_part
from benchmark.report import html
from benchmark.runs import RESULTS
from benchmark.tables import between_markers, page, readme_part
from zoo.errors import UserError
from zoo.files import write_bytes, write_text

_ROOT = Path(__file__).parents[1]
# The texts that hold a part of the project's own board, and what makes that part.
PARTS: dict[Path, Callable[[Board], str]] = {
    _ROOT / "README.md": readme_part,
    _ROOT / "benchmark" / "README.md": findings,
    _ROOT / "zoo" / "README.md": pretrained_part,
}
_TOLERANCE = 5e-6  # tables are rounded to six decimals; another processor sums in another order


def publish(results: Path) -> tuple[Board, list[Path]]:
    """Make the board of the runs below `results`, unless it stands there already, and write it beside them, and
    into the READMEs if the runs are the project's own. Return the board and what was written.

    Raises:
        UserError: there are no runs that can stand on a board.
    """
    current = identity(results)
    board = _unchanged(results, current)
    if board is None:
        board = build(results)
    written = write_tables(board, results / "board", write_bytes)
    for name, content in {"leaderboard.csv": board.cells, "pairs.csv": board.pairs, "labels.csv": board.labels}.items():
        write_bytes(results / name, content.to_csv(index=False).encode())
        written.append(results / name)
    for name, text in {"LEADERBOARD.md": page(board), "report.html": html(board)}.items():
        write_text(results / name, text)
        written.append(results / name)
    if results.resolve() == RESULTS.resolve():
        for path, part in PARTS.items():
            write_text(path, between_markers(path.read_text(encoding="utf-8"), part(board)))
            written.append(path)
    write_text(results / "board" / "made_from.json", json.dumps({"identity": current}) + "\n")
    return board, written


def read_board(results: Path) -> Board:
    """Return the board that stands beside the runs.

    Raises:
        UserError: there is none, or a table is damaged.
    """
    return read_tables(results / "board")


def _unchanged(results: Path, current: str) -> Board | None:
    """Return the board as it stands if it was made from these very runs by this very code."""
    path = results / "board" / "made_from.json"
    try:
        if json.loads(path.read_text(encoding="utf-8"))["identity"] == current:
            return read_tables(results / "board")
    except (OSError, ValueError, KeyError, TypeError, UserError):
        pass
    return None


def verify(results: Path) -> list[str]:
    """Compute the board of the runs anew; return what differs from the one that stands there, and what is wrong with
    the runs themselves, one line each."""
    fresh, found = build(results), read_board(results)
    lines = [f"{row['run']}: {row['reason']}" for row in fresh.problems.to_dict("records")]
    for field in fields(Board):
        ours, theirs = getattr(fresh, field.name), getattr(found, field.name)
        try:
            pd.testing.assert_frame_equal(
                ours, theirs, check_dtype=False, check_column_type=False, rtol=0, atol=_TOLERANCE
            )
        except AssertionError as difference:
            lines.append(f"{field.name}: {' '.join(str(difference).split())[:200]}")
    if results.resolve() == RESULTS.resolve():
        for path, part in PARTS.items():
            text = path.read_text(encoding="utf-8")
            if between_markers(text, part(found)) != text:
                lines.append(f"{path.relative_to(path.parents[1])}: what stands between its markers is not the board's")
    if (results / "LEADERBOARD.md").read_text(encoding="utf-8") != page(found):
        lines.append("LEADERBOARD.md: it is not the board's")
    return lines
