"""Whether the declared recipes are those that the validation scores choose."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmark.board.entries import Entry
from benchmark.board.pages import size
from benchmark.board.ranked import has_seeds
from benchmark.board.tables import protocol_of
from benchmark.statistics.intervals import Interval, interval
from benchmark.statistics.ranks import MIN_SEEDS
from benchmark.statistics.resampling import Scored, draw, points, resample
from benchmark.statistics.seeds import score

_DRAWS = 200


def doubts(entries: Sequence[Entry]) -> pd.DataFrame:
    """Return why a default recipe of a task is in doubt: a trial of the same encoder is clearly better on validation.

    Clearly better is by more than one standard error of the difference (rows and seeds), over two seeds or more that
    both have: the rule by which a search chooses. One row an encoder, with the best such trial: columns encoder and
    reason.
    """
    defaults = {entry.encoder: entry for entry in entries if entry.variant == "" and entry.random and has_seeds(entry)}
    found: dict[str, tuple[float, str]] = {}
    for trial in entries:
        default = defaults.get(trial.encoder)
        if default is None or protocol_of(trial.variant) == "" or trial.info.runtime != default.info.runtime:
            continue
        gain = _gain(trial, default)
        if gain is not None and gain.value > gain.sd:
            found[trial.encoder] = max(found.get(trial.encoder, (0.0, "")), (gain.value, trial.variant))
    rows = [
        (encoder, f"[{variant}] is better on validation, by {size(gain)} points: more than one standard error")
        for encoder, (gain, variant) in found.items()
    ]
    return pd.DataFrame(rows, columns=["encoder", "reason"], dtype="str")


def _gain(trial: Entry, default: Entry) -> Interval | None:
    """By how much a trial is better on validation; None where they share too few seeds."""
    seeds = sorted(trial.runs.keys() & default.runs.keys())
    if len(seeds) < MIN_SEEDS:
        return None
    metric, rng = default.task.main_metric, np.random.default_rng(0)
    draws = draw(len(default.seeds.validation_y_true), _DRAWS)
    a, b = ([_on_validation(entry, seed) for seed in seeds] for entry in (trial, default))
    resampled = resample(a, [metric], draws)[metric] - resample(b, [metric], draws)[metric]
    return interval(points(a, metric) - points(b, metric), resampled, rng)


def _on_validation(entry: Entry, seed: int) -> Scored:
    decision = entry.seeds.decisions(entry.task.rule)[seed]
    return score(decision, entry.seeds.predictions[seed].validation_logits, entry.seeds.validation_y_true)
