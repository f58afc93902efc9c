"""What no honest client sends: every answer is a result or one line, and the server goes on."""

import json
import random
from pathlib import Path
from typing import Any

import httpx
import pytest

SECRET = "root:x:0"  # how the file that is asked for begins
STRINGS = [
    "",
    " ",
    "a" * 100_000,
    "\x00\x01\x1f\u202e\ufeff",
    "\ud800",
    "<script>window.hacked = 1</script>",
    "${7*7}{{7*7}}",
    "../../../../etc/passwd",
    "/etc/passwd",
    "file:///etc/passwd",
    "C:\\Windows\\win.ini",
    "'; DROP TABLE runs; --",
    "feedback\x00",
    "FEEDBACK",
    "feedback",
    "alpha",
    "well made.",
    "漢字 🦓 zażółć",
    "NaN",
    "__class__",
]
NUMBERS: list[Any] = [0, -1, 1.5, 1e308, -1e308, float("nan"), float("inf"), 10**400, True, None]


def _value(draw: random.Random, depth: int = 0) -> Any:
    """Return any JSON value, nested a little."""
    kind = draw.random()
    if kind < 0.45 or depth > 2:
        return draw.choice(STRINGS)
    if kind < 0.65:
        return draw.choice(NUMBERS)
    if kind < 0.85:
        return [_value(draw, depth + 1) for _ in range(draw.choice((0, 1, 3, 200)))][:200]
    file = {"path": draw.choice(STRINGS), "meta": {"_type": "gradio.FileData"}}
    return file if kind < 0.9 else {draw.choice(STRINGS): _value(draw, depth + 1) for _ in range(3)}


def _payload(draw: random.Random) -> list[Any]:
    """Return the arguments of /classify, most of them right, so that what is wrong gets past the first check."""
    right: list[Any] = ["well made.", "feedback", ["alpha"], {"price": 0.5}]
    payload = [_value(draw) if draw.random() < 0.4 else value for value in right]
    return payload[: draw.choice((0, 2, 4, 4, 4, 4))] + [_value(draw)] * draw.choice((0, 0, 0, 1))


def _ask(client: httpx.Client, name: str, payload: Any) -> str:
    """Return all that the server says to one call."""
    content = json.dumps({"data": payload}).encode()
    asked = client.post(f"/gradio_api/call/{name}", content=content, headers={"content-type": "application/json"})
    assert asked.status_code < 500, payload
    if asked.status_code != 200:
        return asked.text
    told = client.get(f"/gradio_api/call/{name}/{asked.json()['event_id']}")
    assert told.status_code < 500, payload
    assert "event: complete" in told.text or "event: error" in told.text, payload
    return told.text


@pytest.mark.parametrize("times", [20, pytest.param(2000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_the_server_outlives_whatever_it_is_sent(times: int, address: str, checkpoints: Path) -> None:
    draw = random.Random(0)
    with httpx.Client(base_url=address, timeout=60) as client:
        for _ in range(times):
            name = draw.choice(("classify", "classify", "classify_batch", "leaderboard", "no_such_endpoint"))
            payload = _payload(draw) if name == "classify" else [_value(draw)]
            said = _ask(client, name, draw.choice((payload, payload, payload, _value(draw))))
            assert "Traceback" not in said, payload
            assert SECRET not in said, payload
            assert str(checkpoints) not in said, payload
        assert '"decided"' in _ask(client, "classify", ["well made.", "feedback", ["alpha"], None])


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "app.py", "zoo/checkpoints"])
def test_no_file_outside_is_served(path: str, address: str) -> None:
    for prefix in ("/gradio_api/file=", "/file=", "/static/", "/gradio_api/stream/"):
        found = httpx.get(f"{address.rstrip('/')}{prefix}{path}")
        assert found.status_code in (400, 403, 404, 405, 422), (prefix, path)
        assert SECRET not in found.text
