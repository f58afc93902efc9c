"""Published anchors: the shipped file is sound, a wrong entry is refused by its number, a figure lands in its place."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from benchmark.board.build import build
from benchmark.board.pages import main_cells
from benchmark.board.published import COLUMNS, PUBLISHED, Published, beside, not_measured, read_published
from benchmark.board.task_page import task_page
from benchmark.statistics.metrics import metrics_of
from benchmark.tasks.registry import TASKS
from tests.benchmark.conftest import WriteRun
from zoo.encoders.registry import ENCODERS
from zoo.errors import UserError

ENTRY: dict[str, Any] = {
    "encoder": "roberta-base",
    "task": "sst2",
    "metric": "accuracy",
    "value": 0.948,
    "split": "validation",
    "conditions": "One run.",
    "source": "Someone 2019",
}


def _published(**changes: Any) -> Published:
    return Published.model_validate(ENTRY | changes)


def _write(folder: Path, entries: object) -> Path:
    path = folder / "published.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shipped() -> list[dict[str, Any]]:
    """The shipped entries as they stand in the file, not as the reader gives them."""
    entries: list[dict[str, Any]] = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    return entries


def test_every_shipped_entry_is_of_a_task_and_metric_of_ours_with_a_source(shipped: list[dict[str, Any]]) -> None:
    for entry in shipped:
        assert entry["metric"] in metrics_of(TASKS[entry["task"]].problem_type), entry
        assert 0 < entry["value"] < 1, entry
        assert entry["source"].strip(), entry
        assert entry["conditions"].strip(), entry
        assert entry.get("url", "https://").startswith("https://"), entry
    assert len(read_published()) == len(shipped) > 0


def test_no_shipped_entry_is_doubled(shipped: list[dict[str, Any]]) -> None:
    fields = ("task", "encoder", "metric", "split", "source")
    counted = Counter(tuple(entry[field] for field in fields) for entry in shipped)
    assert [key for key, count in counted.items() if count > 1] == []


def test_an_encoder_of_the_registry_is_called_as_it_is_there(shipped: list[dict[str, Any]]) -> None:
    """Under another owner or in another case it would silently be one that is not measured."""

    def bare(name: str) -> str:
        return name.rsplit("/", 1)[-1].lower()

    registered = {bare(name) for name in ENCODERS}
    unknown = {entry["encoder"] for entry in shipped} - set(ENCODERS)
    assert [name for name in unknown if bare(name) in registered] == []


def test_encoders_are_of_their_tasks_language(shipped: list[dict[str, Any]]) -> None:
    for entry in shipped:
        if (encoder := ENCODERS.get(entry["encoder"])) is not None:
            assert encoder.language in (TASKS[entry["task"]].language, "any"), entry


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"task": "sst-2"}, "Did you mean 'sst2'?"),
        ({"metric": "f1_micro"}, "Unknown metric 'f1_micro'"),
        ({"value": 94.8}, "value: "),
        ({"value": 0.0}, "value: "),
        ({"value": float("nan")}, "value: "),
        ({"value": "0.948"}, "value: "),
        ({"split": "dev"}, "split: "),
        ({"source": " "}, "source: "),
        ({"source": None}, "source: "),
        ({"seeds": 0}, "seeds: "),
        ({"rank": 1}, "rank: "),
    ],
)
def test_a_wrong_entry_is_named_in_one_line(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    path = _write(tmp_path, [ENTRY, ENTRY | {"encoder": "bert-base-cased"} | changes])
    with pytest.raises(UserError) as caught:
        read_published(path)
    assert str(caught.value).startswith(f"{path}: entry 2: ")
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_entry_without_one_of_its_fields_is_refused(tmp_path: Path) -> None:
    short = {field: value for field, value in ENTRY.items() if field != "conditions"}
    with pytest.raises(UserError, match=r"entry 1: conditions: "):
        read_published(_write(tmp_path, [short]))


@pytest.mark.parametrize("entry", [None, "roberta-base", [ENTRY]])
def test_an_entry_of_another_shape_is_refused(tmp_path: Path, entry: object) -> None:
    with pytest.raises(UserError, match=r"entry 1: ") as caught:
        read_published(_write(tmp_path, [entry]))
    assert "\n" not in str(caught.value)


def test_a_second_figure_of_one_source_is_refused_one_of_another_is_not(tmp_path: Path) -> None:
    other = ENTRY | {"source": "Someone else 2020", "value": 0.95}
    assert len(read_published(_write(tmp_path, [ENTRY, other]))) == 2
    with pytest.raises(UserError, match=r"entry 3 doubles an earlier one \(sst2, roberta-base, accuracy"):
        read_published(_write(tmp_path, [ENTRY, other, ENTRY | {"value": 0.949}]))


@pytest.mark.parametrize("content", [b"", b"[", b"\xff\xfe", b"{}", b'"text"'])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "published.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match="restore it from the repository") as caught:
        read_published(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.json cannot be read"):
        read_published(tmp_path / "none.json")


def test_a_figure_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        _published().value = 0.5


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.94, 0.95, "covered"),
        (0.948, 0.96, "covered"),
        (0.93, 0.948, "covered"),
        (0.93, 0.947, "above ours"),
        (0.949, 0.96, "below ours"),
    ],
)
def test_where_a_figure_lies_beside_an_interval(low: float, high: float, said: str) -> None:
    assert beside(low, high, _published()) == said


def test_every_figure_stands_beside_a_measured_one_or_apart_without_a_rank(write_synthetic: WriteRun) -> None:
    for seed in range(2):
        folder = write_synthetic(task="sst2", encoder="bert-base-uncased", seed=seed, parameters=109_500_000)
    board, published = build(folder.parents[2]), read_published()
    assert len(board.anchors) + len(board.unmeasured) == len(published)
    assert set(board.anchors["encoder"]) == {"bert-base-uncased"}
    assert set(board.anchors["metric"]) == {"accuracy"}
    assert set(board.anchors["split"]) == {"validation"}
    (cell,) = main_cells(board.cells, TASKS["sst2"]).to_dict("records")
    for row in board.anchors.to_dict("records"):
        assert (row["ours"], row["low"], row["high"]) == (cell["value"], cell["low"], cell["high"])
        where = "below ours" if row["value"] < row["low"] else "above ours"
        assert row["published_is"] == ("covered" if row["low"] <= row["value"] <= row["high"] else where)
    apart = board.unmeasured[["task", "encoder", "metric", "split"]].itertuples(index=False, name=None)
    assert ("sst2", "bert-base-uncased", "accuracy", "validation") not in set(apart)
    assert "## Published figures\n" in task_page(board, TASKS["sst2"])


def test_where_nothing_is_measured_all_stand_apart() -> None:
    published = [_published(encoder="b"), _published(), _published(task="chnsenticorp")]
    apart = not_measured(published, pd.DataFrame(columns=COLUMNS))
    assert list(apart.columns) == ["task", "encoder", "metric", "value", "split", "conditions", "source"]
    assert list(apart.itertuples(index=False, name=None)) == [
        (task, encoder, "accuracy", 0.948, "validation", "One run.", "Someone 2019")
        for task, encoder in [("sst2", "b"), ("sst2", "roberta-base"), ("chnsenticorp", "roberta-base")]
    ]
    assert not_measured(published, apart).empty
