"""Runs that no training made, below the folder of a test."""

from pathlib import Path

import pytest

from tests.benchmark.conftest import WriteRun, synthetic_writer


@pytest.fixture
def write(tmp_path: Path) -> WriteRun:
    return synthetic_writer(tmp_path)
