"""Trainings that leave one line each of a common file: the trials of a search, the refits of an encoder.

Each is a cell, so it is made wherever a grid is. It leaves its line in a hidden folder beside the file. `join` takes
the lines into the file in the order of their numbers, so that the file is the same whoever made them, and when.
"""

import shutil
import time
from pathlib import Path

from pydantic import BaseModel

from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from benchmark.training.cell import Cell, Make
from benchmark.training.claims import take
from benchmark.training.recipes import AnyRecipe
from zoo.encoders.encoder import Encoder
from zoo.files import new_folder, write_text

_LINE = "line.json"
_WAIT = 0.1  # seconds


def line_cell(
    file: Path, number: int, title: str, task: Task, encoder: Encoder, recipe: AnyRecipe, rows: Rows, make: Make
) -> Cell:
    """Return the cell of line `number` of the file; `make` ends with `write_line`."""
    folder = _folder(file, number)
    return Cell(task, encoder, recipe, rows, folder, folder.name, make=make, file=_LINE, title=title)


def write_line(folder: Path, line: BaseModel) -> None:
    """Write the line of a cell to its folder."""
    with new_folder(folder) as temporary:
        (temporary / _LINE).write_text(line.model_dump_json(), encoding="utf-8")


def join(file: Path, number: int) -> int:
    """Take lines into the file until it has `number`, or one is not made yet; return how many it has then.

    Of several processes one does it at a time: else the second could write what it had read before the first wrote.
    """
    while (claim := take(file, lambda line: None)) is None:
        time.sleep(_WAIT)
    try:
        return _join(file, number)
    finally:
        claim.release()


def _join(file: Path, number: int) -> int:
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    before = len(lines)
    while len(lines) < number and (made := _folder(file, len(lines)) / _LINE).is_file():
        lines.append(made.read_text(encoding="utf-8"))
    if len(lines) > before:
        write_text(file, "".join(f"{line}\n" for line in lines))
    for at in range(len(lines)):
        shutil.rmtree(_folder(file, at), ignore_errors=True)
    return len(lines)


def _folder(file: Path, number: int) -> Path:
    return file.with_name(f".{file.stem}-{number:03}")
