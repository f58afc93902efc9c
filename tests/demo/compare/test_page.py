"""The page in a real browser: thresholds, and what a visitor may throw at it."""

import ast
import contextlib
import io
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from playwright.sync_api import BrowserContext, Locator, Page, Request
from sklearn.metrics import f1_score, precision_recall_fscore_support

from benchmark.tasks.registry import TASKS
from benchmark.training.runs import RESULTS, read_run
from demo.compare.examples import examples_for
from demo.compare.handlers import classify
from zoo.checkpoints.checkpoint import CHECKPOINTS, read_checkpoint
from zoo.decision import Decision, ProblemType

DECIDE = (Path(__file__).parents[3] / "demo" / "compare" / "decide.js").read_text(encoding="utf-8")
FEEDBACK = TASKS["feedback"].labels
OWN = CHECKPOINTS / "feedback" / "zoo-bert-en"
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
    """Move a slider; return the milliseconds that the page worked on it, which others on the machine do not change."""
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


def test_it_opens_on_a_comparison(page: Page, checkpoints: Path) -> None:
    text = examples_for("feedback")[0]
    assert page.locator("#text textarea").input_value() == text
    names = ["alpha", "beta", "gamma"]
    assert page.locator(".zoo-name").all_inner_texts() == names
    assert page.locator("tbody tr").count() == 8
    expected = classify(text, "feedback", names, checkpoints)
    assert [set(labels) for labels in decided(page)] == [set(expected.decided(answer)) for answer in expected.answers]
    assert f"{expected.answers[0].tokens} tokens" in page.locator("thead th").nth(1).inner_text()


def test_a_thousand_random_cases_are_decided_as_in_python(blank: Page) -> None:
    draw = random.Random(0)
    kinds: list[ProblemType] = ["multi_label_classification", "single_label_classification"]
    cases = []
    for _ in range(1000):
        size = draw.randint(1, 12)
        scores = [draw.choice((draw.random(), draw.choice((0.0, 0.25, 0.5, 1.0)))) for _ in range(size)]
        thresholds = [draw.choice((draw.random(), 0.0, 1.0, 0.5, score)) for score in scores]
        cases.append((draw.choice(kinds), scores, thresholds))
    found = blank.evaluate(f"(cases) => {{ {DECIDE}; return cases.map((each) => decide(...each)); }}", cases)
    expected = [
        Decision(problem_type=kind, rule="fixed", thresholds=tuple(thresholds)).decide(np.array([scores]))[0].tolist()
        for kind, scores, thresholds in cases
    ]
    assert found == expected
    assert 0 < sum(map(sum, expected)) < sum(map(len, expected))


def test_sliders_ask_the_server_nothing_and_are_quick(page: Page) -> None:
    requests = choose_task_and_settle(page, "zz_many")
    times = [move(page, GLOBAL, value) for value in (0, 0.3, 0.7, 0.1, 0.9, 0.4, 0, 0.6, 0.2, 1)]
    assert page.locator(".zoo-none").count() == 2
    assert marked(page) == 0
    label = page.locator("tbody th .zoo-opener").first.inner_text()
    one = f"input[type=range][aria-label='Threshold of {label}']"
    times += [move(page, one, value) for value in (0.5, 1, 0.7, 0)]
    assert decided(page) == [[label], [label]]
    assert marked(page) == 2
    assert requests == []
    assert sorted(times)[len(times) // 2] < 20


def test_thresholds_fitted_half_and_reset(page: Page, checkpoints: Path) -> None:
    fitted = decided(page)
    mode = page.locator(".zoo-mode")
    assert "Fitted" in mode.inner_text()
    move(page, GLOBAL, 1)
    assert decided(page) == [[], [], []]
    assert page.get_by_text("none above threshold").count() == 3
    page.get_by_role("button", name="0.5").click()
    assert "0.50" in mode.inner_text()
    expected = classify(examples_for("feedback")[0], "feedback", ["alpha", "beta", "gamma"], checkpoints)
    assert marked(page) == sum(score >= 0.5 for answer in expected.answers for score in answer.scores)
    page.get_by_role("button", name="Fitted thresholds").click()
    assert decided(page) == fitted
    move(page, "input[type=range][aria-label='Threshold of price']", 0)
    assert "1 of 8 thresholds set by hand" in mode.inner_text()
    assert all("price" in labels for labels in decided(page))
    page.get_by_role("button", name="Reset").click()
    assert decided(page) == fitted


def test_a_slider_is_moved_by_the_keyboard(page: Page) -> None:
    page.locator(GLOBAL).focus()
    page.keyboard.press("End")
    assert decided(page) == [[], [], []]
    page.keyboard.press("Home")
    assert [len(labels) for labels in decided(page)] == [8, 8, 8]


@pytest.mark.parametrize("typed", ["1.5", "-0.2", "e"])
def test_a_typed_threshold_out_of_range_is_refused(typed: str, page: Page) -> None:
    before = decided(page)
    field = page.get_by_label("Threshold of all labels, as a number")
    field.click()
    page.keyboard.type(typed)
    assert "A threshold is a number from 0 to 1" in page.locator(".zoo-mode").inner_text()
    assert field.get_attribute("aria-invalid") == "true"
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    assert decided(page) == before
    page.keyboard.type("0.0")
    assert [len(labels) for labels in decided(page)] == [8, 8, 8]


def test_single_label_marks_one_label_a_checkpoint(page: Page) -> None:
    choose_task(page, "sst2")
    page.wait_for_function("document.querySelectorAll('tbody tr').length === 2")
    assert page.locator("#text textarea").input_value() == examples_for("sst2")[0]
    assert [len(labels) for labels in decided(page)] == [1, 1]
    move(page, GLOBAL, 0)
    assert [len(labels) for labels in decided(page)] == [1, 1]
    move(page, GLOBAL, 1)
    assert decided(page) == [[], []]


def test_checkpoints_and_examples_are_chosen(page: Page) -> None:
    page.get_by_label("beta").uncheck()
    page.wait_for_function("document.querySelectorAll('.zoo-name').length === 2")
    assert page.locator(".zoo-name").all_inner_texts() == ["alpha", "gamma"]
    text = examples_for("feedback")[1]
    page.locator("#examples").get_by_text(text[:30]).click()
    page.wait_for_function("(text) => document.querySelector('#text textarea').value === text", arg=text)


def test_labels_are_ordered_and_filtered(page: Page) -> None:
    labels = page.locator(".zoo-opener")
    by_score = labels.all_inner_texts()
    page.get_by_label("Order").select_option("name")
    assert labels.all_inner_texts() == sorted(by_score)
    page.get_by_label("Order").select_option("disagreement")
    assert set(labels.all_inner_texts()) == set(by_score)
    scores = np.array([[float(cell) for cell in row.locator(".zoo-score").all_inner_texts()] for row in rows(page)])
    spread = scores.max(axis=1) - scores.min(axis=1)
    assert (np.diff(spread) <= 0.002).all()  # scores are shown with three decimals
    page.get_by_label("Filter labels").fill("ER")
    assert set(labels.all_inner_texts()) == {"delivery", "service"}
    page.get_by_label("Filter labels").fill("nothing like it")
    page.get_by_text("No label has this in its name").wait_for()


def test_disagreements_are_marked(page: Page) -> None:
    differing = page.locator("tr.zoo-differs .zoo-opener").all_inner_texts()
    chosen = [set(labels) for labels in decided(page)]
    assert set(differing) == set.union(*chosen) - set.intersection(*chosen)
    assert f"{len(differing)} label" in page.locator(".zoo-tools").inner_text()
    move(page, GLOBAL, 1)
    assert page.locator("tr.zoo-differs").count() == 0
    assert "agree on every label" in page.locator(".zoo-tools").inner_text()


def test_figures_of_a_moved_threshold_are_those_of_the_run(blank: Page, own_address: str) -> None:
    blank.goto(f"{own_address}#task=feedback&checkpoint={OWN.name}&checkpoint=zoo-roberta-en")
    blank.wait_for_selector(".zoo-table")
    run = read_run(next(RESULTS.glob(f"feedback/*/*-{read_checkpoint(OWN).info.run}"))).predictions
    decision = read_checkpoint(OWN).decision
    for raw in (False, True):
        blank.get_by_label("Calibrated scores").set_checked(not raw)
        times = [
            move(blank, "input[type=range][aria-label='Threshold of quality']", value) for value in (0.3, 0.7, 0.2)
        ]
        assert sorted(times)[1] < 50
        y_score = decision.model_copy(update={"temperature": 1.0} if raw else {}).scores(run.validation_logits)
        label = FEEDBACK.index("quality")
        precision, recall, f1, _ = precision_recall_fscore_support(
            run.validation_y_true[:, label], y_score[:, label] >= 0.2, average="binary"
        )
        shown = blank.locator(".zoo-figures li", has_text=OWN.name).inner_text()
        assert f"precision {precision:.3f} · recall {recall:.3f} · F1 {f1:.3f}" in shown
    blank.get_by_role("button", name="Fitted thresholds").click()
    y_pred = decision.decide(decision.scores(run.validation_logits))
    micro, macro = (f1_score(run.validation_y_true, y_pred, average=average) for average in ("micro", "macro"))
    head = blank.locator("thead th", has_text=OWN.name).inner_text()
    assert f"micro-F1 {micro:.3f} · macro-F1 {macro:.3f}" in head


def test_boxes_unchecked_in_a_row_all_count(page: Page) -> None:
    names = page.locator(".zoo-name").all_inner_texts()
    boxes = page.locator("#checkpoints input[type=checkbox]")
    boxes.evaluate_all("boxes => boxes.slice(1).forEach((box, n) => setTimeout(() => box.click(), 20 * n))")
    page.wait_for_function("document.querySelectorAll('.zoo-name').length === 1")
    assert page.locator(".zoo-name").all_inner_texts() == names[:1]


def test_a_link_opens_on_the_same_view(page: Page, address: str) -> None:
    choose_task_and_settle(page, "zz_many")
    fill(page, "cold & late; 漢字 \U0001f993 100% #1\nsecond line")
    page.wait_for_function("document.querySelector('.zoo-sharing a').href.includes('second')")
    move(page, "input[type=range][aria-label='Threshold of label 7']", 0.01)
    page.get_by_label("Calibrated scores").uncheck()
    page.get_by_label("beta").uncheck()
    page.wait_for_function("document.querySelectorAll('.zoo-name').length === 1")
    expected = decided(page)
    link = page.evaluate("document.querySelector('.zoo-sharing a').href")
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector(".zoo-more")
    assert page.locator("#text textarea").input_value() == "cold & late; 漢字 \U0001f993 100% #1\nsecond line"
    assert page.locator(".zoo-name").all_inner_texts() == ["alpha"]
    assert "1 of 90 thresholds" in page.locator(".zoo-mode").inner_text()
    assert not page.get_by_label("Calibrated scores").is_checked()
    assert decided(page) == expected
    page.goto("about:blank")
    page.goto(f"{address}#task=nothing")
    page.get_by_text("Unknown task 'nothing'").wait_for()
    fill(page, "the form is filled all the same")
    page.wait_for_selector(".zoo-table")
    page.goto(f"{address}#task=sst2")  # into the address of a page that is open
    page.wait_for_function("document.querySelectorAll('.zoo-table tbody tr').length === 2")


def test_thresholds_of_a_link_count_once(page: Page, address: str) -> None:
    page.goto("about:blank")
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


def test_figures_are_hidden_with_their_label(page: Page) -> None:
    choose_task(page, "zz_many")
    page.locator("button.zoo-more").click()
    page.locator(".zoo-opener").last.click()
    assert page.locator(".zoo-detail").is_visible()
    page.locator("button.zoo-more").click()
    assert not page.locator(".zoo-detail").is_visible()


def test_many_checkpoints_keep_bars_that_can_be_read(page: Page) -> None:
    page.evaluate("document.querySelector('.zoo-table').style.setProperty('--columns', 9)")
    widths = page.evaluate("[...document.querySelectorAll('.zoo-table, .zoo-scroll')].map((each) => each.offsetWidth)")
    assert sorted(widths)[1] >= 9 * 150
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_python_shown_gives_what_is_shown(page: Page) -> None:
    move(page, "input[type=range][aria-label='Threshold of price']", 0)
    shown = dict(zip(page.locator(".zoo-name").all_inner_texts(), map(set, decided(page)), strict=True))
    code = page.evaluate("document.querySelector('.zoo-sharing code').textContent")
    with contextlib.redirect_stdout(io.StringIO()) as told:
        exec(code, {})
    found = ast.literal_eval(told.getvalue().strip().splitlines()[-1])
    assert {name: set(labels) for name, labels in found.items()} == shown
    assert "calibrated" not in code
    page.get_by_label("Calibrated scores").uncheck()
    assert "calibrated=False," in page.evaluate("document.querySelector('.zoo-sharing code').textContent")


def test_a_wrong_verdict_is_flagged(page: Page, flags: Path) -> None:
    fill(page, "a text for the flag")
    page.wait_for_function("document.querySelector('.zoo-sharing a').href.includes('flag')")
    page.get_by_role("button", name="Is the verdict wrong?").click()
    assert page.locator("#flag-right label").all_inner_texts() == list(FEEDBACK)
    page.locator("#flag-right").get_by_label("refund").check()
    page.locator("#text textarea").fill("not classified yet")  # what is on screen is what is flagged
    page.get_by_role("button", name="Keep my answer").click()
    page.get_by_text("Kept. Thank you.").wait_for()
    row = pd.read_parquet(flags / "flags.parquet").iloc[-1]
    assert (row["text"], row["task"], list(row["right"])) == ("a text for the flag", "feedback", ["refund"])
    assert [set(labels) for labels in row["decided"]] == [set(labels) for labels in decided(page)]


def test_the_page_is_in_the_browsers_language(chinese: BrowserContext, own_address: str) -> None:
    page = chinese.new_page()
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(own_address)
    page.wait_for_selector(".zoo-table")
    for tab, task in (("批量", "#batch-task"), ("排行榜", "#board-task"), ("探索", "#explore-task"), ("对比", "#task")):
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


def test_markup_is_shown_and_not_run(page: Page) -> None:
    choose_task(page, "zz_many")
    page.wait_for_selector(".zoo-more")
    fill(page, f"{MARKUP}<script>window.hacked = 1</script>" * 40)
    page.wait_for_selector(".zoo-cut")
    page.get_by_role("button", name="Show all 90 labels").click()
    assert page.locator(".zoo-opener", has_text=MARKUP).is_visible()
    assert page.locator("#compare img").count() == 0
    assert page.evaluate("window.hacked === undefined")


def test_bad_texts_are_refused_by_the_server(page: Page) -> None:
    notice = page.locator(".zoo-notice")
    fill(page, "  ")
    notice.get_by_text("There is no text").wait_for()
    fill(page, "a" * 100_000)
    notice.get_by_text("The text has 100,000 characters, 10,000 are allowed").wait_for()
    fill(page, "well made.")
    page.wait_for_selector(".zoo-table")
    assert notice.count() == 0


def test_damaged_checkpoints_are_shown_beside_the_others(blank: Page, damaged_address: str) -> None:
    blank.goto(damaged_address)
    blank.wait_for_selector(".zoo-table")
    assert blank.locator(".zoo-name").all_inner_texts() == ["fine"]
    notices = blank.locator(".zoo-notice").all_inner_texts()
    assert [notice.split(" failed: ")[0] for notice in notices] == ["config", "decision"]
    blank.get_by_role("tab", name="Leaderboard").click()
    blank.get_by_text("holds no leaderboard yet").wait_for()


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_it_fits_the_screen_and_asks_only_its_own_origin(theme: str, blank: Page, address: str) -> None:
    asked: list[str] = []
    blank.on("request", lambda request: asked.append(request.url))
    blank.goto(f"{address}?__theme={theme}")
    blank.wait_for_selector(".zoo-table")
    assert blank.evaluate("document.body.classList.contains('dark')") == (theme == "dark")
    fits = "() => document.documentElement.scrollWidth <= innerWidth"
    for tab, shown in {
        "Compare": ".zoo-table",
        "Batch": "#batch-checkpoints input",
        "Leaderboard": "#board-plot .main-svg",
    }.items():
        blank.get_by_role("tab", name=tab).click()
        blank.wait_for_selector(shown)
        for width in (390, 1280):
            blank.set_viewport_size({"width": width, "height": 850})
            blank.wait_for_function(fits)
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


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


def test_a_row_of_the_leaderboard_opens_in_compare(blank: Page, own_address: str) -> None:
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
    blank.locator("#board .body-cell.first-column", has_text="tfidf-lr").click()
    blank.get_by_text("No checkpoint of tfidf-lr on feedback").wait_for()


def test_the_endpoints_that_are_meant_are_public_and_no_others(address: str, checkpoints: Path) -> None:
    client = Client(address, verbose=False)
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {
        "/classify",
        "/classify_batch",
        "/leaderboard",
    }
    batch = client.predict(["well made.", "late."], "feedback", ["beta", "alpha"], api_name="/classify_batch")
    for position, text in enumerate(("well made.", "late.")):
        alone = classify(text, "feedback", ["alpha"], checkpoints).answers[0]
        assert batch["checkpoints"]["alpha"]["scores"][position] == pytest.approx(alone.scores, abs=1e-5)
    for texts, message in (([], "no text"), (["", "x"], "1"), (["x"] * 3000, "2,000"), ("xyz", "a list")):
        with pytest.raises(AppError, match=message):
            client.predict(texts, "feedback", ["alpha"], api_name="/classify_batch")
    board = client.predict("feedback", api_name="/leaderboard")
    assert [(row["encoder"], row["value"], row["rank_low"]) for row in board] == [
        ("large", 0.8, 1),
        ("small", 0.7, 1),
        ("words", 0.6, 1),
    ]
    with pytest.raises(AppError, match="Did you mean 'feedback'"):
        client.predict("feedbak", api_name="/leaderboard")
    found = client.predict("well made.", "feedback", ["alpha"], None, api_name="/classify")
    expected = classify("well made.", "feedback", ["alpha"], checkpoints)
    assert found["answers"][0]["scores"] == list(expected.answers[0].scores)
    assert found["answers"][0]["decided"] == expected.decided(expected.answers[0])
    by_hand = client.predict("well made.", "feedback", ["alpha"], {"price": 0.0}, api_name="/classify")
    assert "price" in by_hand["answers"][0]["decided"]
    bad_threshold = ["x", "feedback", ["alpha"], {"price": 1.5}]
    for bad in (["", "feedback", ["alpha"]], ["x", "nothing", ["alpha"]], bad_threshold):
        with pytest.raises(AppError, match=r"no text|Unknown task|from 0 to 1"):
            client.predict(*bad, api_name="/classify")
