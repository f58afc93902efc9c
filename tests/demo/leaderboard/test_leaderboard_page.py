"""The Leaderboard tab in a real browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page


@pytest.fixture
def linked(checkpoints: Path, results: Path, tmp_path: Path) -> Iterator[str]:
    """The address of an app whose leaderboard's entry `small` has a run, the one that all tiny checkpoints name."""
    from app import build

    shutil.copytree(results, tmp_path / "results")
    runs = pd.DataFrame({"task": ["feedback"], "encoder": ["small"], "variant": [""], "id": ["0"]})
    runs.to_parquet(tmp_path / "results" / "board" / "runs.parquet")
    demo, arguments = build(checkpoints, tmp_path / "results")
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **arguments)
    yield address
    demo.close()


def test_the_leaderboard_is_read_sorted_searched_and_downloaded(page: Page) -> None:
    page.get_by_role("tab", name="Leaderboard").click()
    page.wait_for_selector("#board-plot .main-svg")
    encoders = page.locator("#board .body-cell.first-column")
    page.wait_for_function("document.querySelectorAll('#board .body-cell.first-column').length === 3")
    assert encoders.all_inner_texts() == ["large", "small", "words"]
    header = page.locator("#board th.header-cell").first
    header.locator(".header-content").click()
    header.get_by_label("Open cell menu").click()
    page.get_by_role("menuitem", name="Sort descending").click()
    page.wait_for_function("document.querySelector('#board .body-cell.first-column').innerText === 'words'")
    with page.expect_download() as download:
        page.locator("#board-csv").click()
    assert set(pd.read_csv(download.value.path())["encoder"]) == {"small", "large", "words"}
    page.locator("#board input[placeholder='Search...']").fill("words")
    page.wait_for_function("document.querySelectorAll('#board .body-cell.first-column').length === 1")
    assert encoders.all_inner_texts() == ["words"]
    page.get_by_label("Quality against training").check()
    page.get_by_text("seconds of training").wait_for()


@pytest.mark.slow
def test_a_row_of_the_projects_own_leaderboard_opens_in_compare(blank: Page, own_address: str) -> None:
    blank.goto(own_address)
    blank.wait_for_selector(".zoo-table")
    blank.locator("#text textarea").fill("A text of my own.")
    blank.get_by_role("tab", name="Leaderboard").click()
    blank.wait_for_selector("#board-plot .main-svg")
    blank.set_viewport_size({"width": 390, "height": 844})
    assert blank.locator("#board .body-cell.first-column").first.bounding_box()["width"] < 200  # its score is seen
    blank.set_viewport_size({"width": 1280, "height": 900})
    blank.locator("#board .body-cell.first-column", has_text="zoo-roberta-en").click()
    blank.wait_for_function("document.querySelectorAll('.zoo-name').length === 1")
    assert blank.locator("#compare").is_visible()
    assert blank.locator("#text textarea").input_value() == "A text of my own."
    assert blank.locator(".zoo-name").all_inner_texts() == ["zoo-roberta-en"]
    blank.get_by_role("tab", name="Leaderboard").click()
    blank.locator("#board .body-cell.first-column", has_text="minilm-l6").nth(1).click()  # with ten epochs
    blank.get_by_text("No checkpoint of minilm-l6").wait_for()


def test_a_row_opens_in_compare_where_it_has_a_checkpoint(blank: Page, linked: str) -> None:
    blank.goto(linked)
    blank.wait_for_selector(".zoo-table")
    blank.locator("#text textarea").fill("A text of my own.")
    blank.get_by_role("tab", name="Leaderboard").click()
    blank.wait_for_selector("#board-plot .main-svg")
    blank.locator("#board .body-cell.first-column", has_text="small").click()
    blank.wait_for_function("document.querySelectorAll('.zoo-name').length === 1")
    assert blank.locator("#compare").is_visible()
    assert blank.locator("#text textarea").input_value() == "A text of my own."
    assert blank.locator(".zoo-name").all_inner_texts() == ["alpha"]
    blank.get_by_role("tab", name="Leaderboard").click()
    blank.locator("#board .body-cell.first-column", has_text="words").click()
    blank.get_by_text("No checkpoint of words on feedback").wait_for()
