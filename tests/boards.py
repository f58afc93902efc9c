"""What two boards of the same grid must have in common, to the last digit: all but the costs and the machine."""

from pathlib import Path

import pandas as pd

from benchmark.board.build import build

_QUALITY = [
    "task", "encoder", "variant", "rule", "metric", "value", "low", "high", "seeds", "n", "flags", "parameters",
    "truncated", "rank_low", "rank_high",
]  # fmt: skip


def assert_same_board(results: Path, others: Path) -> None:
    """Fail if the boards of two folders of results differ in anything but costs."""
    board, other = build(results), build(others)
    pd.testing.assert_frame_equal(board.cells[_QUALITY], other.cells[_QUALITY], check_exact=True)
    pd.testing.assert_frame_equal(board.labels, other.labels, check_exact=True)
    pd.testing.assert_frame_equal(board.pairs, other.pairs, check_exact=True)
    assert list(board.runs["id"]) == list(other.runs["id"])
