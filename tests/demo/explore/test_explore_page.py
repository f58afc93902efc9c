"""The Explore tab in a real browser."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from benchmark.tasks.registry import TASKS
from benchmark.tasks.rows import read_rows
from tests.benchmark.conftest import make_predictions, synthetic_writer

expect.set_options(timeout=20_000)
MARKUP = "<img src=x onerror='window.hacked=1'>"


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an app on runs of sst2, with texts that are markup, and of feedback, without."""
    from app import build

    root = tmp_path_factory.mktemp("explored")
    rng, folder = np.random.default_rng(0), root / "data" / "sst2"
    folder.mkdir(parents=True)
    for split in ("train", "validation"):
        texts = [f"{MARKUP} {split} {row}" for row in range(60)]
        pd.DataFrame({"text": texts, "label": rng.integers(0, 2, 60)}).to_parquet(folder / f"{split}.parquet")
    fingerprint, write = read_rows(TASKS["sst2"], root / "data").fingerprint, synthetic_writer(root)
    for number, encoder in enumerate(("granite-30m", "minilm-l6")):
        write("sst2", encoder, predictions=make_predictions(2, False, number), fingerprint=fingerprint)
        write("feedback", encoder, 3, predictions=make_predictions(8, True, number))
    demo, arguments = build(root / "no-checkpoints", root / "results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENCODER_ZOO_DATA", str(root / "data"))
        _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **arguments)
        yield address
        demo.close()


def choose(page: Page, dropdown: str, option: str) -> None:
    page.locator(f"#explore-{dropdown} input").click()
    page.get_by_role("option", name=option, exact=True).click()
    expect(page.get_by_role("option")).to_have_count(0)  # the next list has options of the same name


def look_at(page: Page, view: str) -> None:
    page.get_by_role("radio", name=view).check()


def test_two_entries_are_explored(blank: Page, explored: str) -> None:
    blank.goto(explored)
    blank.get_by_role("tab", name="Explore").click()
    about = blank.locator("#explore-about")
    expect(about).to_contain_text("A: granite-30m. B: minilm-l6. Split: test, n = 60; seed 3")
    blank.wait_for_selector("#explore-plot .main-svg")
    choose(blank, "judged", "price")
    choose(blank, "task", "sst2")
    expect(about).to_contain_text("Split: validation, n = 60; seed 0")
    expect(blank.locator("#explore-judged")).to_be_hidden()
    look_at(blank, "Row by row")
    choose(blank, "outcome", "both are right")
    choose(blank, "gold", "negative")
    expect(about).to_contain_text("rows.")
    expect(blank.locator("#explore-table td").nth(1)).to_contain_text(f"{MARKUP} validation")
    assert blank.locator("#explore-table img").count() == 0
    assert blank.evaluate("window.hacked === undefined")
    blank.locator("#explore-b input").click()
    expect(blank.get_by_role("option")).to_contain_text(["minilm-l6"])  # not the one on the other side
    blank.reload()  # the view stands in the address
    expect(about).to_contain_text("A: granite-30m. B: minilm-l6. Split: validation, n = 60; seed 0")
    expect(blank.locator("#explore-outcome input")).to_have_value("both are right")


@pytest.mark.campaign
def test_every_view_is_drawn_and_one_that_the_task_has_not_is_told(blank: Page, explored: str) -> None:
    blank.goto(explored)
    blank.get_by_role("tab", name="Explore").click()
    choose(blank, "task", "sst2")
    expect(blank.locator("#explore-about")).to_contain_text("Split: validation, n = 60; seed 0")
    for view in ("Label by label", "Label confusion", "Reliability"):
        look_at(blank, view)
        blank.wait_for_selector("#explore-plot .main-svg")
    look_at(blank, "Threshold gain")
    expect(blank.locator("#explore-about .zoo-notice")).to_contain_text("has no thresholds; choose another view")
    expect(blank.locator("#explore-plot")).to_be_hidden()
    look_at(blank, "Where they differ")
    expect(blank.locator("#explore-about .zoo-notice")).to_have_count(0)


@pytest.mark.campaign
def test_it_fits_a_phone_in_chinese(chinese: BrowserContext, explored: str) -> None:
    page = chinese.new_page()
    page.set_viewport_size({"width": 390, "height": 850})
    page.goto(f"{explored}?__theme=dark")
    page.get_by_role("tab", name="探索").click()
    expect(page.locator("#explore-about")).to_contain_text("A：granite-30m；B：minilm-l6。")
    for view in ("差异在哪里", "逐条查看", "标签混淆"):
        look_at(page, view)
        expect(page.locator("#explore-plot")).to_be_visible(visible=view != "逐条查看")
        expect(page.locator("#explore-table td").first).to_be_visible()
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    page.close()
