"""What no honest client sends: every answer is a result or one line, and the server goes on."""

import json
import random
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Page, expect

import app
from demo.compare.view import MODELS
from demo.shared.models import computing
from demo.shared.theme import LARGEST_REQUEST

ARGUMENTS = {"classify": 5, "classify_batch": 3, "board": 1}
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
RIGHT: dict[str, Any] = {"text": "well made.", "task": "feedback", "checkpoints": ["alpha"]}
NUMBERS: list[Any] = [0, -1, 1.5, 1e308, -1e308, float("nan"), float("inf"), 10**400, True, None]


# Together 2,000 inputs of 3 MB on average, in parts, each of which ends in time on a busy machine, too.
PARTS = [pytest.param(seed, 200, marks=[pytest.mark.campaign, pytest.mark.timeout(1800)]) for seed in range(1, 11)]
CAMPAIGN = pytest.mark.parametrize(("seed", "times"), [(0, 20), *PARTS])


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
    right: list[Any] = ["well made.", "feedback", ["alpha"], {"price": 0.5}, True]
    payload = [_value(draw) if draw.random() < 0.4 else value for value in right]
    return payload[: draw.choice((0, 2, 5, 5, 5, 5))] + [_value(draw)] * draw.choice((0, 0, 0, 1))


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


def _complain(said: str) -> str | None:
    """Return what the server says is wrong, "" where it says nothing, None where it answers."""
    failed = said.rpartition("event: error\ndata: ")[2] if "event: error" in said else None
    return None if failed is None else (json.loads(failed) or {})["error"] or ""


def _reaches_the_endpoint(name: str, payload: Any) -> bool:
    """Gradio itself refuses, without a word, fewer arguments than there are, and files that nobody has uploaded."""
    there = isinstance(payload, list) and len(payload) >= ARGUMENTS.get(name, 99)
    return there and "gradio.FileData" not in json.dumps(payload)


WRONG = [  # the endpoint, its arguments, and the line in which it refuses them
    ("classify", {"text": 5}, "'text' must be a string; it is 5"),
    ("classify", {"text": None}, "'text' must be a string; it is null"),
    ("classify", {"task": None}, "'task' must be a string; it is null"),
    ("classify", {"task": ["feedback"]}, "'task' must be a string; it is [\"feedback\"]"),
    ("classify", {"checkpoints": "alpha"}, "'checkpoints' must be a list of strings; it is \"alpha\""),
    ("classify", {"checkpoints": {"alpha": 1}}, "'checkpoints' must be a list of strings; it is {\"alpha\": 1}"),
    ("classify", {"checkpoints": ["alpha", None]}, "'checkpoints' must be a list of strings; checkpoints[1] is null"),
    ("classify", {"thresholds": [0.5]}, "'thresholds' must be an object of numbers by label, or null; it is [0.5]"),
    *(
        (
            "classify",
            {"thresholds": {"price": json.loads(value)}},
            f"'thresholds' must be an object of numbers by label, or null; thresholds[\"price\"] is {value}",
        )
        for value in ('"x"', "null", "true", "[0.5]")
    ),
    ("classify", {"thresholds": {"price": 10**9}}, "A threshold is a number from 0 to 1, not 1000000000"),
    ("classify", {"thresholds": {"price": 10**400}}, f"A threshold is a number from 0 to 1, not {10**400}"),
    ("classify", {"thresholds": {"price": float("nan")}}, "A threshold is a number from 0 to 1, not nan"),
    ("classify", {"calibrated": "no"}, "'calibrated' must be true or false; it is \"no\""),
    ("classify", {"calibrated": 1}, "'calibrated' must be true or false; it is 1"),
    ("classify_batch", {"texts": "well made."}, "'texts' must be a list of strings; it is \"well made.\""),
    ("classify_batch", {"texts": ["x", 5]}, "'texts' must be a list of strings; texts[1] is 5"),
    ("classify_batch", {"task": 1}, "'task' must be a string; it is 1"),
    ("classify_batch", {"checkpoints": "alpha"}, "'checkpoints' must be a list of strings; it is \"alpha\""),
    ("board", {"task": None}, "'task' must be a string; it is null"),
    ("board", {"task": "a" * 10**5}, "Unknown task"),
    ("board", {"task": ["a" * 10**5]}, f"'task' must be a string; it is [\"{'a' * 78}"),
]


@pytest.mark.parametrize(("name", "wrong", "line"), WRONG)
def test_a_wrong_argument_is_named_in_one_line(
    name: str, wrong: dict[str, Any], line: str, address: str, capfd: pytest.CaptureFixture[str]
) -> None:
    right = {
        "classify": {"text": "x", "task": "feedback", "checkpoints": ["alpha"], "thresholds": None, "calibrated": True},
        "classify_batch": {"texts": ["x"], "task": "feedback", "checkpoints": ["alpha"]},
        "board": {"task": "feedback"},
    }[name]
    with httpx.Client(base_url=address, timeout=60) as client:
        complaint = _complain(_ask(client, name, list((right | wrong).values())))
    assert complaint is not None
    assert complaint.startswith(line)
    assert complaint == line or line == "Unknown task"
    assert "\n" not in complaint
    assert "Traceback" not in capfd.readouterr().err


@CAMPAIGN
def test_the_server_outlives_whatever_it_is_sent(seed: int, times: int, address: str, checkpoints: Path) -> None:
    draw = random.Random(seed)
    with httpx.Client(base_url=address, timeout=60) as client:
        for _ in range(times):
            name = draw.choice(("classify", "classify", "classify_batch", "board", "no_such_endpoint"))
            payload = _payload(draw) if name == "classify" else [_value(draw)]
            payload = draw.choice((payload, payload, payload, _value(draw)))
            said = _ask(client, name, payload)
            if _reaches_the_endpoint(name, payload):
                complaint = _complain(said)
                assert complaint is None or (complaint and "\n" not in complaint), payload
            assert "Traceback" not in said, payload
            assert SECRET not in said, payload
            assert str(checkpoints) not in said, payload
        assert '"decided"' in _ask(client, "classify", ["well made.", "feedback", ["alpha"], None, True])


@CAMPAIGN
def test_rest_outlives_whatever_it_is_sent(seed: int, times: int, address: str, checkpoints: Path) -> None:
    draw, kinds = random.Random(seed), ("application/json", "application/json", "text/plain", "multipart/form-data", "")
    batch = {"texts": ["well made."], "task": "feedback", "checkpoints": ["alpha"]}
    arguments: dict[str, Any] = {"classify": RIGHT, "classify_batch": batch, "board": {"task": "feedback"}}
    with httpx.Client(base_url=f"{address}api/v1/", timeout=60) as client:
        for _ in range(times):
            name = draw.choice((*arguments, "tasks", "../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "no\u0000where"))
            right = {key: value for key, value in arguments.get(name, {}).items() if draw.random() < 0.9}
            wrong = {key: _value(draw) if draw.random() < 0.3 else value for key, value in right.items()}
            body = draw.choice((wrong, wrong, wrong, {**wrong, draw.choice(STRINGS): 1}, _value(draw)))
            content = json.dumps(body).encode()[: draw.choice((None, None, None, None, 7))]
            asked = {"content": content, "headers": {"content-type": draw.choice(kinds)}}
            query = {"params": {key: str(value)[:500].encode("utf-8", "replace") for key, value in wrong.items()}}
            found = client.post(quote(name), **asked) if draw.random() < 0.7 else client.get(quote(name), **query)
            assert found.status_code < 500, (name, body)
            assert SECRET not in found.text, (name, body)
            assert str(checkpoints) not in found.text, (name, body)
            if found.status_code >= 400:
                assert found.headers["content-type"] == "application/json", (name, body)
                assert found.json()["detail"], (name, body)
                assert "\n" not in found.json()["detail"], (name, body)
        assert client.post("classify", json=RIGHT).json()["answers"][0]["decided"] is not None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("call/v2/no_such_endpoint", {"text": "well made."}),
        ("call/v2/classify", {"text": "well made."}),
        ("call/v2/classify", {"nonsense": 1}),
        ("call/no_such_endpoint", {"data": []}),
        ("queue/join", {"data": [], "fn_index": 999, "session_hash": "x"}),
        ("queue/join", {"data": [], "fn_index": -1, "session_hash": "x"}),
        ("queue/join", {"data": []}),
    ],
)
def test_a_call_that_cannot_be_made_is_the_clients_mistake(path: str, body: dict[str, Any], address: str) -> None:
    found = httpx.post(f"{address}gradio_api/{path}", json=body)
    assert 400 <= found.status_code < 500, found.text
    assert "Traceback" not in found.text


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "app.py", "zoo/checkpoints"])
def test_no_file_outside_is_served(path: str, address: str) -> None:
    for prefix in ("/gradio_api/file=", "/file=", "/static/", "/gradio_api/stream/"):
        found = httpx.get(f"{address.rstrip('/')}{prefix}{path}")
        assert found.status_code in (400, 403, 404, 405, 422), (prefix, path)
        assert SECRET not in found.text


@pytest.mark.parametrize("told", [True, False])
def test_a_request_that_is_too_large_is_refused_whether_it_tells_its_length_or_not(told: bool, address: str) -> None:
    def ask(content: Any) -> httpx.Response:
        where, headers = f"{address}gradio_api/call/classify", {"content-type": "application/json"}
        return httpx.post(where, content=content, headers=headers, timeout=60)

    piece, pieces = b" " * 1_000_000, LARGEST_REQUEST // 1_000_000 + 1
    refused = ask(piece * pieces if told else (piece for _ in range(pieces)))  # httpx sends what it draws in chunks
    assert refused.status_code == 413
    assert "20,000,000 bytes" in refused.text
    asked = json.dumps({"data": ["well made.", "feedback", ["alpha"], None, True]}).encode()
    assert ask(asked.ljust(LARGEST_REQUEST)).status_code == 200


@pytest.mark.slow
def test_whoever_comes_past_the_queues_limit_is_told(
    checkpoints: Path, blank: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "WAITING", 2)
    monkeypatch.setitem(MODELS, "concurrency_limit", 1)
    demo, arguments = app.build(checkpoints)
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **arguments)
    blank.goto(f"{address}#tab=compare")
    blank.wait_for_selector(".zoo-table")
    payload = {"data": ["well made.", "feedback", ["alpha"], None, True]}
    with computing:  # so that the first is under way for as long
        asked = [httpx.post(f"{address}gradio_api/call/classify", json=payload) for _ in range(6)]
        blank.locator("textarea").first.fill("One more.")
        blank.locator("button.primary").first.click()
        expect(blank.locator(".toast-body")).to_contain_text("busy")
    told = {found.status_code: found.text for found in asked}
    assert set(told) == {200, 503}
    assert "full" in told[503]
    for found in (each for each in asked if each.status_code == 200):
        answer = httpx.get(f"{address}gradio_api/call/classify/{found.json()['event_id']}", timeout=60)
        assert '"decided"' in answer.text
    demo.close()
