"""The API as REST: the same answers, limits and errors as through gradio's client, in the shapes that it describes."""

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client
from playwright.sync_api import Page
from pydantic import TypeAdapter

import app
from demo.api.handlers import all_tasks
from demo.api.rest import AT_ONCE
from demo.api.shapes import BatchShape, ComparisonShape, EntryShape, TaskShape
from demo.shared.models import computing
from demo.shared.theme import LARGEST_REQUEST, launch_arguments
from tests.test_docs import blocks

ROOT = Path(__file__).parents[3]
TEXT = "The parcel came late."
QUESTION = {"text": TEXT, "task": "feedback", "checkpoints": ["alpha", "beta"]}
BATCH = {"texts": [TEXT, "Great, thank you!"], "task": "feedback", "checkpoints": ["alpha", "beta"]}


@pytest.fixture(scope="module")
def rest(address: str) -> httpx.Client:
    return httpx.Client(base_url=f"{address}api/v1/", timeout=60)


def _without_times(found: Any) -> Any:
    return json.loads(json.dumps(found), object_hook=lambda each: {**each, "milliseconds": 0})


def test_it_answers_as_gradios_client_does(rest: httpx.Client, address: str) -> None:
    client = Client(address, verbose=False)
    for name, question in (("classify", QUESTION), ("classify_batch", BATCH)):
        answer = rest.post(name, json=question)
        assert answer.status_code == 200
        assert _without_times(answer.json()) == _without_times(client.predict(**question, api_name=f"/{name}"))
    assert rest.get("tasks").json() == client.predict(api_name="/tasks")
    assert rest.get("board", params={"task": "sst2"}).json() == client.predict("sst2", api_name="/board")


@pytest.mark.parametrize(
    ("name", "question", "shape"),
    [
        ("tasks", None, list[TaskShape]),
        ("classify", QUESTION, ComparisonShape),
        ("classify_batch", BATCH, BatchShape),
        ("board?task=feedback", None, list[EntryShape]),
    ],
)
def test_answers_have_the_shapes_that_are_described(
    name: str, question: dict[str, Any] | None, shape: Any, rest: httpx.Client
) -> None:
    answer = rest.post(name, json=question) if question else rest.get(name)
    TypeAdapter(shape).validate_json(answer.content, strict=True)
    described = rest.get("openapi.json").json()["components"]["schemas"]
    first = answer.json()[0] if isinstance(answer.json(), list) else answer.json()
    own = (shape.__args__[0] if hasattr(shape, "__args__") else shape).__name__
    assert set(described[own].get("required", first)) <= first.keys()
    unknown = first.keys() - described[own]["properties"].keys()
    assert not unknown or own == "EntryShape"  # a board may have more costs than the shape names


def test_tasks_say_what_can_be_asked(rest: httpx.Client, checkpoints: Path) -> None:
    tasks = {task["name"]: task for task in rest.get("tasks").json()}
    assert list(tasks) == ["feedback", "sst2", "zz_many"]
    feedback = tasks["feedback"]
    assert [each["name"] for each in feedback["checkpoints"]] == ["alpha", "beta", "gamma"]
    kept = json.loads((checkpoints / "feedback" / "beta" / "decision.json").read_text())
    assert feedback["checkpoints"][1]["decision"]["thresholds"] == kept["thresholds"]
    assert (feedback["problem_type"], feedback["on_board"]) == ("multi_label_classification", True)
    assert (tasks["zz_many"]["on_board"], len(tasks["zz_many"]["labels"])) == (False, 90)


def test_a_damaged_checkpoint_is_named(damaged: Path, tmp_path: Path) -> None:
    (task,) = all_tasks(damaged, tmp_path)
    assert {"fine", "weights"} <= {each["name"] for each in (*task["checkpoints"], *task["failures"])}
    told = {failure["name"]: failure["error"] for failure in task["failures"]}
    assert "damaged" in told["weights"]
    assert task["labels"]


REFUSED: list[tuple[str, str, Any, int, str]] = [
    ("POST", "classify", QUESTION | {"text": 5}, 422, "'text' must be a string; it is 5"),
    ("POST", "classify", QUESTION | {"text": " "}, 422, "There is no text"),
    ("POST", "classify", QUESTION | {"task": "feedbak"}, 422, "Unknown task 'feedbak'. Did you mean 'feedback'?"),
    ("POST", "classify", QUESTION | {"calibrated": 1}, 422, "'calibrated' must be true or false; it is 1"),
    ("POST", "classify", QUESTION | {"thresholds": {"price": "0.5"}}, 422, "'thresholds' must be an object of numbers"),
    ("POST", "classify", QUESTION | {"thresholds": {"price": 2}}, 422, "A threshold is a number from 0 to 1, not 2"),
    (
        "POST",
        "classify",
        QUESTION | {"threshold": 0.5},
        422,
        "There is no argument 'threshold'; there are: text,",
    ),
    ("POST", "classify", {"text": TEXT}, 422, "'task' is missing; it must be a string"),
    ("POST", "classify", [], 422, "The body must be a JSON object"),
    ("POST", "classify_batch", BATCH | {"texts": ["x"] * 3000}, 422, "A batch"),
    ("GET", "board", None, 422, "'task' is missing"),
    ("GET", "classify", None, 405, "GET is not taken here"),
    ("GET", "nothing", None, 404, "There is no such endpoint; /api/v1/ lists them"),
]


@pytest.mark.parametrize(("method", "name", "question", "status", "line"), REFUSED)
def test_a_refusal_is_one_line(
    method: str, name: str, question: Any, status: int, line: str, rest: httpx.Client
) -> None:
    answer = rest.request(method, name, json=question)
    assert (answer.status_code, list(answer.json())) == (status, ["detail"])
    assert answer.json()["detail"].startswith(line) or line == "A batch"
    assert "\n" not in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "kind", "line"),
    [
        (b"{", "application/json", "The body is not JSON: Expecting property name"),
        (b"", "application/json", "The body is not JSON"),
        (b"\xff\xfe", "application/json", "The body is not JSON"),
        (b"[" * 50_000, "application/json", "There was an error parsing the body"),
        (
            b'{"text": "\\ud800", "task": "feedback", "checkpoints": ["alpha"]}',
            "application/json",
            "The text holds",
        ),
        (json.dumps(QUESTION).encode(), "text/plain", "Send the body with the header"),
    ],
)
def test_a_body_that_is_no_json_is_told(body: bytes, kind: str, line: str, rest: httpx.Client) -> None:
    answer = rest.post("classify", content=body, headers={"content-type": kind})
    assert 400 <= answer.status_code < 500
    assert answer.json()["detail"].startswith(line)


def test_a_request_that_is_too_large_is_refused(rest: httpx.Client) -> None:
    pieces = (b" " * 1_000_000 for _ in range(LARGEST_REQUEST // 1_000_000 + 1))
    refused = rest.post("classify", content=pieces, headers={"content-type": "application/json"})
    assert refused.status_code == 413
    assert "20,000,000 bytes" in refused.json()["detail"]


@pytest.mark.slow
def test_whoever_comes_when_too_many_wait_is_told(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "WAITING", 2)
    monkeypatch.setitem(AT_ONCE, "classify", 1)
    demo, arguments = app.build(checkpoints)
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **arguments)
    ask = lambda _: httpx.post(f"{address}api/v1/classify", json=QUESTION, timeout=60)  # noqa: E731
    with ThreadPoolExecutor(6) as pool:
        with computing:
            asked = [pool.submit(ask, number) for number in range(6)]
            told = [each.result() for each in islice(as_completed(asked, timeout=60), 3)]
        answers = [each.result() for each in asked]
    demo.close()
    assert {each.json()["detail"] for each in told} == {"2 requests wait already; ask again in a few seconds"}
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 429, 429, 429]


def test_the_page_shows_every_endpoint_and_asks_it(blank: Page, address: str) -> None:
    elsewhere: list[str] = []
    blank.on("request", lambda asked: None if asked.url.startswith(address) else elsewhere.append(asked.url))
    blank.goto(f"{address}api/v1/")
    blank.wait_for_selector("section >> nth=3")
    heads = blank.locator("h2").all_inner_texts()
    assert heads == ["GET /tasks", "POST /classify", "POST /classify_batch", "GET /board"]
    section = blank.locator("section", has_text="POST /classify").first
    assert "what to classify, at most 10,000 characters." in section.inner_text()
    section.locator("textarea").fill(json.dumps(QUESTION))
    section.locator("button").click()
    blank.wait_for_function("document.querySelectorAll('pre')[1].textContent.startsWith('200')")
    assert '"decided"' in section.locator("pre").inner_text()
    assert elsewhere == []


def _printed(language: str, contains: str) -> list[str]:
    return [code for code in blocks(ROOT / "docs" / "api.md", language) if contains in code]


@pytest.mark.slow
@pytest.mark.parametrize("code", _printed("python", "http://"), ids=["gradio", "httpx"])
def test_the_python_examples_run_as_printed(code: str, own_address: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(code.replace("http://127.0.0.1:7860", own_address.rstrip("/")), "docs/api.md", "exec"), {})
    assert "zoo-bert-en ['delivery']" in capsys.readouterr().out


COMMANDS = [line for code in _printed("sh", "curl") for line in code.replace("\\\n", "").splitlines()]
PROGRAMS = [("bash", "-c", command) for command in COMMANDS] + [
    ("node", "-e", code) for code in _printed("js", "fetch(")
]


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS, ids=["tasks", "board", "classify", "classify_batch", "javascript"])
def test_the_curl_and_javascript_examples_run_as_printed(program: tuple[str, str, str], own_address: str) -> None:
    runs, option, code = program
    needed = "curl" if runs == "bash" else runs
    if shutil.which(needed) is None:
        pytest.skip(f"no {needed} on this machine")
    code = code.replace("http://127.0.0.1:7860", own_address.rstrip("/")).replace("curl ", "curl -sf ")
    if runs == "node":
        code = f"(async () => {{ {code} }})()"
    done = subprocess.run([runs, option, code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "delivery" in done.stdout or "minilm-l6" in done.stdout


def test_the_style_of_its_page_is_not_that_of_the_app() -> None:
    rule = next(line for line in (ROOT / "demo" / "api" / "rest_page.css").read_text().splitlines() if "main {" in line)
    inserted = str(launch_arguments()["app_kwargs"]["middleware"])
    assert rule not in inserted
    assert ".zoo-matrix" in inserted  # the app's own style is there
