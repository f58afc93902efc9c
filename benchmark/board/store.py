"""The board on disk: made again when the runs have changed, written with its pages, and verified."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from benchmark.board.build import build
from benchmark.board.findings import findings
from benchmark.board.html_report import html
from benchmark.board.index_page import index_page, readme_part
from benchmark.board.kept import kept_by
from benchmark.board.pages import problem_line, tasks_of
from benchmark.board.pretrained_page import pretrained_part
from benchmark.board.published import PUBLISHED
from benchmark.board.render import between_markers
from benchmark.board.tables import Board, read_tables, write_tables
from benchmark.board.task_page import task_page
from benchmark.statistics.pair_tests import MARGIN
from benchmark.tasks.registry import SPEC
from benchmark.tasks.row_facts import ROW_FACTS
from benchmark.training.process import code_sha256
from benchmark.training.refits import FILES as REFITS
from benchmark.training.runs import RESULTS
from zoo.errors import UserError
from zoo.files import write_text
from zoo.hardware import library_versions

_ROOT = Path(__file__).parents[2]
# The project's texts that show its own board, and what makes the part between their markers.
PARTS: dict[Path, Callable[[Board], str]] = {
    _ROOT / "README.md": readme_part,
    _ROOT / "docs" / "pretraining.md": pretrained_part,
}
_REPORT = "report.html"
_TOLERANCE = 5e-5  # half of the last decimal that is shown; another processor sums in another order


def publish(results: Path, margin: float = MARGIN) -> tuple[Board, list[Path]]:
    """Make the board of the runs below `results`, unless it is there already, and write it with its pages. Return the
    board and the paths of what was written. `margin` is that of "equal", a fraction.

    Raises:
        UserError: there are no runs that can stand on a board.
    """
    current = {"identity": identity(results), "margin": margin}
    board = _unchanged(results, current)
    if board is None:
        board = build(results, margin, kept_by(f"{code_sha256()} {json.dumps(library_versions(), sort_keys=True)}"))
    written = write_tables(board, results / "board")
    written += write_pages(results, board)
    made_from = current | {"tables": _tables_sha256(results)}
    write_text(results / "board" / "made_from.json", json.dumps(made_from) + "\n")
    return board, written


def write_pages(results: Path, board: Board) -> list[Path]:
    """Write all that people and programs read of a board: pages, CSV, the report, and the parts of the project's own
    texts if the runs are its own. Return the paths."""
    written = []
    for name, text in _files(board).items():
        write_text(results / name, text)
        written.append(results / name)
    if results.resolve() == RESULTS.resolve():
        for path, part in PARTS.items():
            write_text(path, between_markers(path, path.read_text(encoding="utf-8"), part(board)))
            written.append(path)
    return written


def identity(results: Path) -> str:
    """Return the hash of all that a board is made from: the runs, the published figures, and the code and templates of
    this package and of `zoo`."""
    digest = hashlib.sha256()
    packages, kinds = ("benchmark", "zoo"), ("*.py", "*.jinja")
    code = [path for package in packages for kind in kinds for path in sorted((_ROOT / package).rglob(kind))]
    data = [
        path
        for pattern in (f"*/{ROW_FACTS}", f"*/{SPEC}", "*/*/trials-*.jsonl", f"*/*/{REFITS}", "*/*/[!.]*/*")
        for path in sorted(results.glob(pattern))
    ]
    for path in (*code, PUBLISHED, *data):
        root = results if results in path.parents else _ROOT
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes() if path.is_file() else b"")  # a folder, or a link to nothing
    return digest.hexdigest()


def _tables_sha256(results: Path) -> str:
    """Return the hash of the tables on disk; a missing one adds nothing."""
    paths = [results / "board" / f"{field.name}.parquet" for field in fields(Board)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths if path.is_file())).hexdigest()


def _files(board: Board) -> dict[str, str]:
    """Return what stands beside the runs for people and programs, by file name."""
    tables = {"leaderboard.csv": board.cells, "pairs.csv": board.pairs, "labels.csv": board.labels}
    return {name: table.to_csv(index=False) for name, table in tables.items()} | pages(board) | {_REPORT: html(board)}


def pages(board: Board) -> dict[str, str]:
    """Return the pages in Markdown that stand beside the runs, by file name."""
    of_tasks = {f"{task.name}/README.md": task_page(board, task) for task in tasks_of(board)}
    return {"LEADERBOARD.md": index_page(board), "findings.md": findings(board)} | of_tasks


def read_board(results: Path) -> Board:
    """Return the board as it is on disk.

    Raises:
        UserError: there is none, or a table is damaged.
    """
    return read_tables(results / "board")


def _unchanged(results: Path, current: dict[str, object]) -> Board | None:
    """Return the board on disk if it was made from exactly these runs by exactly this code, and not changed since."""
    path = results / "board" / "made_from.json"
    try:
        made_from = json.loads(path.read_text(encoding="utf-8"))
        if made_from == current | {"tables": _tables_sha256(results)}:
            return read_tables(results / "board")
    except (OSError, ValueError, KeyError, TypeError, UserError):
        pass
    return None


@dataclass(frozen=True)
class Verified:
    """What a board that was computed again shows, in lines: where the one on disk `differs`, and which runs and entries
    are `left_out` of it, have no rank, or have a default recipe in doubt."""

    differs: list[str]
    left_out: list[str]


def _margin(results: Path) -> float:
    """The margin of the board on disk; the default where there is none."""
    try:
        made_from = json.loads((results / "board" / "made_from.json").read_text(encoding="utf-8"))
        return float(made_from["margin"])
    except (OSError, ValueError, KeyError, TypeError):
        return MARGIN


def verify(results: Path) -> Verified:
    """Compute the board of the runs again and compare it and its pages with those on disk.

    Raises:
        UserError: there are no runs that can stand on a board, or no board.
    """
    fresh, found = build(results, _margin(results)), read_board(results)
    left_out = [problem_line(row) for row in fresh.problems.to_dict("records")]
    lines = []
    right = found  # the files beside it have its last digits
    for field in fields(Board):
        ours, theirs = getattr(fresh, field.name), getattr(found, field.name)
        try:
            pd.testing.assert_frame_equal(
                ours, theirs, check_dtype=False, check_column_type=False, rtol=0, atol=_TOLERANCE
            )
        except AssertionError as difference:
            lines.append(f"{field.name}: {' '.join(str(difference).split())[:200]}")
            right = fresh  # a table made by other code may lack columns that the files need
    the_projects_own = results.resolve() == RESULTS.resolve()
    if the_projects_own:
        for path, part in PARTS.items():
            text = path.read_text(encoding="utf-8")
            if between_markers(path, text, part(right)) != text:
                lines.append(f"{path.relative_to(_ROOT)}: the part between its markers is not the board's")
    for name, text in _files(right).items():
        path = results / name
        if not path.is_file():
            if name != _REPORT or not the_projects_own:  # it is too large to be kept with the project's own results
                lines.append(f"{name}: it is missing")
        elif path.read_bytes() != text.encode():
            lines.append(f"{name}: it is not the board's")
    return Verified(lines, left_out)
