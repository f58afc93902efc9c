"""Reading a task's rows: the order of sources, what is carved, and every way in which a file can be wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets.config
import httpx
import huggingface_hub.constants
import numpy as np
import pandas as pd
import pytest

from benchmark.tasks.registry import TASKS, Task
from benchmark.tasks.rows import Rows, read_rows
from benchmark.tasks.splits import carve, carve_sentences
from benchmark.training.runs import RESULTS
from tests.hub_server import Failure, client_settings, serve_hub
from zoo.errors import UserError

SST2, CHN, GO, REUTERS = (TASKS[name] for name in ("sst2", "chnsenticorp", "go_emotions", "reuters21578"))
WriteDataset = Callable[[Path, Task], None]


@pytest.fixture
def own_dir(tmp_path: Path, write_dataset: WriteDataset) -> Path:
    """A data folder with sst2 and go_emotions that a test may damage."""
    for task in (SST2, GO, CHN):
        write_dataset(tmp_path / task.name, task)
    return tmp_path


def _refused(task: Task, data_dir: Path | None, *named: str) -> None:
    with pytest.raises(UserError) as caught:
        read_rows(task, data_dir)
    for text in named:
        assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def _change(path: Path, **columns: Any) -> None:
    pd.read_parquet(path).assign(**columns).to_parquet(path)


def test_official_splits_are_used_as_they_are(data_dir: Path) -> None:
    rows = read_rows(GO, data_dir)
    frames = {
        name: pd.read_parquet(data_dir / "go_emotions" / f"{name}.parquet")
        for name in vars(rows)
        if name != "fingerprint"
    }
    for name, frame in frames.items():
        split = getattr(rows, name)
        assert split.texts == frame["text"].tolist()
        assert split.y_true.shape == (len(frame), 28)
        assert [np.flatnonzero(row).tolist() for row in split.y_true] == [list(labels) for labels in frame["labels"]]


def test_single_label_rows_are_one_hot(data_dir: Path) -> None:
    rows = read_rows(CHN, data_dir)
    expected = pd.read_parquet(data_dir / "chnsenticorp" / "test.parquet")["label"]
    np.testing.assert_array_equal(rows.test.y_true, np.eye(2)[expected])
    assert rows.test.y_true.dtype == np.int8


def test_validation_is_carved_out_of_train_by_sentence_where_the_task_says_so(data_dir: Path) -> None:
    rows = read_rows(SST2, data_dir)
    train, reported = (
        pd.read_parquet(data_dir / "sst2" / f"{name}.parquet")["text"].tolist() for name in ("train", "validation")
    )
    assert rows.test.texts == reported  # and not tuned on
    kept, aside = carve_sentences(train, SST2.carve, 0)
    assert rows.train.texts == [train[row] for row in kept]
    assert rows.validation.texts == [train[row] for row in aside]


def test_validation_is_carved_out_of_train_by_label_where_the_task_says_so(data_dir: Path) -> None:
    rows = read_rows(REUTERS, data_dir)
    frame = pd.read_parquet(data_dir / "reuters21578" / "train.parquet")
    y_true = np.zeros((40, 90), np.int8)
    for row, labels in enumerate(frame["labels"]):
        y_true[row, labels] = 1
    kept, aside = carve(y_true, 0.1, 0, multi_label=True)
    assert rows.train.texts == [frame["text"][row] for row in kept]
    assert rows.validation.texts == [frame["text"][row] for row in aside]
    np.testing.assert_array_equal(rows.validation.y_true, y_true[aside])


def test_a_task_with_a_test_split_and_no_validation_reports_test(data_dir: Path) -> None:
    rows = read_rows(REUTERS, data_dir)
    assert all(text.startswith("test") for text in rows.test.texts)
    assert all(text.startswith("train") for text in rows.train.texts + rows.validation.texts)


def test_rows_are_the_same_at_every_reading(data_dir: Path) -> None:
    for task in (SST2, REUTERS, GO):
        first, second = read_rows(task, data_dir), read_rows(task, data_dir)
        assert first.fingerprint == second.fingerprint
        assert first.validation.texts == second.validation.texts


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_the_fingerprint_changes_with_one_label_or_one_text_of_any_split(own_dir: Path, split: str) -> None:
    path = own_dir / "go_emotions" / f"{split}.parquet"
    before = read_rows(GO, own_dir).fingerprint
    frame = pd.read_parquet(path)
    labels = [list(row) for row in frame["labels"]]
    labels[5] = sorted({*labels[5]} ^ {27})
    _change(path, labels=labels)
    relabelled = read_rows(GO, own_dir).fingerprint
    _change(path, labels=frame["labels"], text=[*frame["text"][:-1], "another"])
    assert len({before, relabelled, read_rows(GO, own_dir).fingerprint}) == 3


def test_embedded_rows_need_no_folder_and_a_folder_does_not_replace_them(
    data_dir: Path, write_dataset: WriteDataset, tmp_path: Path
) -> None:
    task = TASKS["feedback"]
    write_dataset(tmp_path / "feedback", task)
    assert {read_rows(task, folder).fingerprint for folder in (None, data_dir, tmp_path)} == {
        read_rows(task, None).fingerprint
    }


def test_the_hub_is_asked_where_the_folder_does_not_have_the_task(tmp_path: Path) -> None:
    for data_dir, named in ((tmp_path, str(tmp_path)), (None, "'sst2'")):
        _refused(SST2, data_dir, named, "stanfordnlp/sst2", "--data-dir")


def test_a_connection_that_breaks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: object, **__: object) -> None:
        raise httpx.ReadTimeout("timed out")

    monkeypatch.setattr("datasets.load_dataset", cut)
    monkeypatch.setattr("zoo.hub.TRIES", 1)
    _refused(SST2, None, "'stanfordnlp/sst2' cannot be had", "broke (ReadTimeout); check the network", "--data-dir")


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (None, ("no 'datasets/stanfordnlp/sst2', or it is private", "hf auth login")),
        (Failure("stanfordnlp/sst2", 403, {"X_Error_Code": "GatedRepo"}, times=99), ("is gated; accept its terms at",)),
        (Failure("stanfordnlp/sst2", 503, times=99), ("The hub answers 503; try again later",)),
        (Failure("stanfordnlp/sst2", 429, {"Retry_After": "900"}, times=99), ("(429); try again in 900 s",)),
    ],
)
def test_why_the_hub_gives_no_rows_is_told(
    failure: Failure | None, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.hub.TRIES", 1)
    with serve_hub() as hub:
        for name, value in client_settings(hub, tmp_path).items():
            monkeypatch.setattr(huggingface_hub.constants, name, value)
        monkeypatch.setattr(datasets.config, "HF_ENDPOINT", hub.address)
        monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
        hub.failures = [failure] if failure else []
        _refused(SST2, None, *words, "--data-dir")


def test_a_dataset_that_the_hub_does_not_have_is_told_so_without_asking_it(tmp_path: Path) -> None:
    _refused(REUTERS, tmp_path, str(tmp_path), "reuters21578/train.parquet", "the hub does not have")
    _refused(REUTERS, None, "reuters21578/train.parquet")


def test_a_data_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    _refused(SST2, tmp_path / "nowhere", "nowhere does not exist", "--data-dir")


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_missing_file_is_named_with_all_that_are_needed(own_dir: Path, split: str) -> None:
    (own_dir / "go_emotions" / f"{split}.parquet").unlink()
    _refused(GO, own_dir, f"{split}.parquet does not exist", "train.parquet, validation.parquet, test.parquet")


def test_files_that_a_task_does_not_use_are_not_asked_for(own_dir: Path) -> None:
    (own_dir / "sst2" / "test.parquet").unlink()
    (own_dir / "sst2" / "dataset.json").unlink()
    assert len(read_rows(SST2, own_dir).test) == 40


@pytest.mark.parametrize("column", ["text", "labels"])
def test_a_missing_column_is_named_with_those_there_are(own_dir: Path, column: str) -> None:
    path = own_dir / "go_emotions" / "validation.parquet"
    pd.read_parquet(path).rename(columns={column: "other"}).to_parquet(path)
    _refused(GO, own_dir, f"no column '{column}'", "other", "validation.parquet")


@pytest.mark.parametrize("label", [2, -1, 1000])
def test_a_single_label_out_of_range_is_named_with_its_row(own_dir: Path, label: int) -> None:
    _change(own_dir / "sst2" / "train.parquet", label=[0] * 38 + [label, 1])
    _refused(SST2, own_dir, "train.parquet", "row 39", f"label {label};", "from 0 to 1")


@pytest.mark.parametrize(("labels", "named"), [([0, 28], "28"), ([-1], "-1"), ([-29, 3], "-29")])
def test_a_multi_label_row_out_of_range_is_named(own_dir: Path, labels: list[Any], named: str) -> None:
    _change(own_dir / "go_emotions" / "test.parquet", labels=[[1]] * 3 + [labels] + [[0, 1]] * 36)
    _refused(GO, own_dir, "test.parquet", "row 4", f"label {named};", "from 0 to 27")


@pytest.mark.parametrize(
    ("labels", "named"), [([0.5], "0.5"), ([None], "None"), (["joy"], "'joy'"), ([True], "True"), (None, "None")]
)
def test_multi_labels_that_are_no_whole_numbers_are_refused(own_dir: Path, labels: Any, named: str) -> None:
    _change(own_dir / "go_emotions" / "test.parquet", labels=[labels] * 40)
    _refused(GO, own_dir, "test.parquet", "row 1", f"label {named};")


@pytest.mark.parametrize(
    ("column", "named"), [([0.0, 1.0] * 20, "0.0"), (["positive"] * 40, "positive"), ([None, 1] * 20, "nan")]
)
def test_labels_that_are_no_whole_numbers_are_refused(own_dir: Path, column: list[Any], named: str) -> None:
    _change(own_dir / "sst2" / "train.parquet", label=column)
    _refused(SST2, own_dir, "row 1", named)


@pytest.mark.parametrize("labels", [[0, 1], []])
def test_a_single_label_row_with_several_labels_or_none_is_refused(own_dir: Path, labels: list[int]) -> None:
    _change(own_dir / "sst2" / "train.parquet", label=[[0]] * 20 + [labels] + [[1]] * 19)
    _refused(SST2, own_dir, "row 21", str(labels), "one label")


@pytest.mark.parametrize("text", ["", "  \n", None])
def test_an_empty_text_is_refused_with_its_row(own_dir: Path, text: str | None) -> None:
    path = own_dir / "chnsenticorp" / "validation.parquet"
    _change(path, text=[*pd.read_parquet(path)["text"][:7], text, *["ok"] * 32])
    _refused(CHN, own_dir, "validation.parquet", "row 8", "empty text")


def test_a_split_without_rows_is_refused(own_dir: Path) -> None:
    path = own_dir / "go_emotions" / "test.parquet"
    pd.read_parquet(path).iloc[:0].to_parquet(path)
    _refused(GO, own_dir, "test.parquet", "no rows")


@pytest.mark.parametrize("keep", [0, 3, 200, -20])
def test_a_truncated_parquet_is_refused(own_dir: Path, keep: int) -> None:
    path = own_dir / "go_emotions" / "train.parquet"
    path.write_bytes(path.read_bytes()[:keep])
    _refused(GO, own_dir, str(path), "parquet")


def test_other_label_names_are_refused_with_the_first_that_differs(own_dir: Path) -> None:
    path = own_dir / "sst2" / "dataset.json"
    path.write_text(json.dumps({"labels": ["positive", "negative"]}))
    _refused(SST2, own_dir, str(path), "'positive' instead of 'negative'")
    path.write_text(json.dumps({"labels": ["negative", "positive", "neutral"]}))
    _refused(SST2, own_dir, "3 instead of 2")


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "{}", '{"labels": 3}', '{"labels": null}'])
def test_an_unreadable_description_is_refused(own_dir: Path, content: str) -> None:
    (own_dir / "sst2" / "dataset.json").write_text(content)
    _refused(SST2, own_dir, "dataset.json", "labels")


@pytest.mark.parametrize(
    ("task", "n"), [(SST2, 1), (SST2, 3), (replace(CHN, carve=0.1), 3), (replace(GO, carve=0.1), 1)]
)
def test_rows_too_few_to_carve_from_are_refused_in_one_line(own_dir: Path, task: Task, n: int) -> None:
    path = own_dir / task.name / "train.parquet"
    pd.read_parquet(path).iloc[:n].to_parquet(path)
    _refused(task, own_dir, task.name, "too few")


def test_a_task_of_ones_own_reads_its_folder(tmp_path: Path, write_dataset: WriteDataset) -> None:
    task = replace(CHN, name="mine", hub=None, labels=("a", "b", "c"))
    write_dataset(tmp_path / "mine", task)
    rows: Rows = read_rows(task, tmp_path)
    assert rows.train.y_true.sum(axis=0).tolist() == [14, 13, 13]


@pytest.mark.campaign
@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if not task.embedded])
def test_the_real_rows_fit_their_task(name: str, real_data: Path) -> None:
    task = TASKS[name]
    if not (real_data / name).is_dir():
        pytest.skip(f"no {name} in the data folder")
    rows = read_rows(task, real_data)
    assert len(rows.train) > len(rows.validation) > 100
    assert not task.multi_label or rows.train.y_true.any(axis=0).mean() > 0.9
    assert task.multi_label or (rows.test.y_true.sum(axis=1) == 1).all()
    assert _fingerprints(name) == {rows.fingerprint}


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task.embedded])
def test_the_committed_runs_are_on_the_embedded_rows(name: str) -> None:
    assert _fingerprints(name) == {read_rows(TASKS[name], None).fingerprint}


def _fingerprints(task: str) -> set[str]:
    """The rows that the committed runs are on; a change of how rows are split would show here."""
    return {json.loads(path.read_text("utf-8"))["fingerprint"] for path in RESULTS.glob(f"{task}/*/*/run.json")}
