"""Ranks from verdicts worked by hand, and from made-up entries that differ clearly, or not at all."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from benchmark.statistics.pair_tests import Evidence, compare, detectable, gather, holm, seeds_of
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
    tied = _pairs(("x", "y", "undecided"), ("x", "z", "undecided"), ("y", "z", "undecided"))
    assert _ranks(["x", "y", "z"], tied) == {"x": (1, 3), "y": (1, 3), "z": (1, 3)}


def test_one_clear_winner_takes_the_first_rank_alone() -> None:
    found = _ranks(["x", "y", "z"], _pairs(("x", "y", "b"), ("x", "z", "undecided"), ("y", "z", "a")))
    assert found == {"y": (1, 1), "x": (2, 3), "z": (2, 3)}


def test_in_a_chain_only_the_ends_are_told_apart() -> None:
    found = _ranks(["x", "y", "z"], _pairs(("x", "y", "undecided"), ("x", "z", "a"), ("y", "z", "undecided")))
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
    assert verdicts.pop(("good", "same")) == "undecided"
    # One planning figure for the task, of the median pair, and one variance of seeds behind every row.
    seeds, gaps = seeds_of(evidence.values()), []
    for row in pairs.to_dict("records"):
        gap = compare(evidence[row["encoder_a"]], evidence[row["encoder_b"]], _rng(), seeds).difference
        gaps.append(detectable(gap.sd, gap.degrees, 300, 6))
    assert pairs["detectable"].tolist() == pytest.approx([np.median(gaps)] * 6, rel=1e-6)
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
    assert (row["test"], row["superiority"], row["least"]) == (expected.test, expected.superiority, expected.least)
    assert (row["p_equal"], row["p_equal_holm"], row["margin"]) == (expected.p_equal, expected.p_equal, 0.01)
    assert (row["detectable"], row["decided_by"]) == (expected.detectable, expected.decided_by)


def test_entries_that_differ_by_less_than_the_margin_are_equal() -> None:
    alike = _keyed(_evidence(4, n=3000, seeds=(0, 1, 2, 3, 4), one=0.1, two=0.1, worse=0.2))
    verdicts = {margin: compare_all(alike, _rng(), margin)["verdict"].tolist() for margin in (0.0005, 0.02)}
    assert verdicts == {0.0005: ["undecided", "a", "a"], 0.02: ["equal", "a", "a"]}


def test_an_entry_without_randomness_is_compared_though_it_has_one_run() -> None:
    evidence = _evidence(x=0.1, y=0.12)
    fixed = replace(evidence["y"].of([0]), random=False)
    pairs = compare_all(_keyed({"x": evidence["x"], "words": fixed}), _rng())
    assert pairs["seeds"].tolist() == [3]


def test_the_correction_can_take_a_verdict_back() -> None:
    # Among six equal entries the data of this seed have a gap with p = 0.014, which 15 pairs are bound to have.
    alike = _evidence(7, n=200, a=0.1, b=0.1, c=0.1, d=0.1, e=0.1, f=0.1)
    pairs = compare_all(_keyed(alike), _rng())
    assert pairs["p_value"].min() <= 0.05 < pairs["p_holm"].min()
    assert set(pairs["verdict"]) == {"undecided"}


def test_a_pair_without_a_seed_in_common_is_left_out() -> None:
    evidence = _evidence(x=0.1) | {"y": _evidence(seeds=(7, 8), y=0.1)["y"]}
    assert compare_all(_keyed(evidence), _rng()).empty
    one_shared = _evidence(seeds=(0, 1), x=0.1) | {"y": _evidence(seeds=(1, 2), y=0.1)["y"]}
    assert compare_all(_keyed(one_shared), _rng()).empty  # which would leave the noise of seeds out


def _scores(**tasks: dict[str, float]) -> pd.DataFrame:
    return pd.DataFrame(tasks).sort_index()


def _mean_ranks(scores: pd.DataFrame) -> dict[str, tuple[float, int]]:
    return {row.encoder: (row.mean_rank, row.tasks) for row in mean_ranks(scores).itertuples()}


def test_where_all_encoders_have_all_tasks_it_is_the_mean_of_their_ranks() -> None:
    rng = np.random.default_rng(0)
    scores = pd.DataFrame(rng.random((6, 4)).round(1), index=list("abcdef"))  # with ties
    expected = rankdata(-scores.to_numpy(), axis=0).mean(axis=1)
    found = mean_ranks(scores).set_index("encoder")["mean_rank"]
    assert found.is_monotonic_increasing
    np.testing.assert_allclose(found[list("abcdef")], expected)


def test_ranks_are_computed_on_what_each_pair_shares() -> None:
    # c has one task alone, where it is first; against a and b, the other task does not count for it.
    found = _mean_ranks(_scores(one={"a": 0.5, "b": 0.4, "c": 0.6}, two={"a": 0.5, "b": 0.4}))
    assert found == {"c": (1.0, 1), "a": (2.0, 2), "b": (3.0, 2)}
    # d shares no task with c: its rank is that among the others, stretched to all three.
    split = _mean_ranks(_scores(one={"a": 0.5, "b": 0.4, "c": 0.6}, two={"a": 0.5, "b": 0.4, "d": 0.1}))
    assert split == {"c": (1.0, 1), "a": (2.0, 2), "b": (3.0, 2), "d": (4.0, 1)}


def test_an_encoder_that_shares_no_task_has_no_rank_across_tasks() -> None:
    assert _mean_ranks(_scores(one={"a": 0.5, "b": 0.4}, two={"c": 0.1})) == {"a": (1.0, 1), "b": (2.0, 1)}
