"""Few-shot entries: which rows are drawn, and that SetFit moves an encoder so that few rows suffice."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.board.entries import make_entries
from benchmark.tasks.registry import TASKS, Task
from benchmark.tasks.rows import Rows, read_rows
from benchmark.training.few_shot import draw_shots, train_few_shot
from benchmark.training.grid import plan, run_grid
from benchmark.training.recipes import SetFitRecipe
from benchmark.training.runs import read_runs
from encoder_zoo import main
from zoo.encoders.registry import get_encoder
from zoo.encoders.weights import Weights
from zoo.errors import UserError

ToyRows = Callable[..., Rows]
SINGLE = Task("toy", "single_label_classification", "en", ("bad", "good"), "accuracy")


@pytest.mark.parametrize("shots", [8, 16, 32])
def test_each_label_has_its_rows_and_few_more_are_drawn(shots: int) -> None:
    y_true = read_rows(TASKS["feedback"], None).train.y_true
    kinds = np.column_stack([y_true, y_true.sum(axis=1) == 0])
    drawn = draw_shots(y_true, shots, 0)
    assert len(set(drawn)) == len(drawn) <= shots * kinds.shape[1]
    assert (kinds[drawn].sum(axis=0) >= np.minimum(shots, kinds.sum(axis=0))).all()
    assert drawn.tolist() == draw_shots(y_true, shots, 0).tolist()
    assert drawn.tolist() != draw_shots(y_true, shots, 1).tolist()


def test_a_single_label_task_gets_exactly_its_shots() -> None:
    y_true = np.eye(3, dtype=np.int8)[np.random.default_rng(0).integers(0, 3, 300)]
    assert y_true[draw_shots(y_true, 8, 0)].sum(axis=0).tolist() == [8, 8, 8]


@pytest.mark.slow
@pytest.mark.parametrize("task", [None, SINGLE], ids=["several labels", "one label"])
def test_contrast_on_few_rows_tells_the_labels(
    task: Task | None, toy_task: Task, toy_rows: ToyRows, tiny_bert: Path
) -> None:
    task = task or toy_task
    rows = toy_rows(task)
    shares: list[float] = []
    recipe = SetFitRecipe(learning_rate=2e-3, iterations=10)
    found = train_few_shot(Weights(tiny_bert, "1"), task, rows, recipe, 16, lambda share, line: shares.append(share))
    right = (found.predictions.test_logits[:, -1] > 0) if task is SINGLE else found.predictions.test_logits[:, 0] > 0
    assert (right == rows.test.y_true[:, -1 if task is SINGLE else 0]).mean() > 0.9
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert found.measured.trained_parameters == found.measured.parameters
    assert found.measured.train_examples_per_second * found.measured.train_seconds < len(rows.train)


@pytest.mark.slow
def test_it_is_an_entry_of_the_grid_whose_seeds_draw_the_rows(
    toy_task: Task, toy_rows: ToyRows, tiny_bert: Path, tmp_path: Path
) -> None:
    encoder = get_encoder(f"setfit-4:{tiny_bert}")
    assert (encoder.shots, encoder.fine_tuned, encoder.seeded) == (4, False, True)
    cells = plan({toy_task: toy_rows(toy_task)}, [encoder], [0, 1], tmp_path, iterations=1, batch_size=32)
    assert run_grid(cells, lambda now: None) == {}
    runs = read_runs(tmp_path)
    assert {type(run.info.recipe) for run in runs} == {SetFitRecipe}
    assert not np.array_equal(*(run.predictions.test_logits for run in runs))
    (entry,) = make_entries(runs, {toy_task.name: toy_task})
    assert (entry.encoder, entry.variant) == (encoder.name, "iterations=1, batch_size=32")


def test_rows_that_contrast_nothing_are_refused(toy_task: Task, toy_rows: ToyRows, tiny_bert: Path) -> None:
    rows = toy_rows(toy_task)
    alike = replace(rows, train=replace(rows.train, y_true=np.ones_like(rows.train.y_true)))
    with pytest.raises(UserError, match="have a label in common, so SetFit has nothing to contrast"):
        train_few_shot(Weights(tiny_bert, "1"), toy_task, alike, SetFitRecipe(), 8)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("setfit:minilm-l6", "write setfit-16:minilm-l6"),
        ("setfit-0:minilm-l6", "write setfit-16:minilm-l6"),
        ("probe-8:minilm-l6", "write probe:minilm-l6"),
        ("setfit-8:tfidf-lr", "'setfit:' stands before a pretrained encoder, and 'tfidf-lr' is none"),
    ],
)
def test_a_wrong_name_says_the_right_one(name: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        get_encoder(name)


def test_a_curve_of_a_fixed_number_of_rows_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["learning-curve", "--task", "feedback", "--encoders", "setfit-8:minilm-l6", "--results", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["encoder-zoo", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "setfit-8:minilm-l6 learns from a fixed number of labels" in capsys.readouterr().err
