"""Ranks from verdicts worked by hand, and from made-up entries that differ clearly, or not at all."""

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics.pair_tests import Evidence, compare, detectable, gather, holm
from benchmark.statistics.ranks import Key, compare_all, mean_ranks, rank_intervals
from benchmark.statistics.resampling import Scored, draw
from zoo.decision import ProblemType

MULTI: ProblemType = "multi_label_classification"


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _evidence(
    task_seed: int = 0, seeds: tuple[int, ...] = (0, 1, 2), n: int = 300, **wrong: float
) -> dict[str, Evidence]:
    """Return entries of one task, by name, that are wrong about such a share of (row, label) pairs."""
    rng = np.random.default_rng(task_seed)
    y_true = (rng.random((n, 4)) < 0.3).astype(np.int8)
    draws = draw(n, 500, task_seed)

    def run(share: float) -> Scored:
        y_pred = np.where(rng.random(y_true.shape) < share, 1 - y_true, y_true).astype(np.int8)
        return Scored(MULTI, y_true, y_pred.astype(float), y_pred)

    return {name: gather({seed: run(share) for seed in seeds}, "f1_macro", draws) for name, share in wrong.items()}


def _pairs(*verdicts: tuple[str, str, str]) -> pd.DataFrame:
    pairs = pd.DataFrame(verdicts, columns=["encoder_a", "encoder_b", "verdict"])
    return pairs.assign(variant_a="", variant_b="")


def _ranks(names: list[str], pairs: pd.DataFrame) -> dict[str, tuple[int, int]]:
    return {encoder: both for (encoder, _), both in rank_intervals([(name, "") for name in names], pairs).items()}


def _keyed(evidence: dict[str, Evidence]) -> dict[Key, Evidence]:
    return {(name, ""): each for name, each in evidence.items()}


def test_entries_that_cannot_be_told_apart_share_all_ranks() -> None:
    tied = _pairs(("x", "y", "cannot tell"), ("x", "z", "cannot tell"), ("y", "z", "cannot tell"))
    assert _ranks(["x", "y", "z"], tied) == {"x": (1, 3), "y": (1, 3), "z": (1, 3)}


def test_one_clear_winner_takes_the_first_rank_alone() -> None:
    found = _ranks(["x", "y", "z"], _pairs(("x", "y", "b"), ("x", "z", "cannot tell"), ("y", "z", "a")))
    assert found == {"y": (1, 1), "x": (2, 3), "z": (2, 3)}


def test_in_a_chain_only_the_ends_are_told_apart() -> None:
    found = _ranks(["x", "y", "z"], _pairs(("x", "y", "cannot tell"), ("x", "z", "a"), ("y", "z", "cannot tell")))
    assert found == {"x": (1, 2), "y": (1, 3), "z": (2, 3)}


def test_all_told_apart_have_one_rank_each() -> None:
    found = _ranks(["x", "y", "z"], _pairs(("x", "y", "b"), ("x", "z", "b"), ("y", "z", "b")))
    assert found == {"x": (3, 3), "y": (2, 2), "z": (1, 1)}


def test_an_entry_alone_is_the_first() -> None:
    assert _ranks(["x"], compare_all(_keyed(_evidence(x=0.1)), _rng())) == {"x": (1, 1)}


def test_every_pair_is_compared_once_and_corrected_over_all() -> None:
    evidence = _evidence(good=0.05, same=0.05, poor=0.15, bad=0.3)
    pairs = compare_all(_keyed(evidence), _rng())
    assert len(pairs) == 6
    np.testing.assert_allclose(pairs["p_holm"], holm(pairs["p_value"].to_numpy()))
    verdicts = {
        (a, b): verdict for a, b, verdict in zip(pairs["encoder_a"], pairs["encoder_b"], pairs["verdict"], strict=True)
    }
    assert verdicts.pop(("good", "same")) == "cannot tell"
    found = [
        compare(evidence[a], evidence[b], _rng()) for a, b in zip(pairs["encoder_a"], pairs["encoder_b"], strict=True)
    ]
    gaps = [each.difference for each in found]  # of four encoders, a pair shares one with all but one other pair
    alike = [[other for j, other in enumerate(gaps) if i + j != 5 or i == j] for i in range(6)]
    wanted = [detectable(gap, others, 6) for gap, others in zip(gaps, alike, strict=True)]
    assert pairs["detectable"].tolist() == pytest.approx(wanted, rel=1e-6)
    assert all(more > detectable(gap, others) for more, gap, others in zip(wanted, gaps, alike, strict=True))
    assert set(verdicts.values()) == {"a"}  # the better ones came first
    assert _ranks(list(evidence), pairs) == {"good": (1, 2), "same": (1, 2), "poor": (3, 3), "bad": (4, 4)}


def test_a_row_holds_what_the_comparison_found() -> None:
    evidence = _evidence(bad=0.3, good=0.05)
    (row,) = compare_all(_keyed(evidence), _rng()).to_dict("records")
    expected = compare(evidence["bad"], evidence["good"], _rng())
    assert (row["encoder_a"], row["encoder_b"], row["verdict"], row["seeds"]) == ("bad", "good", "b", 3)
    assert (row["difference"], row["low"], row["high"]) == (
        expected.difference.value,
        expected.difference.low,
        expected.difference.high,
    )
    assert row["p_holm"] == row["p_value"] == expected.p_value  # one pair needs no correction
    assert (row["test"], row["superiority"], row["detectable"]) == (
        expected.test,
        expected.superiority,
        expected.detectable,
    )


def test_the_correction_can_take_a_verdict_back() -> None:
    # Among six equal entries the data of this seed have a gap with p = 0.014, which 15 pairs are bound to have.
    alike = _evidence(7, n=200, a=0.1, b=0.1, c=0.1, d=0.1, e=0.1, f=0.1)
    pairs = compare_all(_keyed(alike), _rng())
    assert pairs["p_value"].min() <= 0.05 < pairs["p_holm"].min()
    assert set(pairs["verdict"]) == {"cannot tell"}


def test_a_pair_without_a_seed_in_common_is_left_out() -> None:
    evidence = _evidence(x=0.1) | {"y": _evidence(seeds=(7, 8), y=0.1)["y"]}
    assert compare_all(_keyed(evidence), _rng()).empty
    one_shared = _evidence(seeds=(0, 1), x=0.1) | {"y": _evidence(seeds=(1, 2), y=0.1)["y"]}
    assert compare_all(_keyed(one_shared), _rng()).empty  # which would leave the noise of seeds out


def test_mean_ranks_across_two_tasks_worked_by_hand() -> None:
    tasks = {
        "one": _evidence(1, best=0.02, half=0.1, last=0.3),
        "two": _evidence(2, half=0.02, best=0.1, last=0.3, elsewhere=0.01),  # which "one" has not, so it takes no rank
    }
    found = mean_ranks(tasks, _rng())
    assert list(found["encoder"]) == ["best", "half", "last"]
    assert list(found["mean_rank"]) == [1.5, 1.5, 3]
    assert (found["tasks"] == 2).all()
    # Clear differences leave every resample with the same ranks.
    assert (found["low"] == found["mean_rank"]).all()
    assert (found["high"] == found["mean_rank"]).all()


def test_mean_ranks_are_sorted_and_wide_where_entries_are_alike() -> None:
    tasks = {name: _evidence(seed, bad=0.3, one=0.1, two=0.1) for seed, name in enumerate(("x", "y", "z"))}
    found = mean_ranks(tasks, _rng()).set_index("encoder")
    assert found["mean_rank"].is_monotonic_increasing
    assert list(found.loc["bad"])[:3] == [3, 3, 3]
    assert (found["low"][["one", "two"]] < 1.5).all()
    assert (found["high"][["one", "two"]] > 1.5).all()
    assert found["mean_rank"].sum() == pytest.approx(1 + 2 + 3)


def test_equal_entries_share_the_mean_of_their_ranks() -> None:
    one = _evidence(one=0.1)["one"]
    found = mean_ranks({"task": {"one": one, "twin": one}}, _rng())
    assert list(found["mean_rank"]) == [1.5, 1.5]


def test_fewer_than_two_entries_in_all_tasks_have_no_mean_ranks() -> None:
    one, two, other = _evidence(a=0.1, b=0.2), _evidence(b=0.1, c=0.2), _evidence(d=0.1, c=0.2)
    assert mean_ranks({"x": one, "y": two}, _rng()).empty
    assert mean_ranks({"x": one, "y": other}, _rng()).empty
