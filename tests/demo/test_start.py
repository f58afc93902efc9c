"""The app starts without what is slow to import."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_building_the_app_imports_nothing_slow() -> None:
    slow = {"captum", "torch", "transformers", "datasets", "evaluate", "sklearn", "plotly"}
    code = f"import sys, app; app.build(); print(sorted({slow!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
