"""Two entries compared on the command line."""

import re
from dataclasses import replace

import numpy as np
import pytest

from benchmark.board.compare_two import Finding, compare_two
from benchmark.board.entries import find_runs
from benchmark.statistics.seeds import Predictions
from benchmark.tasks.registry import TASKS
from tests.benchmark.conftest import WriteRun, make_predictions
from zoo.errors import UserError


def test_where_lower_is_better_the_lower_one_beats(write_synthetic: WriteRun) -> None:
    rng = np.random.default_rng(0)
    y_true = (rng.random((80, 8)) < 0.4).astype(np.int8)
    for encoder, noise in (("minilm-l6", 0.5), ("granite-30m", 3.0)):
        for seed in range(2):
            logits = (4.0 * y_true - 2 + noise * rng.normal(size=y_true.shape)).astype(np.float32)
            folder = write_synthetic(
                encoder=encoder, seed=seed, predictions=Predictions(logits, y_true, logits, y_true)
            )
    runs, _ = find_runs(folder.parents[2])
    found = compare_two(runs, TASKS["feedback"], ("minilm-l6", ""), ("granite-30m", ""), "brier")
    assert 0 < found.low < found.better < found.high  # A has the lower error
    told = "\n".join(found.lines)
    assert "minilm-l6 is better (this pair alone" in told
    beats = re.search(r"one fine-tuning of minilm-l6 beats one of granite-30m: (\d+)%", told)
    assert beats is not None
    assert int(beats[1]) > 95


def test_an_unknown_encoder_or_variant_is_told_with_those_that_there_are(write_synthetic: WriteRun) -> None:
    runs, _ = find_runs(write_synthetic(encoder="minilm-l6").parents[2])
    known = ("minilm-l6", "")
    with pytest.raises(UserError, match="Did you mean 'minilm-l6'"):
        compare_two(runs, TASKS["feedback"], ("minilm-l7", ""), known, "f1_macro")
    with pytest.raises(UserError, match=r"no variant 'epochs=1' on 'feedback'. Its variants: ''"):
        compare_two(runs, TASKS["feedback"], ("minilm-l6", "epochs=1"), known, "f1_macro")


@pytest.mark.parametrize(
    ("low", "high", "at_least", "surely", "possibly"),
    [
        (-0.02, -0.01, -0.005, True, True),
        (-0.02, 0.01, -0.005, False, True),
        (-0.004, 0.01, -0.005, False, False),
        (-0.02, -0.01, -0.03, False, False),
        (0.001, 0.004, 0.005, True, True),
    ],
)
def test_a_gate_shuts_surely_or_possibly(
    low: float, high: float, at_least: float, surely: bool, possibly: bool
) -> None:
    found = Finding([], (low + high) / 2, low, high)
    assert (found.worse_than(at_least, False), found.worse_than(at_least, True)) == (surely, possibly)


def test_the_seeds_of_the_tasks_ranked_entries_say_how_much_seeds_matter(write_synthetic: WriteRun) -> None:
    """A third entry, whose seeds differ a lot, widens the comparison of two others."""
    for encoder in ("minilm-l6", "granite-30m"):
        for seed in range(2):
            folder = write_synthetic(encoder=encoder, seed=seed)
    both = TASKS["feedback"], ("minilm-l6", ""), ("granite-30m", ""), "f1_macro"
    alone = compare_two(find_runs(folder.parents[2])[0], *both)
    theirs = find_runs(folder.parents[2])[0][0].predictions
    y_true = theirs.test_y_true
    for seed, noise in enumerate((0.1, 4.0)):
        logits = (4.0 * y_true - 2 + noise * np.random.default_rng(seed).normal(size=y_true.shape)).astype(np.float32)
        write_synthetic(encoder="zoo-bert-en", seed=seed, predictions=replace(theirs, test_logits=logits))
    beside = compare_two(find_runs(folder.parents[2])[0], *both)
    assert beside.better == alone.better
    assert beside.high - beside.low > 1.5 * (alone.high - alone.low)


def test_few_seeds_are_no_caution_where_no_seed_changes_anything(write_synthetic: WriteRun) -> None:
    for at, encoder in enumerate(("tfidf-lr", "probe:minilm-l6", "granite-30m")):
        predictions = make_predictions(8, True, at, n=400)
        folder = write_synthetic(encoder=encoder, predictions=predictions)
    runs = find_runs(folder.parents[2])[0]
    known, probe, tuned = ("tfidf-lr", ""), ("probe:minilm-l6", ""), ("granite-30m", "")
    lines = compare_two(runs, TASKS["feedback"], known, probe, "f1_macro").lines
    assert "tfidf-lr: trained once, it has no randomness" in lines
    assert not [line for line in lines if "too narrow" in line]
    assert (
        "caution: the interval may be too narrow: 1 seed"
        in compare_two(runs, TASKS["feedback"], known, tuned, "f1_macro").lines
    )
