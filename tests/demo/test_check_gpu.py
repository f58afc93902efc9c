"""What `make test-gpu` does on a GPU runs here on the CPU, small, so that only the device differs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.campaign
def test_every_check_passes_where_there_is_no_gpu(tmp_path: Path) -> None:
    output = tmp_path / "gpu.json"
    command = [sys.executable, "-m", "demo.check_gpu", "--tiny", "--output", str(output)]
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True
    )
    report = json.loads(output.read_text())
    assert {name: each for name, each in report["checks"].items() if not each["passed"]} == {}
    assert ended.returncode == 0, ended.stderr
    assert len(report["checks"]) == 17
    assert report["checks"]["minilm: speed with ours settings"]["examples_per_second"] > 0


@pytest.mark.campaign
def test_what_there_is_no_time_for_is_no_success(tmp_path: Path) -> None:
    output = tmp_path / "gpu.json"
    command = [sys.executable, "-m", "demo.check_gpu", "--tiny", "--output", str(output), "--seconds", "0"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 1
    assert {each["why"] for each in json.loads(output.read_text())["checks"].values()} == {"no time was left"}
