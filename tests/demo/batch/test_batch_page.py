"""The Batch tab in a real browser: paste, run, read, download, cancel; files good and bad."""

import json
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from benchmark.statistics.metrics import OF_SCORES
from demo.batch.handlers import BATCH, Results, classify_rows, metrics
from demo.batch.inputs import MAX_BYTES, BatchRows
from demo.compare.handlers import classify
from demo.shared.models import load
from tests.demo.conftest import FEEDBACK
from zoo.decision import Decision

MARKUP = "<img src=x onerror='window.hacked=1'>"
RUN_ME = "${window.hacked = 1}"
TEXTS = ["well made.", "it came late, and the box was open.", MARKUP, "=1+1", "why?"]


@pytest.fixture
def batch(page: Page) -> Page:
    """The app on its Batch tab, the first task's checkpoints chosen."""
    page.get_by_role("tab", name="Batch").click()
    expect(page.locator("#batch-checkpoints input:checked")).to_have_count(3)
    return page


def paste(page: Page, texts: list[str]) -> None:
    """Put texts in as the clipboard does; Playwright's `fill` takes many seconds for thousands of lines."""
    put = "(area, text) => { area.value = text; area.dispatchEvent(new Event('input', {bubbles: true})); }"
    page.locator("#batch-texts textarea").evaluate(put, "\n".join(texts))
    page.locator("#batch-run").click()


def column(page: Page, number: int) -> list[str]:
    """The cells of a column of the table of results."""
    cells = page.locator(f"#batch-results .zoo-openable td:nth-child({number + 1})").all_text_contents()
    return [cell.removeprefix("✓ ").removeprefix("✗ ") for cell in cells]


def test_paste_run_read_and_download(batch: Page, checkpoints: Path) -> None:
    paste(batch, TEXTS)
    expect(batch.locator("#batch-status")).to_contain_text("5 rows. The checkpoints agree on")
    names = ["alpha", "beta", "gamma"]
    expected = [classify(text, "feedback", names, checkpoints) for text in TEXTS]
    with batch.expect_download() as download:
        batch.locator("#batch-jsonl").click()
    records = [json.loads(line) for line in Path(download.value.path()).read_text("utf-8").splitlines()]
    assert [record["text"] for record in records] == TEXTS
    for record, comparison in zip(records, expected, strict=True):
        for answer in comparison.answers:
            found = record["checkpoints"][answer.name]
            assert found["decided"] == comparison.decided(answer)
            assert list(found["scores"].values()) == pytest.approx(answer.scores, abs=1e-5)
    with batch.expect_download() as download:
        batch.locator("#batch-csv").click()
    assert pd.read_csv(download.value.path())["text"].tolist() == [*TEXTS[:3], "'=1+1", "why?"]
    assert download.value.suggested_filename == "batch-feedback.csv"
    assert column(batch, 1) == TEXTS
    assert column(batch, 2) == [", ".join(each.decided(each.answers[0])) or "–" for each in expected]
    assert batch.evaluate("window.hacked === undefined")


def test_a_file_is_looked_at_measured_and_opened_in_compare(batch: Page, tmp_path: Path) -> None:
    good = tmp_path / "good.csv"
    rows = "\n".join(["well made.;quality|price;", ";price;", "late.;0;", *["why?;question;"] * 3, "so;;"])
    good.write_text(f"body;labels;{RUN_ME}\n{rows}\n", encoding="utf-16")
    batch.locator("#batch-file input[type=file]").set_input_files(good)
    about = batch.locator("#batch-about")
    expect(about).to_contain_text("The file has 7 rows; the first ones stand here. Read as UTF-16, separated by ;.")
    expect(batch.locator("#batch-preview tbody tr")).to_have_count(5)
    expect(batch.locator("#batch-text-column input")).to_have_value("body")
    expect(batch.locator("#batch-labels-column input")).to_have_value("labels")
    batch.locator("#batch-run").click()
    results, status = batch.locator("#batch-results"), batch.locator("#batch-status")
    expect(status).to_contain_text("6 rows. Rows without a text, which are skipped: 1.")
    expect(results).to_contain_text("Metrics on 6 rows")
    expect(results.locator(".zoo-metrics strong").first).to_be_visible()
    assert column(batch, 0) == ["1", "3", "4", "5", "6", "7"]
    assert column(batch, 2) == ["price, quality", "delivery", *["question"] * 3, "–"]
    batch.get_by_label("Only errors").check()
    assert len(column(batch, 0)) <= 6
    assert all("✗" in row for row in results.locator(".zoo-openable").all_text_contents())
    batch.get_by_label("Only errors").uncheck()
    results.get_by_role("button", name="row", exact=True).click()  # the largest number first
    assert column(batch, 0) == ["7", "6", "5", "4", "3", "1"]
    assert batch.evaluate("window.hacked === undefined")
    results.get_by_role("button", name="Open row 3 in Compare").click()
    expect(batch.locator("#text textarea")).to_have_value("late.")
    expect(batch.locator("#compare .zoo-name")).to_have_count(3)
    batch.get_by_role("tab", name="Batch").click()
    expect(results.locator(".zoo-stale-note")).to_be_empty()
    batch.locator("#batch-texts textarea").fill("another text")
    expect(results.locator(".zoo-stale-note")).to_contain_text("Other texts are chosen now.")


def measured(page: Page) -> dict[str, list[str]]:
    """The cells of the table of metrics, by the metric."""
    rows = [row.locator("th, td").all_inner_texts() for row in page.locator(".zoo-metrics tbody tr").all()]
    return {name: cells for name, *cells in rows}


@pytest.mark.slow
def test_labels_and_metrics_follow_a_threshold_without_the_server(
    batch: Page, checkpoints: Path, tmp_path: Path
) -> None:
    draw, names = np.random.default_rng(0), ["alpha", "beta", "gamma"]
    texts = [" ".join(draw.choice(["late", "dear", "box", "why?", "made"], 5)) + f" {row}" for row in range(60)]
    gold = ["|".join(label for label in FEEDBACK if draw.random() < 0.4) for _ in texts]
    file = tmp_path / "gold.csv"
    pd.DataFrame({"text": texts, "labels": gold}).to_csv(file, index=False)
    batch.locator("#batch-file input[type=file]").set_input_files(file)
    expect(batch.locator("#batch-preview tbody tr")).to_have_count(5)
    batch.locator("#batch-run").click()
    expect(batch.locator("#batch-results .zoo-openable")).to_have_count(60, timeout=40_000)
    *_, results = classify_rows(BatchRows(texts, list(gold)), "feedback", names, checkpoints)
    assert isinstance(results, Results)
    fitted, asked = measured(batch), []
    batch.on("request", lambda request: asked.append(request.url))

    def check(thresholds: dict[str, float]) -> None:
        def moved(decision: Decision) -> Decision:
            pairs = zip(FEEDBACK, decision.thresholds, strict=True)
            return decision.model_copy(update={"thresholds": tuple(thresholds.get(*pair) for pair in pairs)})

        expected = replace(results, decisions={name: moved(each) for name, each in results.decisions.items()})
        for at, name in enumerate(names):
            listed = [", ".join(expected.names(row)) or "–" for row in expected.decided[name]]
            assert column(batch, 3 + at) == listed
        expect(batch.locator(".zoo-metrics")).not_to_contain_text("…")  # the intervals come when the slider rests
        shown = measured(batch)
        for metric, cells in metrics(expected).items():
            values = [each.value for each in cells]
            best = min(values) if metric == "hamming_loss" else max(values)
            for cell, text in zip(cells, shown[metric], strict=True):
                value, low, high = map(float, text.replace("–", " ").split())
                assert value == pytest.approx(cell.value, abs=5.1e-4), metric
                assert (low, high) == pytest.approx((cell.low, cell.high), abs=0.025), metric  # other draws
            if metric not in OF_SCORES and values.count(best) == 1:
                row = batch.locator(
                    ".zoo-metrics tbody tr", has=batch.get_by_role("rowheader", name=metric, exact=True)
                )
                expect(row.locator("td", has=batch.locator("strong"))).to_have_text([shown[metric][values.index(best)]])

    check({})
    slider = batch.get_by_label("Threshold", exact=True)
    slider.fill("0.45")
    check(dict.fromkeys(FEEDBACK, 0.45))
    batch.get_by_label("Whose threshold").select_option("price")
    batch.get_by_label("Threshold, as a number").fill("0.7")
    check(dict.fromkeys(FEEDBACK, 0.45) | {"price": 0.7})
    number = batch.get_by_label("Threshold, as a number")
    number.fill("0.123")
    number.press("Tab")
    expect(number).to_have_value("0.12")  # as the field of Compare: what counts is a multiple of 0.01
    check(dict.fromkeys(FEEDBACK, 0.45) | {"price": 0.12})
    number.fill("7")
    expect(batch.locator("#batch-results .zoo-mode")).to_contain_text("not 7")
    for label in ("delivery", "price"):  # another label's threshold has no such fault
        batch.get_by_label("Whose threshold").select_option(label)
        expect(batch.locator("#batch-results .zoo-mode")).not_to_contain_text("not 7")
    batch.get_by_label("Threshold, as a number").fill("")  # as fitted
    check({label: 0.45 for label in FEEDBACK if label != "price"})
    batch.get_by_role("button", name="Fitted thresholds").last.click()
    assert measured(batch) == fitted
    assert asked == []
    batch.get_by_label("Threshold, as a number").fill("0.7")
    batch.locator("#batch-results").get_by_role("button", name="Open row 3 in Compare").click()
    expect(batch.locator("#text textarea")).to_have_value(texts[2])
    assert "threshold=0.7+price" in batch.url


@pytest.mark.slow
def test_a_mistake_is_a_line(batch: Page, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("text,labels\na,b\nc\n")
    batch.locator("#batch-file input[type=file]").set_input_files(bad)
    expect(batch.locator("#batch-about .zoo-notice")).to_contain_text("Line 3 has 1 cells, the header has 2")
    expect(batch.locator("#batch-text-column")).to_be_hidden()
    paste(batch, TEXTS)
    expect(batch.locator("#batch-status .zoo-notice")).to_contain_text("pasted texts and a file")


@pytest.mark.slow
def test_a_sample_file_is_downloaded(batch: Page) -> None:
    with batch.expect_download() as download:
        batch.locator("#batch-sample").click()
    assert pd.read_csv(download.value.path())["labels"][0] == "delivery|quality|service|refund"


@pytest.mark.slow
def test_what_is_chosen_stays_and_another_task_has_its_own_checkpoints(batch: Page) -> None:
    batch.locator("#batch-checkpoints").get_by_label("beta").uncheck()
    batch.get_by_role("tab", name="Compare").click()
    batch.wait_for_selector(".zoo-table")
    batch.get_by_role("tab", name="Batch").click()
    chosen = batch.locator("#batch-checkpoints input:checked")
    expect(chosen).to_have_count(2)
    batch.locator("#batch-task input").click()
    batch.get_by_role("option", name="sst2").click()
    expect(batch.locator("#batch-checkpoints")).not_to_contain_text("gamma")
    expect(chosen).to_have_count(2)
    paste(batch, TEXTS)
    expect(batch.locator("#batch-status")).to_contain_text("5 rows. The")
    assert set(column(batch, 2)) <= {"negative", "positive"}


@pytest.fixture
def passes(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for every forward pass, each of which takes 0.2 s longer than it would."""
    passes: list[int] = []
    for name in ("alpha", "beta", "gamma"):
        model = load(checkpoints / "feedback" / name).model

        def slow(*args: Any, forward: Any = model.forward, **named: Any) -> Any:
            passes.append(1)
            sleep(0.2)
            return forward(*args, **named)

        monkeypatch.setattr(model, "forward", slow)
    return passes


@pytest.mark.slow
def test_one_text_has_its_turn_between_two_batches(batch: Page, checkpoints: Path, passes: list[int]) -> None:
    paste(batch, [f"text {number}" for number in range(2000)])
    expect(batch.locator("#batch-status")).to_contain_text("Classifying")
    batch.get_by_role("tab", name="Compare").click()
    batch.locator("#text textarea").fill("the lid " * 9)
    batch.get_by_role("button", name="Classify", exact=True).click()
    tokens = classify("the lid " * 9, "feedback", ["alpha"], checkpoints).answers[0].tokens
    expect(batch.locator(".zoo-table thead th").nth(1)).to_contain_text(f"{tokens} tokens")
    assert len(passes) < 3 * 2000 / BATCH
    batch.get_by_role("tab", name="Batch").click()
    batch.locator("#batch-cancel").click()


@pytest.mark.slow
def test_cancel_stops_the_models_at_the_next_batch(batch: Page, passes: list[int]) -> None:
    status = batch.locator("#batch-status")
    paste(batch, [f"text {number}" for number in range(2000)])
    expect(status).to_contain_text("Classifying")
    expect(batch.locator("#batch-run")).to_be_disabled()  # a click during a run would be lost
    with batch.expect_response("**/cancel"):  # comes when the batch that was under way has ended
        batch.locator("#batch-cancel").click()
    expect(status).to_have_text("Cancelled; nothing is kept.", use_inner_text=True)
    expect(batch.locator("#batch-cancel")).to_be_disabled()
    paste(batch, TEXTS)  # has its turn only when the models are free
    expect(status).to_contain_text("5 rows. The")
    stopped = len(passes)
    batch.wait_for_timeout(1000)
    assert len(passes) == stopped < 3 * 2000 / BATCH / 2
    expect(status).to_contain_text("5 rows. The")
    expect(batch.locator("#batch-cancel")).to_be_disabled()  # there is nothing left to cancel, and results to keep


@pytest.mark.alone
def test_a_run_is_cancelled_before_the_page_says_so(batch: Page, passes: list[int]) -> None:
    """The words can take long to come: what is sent without the queue is answered 3 s late here."""
    batch.evaluate(
        """() => {
        const ask = window.fetch;
        window.fetch = async (...request) => {
          const answer = await ask(...request);
          const late = String(request[0].url ?? request[0]).includes("/run/predict");
          return late ? new Promise((done) => setTimeout(() => done(answer), 3000)) : answer;
        };
        }"""
    )
    paste(batch, [f"text {number}" for number in range(2000)])
    expect(batch.locator("#batch-status")).to_contain_text("Classifying")
    with batch.expect_request("**/cancel", timeout=2000):
        batch.locator("#batch-cancel").click()
    words = "Cancelled; nothing is kept."
    expect(batch.locator("#batch-status")).to_have_text(words, use_inner_text=True, timeout=40_000)


@pytest.mark.slow
def test_a_file_beyond_the_limit_is_refused(batch: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    large.write_bytes(b"text\n" + b"a" * MAX_BYTES)
    batch.locator("#batch-file input[type=file]").set_input_files(large)
    expect(batch.locator("#batch-about .zoo-notice")).to_contain_text("5,000,005 bytes, 5,000,000 are allowed")
