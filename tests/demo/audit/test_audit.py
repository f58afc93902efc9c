"""The label audit: what it shows, and that the corrected file is what own data reads."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from benchmark.from_logits.label_errors import AUDIT, Evidence, audit
from benchmark.own_data.columns import choose_columns
from benchmark.own_data.reading import read_own
from benchmark.statistics.seeds import Predictions
from benchmark.tasks.registry import TASKS
from benchmark.tasks.rows import Rows, Split, read_rows, write_splits
from demo.audit.handlers import MOST, Audit, as_view, audit_of, read_answers, tasks_at_hand, write_corrected
from demo.explore.pairs import find
from tests.benchmark.conftest import make_predictions, synthetic_writer
from zoo.errors import UserError


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of feedback, whose rows come with the project, and of go_emotions, whose rows do not."""
    root = tmp_path_factory.mktemp("audited")
    write, rows = synthetic_writer(root), read_rows(TASKS["feedback"], None)
    for number, encoder in enumerate(("granite-30m", "minilm-l6")):
        noise = np.random.default_rng(number)
        parts = [
            ((3 * part.y_true - 1.5 + noise.normal(size=part.y_true.shape)).astype(np.float32), part.y_true)
            for part in (rows.validation, rows.test)
        ]
        write("feedback", encoder, predictions=Predictions(*parts[0], *parts[1]), fingerprint=rows.fingerprint)
        write("go_emotions", encoder, predictions=make_predictions(28, True, number))
    return root / "results"


@pytest.fixture
def found(results: Path, monkeypatch: pytest.MonkeyPatch) -> Audit:
    monkeypatch.delenv("ENCODER_ZOO_DATA", raising=False)
    return audit_of("feedback", results)


def test_suspects_have_their_texts_and_gold_labels_the_most_suspect_first(found: Audit) -> None:
    shown = as_view(found)
    assert len(shown["rows"]) == min(MOST, shown["total"]) > 10
    assert [row["score"] for row in shown["rows"]] == sorted(row["score"] for row in shown["rows"])
    for row in shown["rows"]:
        part = found.part(row["part"])
        assert row["text"] == part.texts[row["row"] - 1]
        assert row["add"] == (row["label"] not in row["gold"])
        assert row["score"] < 0.5
    json.dumps(shown, allow_nan=False)


def test_suspects_of_train_come_from_the_file_of_the_command_line_if_its_rows_are_these(
    results: Path, found: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENCODER_ZOO_DATA", raising=False)
    task, train, path = found.task, found.rows.train, results / "feedback" / AUDIT
    evidence = Evidence("train", train.y_true, np.where(train.y_true, 0.4, 0.1), 1 - train.y_true, 1)
    table = audit(task, list(find(results).tasks["feedback"].values()), found.rows, evidence)
    for written, expected in ((table, {"train", "validation", "test"}), (_moved(table), {"validation", "test"})):
        path.write_text(written.to_csv(index=False))
        os.utime(path, (len(expected), len(expected)))
        again = audit_of("feedback", results)
        assert set(again.suspects["part"]) == expected
        as_view(again)
    path.unlink()


def _moved(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(row=table["row"] + 1)


def test_only_tasks_with_texts_are_audited(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENCODER_ZOO_DATA", raising=False)
    assert tasks_at_hand(find(results)) == ["feedback"]
    with pytest.raises(UserError, match="The texts of 'go_emotions' do not come with the app"):
        audit_of("go_emotions", results)
    with pytest.raises(UserError, match="Unknown task 'feedbak'"):
        audit_of("feedbak", results)


def test_texts_that_have_changed_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task, made = TASKS["chnsenticorp"], make_predictions(2, multi_label=False, seed=0)
    texts = [f"text {number}" for number in range(len(made.test_y_true))]
    validation, test = (Split(texts, y_true) for y_true in (made.validation_y_true, made.test_y_true))
    folder = write_splits(task, Rows(test, validation, test, ""), tmp_path)
    write = synthetic_writer(tmp_path)
    for encoder in ("granite-30m", "minilm-l6"):
        write(task.name, encoder, predictions=made, fingerprint=read_rows(task, tmp_path).fingerprint)
    monkeypatch.setenv("ENCODER_ZOO_DATA", str(tmp_path))
    assert audit_of(task.name, tmp_path / "results").rows.test.texts == texts
    pd.read_parquet(folder / "test.parquet").assign(text="another").to_parquet(folder / "test.parquet")
    with pytest.raises(UserError, match="are not the rows of these runs"):
        audit_of(task.name, tmp_path / "results")


def test_the_corrected_file_is_read_as_own_data_and_differs_where_a_person_said_so(
    found: Audit, tmp_path: Path
) -> None:
    first, second, third = as_view(found)["rows"][:3]
    judged = {
        (row["part"], row["row"], row["label"]): answer
        for row, answer in ((first, "change"), (second, "keep"), (third, "unsure"))
    }
    with ZipFile(write_corrected(found, judged, tmp_path / "feedback-corrected.zip")) as file:
        file.extractall(tmp_path / "feedback-corrected")
    own = read_own(str(tmp_path / "feedback-corrected"), choose_columns("text", "", "labels", [], None))
    rows, labels = read_rows(TASKS["feedback"], None), list(own.labels)
    order = [labels.index(label) for label in TASKS["feedback"].labels]
    y_true = own.y_true.toarray()[:, order]
    texts = own.texts.to_pylist()
    splits = (rows.train, rows.validation, rows.test)
    expected = {text: row.copy() for each in splits for text, row in zip(each.texts, each.y_true, strict=True)}
    expected[first["text"]][TASKS["feedback"].labels.index(first["label"])] ^= 1
    assert len(texts) == sum(map(len, splits))
    assert all((row == expected[text]).all() for text, row in zip(texts, y_true, strict=True))
    lines = (tmp_path / "feedback-corrected" / f"{first['part']}.csv").read_text(encoding="utf-8")
    assert ",changed" in lines


def test_answers_that_are_none_are_refused(found: Audit, tmp_path: Path) -> None:
    for text in ("", "[]", "{}", "[[1]]", '[["test", "x", "price", "keep"]]', '[["test", 1, "price", "perhaps"]]'):
        with pytest.raises(UserError, match="There are no answers yet"):
            read_answers(text)
    with pytest.raises(UserError, match="The answer for test 99999 price is about no suspected label"):
        write_corrected(found, read_answers('[["test", 99999, "price", "change"]]'), tmp_path / "x.zip")


@pytest.fixture
def address(results: Path, tmp_path: Path) -> Iterator[str]:
    from app import build

    demo, arguments = build(tmp_path / "no-checkpoints", results)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ENCODER_ZOO_DATA", raising=False)
        _, where, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **arguments)
        yield where
        demo.close()


def test_a_person_judges_keeps_the_answers_over_a_reload_and_downloads_the_file(blank: Page, address: str) -> None:
    blank.goto(f"{address}#tab=audit")
    rows = blank.locator("#audit-view tbody tr")
    rows.first.wait_for()
    rows.nth(0).get_by_role("button", name="change").click()
    rows.nth(1).get_by_role("button", name="unsure").click()
    told = blank.locator("#audit-view .zoo-told")
    expect(told).to_contain_text("To change: 1. Unsure: 1.")
    blank.reload()
    expect(told).to_contain_text("To change: 1. Unsure: 1.")
    expect(rows.nth(0).get_by_role("button", name="change")).to_have_attribute("aria-pressed", "true")
    blank.locator("#audit-make").click()
    blank.locator("#audit-file").wait_for()
    with blank.expect_download() as download:
        blank.locator("#audit-file").click()
    with ZipFile(download.value.path()) as file:
        assert sorted(file.namelist()) == ["test.csv", "train.csv", "validation.csv"]
        changed = "".join(file.read(name).decode() for name in file.namelist())
    assert changed.count(",changed") == 1
    assert changed.count(",unsure") == 1
