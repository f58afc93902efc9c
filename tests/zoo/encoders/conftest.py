"""A hub on loopback that the real client asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.hub_server import Hub, client_settings, serve_hub

REPO = "org/tiny"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serve_hub() as hub:
        for name, value in client_settings(hub, tmp_path / "hub-cache").items():
            monkeypatch.setattr(constants, name, value)
        yield hub
