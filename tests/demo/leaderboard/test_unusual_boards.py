"""The Leaderboard tab of a board with a model from elsewhere, and with published figures beside measured ones."""

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from benchmark.board.build import build
from benchmark.board.published import read_published
from benchmark.board.tables import write_tables
from benchmark.imported.answers import Given
from benchmark.imported.import_run import Costs, import_run
from benchmark.tasks.registry import TASKS
from benchmark.tasks.rows import Rows, Split
from tests.benchmark.conftest import make_predictions, synthetic_writer

FEEDBACK = TASKS["feedback"]
MEASURED = "bert-base-uncased"  # papers have its score on sst2


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on a board whose best model on feedback is imported and has no known costs."""
    from app import build as build_app

    root = tmp_path_factory.mktemp("unusual")
    write = synthetic_writer(root)
    for seed in range(2):
        for encoder in ("minilm-l6", "granite-30m"):
            write("feedback", encoder, seed)
        for encoder, parameters in (("minilm-l6", 22_700_000), (MEASURED, 109_000_000)):
            write("sst2", encoder, seed, parameters=parameters)
    gold = make_predictions(len(FEEDBACK.labels), multi_label=True, seed=0)
    splits = [Split([f"text {i}" for i in range(60)], y_true) for y_true in (gold.validation_y_true, gold.test_y_true)]
    right = {"validation": gold.validation_y_true.astype(np.float64), "test": gold.test_y_true.astype(np.float64)}
    rows, given = Rows(splits[1], *splits, "rows"), Given("labels", right)
    import_run(given, FEEDBACK, rows, "a-model", 0, Costs(), root / "results")
    write_tables(build(root / "results"), root / "results" / "board")
    demo, arguments = build_app(root / "no-checkpoints", root / "results")
    _, where, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **arguments)
    yield where
    demo.close()


def row_of(page: Page, part: str, name: str) -> list[str]:
    row = page.locator(f"{part} tbody tr").filter(has_text=name).first
    return row.locator("td").all_inner_texts()


def test_costs_of_an_imported_model_that_nobody_told_are_dashes(blank: Page, address: str) -> None:
    blank.goto(f"{address}#board=feedback")
    blank.wait_for_selector("#board .zoo-board")
    assert row_of(blank, ".zoo-matrix", "a-model")[-3:] == ["–", "–", "–"]
    expect(blank.locator(".zoo-matrix .zoo-variant")).to_have_text(["imported"])
    expect(blank.locator(".zoo-matrix")).to_contain_text("Predictions of an imported model were made elsewhere")
    expect(blank.locator(".zoo-sentences p").last).to_contain_text("a-model [imported] is first of 3 ranked entries")
    assert row_of(blank, ".zoo-of-task", "a-model")[-3:] == ["–", "–", "–"]


def test_a_model_of_unknown_speed_or_size_is_in_no_choice_of_these(blank: Page, address: str) -> None:
    blank.goto(f"{address}#board=feedback")
    matrix, entries = (blank.locator(f"{part} tbody tr") for part in (".zoo-matrix", ".zoo-of-task"))
    expect(entries.filter(has_text="a-model")).to_have_count(1)
    blank.get_by_role("button", name="50 ms", exact=True).click()
    expect(matrix.filter(has_text="a-model")).to_have_count(0)
    expect(entries.filter(has_text="minilm-l6")).to_have_count(1)
    expect(entries.filter(has_text="a-model")).to_have_count(0)
    blank.get_by_role("button", name="any time").click()
    blank.goto(f"{address}#board=feedback&size=size_1")
    expect(entries.filter(has_text="minilm-l6")).to_have_count(1)
    expect(entries.filter(has_text="a-model")).to_have_count(0)


def test_a_published_figure_stands_beside_our_score_with_the_link_at_its_source(
    blank: Page, address: str, chinese: BrowserContext
) -> None:
    blank.goto(f"{address}#board=sst2")
    published = blank.locator(".zoo-published")
    published.locator("summary").click()
    headings = published.locator("th").all_inner_texts()
    assert headings[4:6] == ["our score (95 % interval)", "the published figure is"]
    row = published.locator("tbody tr").filter(has_text=MEASURED).first
    cells = row.locator("td").all_inner_texts()
    assert cells[headings.index("our score (95 % interval)")].startswith("0.")
    assert cells[headings.index("the published figure is")].endswith("our interval")
    sources = {each.url for each in read_published() if each.source == cells[headings.index("source")]}
    assert {row.locator("td").nth(headings.index("source")).locator("a").get_attribute("href")} == sources
    reader = chinese.new_page()
    reader.goto(f"{address}#board=sst2")
    translated = reader.locator(".zoo-published")
    translated.locator("summary").click()
    assert not set(translated.locator("th").all_inner_texts()) & set(headings)
    assert "区间" in translated.locator("tbody tr").filter(has_text=MEASURED).first.locator("td").nth(5).inner_text()
    reader.close()
