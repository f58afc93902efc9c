"""The page against axe-core, tab by tab, in both themes and languages, with what each tab opens on."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

# Gradio's own, which nobody below it can mend.
GRADIOS = {"label-title-only", "empty-table-header", "image-redundant-alt"}


def violations(page: Page) -> dict[str, list[str]]:
    """The rules that the page breaks, each with the elements that do."""
    # Only the violations are listed in full: the list of all that passes takes long.
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return {each["id"]: [node["html"][:200] for node in each["nodes"]] for each in found if each["id"] not in GRADIOS}


def opened(context: BrowserContext, address: str) -> Page:
    """The Compare tab with all its parts open."""
    page = context.new_page()
    page.set_default_timeout(120_000)  # the models are loaded first
    page.goto(f"{address}#tab=compare")
    page.wait_for_selector(".zoo-table")
    page.locator(".zoo-opener").first.click()
    page.locator(".zoo-sharing summary").click()
    page.locator(".zoo-score").first.click()
    page.wait_for_selector("#words .zoo-told")
    page.locator("#flag button").first.click()
    page.wait_for_selector("#flag-right input")
    return page


def broken_on(page: Page, tabs: dict[int, str]) -> dict[str, dict[str, list[str]]]:
    """The rules that the Compare tab and the others break, by the place."""
    broken = {"compare": violations(page)}
    for position, shown in tabs.items():
        page.get_by_role("tab").nth(position).click()
        page.wait_for_selector(shown)
        broken[shown] = violations(page)
    page.close()
    return {place: rules for place, rules in broken.items() if rules}


@pytest.mark.slow
def test_compare_and_leaderboard_keep_nobody_out(browser: BrowserContext, address: str) -> None:
    page = opened(browser, f"{address}?__theme=light")
    assert broken_on(page, {0: "#board .zoo-front-plot"}) == {}


@pytest.mark.campaign
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_nothing_keeps_anybody_out(
    theme: str, locale: str, browser: BrowserContext, chinese: BrowserContext, own_address: str
) -> None:
    page = opened({"en-US": browser, "zh-CN": chinese}[locale], f"{own_address}?__theme={theme}")
    tabs = {
        2: "#batch-checkpoints input",
        0: "#board .zoo-front-plot",
        3: "#explore-plot .main-svg",
        4: "#audit-view td",
    }
    assert broken_on(page, tabs) == {}


def test_the_check_finds_what_is_wrong(blank: Page) -> None:
    blank.set_content("<html lang=en><title>t</title><main><h1>h</h1><img src='data:,'><input></main></html>")
    assert set(violations(blank)) == {"image-alt", "label"}
