"""What an entry's runs took: training, prediction and memory, as each run measured it itself. Of several seeds it is
the median: some ran on another machine than the rest, or beside other work, and several times slower."""

import numpy as np
import pandas as pd

from benchmark.board_tables import LENGTH
from benchmark.entries import Entry

_MEASURED = [
    "parameters",
    "embedding_parameters",
    "trained_parameters",
    "train_seconds",
    "train_examples_per_second",
    "inference_examples_per_second",
    "peak_memory_mib",
    "truncated",
]
_WHERE = ("processor", "gpu", "threads", "precision")


def costs(entry: Entry) -> dict[str, float]:
    """Return the entry's costs, the median over seeds; the latency is that of texts of LENGTH tokens."""
    infos = [run.info for run in entry.runs.values()]
    found = _medians(entry)
    at_length = [latency for info in infos for latency in info.latency if latency.length == LENGTH]
    for name in ("p50_ms", "p95_ms", "texts_per_second"):
        found[name] = float(np.median([getattr(each, name) for each in at_length])) if at_length else float("nan")
    return {name: round(value, 4) for name, value in found.items()}


def costs_by_length(entry: Entry) -> pd.DataFrame:
    """Return the entry's costs, one row for each length of the texts whose latency was measured, and on what."""
    infos = [run.info for run in entry.runs.values()]
    measured = pd.DataFrame([latency.model_dump() for info in infos for latency in info.latency])
    where = {name: ", ".join(sorted({str(info.hardware.get(name, "")) for info in infos})) for name in _WHERE}
    return measured.groupby("length").median().reset_index().assign(**_medians(entry), **where)


def _medians(entry: Entry) -> dict[str, float]:
    return {name: float(np.median([getattr(run.info, name) for run in entry.runs.values()])) for name in _MEASURED}
