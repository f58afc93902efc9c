"""A grid that has run, and the short training that its encoders get."""

from dataclasses import dataclass
from pathlib import Path

from benchmark.training.cell import Cell
from benchmark.training.grid import Progress
from benchmark.training.runs import Run, read_runs

RECIPE = {"epochs": 1, "batch_size": 32, "max_length": 32, "learning_rate": 1e-3}


@dataclass(frozen=True)
class Grid:
    """A grid that has run, one of whose encoders cannot be loaded."""

    folder: Path
    cells: list[Cell]
    failed: dict[str, str]
    told: list[Progress]

    @property
    def runs(self) -> list[Run]:
        return read_runs(self.folder / "results")

    @property
    def complete(self) -> list[Cell]:
        return [cell for cell in self.cells if called(cell.encoder.name) != "broken"]


def ignore(*_: object) -> None:
    """What a report that nobody reads is called with."""


def called(encoder: str) -> str:
    """The folder's name in an encoder's, which ends in the start of the folder's revision."""
    return encoder.partition("@")[0]
