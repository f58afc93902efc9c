"""Fetching a checkpoint with the real client from a hub on loopback, and the many ways to fail."""

import json
from pathlib import Path
from typing import Any

from tests.hub_server import Failure, Hub
from tests.zoo.checkpoints.hub_commands import REPO, Done, Run, contents, failed


def fetch(zoo: Run, name: str, tmp_path: Path, **options: Any) -> Done:
    (tmp_path / "texts.csv").write_text("text\ngood\n")
    return zoo("predict", name, "--input", tmp_path / "texts.csv", "--output", tmp_path / "scores.csv", **options)


def test_what_the_hub_has_not_is_told(hub: Hub, zoo: Run, checkpoint: Path, tmp_path: Path) -> None:
    hub.add(REPO, contents(checkpoint))
    failed(fetch(zoo, "hub:ann/nothing", tmp_path), "hub:ann/nothing", "404")
    failed(fetch(zoo, f"hub:{REPO}", tmp_path, token=""), "404", "hf auth login")
    failed(fetch(zoo, f"hub:{REPO}@nowhere", tmp_path), "no such revision")
    failed(fetch(zoo, f"hub:{REPO}", tmp_path, offline=True), "HF_HUB_OFFLINE")
    failed(fetch(zoo, "hub:toy", tmp_path), "user/name")


def test_a_checkpoint_with_a_file_too_many_is_refused_before_a_byte_of_it_is_fetched(
    hub: Hub, zoo: Run, checkpoint: Path, tmp_path: Path
) -> None:
    hub.add(REPO, contents(checkpoint) | {"modeling.py": b"import os"})
    failed(fetch(zoo, f"hub:{REPO}", tmp_path), "'modeling.py'")
    assert hub.sent("resolve") == 0


def test_weights_are_not_fetched_for_a_config_that_asks_for_code(
    hub: Hub, zoo: Run, checkpoint: Path, tmp_path: Path
) -> None:
    config = json.loads((checkpoint / "config.json").read_text()) | {"auto_map": {"AutoModel": "x--y.Z"}}
    hub.add(REPO, contents(checkpoint) | {"config.json": json.dumps(config).encode()})
    failed(fetch(zoo, f"hub:{REPO}", tmp_path), "'auto_map'")
    assert hub.sent("resolve.*safetensors") == 0
    assert hub.sent("resolve.*config.json") > 0


def test_a_fetch_goes_on_after_a_busy_answer_and_a_cut(hub: Hub, zoo: Run, checkpoint: Path, tmp_path: Path) -> None:
    hub.add(REPO, contents(checkpoint))
    hub.failures = [
        Failure(f"GET /api/models/{REPO}$", 429, {"Retry_After": "0"}),
        Failure("HEAD .*config.json", 503),
        Failure("GET .*/tree/", 502),
        Failure("GET .*/resolve/.*safetensors", cut="request"),
    ]
    done = fetch(zoo, f"hub:{REPO}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 2
