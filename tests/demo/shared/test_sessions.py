"""What gradio keeps of a session: nothing of an answered call, and a visitor can do without."""

import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import httpx
import pytest
from playwright.sync_api import BrowserContext, expect

from app import build


@pytest.fixture(scope="module")
def served(checkpoints: Path, results: Path) -> Iterator[tuple[gr.Blocks, str]]:
    """The app and its address."""
    demo, arguments = build(checkpoints, results)
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **arguments)
    yield demo, address
    demo.close()


def test_an_answered_call_leaves_no_session(served: tuple[gr.Blocks, str]) -> None:
    demo, address = served
    asked = {"data": ["well made.", "feedback", ["alpha"], None, True]}
    with httpx.Client(base_url=f"{address}gradio_api/call/", timeout=60) as http:
        for _ in range(3):
            event = http.post("classify", json=asked).json()["event_id"]
            assert "event: complete" in http.get(f"classify/{event}").text
    until = time.monotonic() + 10
    while demo.state_holder.session_data and time.monotonic() < until:
        time.sleep(0.01)  # the client has the whole answer a moment before the server has closed it
    assert not demo.state_holder.session_data


def test_a_visitor_whose_session_is_gone_goes_on(served: tuple[gr.Blocks, str], browser: BrowserContext) -> None:
    demo, address = served
    page = browser.new_page()
    page.goto(f"{address}#tab=compare")
    page.wait_for_selector(".zoo-table")
    page.locator("#task input").click()
    page.get_by_role("option", name="sst2", exact=True).click()
    expect(page.locator("#checkpoints label")).to_have_count(2)
    assert demo.state_holder.session_data
    demo.state_holder.session_data.clear()
    page.locator("#text textarea").fill("not bad at all")
    page.locator("#classify").click()
    expect(page.locator("#compare")).to_contain_text("not bad at all", timeout=20_000)
    page.get_by_role("tab", name="Batch").click()
    expect(page.locator("#batch-checkpoints input:checked")).to_have_count(3)
    demo.state_holder.session_data.clear()
    page.locator("#batch-texts textarea").fill("not bad at all")
    page.locator("#batch-run").click()
    expect(page.locator("#batch-status")).to_contain_text("1 rows.", timeout=20_000)
    page.close()
