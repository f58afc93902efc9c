"""The Leaderboard tab in a real browser, on the project's own leaderboard. One page serves all tests."""

import re
from collections.abc import Iterator

import httpx
import pandas as pd
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from benchmark.board.choice import which_of
from benchmark.board.tables import entry_name
from demo.leaderboard.handlers import read_board, records_of
from demo.leaderboard.page import board_page

expect.set_options(timeout=40_000)


@pytest.fixture(scope="module")
def opened(browser: BrowserContext, own_address: str) -> Iterator[Page]:
    """The app as a new visitor meets it."""
    page = browser.new_page()
    page.set_default_timeout(40_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(own_address)
    page.wait_for_selector("#board .zoo-board")
    yield page
    page.close()
    assert errors == []


def names(page: Page) -> list[str]:
    return page.locator(".zoo-of-task tbody tr:not(.zoo-folded) :is(.zoo-open, .zoo-closed)").all_inner_texts()


def entries(page: Page) -> list[str]:
    """The names of the same rows, recipe included."""
    boxes = page.locator(".zoo-of-task tbody tr:not(.zoo-folded) .zoo-pick input").all()
    return [(box.get_attribute("data-key") or "").removeprefix("pick=") for box in boxes]


def test_the_app_opens_on_the_answer(opened: Page) -> None:
    choice = which_of(read_board(), "en")
    rows = board_page(None, None, "en")["answers"]["en"][""]["rows"]
    best = {row["encoder"]: row["ms"] for row in rows if row["cells"]["feedback"].get("best")}
    fastest = min(best, key=lambda encoder: best[encoder])
    told = f"On feedback, {len(best)} encoders share the best group. The fastest of them is {fastest}: "
    expect(opened.locator(".zoo-sentences p")).to_have_text([choice.take, choice.cost, re.compile(re.escape(told))])
    chip = opened.locator(".zoo-task").first
    assert chip.inner_text().split("\n") == ["feedback", "8 topics of customer messages, English, 213 test rows"]
    opened.get_by_role("button", name="one label").click()
    expect(opened.locator(".zoo-sentences p").first).to_have_text(which_of(read_board(), "en", False).take)
    opened.get_by_role("button", name="any number of labels").click()


def test_a_text_may_take_only_so_long(opened: Page) -> None:
    opened.get_by_role("button", name="5 ms", exact=True).click()
    choice = which_of(read_board(), "en", None, 5)
    expect(opened.locator(".zoo-sentences p")).to_have_text([choice.take, choice.cost])  # none of the best group
    expect(opened.locator(".zoo-matrix tbody th")).to_have_count(1)
    assert all(name.startswith(choice.best.encoder) for name in names(opened))
    assert "ms=5" in opened.url
    opened.get_by_role("button", name="any time").click()
    assert len(names(opened)) > 1


def test_a_cell_opens_its_task_and_one_click_sorts_the_numbers(opened: Page) -> None:
    opened.locator(".zoo-matrix tbody tr").first.locator(".zoo-cell").nth(2).click()
    expect(opened.locator(".zoo-of-task h2")).to_contain_text("go_emotions")
    assert "board=go_emotions" in opened.url
    opened.locator(".zoo-matrix tbody tr").first.locator(".zoo-cell").first.click()
    heading = opened.locator(".zoo-of-task").get_by_role("button", name="latency p50 (ms)")
    heading.click()
    rows = {entry_name(row): row["p50_ms"] for row in records_of(read_board(), "feedback")}
    shown = entries(opened)
    assert len(shown) > 1
    assert shown == sorted(shown, key=lambda name: -rows[name])
    opened.locator(".zoo-of-task").get_by_role("button", name="latency p50 (ms)").click()
    shown = entries(opened)
    assert shown == sorted(shown, key=lambda name: rows[name])
    opened.locator(".zoo-of-task").get_by_role("button", name="rank", exact=True).click()


def test_trials_unfold_and_more_columns_come_beside_the_usual_ones(opened: Page) -> None:
    before = opened.locator(".zoo-of-task tbody tr").count()
    opened.locator(".zoo-fold").first.click()
    assert opened.locator(".zoo-of-task tbody tr").count() > before
    opened.locator(".zoo-fold").first.click()
    columns = opened.locator(".zoo-of-task thead th").count()
    opened.locator(".zoo-columns summary").click()
    opened.get_by_label("f1_micro", exact=True).check()
    expect(opened.locator(".zoo-of-task thead th")).to_have_count(columns + 1)
    opened.get_by_label("f1_micro", exact=True).uncheck()


def test_two_entries_have_a_verdict_that_stands_in_explore_too(opened: Page) -> None:
    opened.get_by_label("Compare granite-30m", exact=True).check()  # in place of the first of two
    told = opened.locator(".zoo-verdict p").inner_text()
    assert "better than granite-30m by" in told
    opened.get_by_role("button", name="Open these two in Explore").click()
    expect(opened.locator("#explore-about .zoo-told")).to_have_text(told)
    opened.get_by_role("tab", name="Leaderboard").click()


def test_every_metric_is_downloaded(opened: Page) -> None:
    with opened.expect_download() as download:
        opened.locator("#board-csv").click()
    assert set(pd.read_csv(download.value.path())["task"]) == set(read_board().cells["task"])


def test_the_page_of_the_rest_api_is_linked(opened: Page) -> None:
    link = opened.get_by_role("link", name="REST API")
    expect(link).to_be_visible()
    assert "<title>Encoder Zoo: REST API" in httpx.get(link.evaluate("(link) => link.href")).text


def test_a_row_opens_in_compare_and_keeps_the_text(opened: Page) -> None:
    opened.get_by_role("tab", name="Compare").click()
    opened.wait_for_selector(".zoo-table")
    opened.locator("#text textarea").fill("A text of my own.")
    opened.get_by_role("tab", name="Leaderboard").click()
    opened.locator(".zoo-matrix").get_by_role("button", name="zoo-roberta-en", exact=True).click()
    opened.wait_for_function("document.querySelectorAll('.zoo-name').length === 1")
    assert opened.locator("#compare").is_visible()
    assert opened.locator("#text textarea").input_value() == "A text of my own."
    assert opened.locator(".zoo-name").all_inner_texts() == ["zoo-roberta-en"]
