"""The Dockerfile, as far as it can be held against the project without Docker (what it copies: demo/test_space.py)."""

import functools
import json
import os
import re
import subprocess
import sys
import threading
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()


def of(instruction: str) -> list[str]:
    """What stands behind each `instruction`, in order."""
    return [line.partition(" ")[2].strip() for line in LINES if line.startswith(f"{instruction} ")]


def test_the_app_runs_as_a_user_who_owns_what_it_writes() -> None:
    order = [line.split()[0] for line in LINES if line and not line.startswith("#")]
    (user,) = of("USER")
    assert user not in ("root", "0")
    assert any(run.startswith("useradd ") and run.endswith(f" {user}") for run in of("RUN"))
    assert "RUN" not in order[order.index("USER") :]
    folders = re.findall(r"(?:ENCODER_ZOO_CACHE|ENCODER_ZOO_FLAGS|HF_HOME)=(\S+)", " ".join(of("ENV")))
    assert len(folders) == 3
    assert all(folder.startswith("/data/") for folder in folders)
    assert f"mkdir /data && chown {user} /data" in of("RUN")


def test_its_health_is_that_of_the_page(tmp_path: Path) -> None:
    command = [sys.executable, *json.loads(of("HEALTHCHECK")[0].partition("CMD ")[2])[1:]]
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = os.environ | {"PORT": str(server.server_port)}
        assert subprocess.run(command, env=environment, capture_output=True).returncode == 0
        server.shutdown()
    assert subprocess.run(command, env=environment, capture_output=True).returncode != 0


def test_the_systemd_unit_keeps_what_the_hub_gives_where_it_may_be_written() -> None:
    text = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
    (unit,) = re.findall(r"^```ini\n(.*?)^```", text, re.S | re.M)
    given = dict(pair.split("=", 1) for line in re.findall(r"^Environment=(.*)$", unit, re.M) for pair in line.split())
    (cache,), (state,) = (re.findall(rf"^{name}Directory=(\S+)$", unit, re.M) for name in ("Cache", "State"))
    assert given["HF_HOME"].startswith(f"/var/cache/{cache}/")
    assert given["ENCODER_ZOO_CACHE"] == f"/var/cache/{cache}"
    assert given["ENCODER_ZOO_FLAGS"] == f"/var/lib/{state}"
    assert "HF_HUB_OFFLINE" not in given
