"""Published anchors: the scores that papers and model cards report for an encoder on a task.

They come from other training recipes, numbers of runs and libraries, and some from another split. So an anchor shows
whether a measured score is plausible, and takes no rank. A new one is one entry of `published.json`.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from benchmark.statistics.metrics import get_metric
from benchmark.tasks.registry import TASKS
from zoo.errors import UserError, lookup

PUBLISHED = Path(__file__).with_name("published.json")
COLUMNS = ["task", "encoder", "metric", "value", "split", "conditions", "source"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Beside = Literal["covered", "above ours", "below ours"]


class Published(BaseModel):
    """One figure as its source gives it.

    `encoder` is its name in the registry if it is there. `value` is a fraction, 0.948 for 94.8 %. Of several runs it is
    the average or the median if the source gives one; `conditions` says which. `spread` is the source's own figure
    after ±.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    encoder: Text
    task: Text
    metric: Text
    value: float = Field(gt=0, lt=1)
    seeds: int | None = Field(default=None, ge=1)
    spread: float | None = Field(default=None, gt=0, lt=1)
    split: Literal["validation", "test"]
    conditions: Text
    source: Text
    url: Text | None = None

    @model_validator(mode="after")
    def _is_measurable_here(self) -> Self:
        get_metric(lookup(TASKS, self.task, "task").problem_type, self.metric)
        return self


def read_published(path: Path = PUBLISHED) -> list[Published]:
    """Read all published figures, in the order of the file.

    Raises:
        UserError: the file is missing or damaged, or an entry is wrong or is there twice.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as JSON ({error}); restore it from the repository") from error
    if not isinstance(entries, list):
        raise UserError(f"{path} holds no list of entries; restore it from the repository")
    found: dict[tuple[str, ...], Published] = {}
    for number, entry in enumerate(entries, start=1):
        one = _validate(entry, f"{path}: entry {number}")
        # A source has one figure a cell; two that differ would be a mistake in the file.
        key = (one.task, one.encoder, one.metric, one.split, one.source)
        if key in found:
            raise UserError(f"{path}: entry {number} doubles an earlier one ({', '.join(key)}); delete one of them")
        found[key] = one
    return list(found.values())


def beside(low: float, high: float, published: Published) -> Beside:
    """Return where a published figure lies: covered by our interval, ends included, above or below it."""
    if published.value > high:
        return "above ours"
    return "below ours" if published.value < low else "covered"


def not_measured(published: Sequence[Published], beside_ours: pd.DataFrame) -> pd.DataFrame:
    """Return the figures that have no measured score beside them, to be shown in a table of their own.

    Args:
        published: the figures; their order is kept.
        beside_ours: those that have one, from `anchors`.

    Returns:
        Columns: task, encoder, metric, value, split, conditions, source.
    """
    shown = set(beside_ours[COLUMNS].itertuples(index=False, name=None))
    rows = [tuple(getattr(one, name) for name in COLUMNS) for one in published]
    return pd.DataFrame([row for row in rows if row not in shown], columns=COLUMNS)


def _validate(entry: Any, where: str) -> Published:
    try:
        return Published.model_validate(entry)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise UserError(f"{where}: {f'{field}: ' if field else ''}{first['msg']}; mend it there") from error


def anchors(published: Sequence[Published], cells: pd.DataFrame) -> pd.DataFrame:
    """Return the published figures beside the board's cells that they can be compared with: those of the same task,
    encoder, metric and split, by the task's default recipe.

    Columns: those of COLUMNS, ours, low, high, published_is (where the published figure lies, see `beside`).
    """
    rows = []
    for cell in cells[(cells["variant"] == "") & cells["task"].isin(TASKS)].to_dict("records"):
        task = TASKS[cell["task"]]
        if (cell["metric"], cell["rule"]) != (task.main_metric, task.rule):
            continue
        ours = (task.name, cell["encoder"], cell["metric"], task.reported)
        for one in published:
            if (one.task, one.encoder, one.metric, one.split) == ours:
                row = one.model_dump(include=set(COLUMNS)) | {"ours": cell["value"]}
                ends = {"low": cell["low"], "high": cell["high"]}
                rows.append(row | ends | {"published_is": beside(cell["low"], cell["high"], one)})
    return pd.DataFrame(rows, columns=[*COLUMNS, "ours", "low", "high", "published_is"])
