"""What the board says of searches for recipes."""

import numpy as np
import pytest

from benchmark.board.build import build
from benchmark.board.entries import find_runs
from benchmark.board.html_report import html
from benchmark.board.pages import tasks_of
from benchmark.board.searches import searches
from benchmark.board.store import identity
from benchmark.board.task_page import task_page
from benchmark.tasks.registry import TASKS
from benchmark.training.recipes import Recipe
from benchmark.training.runs import read_run
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
    lines = [_line(0, 0.5), _line(1, 0.7), _line(2, 0.9, "pruned")]
    (folder.parent / "trials-0123456789ab.jsonl").write_text("\n".join(lines) + "\n")
    assert identity(results) != before

    table = searches(results)
    assert table[["task", "encoder", "trials", "expected_best", "complete", "seconds"]].to_numpy().tolist() == [
        ["feedback", "minilm-l6", 1, 0.5, 2, 270.0],
        ["feedback", "minilm-l6", 2, 0.6, 2, 270.0],
        ["feedback", "minilm-l6", 3, 0.7, 2, 270.0],
    ]
    board = build(results)
    assert set(board.cells["variant"]) == {"", "tuned over 3 trials"}
    page = task_page(board, TASKS["feedback"])
    text = " ".join(page.split())
    assert "| encoder | the default | after 2 trials | after 3 | trained to the end | minutes |" in text
    assert "| minilm-l6 | 0.5000 | 0.6000 | 0.7000 | 2 of 3 | 4 |" in text
    assert "- minilm-l6 [tuned over 3 trials]: learning rate 0.0003, 5 epochs, batches of 16, 128 tokens\n" in page
    assert "trials are expected to find" in html(board)


def test_searches_of_one_encoder_stand_side_by_side(write_synthetic: WriteRun) -> None:
    """Such as one on fewer rows: nothing says which of the two is out of date."""
    folder = write_synthetic()
    for name, trials in (("0", 2), ("1", 6)):
        lines = [_line(number, 0.5 + number / 10) for number in range(trials)]
        (folder.parent / f"trials-{name}.jsonl").write_text("\n".join(lines) + "\n")
    page = " ".join(task_page(build(folder.parents[2]), TASKS["feedback"]).split())
    assert "| encoder | the default | after 2 trials | after 4 | after 6 | trained to the end | minutes |" in page
    assert "| minilm-l6, trials-0 | 0.5000 | 0.6000 | – | – | 2 of 2 | 3 |" in page
    assert "| minilm-l6, trials-1 | 0.5000 |" in page


def test_without_a_search_nothing_is_said(write_synthetic: WriteRun) -> None:
    board = build(write_synthetic().parents[2])
    assert len(board.tuning) == 0
    assert "## Tuning" not in task_page(board, TASKS["feedback"])


def test_a_trial_that_diverged_counts_as_nothing(write_synthetic: WriteRun) -> None:
    folder = write_synthetic()
    (folder.parent / "trials-0123456789ab.jsonl").write_text(_line(0, 0.5) + "\n" + _line(1, 0.9, "diverged") + "\n")
    assert searches(folder.parents[2])["expected_best"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(("epochs", "left_out"), [(5, 0), (7, 1)])
def test_a_tuned_run_has_the_recipe_that_its_trials_choose(
    write_synthetic: WriteRun, epochs: int, left_out: int
) -> None:
    """Of two trials, the second decides more labels right on validation: a run with any other recipe is left out."""
    folder = write_synthetic(recipe={"epochs": epochs}, trials=2, id="0" * 12)
    run = read_run(folder)
    y_true = run.predictions.validation_y_true
    recipes = [run.info.recipe.model_copy(update={"epochs": number, "seed": 9}) for number in (3, 5)]
    lines = [
        Trial.model_validate_json(_line(number, 0.3 + 0.6 * number)).model_copy(
            update={"recipe": recipe, "decided": pack(decided)}
        )
        for number, (recipe, decided) in enumerate(zip(recipes, (0 * y_true, y_true), strict=True))
    ]
    file = folder.parent / "trials-0123456789ab.jsonl"
    file.write_text("".join(f"{line.model_dump_json()}\n" for line in lines))
    runs, problems = find_runs(folder.parents[2])
    assert (len(runs), len(problems)) == (1 - left_out, left_out)
    assert all("not the one that the first 2 trials beside it choose" in reason for reason in problems.values())
    file.unlink()
    assert len(find_runs(folder.parents[2])[0]) == 1


def test_the_page_of_a_task_says_what_is_to_be_known_of_its_numbers(write_synthetic: WriteRun) -> None:
    board = build(write_synthetic(task="chnsenticorp", encoder="bge-small-zh-v1.5").parents[2])
    assert "chosen by its score on these test rows" in task_page(board, tasks_of(board)[0])
