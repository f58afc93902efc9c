"""What a run is measured on: the peak in the system's unit, on every system; and which commands are grids."""

import mmap
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.training.process import is_grid, max_rss_mib, peak_memory_mib, process_peak_mib, reset_peak_memory

ROOT = Path(__file__).parents[3]


def test_macos_counts_the_peak_in_bytes_and_other_systems_in_kib() -> None:
    assert max_rss_mib(300 * 2**20, "darwin") == max_rss_mib(300 * 2**10, "linux") == 300


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="Linux says the peak in two ways")
def test_both_ways_to_the_peak_agree_after_a_large_array() -> None:
    reset_peak_memory()
    before = peak_memory_mib()
    region = mmap.mmap(-1, 100 * 2**20)  # pages of its own, where an array may reuse what was freed before
    np.frombuffer(region, np.uint8)[:] = 1
    assert peak_memory_mib() - before > 90
    assert process_peak_mib() >= 0.99 * peak_memory_mib()  # of the whole process, so not less


def test_a_system_without_the_module_resource_can_measure() -> None:
    """As on Windows, where the module cannot be imported (psutil imports it on Linux alone)."""
    code = "import psutil, sys; sys.modules['resource'] = None; import benchmark.training.process"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    "command",
    [
        "python -m benchmark run --tasks sst2",
        "python3.12 -m encoder_zoo run-data my.csv",
        "/venv/bin/python /venv/bin/encoder-zoo run",
        "encoder-zoo.exe run-data my.csv",
        "encoder-zoo tune --tasks sst2",
        "encoder-zoo learning-curve --task feedback",
    ],
)
def test_a_grid_is_known_by_its_command(command: str) -> None:
    assert is_grid(command.split())


@pytest.mark.parametrize("command", ["", "python -m benchmark board", "encoder-zoo verify", "docker run", "python run"])
def test_other_commands_are_no_grids(command: str) -> None:
    assert not is_grid(command.split())
