"""Thresholds, labels and figures of a comparison, in a real browser. Most tests share one page, since opening one takes
the time of ten tests."""

import ast
import contextlib
import io
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page
from sklearn.metrics import f1_score, precision_recall_fscore_support

from benchmark.tasks.registry import TASKS
from benchmark.training.runs import RESULTS, read_run
from demo.compare.examples import examples_for
from demo.compare.handlers import classify
from tests.demo.compare_steps import GLOBAL, choose_task, choose_task_and_settle, decided, marked, move, rows
from zoo.checkpoints.checkpoint import CHECKPOINTS, read_checkpoint
from zoo.decision import Decision, ProblemType
from zoo.policy import Policy

DECIDE = (Path(__file__).parents[3] / "demo" / "compare" / "decide.js").read_text(encoding="utf-8")
FEEDBACK = TASKS["feedback"].labels
OWN = CHECKPOINTS / "feedback" / "zoo-bert-en"
QUALITY = "input[type=range][aria-label='Threshold of quality']"


@pytest.fixture(scope="module")
def opened(browser: BrowserContext, address: str) -> Iterator[Page]:
    """The app with its opening comparison on screen, opened once."""
    page = browser.new_page()
    page.set_default_timeout(40_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}#tab=compare")
    page.wait_for_selector(".zoo-table")
    yield page
    page.close()
    assert errors == []


@pytest.fixture
def shared(opened: Page) -> Iterator[Page]:
    """The page that is opened once; after a test it is as it was."""
    yield opened
    opened.get_by_label("Filter labels").fill("")
    opened.get_by_label("Order").select_option("score")
    opened.get_by_label("Calibrated scores").check()
    if opened.locator(".zoo-detail").count():
        opened.locator(".zoo-opener[aria-expanded=true]").click()
    opened.get_by_role("button", name="Reset").click()


def test_a_thousand_random_cases_are_decided_as_in_python(opened: Page) -> None:
    draw = random.Random(0)
    kinds: list[ProblemType] = ["multi_label_classification", "single_label_classification"]
    cases = []
    for _ in range(1000):
        size = draw.randint(1, 12)
        scores = [draw.choice((draw.random(), draw.choice((0.0, 0.25, 0.5, 1.0)))) for _ in range(size)]
        thresholds = [draw.choice((draw.random(), 0.0, 1.0, 0.5, score)) for score in scores]
        cases.append((draw.choice(kinds), scores, thresholds))
    found = opened.evaluate(f"(cases) => {{ {DECIDE}; return cases.map((each) => decide(...each)); }}", cases)
    expected = [
        Decision(problem_type=kind, rule="fixed", thresholds=tuple(thresholds)).decide(np.array([scores]))[0].tolist()
        for kind, scores, thresholds in cases
    ]
    assert found == expected
    assert 0 < sum(map(sum, expected)) < sum(map(len, expected))


LIMITED = """(kind, scores, thresholds, policy, unsure) =>
    [limit(decide(kind, scores, thresholds), scores, policy), handOver(kind, scores, unsure)]"""


def test_a_thousand_random_cases_under_policies_are_decided_as_in_python(opened: Page) -> None:
    draw = random.Random(1)
    kinds: list[ProblemType] = ["multi_label_classification", "single_label_classification"]
    cases, expected = [], []
    for _ in range(1000):
        kind, size = draw.choice(kinds), draw.randint(1, 9)
        scores = [draw.choice((draw.random(), draw.choice((0.0, 0.25, 0.5, 1.0)))) for _ in range(size)]
        thresholds = [draw.choice((draw.random(), 0.0, 1.0, score)) for score in scores]
        policy = Policy(at_least_one=draw.random() < 0.5, at_most=draw.choice((None, 1, 2, 3)))
        bands = [(draw.choice((low, score)), draw.choice((high, score))) for score in scores
                 for low, high in [sorted((draw.random(), draw.random()))]]  # fmt: skip
        unsure = draw.choice((None, tuple(bands)))
        decision = Decision(problem_type=kind, rule="fixed", thresholds=tuple(thresholds), unsure=unsure, policy=policy)
        y_score = np.array([scores])
        expected.append([decision.decide(y_score)[0].tolist(), bool(decision.hand_over(y_score)[0])])
        cases.append((kind, scores, thresholds, policy.model_dump(), unsure))
    found = opened.evaluate(f"(cases) => {{ {DECIDE}; return cases.map((each) => ({LIMITED})(...each)); }}", cases)
    assert found == expected
    assert 0 < sum(handed for _, handed in expected) < 1000
    assert {0, 1, 2, 3} <= {sum(labels) for labels, _ in expected}


def test_thresholds_fitted_half_and_reset(shared: Page, checkpoints: Path) -> None:
    fitted = decided(shared)
    mode = shared.locator(".zoo-mode")
    assert "Fitted" in mode.inner_text()
    move(shared, GLOBAL, 1)
    assert decided(shared) == [[], [], []]
    assert shared.get_by_text("none above threshold").count() == 3
    shared.get_by_role("button", name="0.5", exact=True).click()
    assert "0.50" in mode.inner_text()
    expected = classify(examples_for("feedback")[0], "feedback", ["alpha", "beta", "gamma"], checkpoints)
    assert marked(shared) == sum(score >= 0.5 for answer in expected.answers for score in answer.scores)
    shared.get_by_role("button", name="Fitted thresholds").click()
    assert decided(shared) == fitted
    move(shared, "input[type=range][aria-label='Threshold of price']", 0)
    assert "1 of 8 thresholds set by hand" in mode.inner_text()
    assert all("price" in labels for labels in decided(shared))
    shared.get_by_role("button", name="Reset").click()
    assert decided(shared) == fitted


def test_a_slider_is_moved_by_the_keyboard(shared: Page) -> None:
    shared.locator(GLOBAL).focus()
    shared.keyboard.press("End")
    assert decided(shared) == [[], [], []]
    shared.keyboard.press("Home")
    assert [len(labels) for labels in decided(shared)] == [8, 8, 8]


@pytest.mark.parametrize("typed", ["1.5", "-0.2", "e"])
def test_a_typed_threshold_out_of_range_is_refused(typed: str, shared: Page) -> None:
    before = decided(shared)
    field = shared.get_by_label("Threshold of all labels, as a number")
    field.click()
    shared.keyboard.type(typed)
    assert "A threshold is a number from 0 to 1" in shared.locator(".zoo-mode").inner_text()
    assert field.get_attribute("aria-invalid") == "true"
    shared.keyboard.press("Control+a")
    shared.keyboard.press("Delete")
    assert decided(shared) == before
    shared.keyboard.type("0.0")
    assert [len(labels) for labels in decided(shared)] == [8, 8, 8]


def test_labels_are_ordered_and_filtered(shared: Page) -> None:
    labels = shared.locator(".zoo-opener")
    by_score = labels.all_inner_texts()
    shared.get_by_label("Order").select_option("name")
    assert labels.all_inner_texts() == sorted(by_score)
    shared.get_by_label("Order").select_option("disagreement")
    assert set(labels.all_inner_texts()) == set(by_score)
    scores = np.array([[float(cell) for cell in row.locator(".zoo-score").all_inner_texts()] for row in rows(shared)])
    spread = scores.max(axis=1) - scores.min(axis=1)
    assert (np.diff(spread) <= 0.002).all()  # scores are shown with three decimals
    shared.get_by_label("Filter labels").fill("ER")
    assert set(labels.all_inner_texts()) == {"delivery", "service"}
    shared.get_by_label("Filter labels").fill("nothing like it")
    shared.get_by_text("No label has this in its name").wait_for()


def test_disagreements_are_marked(shared: Page) -> None:
    differing = shared.locator("tr.zoo-differs .zoo-opener").all_inner_texts()
    chosen = [set(labels) for labels in decided(shared)]
    assert set(differing) == set.union(*chosen) - set.intersection(*chosen)
    assert f"{len(differing)} label" in shared.locator(".zoo-tools").inner_text()
    move(shared, GLOBAL, 1)
    assert shared.locator("tr.zoo-differs").count() == 0
    assert "agree on every label" in shared.locator(".zoo-tools").inner_text()


def test_many_checkpoints_keep_bars_that_can_be_read(shared: Page) -> None:
    shared.evaluate("document.querySelector('.zoo-table').style.setProperty('--columns', 9)")
    widths = shared.evaluate(
        "[...document.querySelectorAll('#compare .zoo-table, #compare .zoo-scroll')].map((each) => each.offsetWidth)"
    )
    assert sorted(widths)[1] >= 9 * 150
    assert shared.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_python_shown_gives_what_is_shown(shared: Page) -> None:
    move(shared, "input[type=range][aria-label='Threshold of price']", 0)
    shown = dict(zip(shared.locator(".zoo-name").all_inner_texts(), map(set, decided(shared)), strict=True))
    code = shared.evaluate("document.querySelector('.zoo-sharing code').textContent")
    with contextlib.redirect_stdout(io.StringIO()) as told:
        exec(code, {})
    found = ast.literal_eval(told.getvalue().strip().splitlines()[-1])
    assert {name: set(labels) for name, labels in found.items()} == shown
    assert "calibrated" not in code
    shared.get_by_label("Calibrated scores").uncheck()
    assert "calibrated=False," in shared.evaluate("document.querySelector('.zoo-sharing code').textContent")


def open_figures(page: Page, address: str) -> None:
    page.goto(f"{address}#task=feedback&checkpoint={OWN.name}&checkpoint=zoo-roberta-en")
    page.wait_for_selector(".zoo-table")
    page.get_by_role("button", name="▸ quality").click()


@pytest.mark.slow
def test_figures_of_a_moved_threshold_are_those_of_the_run(blank: Page, own_address: str) -> None:
    open_figures(blank, own_address)
    run = read_run(next(RESULTS.glob(f"feedback/*/*-{read_checkpoint(OWN).info.run}"))).predictions
    decision = read_checkpoint(OWN).decision
    for raw in (False, True):
        blank.get_by_label("Calibrated scores").set_checked(not raw)
        move(blank, QUALITY, 0.2)
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
    head = blank.locator("#compare thead th", has_text=OWN.name).inner_text()
    assert f"micro-F1 {micro:.3f} · macro-F1 {macro:.3f}" in head


@pytest.mark.alone
def test_figures_follow_a_threshold_within_50_milliseconds(blank: Page, own_address: str) -> None:
    open_figures(blank, own_address)
    for calibrated in (True, False):
        blank.get_by_label("Calibrated scores").set_checked(calibrated)
        times = [move(blank, QUALITY, value) for value in (0.3, 0.7, 0.2)]
        assert sorted(times)[1] < 50


@pytest.mark.slow
def test_with_one_label_the_highest_score_wins_unless_a_text_may_be_left_undecided(page: Page) -> None:
    choose_task(page, "sst2")
    page.wait_for_function("document.querySelectorAll('#compare tbody tr').length === 2")
    assert page.locator("#text textarea").input_value() == examples_for("sst2")[0]
    assert [len(labels) for labels in decided(page)] == [1, 1]
    assert page.locator(".zoo-mode").inner_text() == "The label with the highest score wins."
    assert page.locator("#compare input[type=range]").count() == 0
    page.get_by_label("Leave unsure texts undecided").check()
    move(page, GLOBAL, 0)
    assert [len(labels) for labels in decided(page)] == [1, 1]
    move(page, GLOBAL, 1)
    assert decided(page) == [[], []]
    page.get_by_role("button", name="Reset").click()
    assert [len(labels) for labels in decided(page)] == [1, 1]


def test_no_row_moves_while_a_slider_does(shared: Page) -> None:
    tops = "[...document.querySelectorAll('.zoo-table tbody tr')].map((row) => row.getBoundingClientRect().top)"
    before = shared.evaluate(tops)
    for selector, value in ((GLOBAL, 0), (GLOBAL, 1), ("input[type=range][aria-label='Threshold of price']", 0.3)):
        move(shared, selector, value)
        assert shared.evaluate(tops) == before


def slider_of_the_first_label(page: Page) -> tuple[str, str]:
    """The label, and what selects its slider."""
    label = page.locator("tbody th .zoo-opener").first.inner_text()
    return label, f"input[type=range][aria-label='Threshold of {label}']"


@pytest.mark.campaign
def test_sliders_of_many_labels_ask_the_server_nothing_and_hide_their_figures(page: Page) -> None:
    requests = choose_task_and_settle(page, "zz_many")
    for value in (0, 0.3, 1):
        move(page, GLOBAL, value)
    assert page.locator(".zoo-none").count() == 2
    assert marked(page) == 0
    label, one = slider_of_the_first_label(page)
    for value in (0.5, 1, 0):
        move(page, one, value)
    assert decided(page) == [[label], [label]]
    assert marked(page) == 2
    assert requests == []

    page.locator("button.zoo-more").click()
    page.locator(".zoo-opener").last.click()
    assert page.locator(".zoo-detail").is_visible()
    page.locator("button.zoo-more").click()
    assert not page.locator(".zoo-detail").is_visible()


@pytest.mark.alone
@pytest.mark.campaign
def test_sliders_of_many_labels_are_followed_within_20_milliseconds(page: Page) -> None:
    choose_task_and_settle(page, "zz_many")
    times = [move(page, GLOBAL, value) for value in (0, 0.3, 0.7, 0.1, 0.9, 0.4, 0, 0.6, 0.2, 1)]
    times += [move(page, slider_of_the_first_label(page)[1], value) for value in (0.5, 1, 0.7, 0)]
    assert sorted(times)[len(times) // 2] < 20
