"""Whether the default recipes are those that the validation scores choose."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from benchmark.board.build import build
from benchmark.board.store import publish, verify
from tests.benchmark.conftest import WriteRun, make_predictions


def _clear(seed: int, part: Literal["validation", "test"]) -> object:
    """Predictions that know the gold labels of one part."""
    found = make_predictions(8, True, seed)
    y_true = getattr(found, f"{part}_y_true")
    return replace(found, **{f"{part}_logits": (6 * y_true - 3).astype(np.float32)})


@pytest.mark.slow
def test_a_default_is_in_doubt_where_a_trial_is_clearly_better_on_validation(write_synthetic: WriteRun) -> None:
    for seed in range(2):
        write_synthetic(seed=seed)
        write_synthetic(encoder="zoo-bert-en", seed=seed)
        folder = write_synthetic(seed=seed, recipe={"epochs": 5}, predictions=_clear(seed, "validation"))
        write_synthetic(seed=seed, recipe={"epochs": 6}, predictions=_clear(seed, "test"))
    publish(folder.parents[2])
    (line,) = verify(folder.parents[2]).left_out
    assert line.startswith("feedback/minilm-l6: [epochs=5] is better on validation, by ")
    assert line.endswith(" points: more than one standard error")


def test_a_default_is_in_doubt_where_a_search_found_a_better_recipe(write_synthetic: WriteRun) -> None:
    for seed in range(2):
        write_synthetic(seed=seed)
        changed = {"recipe": {"epochs": 5}, "trials": 8, "predictions": _clear(seed, "validation")}
        folder = write_synthetic(seed=seed, **changed)
    (reason,) = build(folder.parents[2]).problems["reason"]
    assert reason.startswith("[tuned over 8 trials] is better on validation, by ")


@pytest.mark.parametrize("seeds", [(0,), (2, 3)], ids=["one seed", "other seeds"])
def test_a_default_is_in_no_doubt_by_a_trial_on_fewer_than_two_of_its_seeds(
    seeds: tuple[int, ...], write_synthetic: WriteRun
) -> None:
    for seed in range(2):
        write_synthetic(seed=seed)
    for seed in seeds:
        folder = write_synthetic(seed=seed, recipe={"epochs": 5}, predictions=_clear(seed, "validation"))
    assert build(folder.parents[2]).problems.empty
