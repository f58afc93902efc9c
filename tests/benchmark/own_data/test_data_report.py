"""The report on a user's data against numbers worked by hand, and as it is shown and written."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_array

from benchmark.commands.console import show_report
from benchmark.own_data.data_page import lines, write
from benchmark.own_data.data_report import (
    DataReport,
    LabelFacts,
    LabelPair,
    Lengths,
    contradictory,
    describe,
    in_two_parts,
    label_pairs,
    label_sets,
    lengths,
    scripts,
)
from benchmark.own_data.own_task import text_groups
from benchmark.own_data.reading import OwnData

TEXTS = ["Good film", "good  film", "bad film", "很好看 ok", "1 2 3", "Хорошо"]
LABELS = ("[red]good[/red]", "film", "bad")
Y_TRUE = [[1, 1, 0], [0, 1, 0], [0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 0]]


@pytest.fixture
def report() -> DataReport:
    part = np.array([0, 2, 0, 1, 2, 0])
    data = OwnData("my.csv", pa.chunked_array([TEXTS]), csr_array(np.array(Y_TRUE, np.int8)), LABELS, part, ("train",))
    tokens = [Lengths("tokens of tiny", 6, 4, 5.5, 9, 8, 1 / 6)]
    return describe(data, part, text_groups(data.texts), "abc", "as given", tokens)


def test_every_number_of_a_small_dataset(report: DataReport) -> None:
    assert report.rows == {"train": 3, "validation": 1, "test": 2}
    assert report.scripts == pytest.approx({"none": 1 / 6, "Han": 1 / 6, "Latin": 3 / 6, "other": 1 / 6})
    assert report.lengths[0] == Lengths("characters", 6, 7.0, 9.75, 10)
    assert report.cardinality == pytest.approx(8 / 6)
    assert (report.unlabelled, report.label_sets) == (1, 5)
    assert report.labels == (
        LabelFacts("[red]good[/red]", 2, 1, 0, True),
        LabelFacts("film", 3, 0, 1, True),
        LabelFacts("bad", 1, 0, 0, True),
    )
    assert report.together == (LabelPair("[red]good[/red]", "film", 2, 2 / 5), LabelPair("film", "bad", 1, 1 / 4))
    assert report.repeated == 1
    assert report.in_two_parts == {"train and validation": 0, "train and test": 1, "validation and test": 0}
    assert report.contradictory == 1


def test_what_asks_for_something_is_said(report: DataReport) -> None:
    said = "\n".join(lines(report))
    for text in (
        "my.csv: 6 rows: train 3, validation 1, test 2 (as given)",
        "fingerprint of rows and splits: abc",
        "16.7% of the texts are cut at 8 tokens of tiny",
        "1 rows have no label",
        "1 rows repeat",
        "1 texts are in both train and test",
        "1 texts occur more than once, with different labels",
        "3 labels have under 10 test rows",
        "2 labels without a validation row: 'film' (4 rows elsewhere), 'bad' (1 row elsewhere)",
    ):
        assert text in said


def test_the_report_is_shown_and_written_with_names_as_they_are(
    report: DataReport, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_report(report)
    shown = capsys.readouterr().out
    as_json, as_markdown = write(report, tmp_path / "my")
    assert json.loads(as_json.read_text("utf-8"))["labels"][1] == {
        "label": "film", "train": 3, "validation": 0, "test": 1, "rare": True,
    }  # fmt: skip
    note = json.loads(as_json.read_text("utf-8"))["notes"][0]
    assert (note["about"], note["rows"], note["labels"]) == ("no validation row", 5, ["film", "bad"])
    for text in (shown, as_markdown.read_text("utf-8")):
        assert "[red]good[/red]" in text
        assert "tokens of tiny" in text
        assert "too few to judge" in text
        assert note["line"] in text.replace("\n", " ")


def test_texts_are_the_same_but_for_case_blanks_and_compatibility_forms() -> None:
    groups = text_groups(pa.chunked_array([["A b", "ａ  B ", "ab"], ["a b"]]))
    assert groups[0] == groups[1] == groups[3] != groups[2]


def test_pieces_on_their_own() -> None:
    assert scripts(pa.chunked_array([["..."]])) == {"none": 1.0, "Han": 0.0, "Latin": 0.0, "other": 0.0}
    assert lengths("tokens", np.array([1, 2, 3, 9]), 3).over == 0.25
    y_true = csr_array(np.array([[1, 0], [0, 1], [1, 0], [0, 0]], np.int8))
    assert label_sets(y_true).tolist() == [0, 1, 0, 2]
    assert label_pairs(y_true, ("a", "b")) == ()
    assert contradictory(np.array([0, 1, 0, 0]), np.array([5, 5, 2, 2])) == 1
    assert in_two_parts(np.array([0, 1, 1]), np.array([1, 1, 1]))["train and validation"] == 1


def test_names_with_pipes_and_line_breaks_stay_in_their_cells(report: DataReport, tmp_path: Path) -> None:
    named = replace(report, labels=(LabelFacts("a|b\nc", 1, 1, 1, True),))
    page = write(named, tmp_path)[1].read_text("utf-8")
    assert "\n| a\\|b c " in page
