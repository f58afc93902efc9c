"""The app starts without what is slow to import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_building_the_app_imports_nothing_slow() -> None:
    slow = {"captum", "torch", "transformers", "datasets", "evaluate", "sklearn", "plotly"}
    code = f"import sys, app; app.build(); print(sorted({slow!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("port", ["abc", "-1", "70000", ""])
def test_a_port_that_is_none_is_told_in_one_line(port: str) -> None:
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=os.environ | {"PORT": port}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"Error: PORT must be a number below 65,536, got {port!r}"
    assert "Traceback" not in done.stderr
