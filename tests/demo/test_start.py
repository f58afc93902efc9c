"""The app starts without what is slow to import, and says why where it cannot."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import app
from zoo.errors import UserError

ROOT = Path(__file__).parents[2]


HANDLERS = {  # modules without widgets: no gradio there, and no torch before a model is asked
    "demo.api.handlers",
    "demo.attribution.handlers",
    "demo.audit.handlers",
    "demo.batch.downloads",
    "demo.batch.handlers",
    "demo.batch.inputs",
    "demo.compare.examples",
    "demo.compare.handlers",
    "demo.compare.validation",
    "demo.explore.contents",
    "demo.explore.handlers",
    "demo.explore.pairs",
    "demo.flags.handlers",
    "demo.leaderboard.handlers",
    "demo.leaderboard.words",
    "demo.shared.models",
    "demo.shared.texts",
}


def test_handlers_import_no_gradio_and_no_torch() -> None:
    """One process for each would be slow, so the first of them all that loads one is named."""
    tabs = {f"demo.{path.parent.name}.handlers" for path in (ROOT / "demo").glob("*/handlers.py")}
    assert tabs <= HANDLERS
    code = (
        "import importlib, sys\n"
        f"for name in {sorted(HANDLERS)}:\n"
        "    importlib.import_module(name)\n"
        "    heavy = {'gradio', 'torch'} & set(sys.modules)\n"
        "    if heavy: sys.exit(f'{name} loads {heavy}')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_building_the_app_imports_nothing_slow_and_a_port_that_is_none_is_told_in_one_line() -> None:
    """In one process, since each takes seconds to start."""
    slow = {"captum", "torch", "transformers", "datasets", "evaluate", "sklearn", "plotly"}
    code = (
        f"import runpy, sys, app; app.build(); print(sorted({slow!r} & set(sys.modules)))\n"
        "runpy.run_path('app.py', run_name='__main__')"
    )
    environment = os.environ | {"PORT": "abc"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
    assert (done.returncode, done.stderr) == (1, "Error: PORT must be a number below 65,536, got 'abc'\n")


@pytest.mark.parametrize("port", ["-1", "70000", "", "7_860"])
def test_a_port_is_a_number_in_its_range(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(UserError, match=f"below 65,536, got {port!r}"):
        app.main()


@pytest.mark.parametrize("variable", ["ENCODER_ZOO_CHECKPOINTS", "ENCODER_ZOO_RESULTS"])
def test_a_folder_that_is_missing_is_told_in_one_line(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "none"))
    monkeypatch.setenv("PORT", "0")
    with pytest.raises(UserError) as raised:
        app.main()
    line = f"{variable} names the folder {tmp_path / 'none'}, and there is none; make it, or unset {variable}"
    assert str(raised.value) == line


def test_an_address_that_cannot_be_had_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        for host, reason in (("127.0.0.1", "Address already in use"), ("192.0.2.1", ""), ("999.1.1.1", "")):
            monkeypatch.setenv("HOST", host)
            monkeypatch.setenv("PORT", port)
            with pytest.raises(UserError, match=rf"Cannot serve at {host}, port {port} \({reason}.*\); give another"):
                app.main()
