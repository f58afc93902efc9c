"""How much scores depend on the train part: a table of the refits on other halves of it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.board.entries import Entry
from benchmark.board.tables import KEYS, protocol_of
from benchmark.statistics.resampling import points
from benchmark.training.refits import FILES, Refit, read_refits
from benchmark.training.trials import decided_scored, packed_size

COLUMNS = [*KEYS, "refits", "train_rows", "value", "sd_refits"]


def refit_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """Return one row for each entry with a default recipe that was refitted twice or more, on the rows of its runs.

    Columns: the entry's keys, refits (how many), train_rows (of each), value (mean of the main metric on the test
    rows), sd_refits (its standard deviation; for an entry with seeds, these vary, too).

    Raises:
        UserError: a file of refits is damaged.
    """
    rows = [
        (entry.task.name, entry.encoder, entry.info.family, entry.variant, *_summary(entry, refits))
        for entry in entries
        if protocol_of(entry.variant) == ""
        if len(refits := _refits(entry)) > 1
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _refits(entry: Entry) -> list[Refit]:
    folder: Path = next(iter(entry.runs.values())).folder.parent
    found = [read_refits(file) for file in sorted(folder.glob(FILES))]
    size = packed_size(entry.y_true.shape)
    fit = [refits for refits in found if all(packed_size(each.decided) == size for each in refits)]
    return max(fit, key=len, default=[])


def _summary(entry: Entry, refits: Sequence[Refit]) -> tuple[int, int, float, float]:
    scored = [decided_scored(each.decided, entry.task, entry.y_true) for each in refits]
    scores = points(scored, entry.task.main_metric)
    return len(refits), refits[0].rows, round(float(scores.mean()), 6), round(float(np.std(scores, ddof=1)), 6)
