"""A file of texts through a checkpoint: as the texts alone, in order, in chunks, and going on after a stop."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from transformers import AutoTokenizer

from encoder_zoo import main
from tests.checkpoints import toy_info
from zoo import predict
from zoo.checkpoints.loading import new_model, save_checkpoint
from zoo.classifier import Classifier
from zoo.decision import Decision
from zoo.errors import UserError
from zoo.predict import count_rows, predict_file

LABELS = ("good", "bad, or worse", "漢字")
TEXTS = ["good", "", "very bad service! " * 9, 'a "quoted", text', "two\nlines", "漢字 🦓", "late parcel"]


@pytest.fixture(scope="module")
def checkpoint(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints") / "own" / "tiny"
    model = new_model(tiny_bert, "multi_label_classification", LABELS)
    model.classifier.weight.data *= 40
    info = toy_info(task="own", labels=LABELS, max_length=32)
    decision = Decision(problem_type="multi_label_classification", rule="fixed", thresholds=(0.5, 0.4, 0.6))
    save_checkpoint(folder, info, decision, model, AutoTokenizer.from_pretrained(tiny_bert), "For tests.\n")
    return folder


def _write(path: Path, texts: list[str]) -> Path:
    frame = pd.DataFrame({"id": range(len(texts)), "text": texts})
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True, force_ascii=False)
    else:
        frame.to_csv(path, sep="\t" if path.suffix == ".tsv" else ",", index=False)
    return path


@pytest.mark.parametrize("kind", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_text_is_scored_as_alone_in_its_place(
    kind: str, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "CHUNK", 3)
    source, told = _write(tmp_path / f"texts{kind}", TEXTS), list[int]()
    assert count_rows(source, "text") == len(TEXTS)
    assert predict_file(checkpoint, source, tmp_path / "out.jsonl", report=told.append) == len(TEXTS)
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
    assert predict_file(checkpoint, source, tmp_path / "out.jsonl") == count_rows(source, "text") == 3
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    scores = Classifier.load(checkpoint).predict_scores(["good", "", "bad"])
    np.testing.assert_allclose([list(record["scores"].values()) for record in records], scores, atol=1e-5)


def test_csv_says_the_same_as_jsonl(checkpoint: Path, tmp_path: Path) -> None:
    source = _write(tmp_path / "texts.csv", TEXTS)
    for name in ("out.csv", "out.jsonl"):
        predict_file(checkpoint, source, tmp_path / name)
    table = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert table["row"].tolist() == [record["row"] for record in records]
    assert table["labels"].tolist() == ["|".join(record["labels"]) for record in records]
    for label in LABELS:
        assert table[f"score_{label}"].tolist() == [record["scores"][label] for record in records]


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_a_stopped_prediction_goes_on(
    name: str, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "CHUNK", 2)
    source, target = _write(tmp_path / "texts.csv", TEXTS), tmp_path / name
    predict_file(checkpoint, source, target)
    whole = target.read_bytes()
    target.unlink()

    def stop(done: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_file(checkpoint, source, target, report=stop)
    assert not target.exists()
    (part,) = tmp_path.glob(".out*.part")
    with part.open("a") as file:
        file.write("5,half of a li")
    told: list[int] = []
    predict_file(checkpoint, source, target, report=told.append)
    assert told[0] == 4
    assert target.read_bytes() == whole
    assert not list(tmp_path.glob(".out*.part"))
    source.write_text("text\nanother file\n")
    assert predict_file(checkpoint, source, target, report=told.append) == 1


def test_a_prediction_stopped_before_its_first_row_goes_on(checkpoint: Path, tmp_path: Path) -> None:
    source, target = _write(tmp_path / "texts.csv", TEXTS), tmp_path / "out.csv"
    predict_file(checkpoint, source, target)
    whole = target.read_text()
    for begun in ("", "row,lab", whole.splitlines(keepends=True)[0]):
        part = predict._identity(Classifier.load(checkpoint), source, "text")
        (tmp_path / f".out.csv-{part}.part").write_text(begun)
        target.unlink()
        assert predict_file(checkpoint, source, target) == len(TEXTS)
        assert target.read_text() == whole


def test_the_texts_are_not_written_over(checkpoint: Path, tmp_path: Path) -> None:
    source = _write(tmp_path / "texts.csv", TEXTS)
    before = source.read_bytes()
    with pytest.raises(UserError, match="is the input; give another --output"):
        predict_file(checkpoint, source, tmp_path / ".." / tmp_path.name / "texts.csv")
    assert source.read_bytes() == before


def test_bad_input_is_one_line(checkpoint: Path, tmp_path: Path) -> None:
    source = _write(tmp_path / "texts.csv", TEXTS)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 cut short")
    (tmp_path / "broken.jsonl").write_text('{"text": "a"}\n{"text": \n')
    for bad_source, target, column, message in (
        (source, "out.xlsx", "text", r"must end in \.csv or \.jsonl, and .*out\.xlsx does not"),
        (source, "out.csv", "body", "has no column 'body'; it has: id, text"),
        (tmp_path / "none.csv", "out.csv", "text", "There is no file"),
        (tmp_path / "broken.parquet", "out.csv", "text", "cannot be read"),
        (tmp_path / "broken.jsonl", "out.csv", "text", "cannot be read"),
    ):
        with pytest.raises(UserError, match=message):
            predict_file(checkpoint, bad_source, tmp_path / target, column)
    with pytest.raises(UserError, match="is not a checkpoint"):
        predict_file(tmp_path, source, tmp_path / "out.csv")


def test_what_cannot_be_written_or_loaded_is_told_before_the_input_is_read(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = _write(tmp_path / "texts.csv", TEXTS)
    (tmp_path / "folder.csv").mkdir()
    monkeypatch.setattr(predict, "read_batches", None)
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


@pytest.mark.slow
def test_a_killed_command_is_taken_up_again(checkpoint: Path, tmp_path: Path) -> None:
    source = _write(tmp_path / "texts.csv", TEXTS * 200)
    command = [sys.executable, "-m", "zoo", "predict", str(checkpoint), "--input", str(source), "--output"]
    target = tmp_path / "out.jsonl"
    process = subprocess.Popen([*command, str(target)], stdout=subprocess.DEVNULL)
    while not any(part.stat().st_size for part in tmp_path.glob(".out*.part")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = subprocess.run([*command, str(target)], capture_output=True, text=True, check=True)
    assert "1,400 rows" in done.stdout
    rows = [json.loads(line)["row"] for line in target.read_text("utf-8").splitlines()]
    assert rows == list(range(1, 1401))
