"""Predictions of a file that are stopped, killed or begun twice."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.zoo.predictions import TEXTS, predict_texts, write_texts
from zoo import predict
from zoo.classifier import Classifier
from zoo.errors import UserError
from zoo.predict import predict_file
from zoo.row_files.row_reader import look_through


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_a_stopped_prediction_goes_on(
    name: str, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "CHUNK", 2)
    source, target = write_texts(tmp_path / "texts.csv", TEXTS), tmp_path / name
    predict_texts(checkpoint, source, target)
    whole = target.read_bytes()
    target.unlink()

    def stop(done: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_texts(checkpoint, source, target, report=stop)
    assert not target.exists()
    (part,) = tmp_path.glob(".out*.part")
    with part.open("a") as file:
        file.write("5,half of a li")
    told: list[int] = []
    predict_texts(checkpoint, source, target, report=told.append)
    assert told[0] == 4
    assert target.read_bytes() == whole
    assert not list(tmp_path.glob(".out*.part"))
    source.write_text("text\nanother file\n")
    assert predict_texts(checkpoint, source, target, report=told.append) == 1


def test_a_prediction_stopped_before_its_first_row_goes_on(checkpoint: Path, tmp_path: Path) -> None:
    source, target = write_texts(tmp_path / "texts.csv", TEXTS), tmp_path / "out.csv"
    predict_texts(checkpoint, source, target)
    whole = target.read_text()
    for begun in ("", "row,lab", whole.splitlines(keepends=True)[0]):
        part = predict._identity(Classifier.load(checkpoint), look_through(source, ["text"]), "text")
        (tmp_path / f".out.csv-{part}.part").write_text(begun)
        target.unlink()
        assert predict_texts(checkpoint, source, target) == len(TEXTS)
        assert target.read_text() == whole


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_a_second_process_writes_no_row_twice(checkpoint: Path, tmp_path: Path) -> None:
    source, target = write_texts(tmp_path / "texts.csv", TEXTS * 300), tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "zoo", "predict", str(checkpoint), "--input", str(source), "--output", str(target)]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not any(part.stat().st_size for part in tmp_path.glob(".out*.part")) and first.poll() is None:
        time.sleep(0.01)
    first.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(UserError, match=f"Another process is writing {target}; wait"):
            predict_file(checkpoint, look_through(source, ["text"]), target)
    finally:
        first.send_signal(signal.SIGCONT)
    assert first.wait() == 0
    rows = [json.loads(line)["row"] for line in target.read_text("utf-8").splitlines()]
    assert rows == list(range(1, 2101))
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_a_killed_command_is_taken_up_again(checkpoint: Path, tmp_path: Path) -> None:
    source = write_texts(tmp_path / "texts.csv", TEXTS * 200)
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
