"""What the board says of searches for recipes."""

import numpy as np

from benchmark.board.build import build
from benchmark.board.html_report import html
from benchmark.board.searches import searches
from benchmark.board.store import identity
from benchmark.board.task_page import task_page
from benchmark.tasks.registry import TASKS
from benchmark.training.recipes import Recipe
from benchmark.training.trials import Trial, pack
from tests.benchmark.conftest import WriteRun


def _line(number: int, main_metric: float, state: str = "complete") -> str:
    trial = {
        "task": "feedback",
        "encoder": "minilm-l6",
        "number": number,
        "state": state,
        "recipe": Recipe(),
        "epochs": (),
        "best_epoch": 1,
        "main_metric": main_metric,
        "decided": pack(np.zeros((2, 8), np.int8)),
        "seconds": 90.0,
        "commit": "unknown",
    }
    return Trial.model_validate(trial).model_dump_json()


def test_the_board_shows_a_search_and_the_runs_that_it_chose(write_synthetic: WriteRun) -> None:
    for seed in range(2):
        folder = write_synthetic(seed=seed, recipe={"epochs": 5}, trials=3, id=f"{seed:012d}")
        write_synthetic(seed=seed)
    results = folder.parents[2]
    before = identity(results)
    lines = [_line(0, 0.5), _line(1, 0.7), _line(2, 0.6, "pruned")]
    (folder.parent / "trials-0123456789ab.jsonl").write_text("\n".join(lines) + "\n")
    assert identity(results) != before

    table = searches(results)
    assert table[["task", "encoder", "trials", "expected_best", "complete", "seconds"]].to_numpy().tolist() == [
        ["feedback", "minilm-l6", 1, 0.5, 2, 270.0],
        ["feedback", "minilm-l6", 2, 0.65, 2, 270.0],
        ["feedback", "minilm-l6", 3, 0.7, 2, 270.0],
    ]
    board = build(results)
    assert set(board.cells["variant"]) == {"", "tuned over 3 trials"}
    page = task_page(board, TASKS["feedback"])
    assert "| minilm-l6 | 0.5000 | 0.6500 | 2 of 3 | 4 |" in " ".join(page.split("  "))
    assert "trials are expected to find" in html(board)


def test_without_a_search_nothing_is_said(write_synthetic: WriteRun) -> None:
    board = build(write_synthetic().parents[2])
    assert len(board.tuning) == 0
    assert "## Tuning" not in task_page(board, TASKS["feedback"])


def test_a_trial_that_diverged_counts_as_nothing(write_synthetic: WriteRun) -> None:
    folder = write_synthetic()
    (folder.parent / "trials-0123456789ab.jsonl").write_text(_line(0, 0.5) + "\n" + _line(1, 0.9, "diverged") + "\n")
    assert searches(folder.parents[2])["expected_best"].tolist() == [0.5, 0.5]
