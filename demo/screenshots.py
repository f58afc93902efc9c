"""Pictures for the READMEs: every tab in both themes, and the plots of docs/pretraining.md: `make screenshots`."""

import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmark.board.pretrained_page import figures
from benchmark.board.store import read_board
from benchmark.training.runs import RESULTS
from demo.bench_app import find_chromium, serve

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
TABS = {
    "leaderboard": "#board .zoo-front-plot",
    "compare": ".zoo-table",
    "batch": "#batch-results td",
    "explore": "#explore-plot .main-svg",
}
TEXTS = """The parcel came two weeks late and the mug was cracked.
Great value, sturdy and beautifully made!
Does the warranty cover the battery?"""


def main() -> None:
    """Start the app, open its tabs one after the other, write a picture of each."""
    executable = find_chromium()
    if executable is None:
        sys.exit("There is no Chromium on this machine; install one (apt-get install chromium)")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with serve() as (_, address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        for theme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 1200, "height": 900}, locale="en-US")
            page.set_default_timeout(120_000)
            page.goto(f"{address}?__theme={theme}")
            page.wait_for_selector("#board .zoo-board")
            for tab, shown in TABS.items():
                _open(page, tab)
                page.wait_for_selector(shown)
                page.wait_for_timeout(1500)  # what slides or fades has come to rest
                page.screenshot(path=FOLDER / f"{tab}-{theme}.png", animations="disabled")
        _plots(browser)
        browser.close()


def _plots(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 860, "height": 460})
    for name, figure in figures(read_board(RESULTS)).items():
        page.set_content(figure.to_html(config={"staticPlot": True}))
        plot = page.locator(".js-plotly-plot")
        plot.locator(".main-svg").first.wait_for()
        plot.screenshot(path=FOLDER / f"pretraining-{name}.png", omit_background=True)


def _open(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab.capitalize()).click()
    if tab == "compare":
        page.wait_for_selector(".zoo-table")
        page.locator(".zoo-opener").first.click()
    if tab == "batch":
        page.wait_for_selector("#batch-checkpoints input")
        page.locator("#batch-texts textarea").fill(TEXTS)
        page.locator("#batch-run").click()


if __name__ == "__main__":
    main()
