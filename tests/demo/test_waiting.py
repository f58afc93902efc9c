"""A click on a button counts whenever it comes: it waits for the file, the task or the tab that still loads."""

import json
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

import demo.audit.handlers as audit
import demo.batch.view as batch
import demo.compare.view as compare
from tests.demo.compare_steps import choose_task

LATE = 2.0  # seconds
WAIT = 40_000  # milliseconds, on a busy machine
TEXTS = "body,labels\nwell made.,quality\nit came late.,delivery\n"


def delay(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """Let a function of the app take LATE seconds more."""
    work = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given, **named: (sleep(LATE), work(*given, **named))[1])


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.csv"
    path.write_text(TEXTS)
    return path


@pytest.fixture
def batch_tab(page: Page) -> Page:
    page.get_by_role("tab", name="Batch").click()
    expect(page.locator("#batch-checkpoints input:checked")).to_have_count(3)
    return page


def test_classify_all_waits_for_the_preview(batch_tab: Page, texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    delay(monkeypatch, batch, "preview")
    with batch_tab.expect_request("**/run/predict"):
        batch_tab.locator("#batch-file input[type=file]").set_input_files(texts)
    batch_tab.locator("#batch-run").click()
    expect(batch_tab.locator("#batch-run")).to_have_attribute("aria-busy", "true")
    expect(batch_tab.locator("#batch-results")).to_contain_text("Metrics on 2 rows", timeout=WAIT)
    expect(batch_tab.locator("#batch-run")).not_to_have_attribute("aria-busy", "true")


def test_classify_all_waits_for_the_upload(batch_tab: Page, texts: Path) -> None:
    def late(route: Route) -> None:
        sleep(LATE)
        route.continue_()

    batch_tab.route("**/upload?*", late)
    batch_tab.locator("#batch-file input[type=file]").set_input_files(texts)
    batch_tab.locator("#batch-run").click()
    expect(batch_tab.locator("#batch-results")).to_contain_text("Metrics on 2 rows", timeout=WAIT)


def test_classify_waits_for_a_task_and_the_last_task_stays(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    delay(monkeypatch, compare, "shown_at_first")
    asked: list[list[Any]] = []

    def note(request: Request) -> None:
        if "/queue/join" in request.url and isinstance(request.post_data, str):
            asked.append(json.loads(request.post_data)["data"])

    page.on("request", note)
    choose_task(page, "sst2")
    choose_task(page, "feedback")
    choose_task(page, "sst2")
    page.locator("#text textarea").fill("My own text.")
    page.locator("#classify").click()
    expect(page.locator("#checkpoints")).not_to_contain_text("gamma", timeout=WAIT)
    expect(page.locator("#compare")).to_contain_text("positive", timeout=WAIT)
    expect(page.locator("#classify")).not_to_have_attribute("aria-busy", "true")
    page.wait_for_timeout(1000 * LATE)
    assert asked[-1][:3] == ["My own text.", "sst2", ["alpha", "beta"]]
    expect(page.locator("#compare .zoo-notice")).to_have_count(0)
    expect(page.locator("#task input")).to_have_value("sst2")


def test_the_last_of_several_tasks_has_its_own_checkpoints(batch_tab: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    delay(monkeypatch, batch, "shown_at_first")
    batch_tab.locator("#batch-texts textarea").fill("well made.")
    for task in ("sst2", "feedback", "sst2"):
        batch_tab.locator("#batch-task input").click()
        batch_tab.get_by_role("option", name=task).click()
    batch_tab.locator("#batch-run").click()
    expect(batch_tab.locator("#batch-status")).to_contain_text("1 rows. The", timeout=WAIT)
    expect(batch_tab.locator("#batch-checkpoints")).not_to_contain_text("gamma", timeout=WAIT)
    expect(batch_tab.locator("#batch-status .zoo-notice")).to_have_count(0)


def test_the_corrected_file_waits_for_another_task(
    blank: Page, own_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank.goto(f"{own_address}#tab=audit&audit=feedback")
    blank.wait_for_selector("#audit-view tbody tr")
    blank.get_by_role("button", name="change").first.click()
    delay(monkeypatch, audit, "audit_of")
    with blank.expect_request("**/run/predict"):
        blank.locator("#audit-task input").click()
        blank.get_by_role("option", name="feedback_zh").click()
    blank.locator("#audit-make").click()
    expect(blank.locator("#audit-about .zoo-notice")).to_contain_text("There are no answers yet", timeout=WAIT)
