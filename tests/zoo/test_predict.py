"""A file of texts through a checkpoint: as the texts alone, in order, with the columns of the input."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoTokenizer

from benchmark.own_data.reading import Columns, read_own
from encoder_zoo import main
from tests.checkpoints import toy_info
from tests.zoo.predictions import LABELS, TEXTS, predict_texts, write_texts
from zoo import predict
from zoo.checkpoints.loading import new_model, save_checkpoint
from zoo.classifier import Classifier
from zoo.decision import Decision, ProblemType
from zoo.errors import UserError
from zoo.predict import column_notes, predict_file
from zoo.row_files.format import Format
from zoo.row_files.row_reader import look_through, read_plain_rows


@pytest.mark.parametrize("kind", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_text_is_scored_as_alone_in_its_place(
    kind: str, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "CHUNK", 3)
    source, told = write_texts(tmp_path / f"texts{kind}", TEXTS), list[int]()
    assert predict_texts(checkpoint, source, tmp_path / "out.jsonl", report=told.append) == len(TEXTS)
    assert told == [0, 3, 6, 7]
    classifier = Classifier.load(checkpoint)
    for number, (text, line) in enumerate(zip(TEXTS, (tmp_path / "out.jsonl").open(encoding="utf-8"), strict=True), 1):
        record, scores = json.loads(line), classifier.predict_scores([text])
        assert record["row"] == number
        assert list(record["scores"]) == list(LABELS)
        np.testing.assert_allclose(list(record["scores"].values()), scores[0], atol=1e-5)
        assert record["labels"] == [LABELS[i] for i in np.flatnonzero(classifier.decide(scores)[0])]


def test_a_blank_line_of_a_file_of_texts_alone_keeps_its_row(checkpoint: Path, tmp_path: Path) -> None:
    source = tmp_path / "texts.csv"
    source.write_text("text\ngood\n\nbad\n")
    assert predict_texts(checkpoint, source, tmp_path / "out.jsonl") == 3
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    scores = Classifier.load(checkpoint).predict_scores(["good", "", "bad"])
    np.testing.assert_allclose([list(record["scores"].values()) for record in records], scores, atol=1e-5)


def test_csv_says_the_same_as_jsonl(checkpoint: Path, tmp_path: Path) -> None:
    source = write_texts(tmp_path / "texts.csv", TEXTS)
    for name in ("out.csv", "out.jsonl"):
        predict_texts(checkpoint, source, tmp_path / name)
    table = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert table["row"].tolist() == [record["row"] for record in records]
    assert table["labels"].map(json.loads).tolist() == [record["labels"] for record in records]
    for label in LABELS:
        assert table[f"score_{label}"].tolist() == [record["scores"][label] for record in records]


ODD = ("a", "b", "a|b", " c ", "d, [e]", '"f"', "g\nh", "=SUM(1)")


def _odd_checkpoint(tiny_bert: Path, folder: Path, single: bool) -> Path:
    """A checkpoint that decides every label for some texts, not for others: the middle of each label's logits is 0."""
    kind: ProblemType = "single_label_classification" if single else "multi_label_classification"
    model = new_model(tiny_bert, kind, ODD)
    info = toy_info(task="odd", problem_type=kind, labels=ODD, max_length=32)
    decision = Decision(problem_type=kind, rule="fixed", thresholds=(0.0 if single else 0.5,) * len(ODD))
    for name in ("first", "second"):
        saved = folder / name
        save_checkpoint(saved, info, decision, model, AutoTokenizer.from_pretrained(tiny_bert), "For tests.\n")
        middle = np.median(Classifier.load(saved).predict_logits(TEXTS), axis=0)
        model.classifier.bias.data -= torch.tensor(middle)
    return saved


@pytest.mark.parametrize(
    ("single", "ending"),
    [
        (False, ".jsonl"),
        (True, ".csv"),
        pytest.param(False, ".csv", marks=pytest.mark.slow),
        pytest.param(True, ".jsonl", marks=pytest.mark.slow),
    ],
)
def test_predicted_labels_are_read_back_as_they_are(single: bool, ending: str, tiny_bert: Path, tmp_path: Path) -> None:
    """By the reader of own data, whatever stands in the names of the labels."""
    checkpoint = _odd_checkpoint(tiny_bert, tmp_path / "odd", single)
    texts = [f"{text} {number}" for number in range(9) for text in TEXTS]
    target = tmp_path / f"out{ending}"
    predict_texts(checkpoint, write_texts(tmp_path / "texts.csv", texts), target)
    classifier = Classifier.load(checkpoint)
    expected = classifier.decide(classifier.predict_scores(texts))
    columns = Columns("text", ("label",), "one") if single else Columns("text", ("labels",), "several")
    found = read_own(str(target), columns)
    assert found.texts.to_pylist() == texts
    places = [[label.strip() for label in ODD].index(label) for label in found.labels]
    np.testing.assert_array_equal(found.y_true.toarray(), expected[:, places])
    assert expected.sum() == found.y_true.sum()
    assert len(found.labels) > 1


@pytest.mark.parametrize("source", ["in.csv", "in.jsonl", "in.parquet"])
def test_the_columns_of_the_input_are_passed_on(source: str, checkpoint: Path, tmp_path: Path) -> None:
    """Those with a name of their own; one that is named as one of the output's is renamed."""
    frame = pd.DataFrame(
        {"text": ["good\r\nbad", None], "labels": ['x "y"', ""], "row": ["7", "8"], "score_good": ["", "a\rb"]}
    )
    path = tmp_path / source
    if path.suffix == ".csv":
        frame.to_csv(path, index=True, lineterminator="\r\n")
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    found = look_through(path, ["text"])
    assert column_notes(found, LABELS) == [
        f"the input's column '{name}' is called 'input_{name}'" for name in ("labels", "row", "score_good")
    ] + ["a column of the input without a name is left out"] * (source == "in.csv")
    columns = ["text", "input_labels", "input_row", "input_score_good"]
    for target in (tmp_path / "out.csv", tmp_path / "out.jsonl"):
        assert predict_texts(checkpoint, path, target) == 2
        again = look_through(target, columns)
        assert again.columns[:5] == ("row", *columns)
        rows = [[value or "" for value in row] for row in read_plain_rows(again, columns)]
        assert rows == frame.fillna("").to_numpy().tolist()


def test_values_of_other_types_are_passed_on_as_json(checkpoint: Path, tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": pa.array(["good", "bad", "far"]).dictionary_encode(),
            "tags": [["a", "b|c"], None, None],
            "day": pa.array([0, None, None], pa.date32()),
            "x": [0.5, float("nan"), float("-inf")],
            "yes": [True, False, False],
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    for name in ("out.csv", "out.jsonl"):
        predict_texts(checkpoint, tmp_path / "in.parquet", tmp_path / name)
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    kept = [{name: record[name] for name in table.column_names} for record in records]
    assert kept == [
        {"text": "good", "tags": ["a", "b|c"], "day": "1970-01-01", "x": 0.5, "yes": True},
        {"text": "bad", "tags": None, "day": None, "x": None, "yes": False},
        {"text": "far", "tags": None, "day": None, "x": "-inf", "yes": False},
    ]
    rows = list(csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8", newline="")))
    assert [[row[name] for name in table.column_names] for row in rows] == [
        ["good", '["a", "b|c"]', "1970-01-01", "0.5", "true"],
        ["bad", "", "", "", "false"],
        ["far", "", "", "-inf", "false"],
    ]


def test_names_that_cannot_be_told_apart_are_refused_or_left_out(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text,labels,input_labels\na,b,c\n")
    with pytest.raises(UserError, match="has the columns 'labels', as the output has, and 'input_labels'; rename one"):
        predict_texts(checkpoint, tmp_path / "in.csv", tmp_path / "out.csv")
    (tmp_path / "in.csv").write_text("text,x,x\na,b,c\n")
    predict_texts(checkpoint, tmp_path / "in.csv", tmp_path / "out.csv")
    assert look_through(tmp_path / "out.csv", []).columns[:3] == ("row", "text", "labels")
    assert column_notes(look_through(tmp_path / "in.csv", []), LABELS) == [
        "the input's columns 'x' are left out, since there are several"
    ]


def test_lines_of_text_without_a_header_are_predicted(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text('good\n\n"bad, late\n')
    assert predict_texts(checkpoint, tmp_path / "in.txt", tmp_path / "out.jsonl") == 3
    lines = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["good", "", '"bad, late']
    (tmp_path / "in.tsv").write_text("good\t1\nbad\t2\n")
    found = look_through(tmp_path / "in.tsv", ["text"], Format(columns=("text", "n")))
    assert predict_file(checkpoint, found, tmp_path / "out.jsonl") == 2


def test_numbers_are_no_texts(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": 5}\n')
    with pytest.raises(UserError, match="row 1 has '5' in the column 'text', which is no text"):
        predict_texts(checkpoint, tmp_path / "in.jsonl", tmp_path / "out.jsonl")


def test_the_texts_are_not_written_over(checkpoint: Path, tmp_path: Path) -> None:
    source = write_texts(tmp_path / "texts.csv", TEXTS)
    before = source.read_bytes()
    with pytest.raises(UserError, match="is the input; give another --output"):
        predict_texts(checkpoint, source, tmp_path / ".." / tmp_path.name / "texts.csv")
    assert source.read_bytes() == before


def test_bad_input_is_one_line(checkpoint: Path, tmp_path: Path) -> None:
    source = write_texts(tmp_path / "texts.csv", TEXTS)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 cut short")
    (tmp_path / "broken.jsonl").write_text('{"text": "a"}\n{"text": \n')
    for bad_source, target, column, message in (
        (source, "out.xlsx", "text", r"must end in \.csv or \.jsonl, and .*out\.xlsx does not"),
        (
            source,
            "out.csv",
            "body",
            "has no column 'body'; its first row was taken for the header and has: 'id', 'text'",
        ),
        (tmp_path / "none.csv", "out.csv", "text", "cannot be read: .*No such file"),
        (tmp_path / "broken.parquet", "out.csv", "text", "cannot be read"),
        (tmp_path / "broken.jsonl", "out.csv", "text", "cannot be read"),
    ):
        with pytest.raises(UserError, match=message):
            predict_texts(checkpoint, bad_source, tmp_path / target, column)
    with pytest.raises(UserError, match="is not a checkpoint"):
        predict_texts(tmp_path, source, tmp_path / "out.csv")


def test_what_cannot_be_written_or_loaded_is_told_before_the_input_is_read(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_texts(tmp_path / "texts.csv", TEXTS)
    (tmp_path / "folder.csv").mkdir()
    monkeypatch.setattr("zoo.row_files.row_reader.look_through", None)
    for model, given, target, message in (
        (checkpoint, source, "out.txt", "out.txt does not; give another --output"),
        (checkpoint, source, "none/out.csv", f"There is no folder {tmp_path / 'none'} for out.csv"),
        (checkpoint, source, "folder.csv", "folder.csv is a folder"),
        (checkpoint, tmp_path / "none.csv", "out.csv", "There is no file"),
        ("hub:ann/toy", source, "out.txt", "out.txt does not; give another --output"),
        (tmp_path / "unknown", source, "out.csv", f"There is no folder {tmp_path / 'unknown'}"),
    ):
        arguments = ["zoo", "predict", model, "--input", given, "--output", tmp_path / target]
        monkeypatch.setattr(sys, "argv", list(map(str, arguments)))
        with pytest.raises(SystemExit, match="1"):
            main()
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
