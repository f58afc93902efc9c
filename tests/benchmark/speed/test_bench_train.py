"""The training benchmark runs to its end on any encoder and rows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.campaign
def test_both_settings_are_measured_with_their_loss_curves(tiny_bert: Path, data_dir: Path) -> None:
    command = [sys.executable, "-m", "benchmark.speed.bench_train", "--steps", "20", "--batch-size", "8"]
    ended = subprocess.run(
        [*command, "--encoder", str(tiny_bert), "--data-dir", str(data_dir)],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    rows = [re.split(r"\s*│\s*", line.strip("│ ")) for line in ended.stdout.splitlines() if line.startswith("│")]
    assert [row[0] for row in rows[-2:]] == ["loss, steps to 10", "loss, steps to 20"]
    assert all(float(value) > 0 for row in (rows[0], *rows[-2:]) for value in row[1:4])


@pytest.mark.campaign
def test_a_mistake_ends_in_one_line(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "benchmark.speed.bench_train",
        "--encoder",
        "minilm-16",
        "--data-dir",
        str(tmp_path),
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1
    assert re.fullmatch(r"Error: Unknown encoder 'minilm-16'\. Did you mean 'minilm-l6'\?.*\n", ended.stderr)
