"""An export's run: judged beside the run that it came from, a row of its own, and thrown away when it strays."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.board.entries import find_runs, make_entries
from benchmark.release.export_run import Rescored, compare_with_run, export_and_score
from benchmark.release.ship import checkpoint_folder, keep_checkpoint
from benchmark.statistics.fit_decision import fit_decision
from benchmark.tasks.registry import TASKS
from benchmark.tasks.rows import read_rows
from benchmark.training.grid import plan, run_grid
from benchmark.training.runs import Predictions, read_runs
from zoo.checkpoints.checkpoint import Reduction, read_checkpoint
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError
from zoo.serving import load_classifier

TASK = TASKS["chnsenticorp"]
CHANGES = {"epochs": 1, "batch_size": 4, "learning_rate": 3e-3, "max_length": 16}
VARIANT = "epochs=1, batch_size=4, learning_rate=0.003, max_length=16"


@pytest.fixture(scope="module")
def trained(tiny_bert: Path, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `results`, one run in them, and its checkpoint in `checkpoints`."""
    root = tmp_path_factory.mktemp("trained")
    rows = {TASK: read_rows(TASK, data_dir)}
    cells = plan(rows, [get_encoder(str(tiny_bert))], range(1), root / "results", **CHANGES)
    assert not run_grid(cells, lambda now: None, partial(keep_checkpoint, root / "checkpoints"))
    return root


def _checkpoint(root: Path) -> Path:
    (run,) = [run for run in read_runs(root / "results") if run.info.runtime == "torch"]
    return checkpoint_folder(root / "checkpoints", run.folder)


@pytest.mark.campaign
def test_an_export_becomes_a_row_of_its_own_with_its_own_speed(trained: Path, data_dir: Path, tmp_path: Path) -> None:
    rescored = export_and_score(_checkpoint(trained), tmp_path / "export", trained / "results", data_dir)
    assert rescored.kept
    assert rescored.export == pytest.approx(rescored.run, abs=0.03)
    assert rescored.largest_difference < 5e-3  # the run's logits are kept in half precision
    runs, problems = find_runs(trained / "results")
    assert not problems
    plain, export = make_entries(runs)
    assert (plain.variant, export.variant) == (
        VARIANT,
        f"{VARIANT}, runtime=onnxruntime",
    )
    by_runtime = {run.info.runtime: run for run in runs}
    assert by_runtime["onnxruntime"].info.latency != by_runtime["torch"].info.latency
    assert by_runtime["onnxruntime"].info.train_seconds == by_runtime["torch"].info.train_seconds
    assert "onnxruntime" in by_runtime["onnxruntime"].info.versions
    texts = pd.read_parquet(data_dir / TASK.name / "test.parquet")["text"].tolist()
    stored = by_runtime["onnxruntime"].predictions.test_logits
    np.testing.assert_allclose(load_classifier(tmp_path / "export").predict_logits(texts), stored, atol=5e-3)


@pytest.mark.campaign
def test_in_8_bits_the_decision_is_fitted_again_and_validation_decides(
    trained: Path, data_dir: Path, tmp_path: Path
) -> None:
    target = tmp_path / "int8"
    rescored = export_and_score(_checkpoint(trained), target, trained / "results", data_dir, int8=True)
    assert rescored.reduction is not None
    assert rescored.kept == (rescored.reduction.after >= rescored.reduction.before - 0.002) == target.exists()
    runs, problems = find_runs(trained / "results")
    assert not problems
    (run,) = [run for run in runs if run.info.runtime == "onnxruntime int8"]
    assert run.info.hardware["precision"] == "int8"
    if target.exists():
        found = read_checkpoint(target)
        logits, y_true = run.predictions.validation_logits, run.predictions.validation_y_true
        assert found.decision == fit_decision(TASK.problem_type, logits, y_true, TASK.rule, TASK.average)
        assert found.info.reduction == rescored.reduction
        assert "int8 weights" in (target / "README.md").read_text()


def test_8_bits_are_judged_on_validation_alone() -> None:
    found = Rescored("accuracy", 0.1, 0.9, 0.8, 1.0, 0.0)
    for after, kept in ((0.9, True), (0.8981, True), (0.89, False)):
        reduction = Reduction(form="int8", before=0.9, after=after)
        assert replace(found, reduction=reduction).kept == kept


def test_an_export_that_scores_otherwise_is_not_kept(trained: Path) -> None:
    (run,) = [run for run in read_runs(trained / "results") if run.info.runtime == "torch"]
    found = run.predictions
    best = 8.0 * found.test_y_true - 4
    right = Predictions(found.validation_logits, found.validation_y_true, best, found.test_y_true)
    wrong = Predictions(found.validation_logits, found.validation_y_true, -best, found.test_y_true)
    assert compare_with_run(TASK, run, found).kept
    assert compare_with_run(TASK, run, found).largest_difference == 0
    for predictions, accuracy in ((right, 1.0), (wrong, 0.0)):
        rescored = compare_with_run(TASK, run, predictions)
        assert rescored.export == accuracy
        assert not rescored.kept


def test_a_checkpoint_without_its_run_or_with_other_rows_is_said_in_one_line(
    trained: Path, data_dir: Path, tmp_path: Path
) -> None:
    checkpoint = _checkpoint(trained)
    with pytest.raises(UserError, match=r"is not in .*; give the folder of runs that has it"):
        export_and_score(checkpoint, tmp_path / "export", tmp_path, data_dir)
    other = tmp_path / "data" / TASK.name
    other.mkdir(parents=True)
    for path in (data_dir / TASK.name).iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    frame = pd.read_parquet(other / "test.parquet")
    frame.iloc[1:].to_parquet(other / "test.parquet")
    results = shutil.copytree(trained / "results", tmp_path / "results")
    (run,) = results.glob("*/*/[!.]*/run.json")
    damaged = shutil.copytree(run.parent, run.parents[2] / "another" / "0-damaged")
    (damaged / "predictions.npz").write_bytes(b"")  # which says nothing against the model's own run
    with pytest.raises(UserError, match="are not those of the run"):
        export_and_score(checkpoint, tmp_path / "export", results, tmp_path / "data")
    assert not (tmp_path / "export").exists()
