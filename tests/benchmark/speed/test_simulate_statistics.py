"""The simulated worlds: their truth, and, in a campaign, what they say of the board's statistics."""

from dataclasses import replace

import numpy as np
import pytest

from benchmark.speed.simulate_statistics import HEADS, WORLDS, World, markdown, simulate
from benchmark.statistics.resampling import points


@pytest.mark.parametrize("world", [WORLDS[0], WORLDS[1]], ids=lambda world: world.name)
@pytest.mark.parametrize("more", [0.0, 0.4])
def test_the_truth_is_the_mean_over_many_rows_and_seeds(world: World, more: float) -> None:
    large = replace(world, rows=4000)
    (runs,) = large.encoders(np.random.default_rng(0), [more], 40, 0.02)
    values = points(list(runs.values()), world.metric)
    assert values.mean() == pytest.approx(large.truth(more, 0.02), abs=0.012)
    assert values.std(ddof=1) == pytest.approx(0.02, rel=0.35)


def test_a_better_encoder_is_better() -> None:
    assert all(world.truth(0.2, 0.01) > world.truth(0.0, 0.01) > world.truth(-0.2, 0.01) for world in WORLDS)


def test_the_table_has_a_line_for_each_world_under_its_heads() -> None:
    lines = markdown([("a",) * len(HEADS)]).splitlines()
    assert [line.count("|") for line in lines] == [len(HEADS) + 1] * 3
    assert lines[1].replace(" ", "") == "|" + "---|" * len(HEADS)


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("strength", ["weak", "strong"])
@pytest.mark.parametrize("seeds", [3, 5])
def test_the_boards_statistics_are_as_right_as_they_say(seeds: int, strength: str) -> None:
    """Of 400 trials a share of 5 % has a standard deviation of 1.1 points, the mean of 5 intervals at most as much."""
    found = simulate(WORLDS[1], strength, seeds, 400)
    assert 0.93 <= found["coverage"] <= 0.97
    assert found["false better"] <= 0.05 + 0.022
    assert found["wrong equal"] <= 0.05 + 0.022
    assert found["power at stated"] == pytest.approx(0.80, abs=0.07)
