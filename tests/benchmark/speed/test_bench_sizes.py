"""The benchmark of real sizes: a small shape runs to its end, and the texts are as mixed as it says."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.speed import bench_sizes
from benchmark.speed.bench_sizes import HEADS, markdown, measure_step, mixed_texts, row

ROOT = Path(__file__).parents[3]


@pytest.mark.campaign
@pytest.mark.parametrize("way", bench_sizes.WAYS)
def test_a_step_of_every_way_is_measured(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    monkeypatch.setitem(bench_sizes.SHAPES, "tiny", ("bert", tiny))
    found = measure_step("tiny", way, 2, 16)
    assert found["gib"] > 0.1
    assert found["estimate"] == pytest.approx(0.6, abs=0.1)  # the process
    assert found["seconds"] > 0


def test_texts_are_as_mixed_as_it_says() -> None:
    lengths = np.array([len(text.split()) for text in mixed_texts(["some words of a person"] * 200, 1000)])
    assert np.median(lengths) == pytest.approx(20, abs=2)
    assert (lengths > 70).mean() == pytest.approx(0.1, abs=0.03)


def test_the_table_is_markdown() -> None:
    cells = row("bert-base", "full", {"gib": 3.456, "estimate": 3.44, "seconds": 4.2})
    assert markdown([cells]).splitlines() == [
        f"| {' | '.join(HEADS)} |",
        "| --- | --- | ---: | ---: | ---: |",
        "| bert-base | all weights | 3.5 | 3.4 | 4.2 |",
    ]


@pytest.mark.slow
def test_an_unknown_shape_ends_in_one_line() -> None:
    command = [sys.executable, "-m", "benchmark.speed.bench_sizes", "--shapes", "bert-bose"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Error: Unknown shape 'bert-bose'. Did you mean 'bert-base'?")
