"""What an entry's runs took: training, prediction and memory, as each run measured it itself.

Of several seeds it is the median: some ran on another machine than the rest, or beside other work, and several times
slower. A latency is the fastest seed's: what else runs only slows, and of encoders of one architecture, where medians
differed by a factor of 2.5, the fastest of five differ by 1.4.
"""

import numpy as np
import pandas as pd

from benchmark.board.entries import Entry
from benchmark.board.tables import LENGTH

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
_SPEED = ("p50_ms", "p95_ms", "texts_per_second")
_WHERE = ("processor", "gpu", "threads", "precision")


def costs(entry: Entry) -> dict[str, float]:
    """Return the entry's costs; the latency is that of texts of LENGTH tokens. What is not told of an imported entry is
    nan."""
    if entry.imported:
        return _told(entry)
    at_length = _fastest(entry).to_dict("index")[LENGTH]
    return {str(name): round(value, 4) for name, value in (_medians(entry) | at_length).items()}


def costs_by_length(entry: Entry) -> pd.DataFrame:
    """Return the entry's costs, one row for each length of the texts whose latency was measured, and on what. An
    imported entry has none: nothing was measured here."""
    if entry.imported:
        return pd.DataFrame()
    infos = [run.info for run in entry.runs.values()]
    where = {name: ", ".join(sorted({str(info.hardware.get(name, "")) for info in infos})) for name in _WHERE}
    return _fastest(entry).reset_index().assign(**_medians(entry), **where)


def _told(entry: Entry) -> dict[str, float]:
    latency = [run.info.latency[0] for run in entry.runs.values() if run.info.latency]
    speed = {name: min((getattr(each, name) for each in latency), default=0.0) for name in _SPEED}
    return {name: value or float("nan") for name, value in (_medians(entry) | speed).items()}


def _fastest(entry: Entry) -> pd.DataFrame:
    """Return the latency of the seed with the lowest median, by the length of the texts."""
    measured = pd.DataFrame([each.model_dump() for run in entry.runs.values() for each in run.info.latency])
    return measured.sort_values("p50_ms").drop_duplicates("length").set_index("length").sort_index()


def _medians(entry: Entry) -> dict[str, float]:
    return {name: float(np.median([getattr(run.info, name) for run in entry.runs.values()])) for name in _MEASURED}
