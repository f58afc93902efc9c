"""Two entries compared on the command line."""

import re

import numpy as np
import pytest

from benchmark.board.compare_two import compare_two
from benchmark.board.entries import find_runs
from benchmark.statistics.seeds import Predictions
from benchmark.tasks.registry import TASKS
from tests.benchmark.conftest import WriteRun
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
    told = "\n".join(compare_two(runs, TASKS["feedback"], ("minilm-l6", ""), ("granite-30m", ""), "brier"))
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
