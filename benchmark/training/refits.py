"""Refits on other train rows: how much a score depends on the train part, which all seeds of a task share.

Each refit trains on a random half of the train rows, with the default recipe and a seed of its own. Of a mean over the
rows, such halves vary as whole train parts of the full size do: with half of the rows the variance is twice as large,
and drawing them without replacement from the rows at hand makes it half as large again (the jackknife that deletes half
of the rows: Shao and Wu 1989, "A General Theory for Jackknife Variance Estimation"). A bootstrap would do the same for
a mean, but it repeats rows, which a count of terms or a training of many epochs takes for more evidence.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmark.training.trials import read_lines

FILES = "refits-*.jsonl"  # beside an encoder's runs


class Refit(BaseModel):
    """One refit: a line of its file.

    `rows` counts its train rows. `main_metric` is that of the test rows, and `decided` holds the labels decided there,
    as `benchmark.training.trials.pack` writes them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    task: str
    encoder: str
    number: int
    rows: int
    main_metric: float
    decided: str
    seconds: float
    commit: str


def read_refits(file: Path) -> list[Refit]:
    """Read the refits that are made so far.

    Raises:
        UserError: a line is damaged.
    """
    return read_lines(file, Refit, "refit")
