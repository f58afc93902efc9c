"""The Batch tab in a real browser: paste, run, read, download, cancel; files good and bad."""

import json
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from demo.batch_rows import MAX_BYTES
from demo.compare import classify
from demo.models import load
from tests.demo.test_page import MARKUP

TEXTS = ["well made.", "it came late, and the box was open.", MARKUP, "=1+1", "why?"]


@pytest.fixture
def batch(page: Page) -> Page:
    """The app on its Batch tab, the first task's checkpoints chosen."""
    page.get_by_role("tab", name="Batch").click()
    expect(page.locator("#batch-checkpoints input:checked")).to_have_count(3)
    return page


def paste(page: Page, texts: list[str]) -> None:
    page.locator("#batch-texts textarea").fill("\n".join(texts))
    page.locator("#batch-run").click()


def cells(page: Page, table: str) -> list[list[str]]:
    rows = page.locator(f"{table} tbody tr").all()
    return [[cell.inner_text().strip() for cell in row.locator("td").all()] for row in rows]


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
    shown = cells(batch, "#batch-table")
    assert [row[1] for row in shown] == TEXTS
    assert [row[2] for row in shown] == [", ".join(each.decided(each.answers[0])) or "–" for each in expected]
    assert batch.evaluate("window.hacked === undefined")


def test_a_file_with_labels_is_measured_and_a_bad_one_is_a_line(batch: Page, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.parquet"
    good.write_text("body,labels\nwell made.,quality|price\nlate.,delivery\n", encoding="utf-16")
    bad.write_bytes(b"no parquet" * 10)
    batch.locator("#batch-file input[type=file]").set_input_files(good)
    expect(batch.locator("#batch-file")).to_contain_text("good")
    batch.locator("#batch-run").click()
    notice = batch.locator("#batch-status .zoo-notice")
    expect(notice).to_have_text("The file has no column 'text'; it has: 'body', 'labels'")
    batch.get_by_label("Column of the texts").fill("body")
    batch.locator("#batch-run").click()
    expect(batch.locator("#batch-metrics")).to_contain_text("f1_micro")
    expect(notice).to_have_count(0)
    paste(batch, TEXTS)
    expect(notice).to_contain_text("both") if False else expect(notice).to_contain_text("pasted texts and a file")
    expect(batch.locator("#batch-metrics")).to_be_hidden()


def test_cancel_stops_the_model_at_the_next_batch(
    batch: Page, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from time import sleep

    passes = []
    for name in ("alpha", "beta", "gamma"):
        model = load(checkpoints / "feedback" / name).model
        forward = model.forward

        def slow(*args: object, forward: object = forward, **named: object) -> object:
            passes.append(1)
            sleep(0.2)
            return forward(*args, **named)  # type: ignore[operator]

        monkeypatch.setattr(model, "forward", slow)
    paste(batch, [f"text {number}" for number in range(2000)])  # 63 batches for each of three models
    expect(batch.locator("#batch-status")).to_contain_text("Classifying")
    batch.locator("#batch-cancel").click()
    expect(batch.locator("#batch-status")).to_contain_text("Cancelled")
    batch.wait_for_timeout(500)
    stopped = len(passes)
    batch.wait_for_timeout(1500)
    assert len(passes) == stopped < 60
    paste(batch, TEXTS)
    expect(batch.locator("#batch-status")).to_contain_text("5 rows")


def test_a_file_beyond_the_limit_is_refused(batch: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    large.write_bytes(b"text\n" + b"a" * MAX_BYTES)
    batch.locator("#batch-file input[type=file]").set_input_files(large)
    expect(batch.locator("#batch-file")).to_contain_text("large")
    batch.locator("#batch-run").click()
    expect(batch.locator("#batch-status .zoo-notice")).to_contain_text("5,000,005 bytes, 5,000,000 are allowed")
