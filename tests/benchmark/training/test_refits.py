"""Refits on halves of the train rows: what is drawn, what is kept, and what the page of a task says of it."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.board.build import build
from benchmark.board.task_page import task_page
from benchmark.tasks.registry import TASKS
from benchmark.tasks.rows import Rows, Split, fingerprint, read_rows
from benchmark.training.cell import Cell, run_cell
from benchmark.training.grid import plan, run_grid
from benchmark.training.refits import read_refits
from benchmark.training.refitting import Refits, half_of, run_refits
from encoder_zoo import main
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError

FEEDBACK = TASKS["feedback"]


def test_a_refit_has_half_of_the_train_rows_and_the_same_others() -> None:
    rows = read_rows(FEEDBACK, None)
    first, second = half_of(rows, 0), half_of(rows, 1)
    assert len(first.train) == len(rows.train) // 2
    assert first.train.texts != second.train.texts
    assert set(first.train.texts) < set(rows.train.texts)
    assert (first.test, first.validation) == (rows.test, rows.validation)
    assert half_of(rows, 0).train.texts == first.train.texts


def test_halves_of_one_sample_vary_as_whole_samples_do() -> None:
    """The reason for halves, for a mean: over draws of n rows it varies by 1 / n, and so it does over halves of one."""
    rng = np.random.default_rng(0)
    n = 200
    population = [rng.normal(size=n) for _ in range(2000)]
    of_wholes = np.var([sample.mean() for sample in population])
    of_halves = np.mean(
        [np.var([rng.permutation(s)[: n // 2].mean() for _ in range(20)], ddof=1) for s in population[:200]]
    )
    assert of_halves == pytest.approx(of_wholes, rel=0.1)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the baseline on a few rows, refitted four times, once with an interruption."""
    folder, rows = tmp_path_factory.mktemp("refits") / "results", read_rows(FEEDBACK, None)
    few = [Split(part.texts[:60], part.y_true[:60]) for part in (rows.train, rows.validation, rows.test)]
    small = Rows(*few, fingerprint(*few))
    encoder = get_encoder("tfidf-lr")
    for cell in plan({FEEDBACK: small}, [encoder], [0], folder):
        run_cell(cell, lambda share, line: None)
    refits = Refits(FEEDBACK, encoder, small, folder)
    titles: list[str] = []

    def run(cells: list[Cell]) -> None:
        titles.extend(cell.title for cell in cells)
        assert run_grid(cells, lambda now: None) == {}

    for number in (2, 4, 3):
        (made,) = run_refits([refits], number, run)
        assert len(made) == number
    assert titles == ["refit 1", "refit 2", "refit 3", "refit 4"]  # each was made once
    assert [each.rows for each in read_refits(refits.file)] == [30] * 4
    return folder


@pytest.mark.slow
def test_the_page_shows_the_variation_beside_the_others_and_nothing_takes_a_rank(results: Path) -> None:
    board = build(results)
    (file,) = results.glob("feedback/tfidf-lr/refits-*.jsonl")
    scores = [each.main_metric for each in read_refits(file)]
    (row,) = board.refits.to_dict("records")
    assert row["sd_refits"] == pytest.approx(np.std(scores, ddof=1), abs=1e-5)
    assert row["value"] == pytest.approx(np.mean(scores), abs=1e-5)
    assert len(board.runs) == 1
    page = task_page(board, FEEDBACK)
    assert (
        f"| tfidf-lr | 4 | 30 | {np.mean(scores):.4f} | {np.std(scores, ddof=1):.4f} | no seeds: deterministic |"
        in page
    )


def test_a_damaged_line_is_told(results: Path, tmp_path: Path) -> None:
    file = tmp_path / "refits-0.jsonl"
    file.write_text('{"task": "feedback"}\n')
    with pytest.raises(UserError, match="is damaged"):
        read_refits(file)


@pytest.mark.parametrize("more", [("--seeds", "3"), ("--recipe", '{"min_df": 1}'), ("--checkpoints", "x")])
def test_options_of_runs_do_not_apply(
    more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = ["run", "--tasks", "feedback", "--encoders", "tfidf-lr", "--resample-train", "3"]
    monkeypatch.setattr(sys, "argv", ["encoder-zoo", *asked, "--results", str(tmp_path), *more])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert f"{more[0]} does not apply to --resample-train" in capsys.readouterr().err
