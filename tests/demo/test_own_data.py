"""A user's own data from a file to the app, with nothing but the commands: single- and multi-label, one language or
mixed."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client

from app import build
from benchmark.tasks.rows import read_rows
from benchmark.training.runs import read_runs
from demo.compare.examples import examples_for
from demo.explore import handlers as explore
from demo.explore.pairs import find, pair_of, row_facts, texts_of
from demo.leaderboard.handlers import read_board, records_of
from demo.leaderboard.page import board_page
from encoder_zoo import main
from zoo.checkpoints.checkpoint import read_checkpoint
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError

RECIPE = {"epochs": 3, "batch_size": 8, "max_length": 16, "learning_rate": 2e-3}
WORDS = {"good": ["good", "great", "happy"], "late": ["late", "awful", "refund"], "price": ["price", "价格"]}


def _sentence(rng: np.random.Generator, labels: list[str]) -> str:
    words = [str(rng.choice(WORDS[label])) for label in labels] + list(rng.choice(["the", "it", "was", "包裹"], 4))
    return " ".join(rng.permutation(words))


def _single_label_csv(path: Path) -> list[str]:
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "review", "verdict"])
        writer.writerows([row, _sentence(rng, [label]), label] for row, label in enumerate(["good", "late"] * 100))
    return ["--text-column", "review", "--label-column", "verdict", "--language", "en"]


def _mixed_jsonl(path: Path) -> list[str]:
    rng = np.random.default_rng(1)
    chosen = [[label for label in WORDS if rng.random() < 0.5] for _ in range(240)]
    rows = [{"text": _sentence(rng, labels), "labels": labels} for labels in chosen]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return ["--label-list", "labels", "--name", "mixed"]


def _call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["encoder-zoo", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code


@pytest.mark.parametrize(
    ("file", "make", "task", "labels", "metric"),
    [
        pytest.param(
            "reviews.csv", _single_label_csv, "reviews", ("good", "late"), "accuracy", marks=pytest.mark.campaign
        ),
        ("some.jsonl", _mixed_jsonl, "mixed", ("good", "late", "price"), "f1_macro"),
    ],
)
def test_from_a_file_to_the_app(
    file: str, make, task: str, labels: tuple[str, ...], metric: str, tiny_bert: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    options = make(tmp_path / file)
    encoders = f"tfidf-lr,{tiny_bert}"
    command = ["run-data", file, *options, "--encoders", encoders, "--seeds", 2, "--recipe", json.dumps(RECIPE)]
    _call(monkeypatch, *command, "--dry-run")
    shown = capsys.readouterr().out
    assert "tokens of tiny-bert" in shown
    assert "4 of 4 to do" in shown
    assert [path.name for path in tmp_path.iterdir()] == [file]

    _call(monkeypatch, *command, "--threads", 1, "--checkpoints", "checkpoints")
    _call(monkeypatch, *command, "--threads", 1, "--checkpoints", "checkpoints", "--splits-to", "splits")
    assert "4 runs: 4 complete, 0 to do" in capsys.readouterr().out
    results = tmp_path / "results"
    report = json.loads((results / task / "data.json").read_text("utf-8"))
    runs = [run.info for run in read_runs(results)]
    assert {(run.task, run.labels, run.fingerprint) for run in runs} == {(task, labels, report["fingerprint"])}
    (tmp_path / file).unlink()  # whoever looks needs the runs alone

    _call(monkeypatch, "board", "--results", results)
    _call(monkeypatch, "verify", "--results", results)
    found = find(results)
    tiny = next(entry for entry in found.tasks[task] if entry[0] == get_encoder(str(tiny_bert)).name)
    _call(monkeypatch, "compare", "tfidf-lr", tiny[0], "--variant-b", tiny[1], "--task", task, "--results", results)
    assert f"{task}, {metric}, test split" in capsys.readouterr().out

    board = read_board(results)
    (shown,) = board_page(None, results, "en")["tasks"]
    assert (shown["name"], shown["metric"]) == (task, metric)
    assert {entry["encoder"] for entry in shown["entries"]} == {"tfidf-lr", tiny[0]}
    assert {record["encoder"] for record in records_of(board, task)} == {"tfidf-lr", tiny[0]}
    pair = pair_of(found, task, ("tfidf-lr", ""), tiny)
    assert explore.by_part(pair, row_facts(pair, results))["n"].iloc[0] == report["rows"]["test"]
    with pytest.raises(UserError, match="do not come with the app"):
        texts_of(pair)
    monkeypatch.setenv("ENCODER_ZOO_DATA", "splits")
    kept = read_rows(pair.task, Path("splits"))
    assert kept.fingerprint == report["fingerprint"]
    assert texts_of(pair) == kept.test.texts

    checkpoints = tmp_path / "checkpoints"
    folders = sorted((checkpoints / task).iterdir())
    assert [read_checkpoint(folder).info.labels for folder in folders] == [labels] * 4  # TF-IDF leaves one, too
    demo, arguments = build(checkpoints, results)
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, **arguments)
    try:
        answer = Client(address, verbose=False).predict(
            text=examples_for(task)[0], task=task, checkpoints=[folders[0].name, folders[-1].name], api_name="/classify"
        )
        assert set(labels) <= set(json.dumps(answer, ensure_ascii=False).replace('"', " ").split())
    finally:
        demo.close()
