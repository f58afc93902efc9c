"""Learning curves: nested parts of the train rows, a power law as scipy fits it, and runs that no leaderboard reads."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import curve_fit
from sklearn.metrics import f1_score

from benchmark.board.entries import find_runs
from benchmark.more_labels.curve_report import sentence, table
from benchmark.more_labels.learning_curve import SHARES, Curve, curves, power_law, predict, steps, subsets
from benchmark.statistics.resampling import Scored
from benchmark.tasks.registry import TASKS, Task
from benchmark.tasks.rows import Rows, read_rows
from benchmark.training.grid import run_grid
from benchmark.training.runs import CURVES, read_runs
from encoder_zoo import main
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError

ToyRows = Callable[..., Rows]


def test_each_part_holds_the_one_before_and_has_its_share_of_every_label() -> None:
    rows = read_rows(TASKS["feedback"], None)
    found = subsets(rows, 3)
    assert found[1.0] is rows
    whole = rows.train.y_true.sum(axis=0)
    for share, larger in pairwise(SHARES):
        part = found[share]
        assert set(part.train.texts) < set(found[larger].train.texts)
        assert abs(len(part.train) - share * len(rows.train)) < 2
        assert np.abs(part.train.y_true.sum(axis=0) - share * whole).max() <= 3
        assert (part.validation, part.test) == (rows.validation, rows.test)
    assert set(found[0.125].train.texts) != set(subsets(rows, 4)[0.125].train.texts)
    assert len({part.fingerprint for part in found.values()}) == len(SHARES)


def test_a_part_keeps_which_rows_belong_together() -> None:
    rows = read_rows(TASKS["feedback"], None)
    groups = np.arange(len(rows.train)) // 2
    place = {text: row for row, text in enumerate(rows.train.texts)}
    for part in subsets(replace(rows, train=replace(rows.train, groups=groups)), 0).values():
        assert part.train.groups is not None
        assert part.train.groups.tolist() == [groups[place[text]] for text in part.train.texts]


def test_the_power_law_is_the_one_of_least_squares() -> None:
    """scipy searches all exponents, and the module a grid of them: the curves agree more closely than any score."""

    def law(share: np.ndarray, a: float, b: float, c: float) -> np.ndarray:
        return a - b * share**-c

    rng = np.random.default_rng(0)
    values = law(SHARES, 0.9, 0.1, 0.6) + rng.normal(0, 0.004, (20, 4))
    found = power_law(values)
    for each, mine in zip(values, found, strict=True):
        least = min(
            (
                curve_fit(law, SHARES, each, [0.8, 0.1, start], bounds=([-9, 0, 0.05], [1, 9, 2]))[0]
                for start in (0.1, 1)
            ),
            key=lambda fitted: ((law(SHARES, *fitted) - each) ** 2).sum(),
        )
        assert law(2.0, *mine) == pytest.approx(law(2.0, *least), abs=1e-3)


def test_a_law_neither_falls_nor_passes_one() -> None:
    falling, steep = power_law(np.array([[0.8, 0.7, 0.6, 0.5], [0.1, 0.4, 0.7, 0.99]]))
    assert predict(falling[None], 2.0) == pytest.approx(0.65) == predict(falling[None], 1.0)
    assert predict(steep[None], 1.0) < predict(steep[None], 2.0) <= 1


def _scored(rng: np.random.Generator, errors: list[float]) -> Scored:
    """Gold labels, and decided ones that are wrong in such shares of the rows."""
    y_true = (np.random.default_rng(9).random((400, 2)) < 0.5).astype(np.int8)
    y_pred = np.where(rng.random(y_true.shape) < errors, 1 - y_true, y_true).astype(np.int8)
    return Scored("multi_label_classification", y_true, y_pred.astype(float), y_pred)


def _curve(errors: list[list[float]], seeds: int = 3) -> Curve:
    rng = np.random.default_rng(0)
    task = Task("made-up", "multi_label_classification", "en", ("steady", "rising"), "f1_macro")
    scored = tuple(tuple(_scored(rng, each) for each in errors) for _ in range(seeds))
    return Curve(task, "an-encoder", 100 * SHARES, scored, np.array([50, 40]))


def test_the_label_that_rose_most_is_next_and_its_f1_is_scikit_learns() -> None:
    curve = _curve([[0.1, 0.5], [0.1, 0.4], [0.1, 0.3], [0.1, 0.15]])
    found = curve.labels
    assert found["label"].tolist() == ["rising", "steady"]
    f1 = np.mean([f1_score(runs[-1].y_true, runs[-1].y_pred, average=None) for runs in curve.scored], axis=0)
    before = np.mean([f1_score(runs[-2].y_true, runs[-2].y_pred, average=None) for runs in curve.scored], axis=0)
    np.testing.assert_allclose(found["f1"], f1[::-1])
    np.testing.assert_allclose(found["gain"], (f1 - before)[::-1])
    assert found["low"][0] > 0 > found["low"][1]
    assert curve.doubled.low <= curve.doubled.value <= curve.doubled.high
    said = sentence(curve)
    assert said.startswith("Twice the labels would bring about +")
    assert " to an-encoder. Label `rising` next: its F1 rose most with the last doubling, by +" in said


def test_a_flat_curve_names_no_label() -> None:
    curve = _curve([[0.2, 0.2]] * 4)
    assert "No label surely gained from the last doubling" in sentence(curve)
    assert curve.doubled.value < 0.02


def test_no_more_is_promised_than_the_highest_score_leaves_room_for() -> None:
    curve = _curve([[0.2, 0.2], [0.1, 0.1], [0.05, 0.05], [0.0, 0.002]])
    room = 1 - curve.values[-1]
    assert 0 < room < 0.003
    assert curve.doubled.low <= curve.doubled.value <= curve.doubled.high <= room


def _answers(rng: np.random.Generator, error: float) -> Scored:
    """One label of two for each of 400 texts, wrong in such a share of them."""
    y_true = np.eye(2, dtype=np.int8)[np.zeros(400, int)]
    y_pred = np.eye(2, dtype=np.int8)[(rng.random(400) < error).astype(int)]
    return Scored("single_label_classification", y_true, y_pred.astype(float), y_pred)


def test_the_interval_holds_the_truth() -> None:
    """Errors fall as a power law: of 15 curves, about 14 should hold what twice the rows bring."""
    task, held = Task("made-up", "single_label_classification", "en", ("a", "b"), "accuracy"), 0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        scored = tuple(tuple(_answers(rng, each) for each in 0.1 + 0.1 * SHARES**-0.7) for _ in range(3))
        gain = Curve(task, "an-encoder", 100 * SHARES, scored, np.array([1, 1])).doubled
        held += gain.low <= 0.1 - 0.1 * 2**-0.7 <= gain.high
    assert held >= 12


def _grouped(rows: Rows) -> Rows:
    return replace(rows, test=replace(rows.test, groups=np.arange(len(rows.test)) // 8))


def test_a_training_that_diverged_has_no_place_on_a_curve(toy_task: Task, toy_rows: ToyRows, tmp_path: Path) -> None:
    planned = steps(toy_task, toy_rows(toy_task), [get_encoder("tfidf-lr")], [0], tmp_path)
    run_grid([step.cell for step in planned], lambda now: None)
    path = planned[0].cell.folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"diverged": "the loss is nan"}))
    with pytest.raises(UserError, match=r"diverged .*the loss is nan"):
        curves(toy_task, planned)


def test_what_learns_from_no_labels_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--encoders", "zero-shot:minilm-l6", "--results", str(tmp_path)]
    for arguments in (
        ["learning-curve", "--task", "feedback"],
        ["run", "--tasks", "feedback", "--resample-train", "3"],
    ):
        monkeypatch.setattr("sys.argv", ["encoder-zoo", *arguments, *where])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 1
        assert "zero-shot:minilm-l6" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_runs_are_kept_apart_and_taken_from_the_results_where_they_are(
    toy_task: Task, toy_rows: ToyRows, tmp_path: Path
) -> None:
    rows, encoder = toy_rows(toy_task), get_encoder("tfidf-lr")
    planned = steps(toy_task, rows, [encoder], range(2), tmp_path)
    assert [(step.seed, step.share) for step in planned] == [(seed, share) for seed in range(2) for share in SHARES]
    cells = {step.cell.folder: step.cell for step in planned}
    assert len(cells) == 7  # what does not depend on the seed is trained on all rows once
    assert run_grid(list(cells.values()), lambda now: None) == {}
    assert read_runs(tmp_path) == []
    assert find_runs(tmp_path) == ([], {})  # no board tells to delete them as damaged
    assert all(step.cell.done for step in steps(toy_task, rows, [encoder], range(2), tmp_path))
    (curve,) = curves(toy_task, planned)
    assert (
        curves(toy_task, [replace(s, cell=replace(s.cell, rows=_grouped(rows))) for s in planned])[0].doubled
        != curve.doubled
    )
    scores = table([curve])
    assert scores["measured"].tolist() == [True] * 4 + [False]
    assert scores["rows"].tolist() == [8, 16, 32, 64, 128]
    assert (scores["low"] <= scores["value"]).all()
    whole = planned[3].cell
    ranked = tmp_path / "toy" / whole.folder.relative_to(tmp_path / CURVES / "toy")
    ranked.parent.mkdir(parents=True)
    whole.folder.rename(ranked)
    again = steps(toy_task, rows, [encoder], range(2), tmp_path)
    assert {step.cell.folder for step in again if step.share == 1} == {ranked}
    assert all(step.cell.done for step in again)


def test_the_command_goes_on_and_writes_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["encoder-zoo", "learning-curve", "--task", "feedback", "--encoders", "tfidf-lr", "--seeds", "1"]
    monkeypatch.setattr("sys.argv", [*arguments, "--results", str(tmp_path)])
    for said in ("4 runs: 0 complete, 4 to do", "4 runs: 4 complete, 0 to do"):
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        shown = capsys.readouterr().out
        assert said in shown
        assert "Twice the labels would bring about +" in shown
    folder = tmp_path / CURVES / "feedback"
    assert pd.read_csv(folder / "learning-curve.csv")["rows"].tolist()[-2:] == [223, 446]
    assert sorted(pd.read_csv(folder / "labels.csv")["label"]) == sorted(TASKS["feedback"].labels)
    page = (folder / "learning-curve.html").read_text(encoding="utf-8")
    assert "Twice the labels would bring about +" in page
    assert "plotly" in page
