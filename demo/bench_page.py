"""What a visitor of the app waits for, in a headless Chromium: medians of several visits. `demo.bench_app` runs it."""

import time
from collections.abc import Callable
from statistics import median

from playwright.sync_api import Page

PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
# Before the page's own scripts: all shifts of the layout that no input of a visitor caused.
SHIFTS = """window.benchShift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.benchShift += entry.value;
}).observe({ type: "layout-shift", buffered: true });"""
# Clicks a box and waits for the frame after the one that shows it.
TICK = """(box) => new Promise((done) => {
  const start = performance.now();
  box.click();
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
})"""
ASKED = {
    "first paint, s": "1",
    "board, s": "1",
    "layout shift of the board": "0.1",
    "form usable, s": "2",
    "layout shift of the form": "0.1",
    "tick and untick, ms": "50",
    "task switch, s": "1",
    "Explore, s": "2",
}


def visit(page: Page, address: str) -> dict[str, float]:
    """Return what one visit to the app took, by the names of ASKED. The page is a new one."""
    page.add_init_script(SHIFTS)
    found = {}
    found["board, s"] = _until(lambda: page.goto(address), page, "#board .zoo-board")
    found["first paint, s"] = page.evaluate(PAINT) / 1000
    found["layout shift of the board"] = page.evaluate("window.benchShift")
    page.goto("about:blank")
    form = "#checkpoints input:checked"
    found["form usable, s"] = _until(lambda: page.goto(f"{address}#tab=compare"), page, form)
    page.wait_for_selector(".zoo-table")
    found["layout shift of the form"] = page.evaluate("window.benchShift")
    box = page.locator("#checkpoints input").first
    found["tick and untick, ms"] = median(box.evaluate(TICK) for _ in range(4))
    page.locator("#task input").click()
    other = page.get_by_role("option", name="sst2", exact=True)
    start = time.perf_counter()
    other.click()
    page.wait_for_function("zooAddress.read().get('task') === 'sst2'")  # written when the answer is on the page
    found["task switch, s"] = time.perf_counter() - start
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("#board .zoo-board")
    found["Explore, s"] = _until(page.get_by_role("tab", name="Explore").click, page, "#explore-about p")
    return found


def _until(act: Callable[[], object], page: Page, shown: str) -> float:
    """Return the seconds from `act` until a visible element matches the selector `shown`."""
    start = time.perf_counter()
    act()
    page.wait_for_selector(shown)
    return time.perf_counter() - start
