"""The app behind a reverse proxy that serves it below a path, as docs/hosting.md sets one up."""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from gradio_client import Client
from playwright.sync_api import Page
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

pytestmark = pytest.mark.slow
PREFIX = "/zoo"


def proxy(target: str) -> Starlette:
    """A proxy that takes PREFIX off the path, passes the Host on, and sends an answer on as it comes."""
    client = httpx.AsyncClient(base_url=target, timeout=None)

    async def forward(request: Request) -> StreamingResponse:
        asked = client.build_request(
            request.method,
            f"{request.url.path.removeprefix(PREFIX)}?{request.url.query}",
            headers=request.headers.raw,
            content=await request.body(),
        )
        answer = await client.send(asked, stream=True)
        return StreamingResponse(
            answer.aiter_raw(), answer.status_code, dict(answer.headers), background=BackgroundTask(answer.aclose)
        )

    return Starlette(routes=[Route(f"{PREFIX}/{{path:path}}", forward, methods=["GET", "HEAD", "POST", "DELETE"])])


@pytest.fixture(scope="module")
def proxied(checkpoints: Path, results: Path) -> Iterator[str]:
    """The address of the app below PREFIX; at the proxy's root there is nothing."""
    from app import build

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_ROOT_PATH", PREFIX)
        demo, arguments = build(checkpoints, results)
        _, target, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **arguments)
    server = uvicorn.Server(uvicorn.Config(proxy(target), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}{PREFIX}/"
    server.should_exit = True
    thread.join()
    demo.close()


def test_the_page_its_files_and_its_api_are_below_the_path(proxied: str) -> None:
    page = httpx.get(proxied)
    assert page.status_code == 200
    assert "x-frame-options" not in page.headers
    files = set(re.findall(r"""(?:src|href)=["']([^"'#]+\.(?:js|css))["']""", page.text))
    assert files
    statuses = {file: httpx.get(httpx.URL(proxied).join(file)).status_code for file in files}
    assert set(statuses.values()) == {200}, statuses
    found = Client(proxied, verbose=False).predict("it came late", "feedback", ["alpha"], api_name="/classify")
    assert found["answers"][0]["name"] == "alpha"


def test_a_browser_shows_the_comparison(proxied: str, blank: Page) -> None:
    elsewhere: list[str] = []
    blank.on("request", lambda asked: None if asked.url.startswith(proxied) else elsewhere.append(asked.url))
    blank.goto(f"{proxied}#tab=compare")
    blank.wait_for_selector(".zoo-table")
    assert [url for url in elsewhere if url.startswith("http")] == []
