"""The Compare tab in a real browser: what it opens on, links, languages, and what a visitor may throw at it."""

from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import BrowserContext, Page

from benchmark.tasks.registry import TASKS
from demo.compare.examples import examples_for
from demo.compare.handlers import classify
from tests.demo.compare_steps import GLOBAL, MARKUP, MOVE, choose_task, choose_task_and_settle, decided, fill, move

FEEDBACK = TASKS["feedback"].labels


def test_it_opens_on_a_comparison(page: Page, checkpoints: Path) -> None:
    text = examples_for("feedback")[0]
    assert page.locator("#text textarea").input_value() == text
    names = ["alpha", "beta", "gamma"]
    assert page.locator(".zoo-name").all_inner_texts() == names
    assert page.locator("#compare tbody tr").count() == 8
    expected = classify(text, "feedback", names, checkpoints)
    assert [set(labels) for labels in decided(page)] == [set(expected.decided(answer)) for answer in expected.answers]
    assert f"{expected.answers[0].tokens} tokens" in page.locator("#compare thead th").nth(1).inner_text()


@pytest.mark.slow
def test_boxes_and_examples_are_chosen(page: Page) -> None:
    page.get_by_role("checkbox", name="beta").uncheck()
    page.wait_for_function("document.querySelectorAll('.zoo-name').length === 2")
    assert page.locator(".zoo-name").all_inner_texts() == ["alpha", "gamma"]
    text = examples_for("feedback")[1]
    page.locator("#examples").get_by_text(text[:30]).click()
    page.wait_for_function("(text) => document.querySelector('#text textarea').value === text", arg=text)

    page.get_by_role("checkbox", name="beta").check()
    page.wait_for_function("document.querySelectorAll('.zoo-name').length === 3")
    boxes = page.locator("#checkpoints input[type=checkbox]")  # unchecked in a row, and all of them count
    boxes.evaluate_all("boxes => boxes.slice(1).forEach((box, n) => setTimeout(() => box.click(), 20 * n))")
    page.wait_for_function("document.querySelectorAll('.zoo-name').length === 1")
    assert page.locator(".zoo-name").all_inner_texts() == ["alpha"]


def test_reload_and_a_shared_link_open_on_the_same_view(page: Page, address: str) -> None:
    choose_task_and_settle(page, "zz_many")
    text = "cold & late; 漢字 \U0001f993 100% #1\nsecond line"
    fill(page, text)
    page.wait_for_function("location.hash.includes('second')")
    page.wait_for_selector(".zoo-more")
    move(page, "input[type=range][aria-label='Threshold of label 7']", 0.01)
    page.get_by_label("Calibrated scores").uncheck()
    page.get_by_label("Order").select_option("name")
    page.get_by_role("checkbox", name="beta").uncheck()
    page.wait_for_function("document.querySelectorAll('.zoo-name').length === 1")
    expected, link = decided(page), page.url
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector(".zoo-more")
    assert page.locator("#text textarea").input_value() == text
    assert page.locator(".zoo-name").all_inner_texts() == ["alpha"]
    assert "1 of 90 thresholds" in page.locator(".zoo-mode").inner_text()
    assert not page.get_by_label("Calibrated scores").is_checked()
    assert page.get_by_label("Order").input_value() == "name"
    assert decided(page) == expected
    page.goto("about:blank")
    page.goto(f"{address}#task=nothing")
    page.get_by_text("Unknown task 'nothing'").wait_for()
    fill(page, "the form is filled all the same")
    page.wait_for_selector(".zoo-table")
    page.goto(f"{address}#task=sst2")  # into the address of a page that is open
    page.wait_for_function("document.querySelectorAll('.zoo-table tbody tr').length === 2")


@pytest.mark.slow
def test_back_returns_to_the_text_and_the_tab_before(page: Page) -> None:
    first = page.locator("#text textarea").input_value()
    fill(page, "Another text.")
    page.wait_for_function("new URLSearchParams(location.hash.slice(1)).get('text') === 'Another text.'")
    page.get_by_role("tab", name="Batch").click()
    page.wait_for_selector("#batch-checkpoints input")
    page.wait_for_function("location.hash.includes('tab=batch')")
    shown = "(text) => document.querySelector('#text textarea')?.value === text && zooAddress.tab() === 'compare'"
    page.go_back()
    page.wait_for_function(shown, arg="Another text.")
    page.wait_for_selector(".zoo-table")
    page.go_back()
    page.wait_for_function(shown, arg=first)


def test_what_is_typed_is_never_overwritten_and_an_old_result_is_told(page: Page) -> None:
    box = page.locator("#text textarea")
    box.fill("My own words.")
    page.get_by_text("The text has changed.").wait_for()
    assert page.locator(".zoo-stale").count() == 1
    choose_task(page, "sst2")
    page.wait_for_function("document.querySelectorAll('.zoo-table tbody tr').length === 2")
    assert box.input_value() == "My own words."
    page.wait_for_function("document.querySelectorAll('.zoo-stale').length === 0")
    box.press("End")
    box.press("Enter")
    box.type("A second line.")
    box.press("Control+Enter")
    page.wait_for_function("location.hash.includes('second')")
    page.wait_for_function("document.querySelectorAll('.zoo-stale').length === 0")
    assert box.input_value() == "My own words.\nA second line."


@pytest.mark.slow
def test_a_model_that_is_taken_away_and_the_task_that_is_open_ask_the_server_nothing(page: Page) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url) if request.method == "POST" else None)
    page.get_by_role("checkbox", name="beta").uncheck()
    page.wait_for_function("document.querySelectorAll('.zoo-name').length === 2")
    page.get_by_role("checkbox", name="beta").check()
    page.wait_for_function("document.querySelectorAll('.zoo-name').length === 3")
    assert requests == []
    page.get_by_role("checkbox", name="alpha").uncheck()
    choose_task(page, "feedback")
    page.wait_for_timeout(700)
    assert page.locator(".zoo-name").all_inner_texts() == ["beta", "gamma"]
    assert page.locator("#checkpoints input:checked").count() == 2


@pytest.mark.slow
def test_a_text_in_the_other_language_is_told(page: Page) -> None:
    fill(page, "快递很慢，但是客服很好。")
    page.get_by_text("This text looks Chinese, and the task is English.").wait_for()


@pytest.mark.slow
def test_the_page_can_be_had_in_the_other_language(page: Page, address: str) -> None:
    page.get_by_role("link", name="中文").click()
    page.wait_for_selector(".zoo-table")
    assert page.get_by_role("tab").first.inner_text() == "排行榜"
    fill_button = page.get_by_role("button", name="分类")
    page.locator("#text textarea").fill(" ")
    fill_button.click()
    page.get_by_text("没有文本").wait_for()  # the server says it


@pytest.mark.slow
def test_thresholds_of_a_link_count_once(blank: Page, address: str) -> None:
    page = blank
    page.goto(f"{address}#threshold=0.305+price&threshold=0x1+quality&scores=raw")
    page.wait_for_selector(".zoo-table")
    assert page.get_by_label("Threshold of price, as a number").input_value() == "0.31"
    assert page.get_by_label("Threshold of quality, as a number").input_value() == ""
    page.get_by_role("button", name="Reset").click()
    page.get_by_label("Calibrated scores").check()
    fill(page, " ")
    page.wait_for_selector(".zoo-notice")
    fill(page, "well made.")
    page.wait_for_selector(".zoo-table")
    assert "chosen on validation data" in page.locator(".zoo-mode").inner_text()
    assert page.get_by_label("Calibrated scores").is_checked()


@pytest.mark.slow
def test_a_wrong_verdict_is_flagged(page: Page, flags: Path) -> None:
    fill(page, "a text for the flag")
    page.wait_for_function("location.hash.includes('flag')")
    page.get_by_role("button", name="Is the verdict wrong?").click()
    assert page.locator("#flag-right label").all_inner_texts() == list(FEEDBACK)
    page.locator("#flag-right").get_by_label("refund").check()
    page.locator("#text textarea").fill("not classified yet")  # what is on screen is what is flagged
    page.get_by_role("button", name="Keep my answer").click()
    page.get_by_text("Kept. Thank you.").wait_for()
    row = pd.read_parquet(flags / "flags.parquet").iloc[-1]
    assert (row["text"], row["task"], list(row["right"])) == ("a text for the flag", "feedback", ["refund"])
    assert [set(labels) for labels in row["decided"]] == [set(labels) for labels in decided(page)]
    page.get_by_role("button", name="Keep my answer").click()
    page.get_by_text("You have sent this already").wait_for()


def test_the_page_is_in_the_browsers_language(chinese: BrowserContext, address: str) -> None:
    page = chinese.new_page()
    page.goto(f"{address}#tab=compare")
    page.wait_for_selector(".zoo-table")
    assert page.get_by_role("tab").all_inner_texts() == ["排行榜", "对比", "批量", "探索", "标签检查"]
    assert "拟合阈值" in page.locator(".zoo-mode").inner_text()
    page.evaluate(MOVE, [GLOBAL.replace("Threshold of all labels", "所有标签的阈值"), 0])
    assert "共用一个阈值" in page.locator(".zoo-mode").inner_text()
    page.locator("#text textarea").fill(" ")
    page.get_by_role("button", name="分类").click()
    page.get_by_text("没有文本").wait_for()
    page.close()


@pytest.mark.campaign
def test_every_tab_opens_on_a_task_of_the_browsers_language(chinese: BrowserContext, own_address: str) -> None:
    page = chinese.new_page()
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{own_address}#tab=compare")
    page.wait_for_selector(".zoo-table")
    page.get_by_role("tab", name="排行榜").click()
    assert page.locator(".zoo-task[aria-pressed=true] strong").inner_text() == "feedback_zh"
    for tab, task in (("批量", "#batch-task"), ("探索", "#explore-task"), ("对比", "#task")):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_function(f"document.querySelector('{task} input')?.value === 'feedback_zh'")
    assert page.get_by_role("button", name="分类").is_visible()
    assert "拟合阈值" in page.locator(".zoo-mode").inner_text()
    page.locator("#text textarea").fill(" ")
    page.get_by_role("button", name="分类").click()
    page.get_by_text("没有文本").wait_for()
    page.locator("#text textarea").fill("很好")
    page.get_by_role("button", name="分类").click()
    page.wait_for_selector(".zoo-table")
    page.evaluate(MOVE, [GLOBAL.replace("Threshold of all labels", "所有标签的阈值"), 0])
    assert "共用一个阈值" in page.locator(".zoo-mode").inner_text()
    choose_task(page, "feedback")  # has the same labels, but other models
    page.wait_for_function("document.querySelector('.zoo-name').textContent === 'zoo-bert-en'")
    assert "拟合阈值" in page.locator(".zoo-mode").inner_text()
    page.close()


def test_markup_is_shown_and_not_run_and_bad_texts_are_refused_by_the_server(page: Page) -> None:
    choose_task(page, "zz_many")
    page.wait_for_selector(".zoo-more")
    fill(page, f"{MARKUP}<script>window.hacked = 1</script>" * 40)
    page.wait_for_selector(".zoo-cut")
    page.get_by_role("button", name="Show all 90 labels").click()
    assert page.locator(".zoo-opener", has_text=MARKUP).is_visible()
    assert page.locator("#compare img").count() == 0
    assert page.evaluate("window.hacked === undefined")

    notice = page.locator(".zoo-notice")
    fill(page, "  ")
    notice.get_by_text("There is no text").wait_for()
    fill(page, "a" * 100_000)
    notice.get_by_text("The text has 100,000 characters, 10,000 are allowed").wait_for()
    fill(page, "well made.")
    page.wait_for_selector(".zoo-table")
    assert notice.count() == 0


@pytest.mark.slow
def test_damaged_checkpoints_are_shown_beside_the_others(blank: Page, damaged_address: str) -> None:
    blank.goto(f"{damaged_address}#tab=compare")
    blank.wait_for_selector(".zoo-table")
    assert blank.locator(".zoo-name").all_inner_texts() == ["fine"]
    notices = blank.locator("#compare .zoo-notice").all_inner_texts()
    assert [notice.split(" failed: ")[0] for notice in notices] == ["config", "decision"]
    blank.get_by_role("tab", name="Leaderboard").click()
    blank.get_by_text("holds no leaderboard yet").wait_for()


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_the_screen_and_asks_only_its_own_origin(theme: str, blank: Page, address: str) -> None:
    asked: list[str] = []
    blank.on("request", lambda request: asked.append(request.url))
    blank.goto(f"{address}?__theme={theme}#tab=compare")
    blank.wait_for_selector(".zoo-table")
    assert blank.evaluate("document.body.classList.contains('dark')") == (theme == "dark")
    fits = "() => document.documentElement.scrollWidth <= innerWidth"
    for tab, shown in {
        "Compare": ".zoo-table",
        "Batch": "#batch-checkpoints input",
        "Leaderboard": "#board .zoo-front-plot",
    }.items():
        blank.get_by_role("tab", name=tab).click()
        blank.wait_for_selector(shown)
        for width in (390, 1280):
            blank.set_viewport_size({"width": width, "height": 850})
            blank.wait_for_function(fits)
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


@pytest.mark.slow
def test_decided_labels_stay_in_sight_and_typing_replaces_a_choice(page: Page) -> None:
    choose_task_and_settle(page, "zz_many")
    page.get_by_role("button", name="Show all 90 labels").click()
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 700})
        page.locator(".zoo-table tbody tr").nth(60).scroll_into_view_if_needed()
        page.wait_for_function("document.querySelector('.zoo-decided').getBoundingClientRect().top >= 0")
        assert page.locator(".zoo-decided").first.bounding_box()["y"] < 300  # type: ignore[index]
    page.set_viewport_size({"width": 1280, "height": 900})
    page.locator("#task input").click()
    page.wait_for_function("getSelection().toString() !== '' || document.activeElement.selectionEnd > 0")
    page.keyboard.type("sst")
    assert page.locator("#task input").input_value() == "sst"
    page.get_by_role("option", name="sst2").click()
    page.wait_for_function("document.querySelectorAll('#compare tbody tr').length === 2")
