"""What the browser tests of the Compare tab do and see."""

from playwright.sync_api import Locator, Page, Request

MARKUP = "<img src=x onerror='window.hacked=1'>"  # also a label of the task zz_many
GLOBAL = "input[aria-label='Threshold of all labels']"
# Moves a slider as a hand does, and waits until the page is laid out anew.
MOVE = """([selector, value]) => {
  const slider = document.querySelector(selector);
  slider.value = value;
  slider.dispatchEvent(new Event("input", {bubbles: true}));
  document.querySelector(".zoo-table").getBoundingClientRect();
}"""
WORK = {"ScriptDuration", "RecalcStyleDuration", "LayoutDuration"}


def decided(page: Page) -> list[list[str]]:
    """The labels shown as decided, for each checkpoint."""
    heads = page.locator(".zoo-decided").all()
    return [[chip.inner_text() for chip in head.locator(".zoo-chip").all()] for head in heads]


def marked(page: Page) -> int:
    """How many bars are marked as above their threshold."""
    return page.locator("td.zoo-on [aria-label='above its threshold']").count()


def move(page: Page, selector: str, value: float) -> float:
    """Move a slider; return the milliseconds that the page worked on it: not waited, but more on a busy machine."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return sum(1000 * metric["value"] for metric in metrics if metric["name"] in WORK)

    before = worked()
    page.evaluate(MOVE, [selector, value])
    after = worked()
    session.detach()
    return after - before


def fill(page: Page, text: str) -> None:
    page.locator("#text textarea").fill(text)
    page.get_by_role("button", name="Classify").click()


def rows(page: Page) -> list[Locator]:
    return page.locator(".zoo-table tbody tr").all()


def choose_task(page: Page, task: str) -> None:
    page.locator("#task input").click()
    page.get_by_role("option", name=task, exact=True).click()


def choose_task_and_settle(page: Page, task: str) -> list[Request]:
    """Choose a task and wait for all that the choice asks for, late on a busy machine; return what is asked later."""
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))
    choose_task(page, task)
    page.wait_for_selector(".zoo-more")
    seen = -1
    while seen < len(requests):
        seen = len(requests)
        page.wait_for_timeout(1000)
    requests.clear()
    return requests
