"""The grid in this process: what it runs, what it leaves behind, and what it makes of a run that fails."""

import pickle
import re
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.metrics import f1_score

from benchmark.release import reduce
from benchmark.release.reduce import Reduced
from benchmark.release.ship import checkpoint_folder, keep_checkpoint, ship_best
from benchmark.statistics.fit_decision import fit_decision
from benchmark.tasks.registry import TASKS
from benchmark.tasks.row_facts import find_row_facts
from benchmark.tasks.rows import Split, read_rows
from benchmark.training import lora
from benchmark.training.cell import run_cell
from benchmark.training.estimate import seconds_estimate
from benchmark.training.grid import Progress, plan, run_grid
from benchmark.training.look_ahead import find_faults
from benchmark.training.memory import MemoryOptions
from benchmark.training.recipes import Recipe
from benchmark.training.runs import read_runs
from tests.benchmark.training.grids import RECIPE, Grid, called, ignore
from zoo.checkpoints.checkpoint import find_checkpoints
from zoo.encoders import registry as encoders
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError
from zoo.serving import load_classifier

TASK = TASKS["feedback"]


@pytest.fixture(scope="module")
def grid(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Grid:
    folder = tmp_path_factory.mktemp("grid")
    broken = shutil.copytree(tiny_bert, folder / "broken")
    tensors = load_file(broken / "model.safetensors")
    tensors["embeddings.word_embeddings.weight"] = tensors["embeddings.word_embeddings.weight"][:7]
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    chosen = [get_encoder(name) for name in ("tfidf-lr", str(broken), str(tiny_bert))]
    cells = plan({TASK: read_rows(TASK, None)}, chosen, range(2), folder / "results", **RECIPE)
    told: list[Progress] = []
    failed = run_grid(cells, told.append, partial(keep_checkpoint, folder / "checkpoints"))
    return Grid(folder, cells, failed, told)


def test_cells_come_seed_by_seed_each_with_an_id_of_its_own(grid: Grid) -> None:
    order = [(cell.recipe.seed, called(cell.encoder.name)) for cell in grid.cells]
    assert order == [(seed, name) for seed in (0, 1) for name in ("tfidf-lr", "broken", "tiny-bert")]
    assert len({cell.id for cell in grid.cells}) == 6
    assert len({cell.folder for cell in grid.cells}) == 6


def test_a_run_that_fails_is_told_and_the_others_are_complete(grid: Grid) -> None:
    broken = [cell for cell in grid.cells if called(cell.encoder.name) == "broken"]
    name = broken[0].encoder.name
    assert list(grid.failed) == [f"feedback / {name} / seed {seed} ({broken[seed].id})" for seed in (0, 1)]
    for reason in grid.failed.values():
        assert "\n" not in reason
        assert f"    failed: {reason}" in [now.line for now in grid.told]
    assert [cell.done for cell in grid.cells] == [True, False, True] * 2
    assert {called(run.info.encoder) for run in grid.runs} == {"tfidf-lr", "tiny-bert"}
    assert not list((grid.folder / "results").glob("**/.*"))


def test_a_run_says_what_it_is_and_what_it_cost(grid: Grid) -> None:
    rows = read_rows(TASK, None)
    for run in grid.runs:
        info = run.info
        assert (info.fingerprint, info.labels, info.problem_type) == (rows.fingerprint, TASK.labels, TASK.problem_type)
        assert run.folder.name == f"{info.recipe.seed}-{info.id}"
        assert info.train_seconds > 0
        assert info.inference_examples_per_second > 0
        assert info.versions["torch"]
        assert info.hardware["processor"]
        np.testing.assert_array_equal(run.predictions.test_y_true, rows.test.y_true)
        np.testing.assert_array_equal(run.predictions.validation_y_true, rows.validation.y_true)
    tuned = next(run.info for run in grid.runs if called(run.info.encoder) == "tiny-bert")
    assert isinstance(tuned.recipe, Recipe)
    assert tuned.recipe.epochs == len(tuned.epochs) == tuned.best_epoch == 1
    assert tuned.trained_parameters == tuned.parameters - tuned.embedding_parameters  # frozen by default


def test_what_cannot_be_trained_as_asked_is_known_before(grid: Grid, short: Path, tmp_path: Path) -> None:
    rows = {TASK: grid.cells[0].rows}
    names = ("tfidf-lr", str(grid.folder / "broken"), str(short), "roberta-base")
    cells = plan(rows, [get_encoder(name) for name in names], range(2), tmp_path, **RECIPE | {"max_length": 49})
    said: list[str] = []
    faults = find_faults(cells, said.append)
    reason = "HF_HUB_OFFLINE forbids any call to the hub; unset it."
    assert said == [f"roberta-base: not checked, since the hub cannot be asked. {reason}"]
    assert [called(name) for name in faults] == ["broken", "short"]
    broken, long = faults.values()
    assert re.search(r"word_embeddings\.weight has the size \(7, 32\), and \(\d+, 32\) by its config\.json", broken)
    assert "reads 48 tokens at most, and the recipe's max_length is 49; set it to 48 or less" in long
    told: list[Progress] = []
    failed = run_grid(cells[2:3], told.append)
    assert [*failed.values()] == [long]
    assert not any("epoch" in now.line for now in told)


def test_what_a_training_cannot_be_fitted_with_is_known_before(grid: Grid, tmp_path: Path) -> None:
    encoder, rows = grid.cells[2].encoder, {TASK: grid.cells[0].rows}
    asked = [
        plan(rows, [encoder], [0], tmp_path, **RECIPE | {"lora_rank": 2})[0],
        replace(plan(rows, [encoder], [0], tmp_path, **RECIPE)[0], memory=MemoryOptions(2, True)),
    ]
    assert [find_faults([cell]) for cell in asked] == [{}, {}]
    assert asked[1].id == grid.cells[2].id  # how it is made to fit is no part of what it is
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lora, "find_spec", lambda name: None)
        (fault,) = find_faults(asked[:1]).values()
        assert fault == "lora_rank needs peft; install it: pip install -r requirements-lora.txt"


def test_every_step_is_told_with_the_run_and_its_share(grid: Grid) -> None:
    assert grid.told[0] == Progress(0, 6, line="6 runs: 0 complete, 6 to do")
    assert [now.run for now in grid.told if now.line.startswith("[")] == [cell.name for cell in grid.cells]
    done = [now.ended + now.share for now in grid.told]
    assert done == sorted(done)
    assert done[-1] == 6
    tuned = grid.cells[2].name
    assert [now for now in grid.told if now.run == tuned and "epoch 1:" in now.line]
    assert any(0 < now.share < 1 for now in grid.told if now.run == tuned)
    assert {now.total for now in grid.told} == {6}


def test_a_second_grid_runs_only_what_is_not_complete(grid: Grid) -> None:
    told: list[Progress] = []
    assert run_grid(grid.complete, told.append) == {}
    assert told == [Progress(0, 0, line="4 runs: 4 complete, 0 to do")]


def test_damaged_facts_of_the_rows_are_written_again(grid: Grid) -> None:
    path = grid.cells[0].folder.parents[1] / f"rows-{grid.cells[0].rows.fingerprint}.npz"
    whole = path.read_bytes()
    path.write_bytes(b"x")
    assert run_grid(grid.complete, ignore) == {}
    assert path.read_bytes() == whole


def test_facts_of_rows_are_written_with_the_first_complete_run_and_take_no_others_place(
    grid: Grid, tmp_path: Path
) -> None:
    """The bug: a grid on other rows replaced the facts before it trained, so that earlier runs lost their slices."""
    whole = read_rows(TASK, None)
    smaller = Split(whole.train.texts[:100], whole.train.y_true[:100])
    other = replace(whole, train=smaller, fingerprint="other")
    folder, broken = tmp_path / "results", get_encoder(str(grid.folder / "broken"))
    assert run_grid(plan({TASK: whole}, [broken], [0], folder, **RECIPE), ignore)
    assert find_row_facts(folder, TASK.name) == {}
    for rows in (whole, other):
        cells = plan({TASK: rows}, [get_encoder("tfidf-lr"), broken], [0], folder, **RECIPE)
        assert len(run_grid(cells, ignore)) == 1
    facts = find_row_facts(folder, TASK.name)
    assert set(facts) == {whole.fingerprint, "other"}
    assert facts["other"]["duplicate"].sum() <= facts[whole.fingerprint]["duplicate"].sum()


def test_a_run_can_be_sent_to_another_process(grid: Grid, tmp_path: Path) -> None:
    baseline = grid.cells[0]
    (cell,) = plan({TASK: baseline.rows}, [baseline.encoder], [0], tmp_path)
    sent = pickle.dumps(partial(run_cell, cell, ignore, partial(keep_checkpoint, tmp_path)))
    pickle.loads(sent)()
    (run,) = read_runs(tmp_path)
    np.testing.assert_array_equal(run.predictions.test_logits, grid.runs[0].predictions.test_logits)


def test_a_field_that_no_encoder_has_is_told(grid: Grid) -> None:
    rows, (baseline, _, tiny) = {TASK: grid.cells[0].rows}, [cell.encoder for cell in grid.cells[:3]]
    with pytest.raises(UserError, match=r"^Recipe: epochs does not apply to tfidf-lr; leave it out, or add an encoder"):
        plan(rows, [baseline], [0], grid.folder, epochs=1)
    with pytest.raises(UserError, match=r"^Recipe: min_df does not apply to tiny-bert@[0-9a-f]{8}; leave it out"):
        plan(rows, [tiny], [0], grid.folder, epochs=1, min_df=1)
    assert len(plan(rows, [baseline, tiny], [0], grid.folder, epochs=1, min_df=1)) == 2
    with pytest.raises(UserError, match="Unknown field of the recipe 'epoch'"):
        plan(rows, [baseline, tiny], [0], grid.folder, epoch=1)


def test_an_estimate_needs_no_predictions_and_passes_over_what_is_damaged(grid: Grid, tmp_path: Path) -> None:
    results = shutil.copytree(grid.folder / "results", tmp_path / "results")
    earlier = sorted(results.glob("feedback/tiny-bert@*/*/run.json"), key=lambda path: path.stat().st_mtime)
    assert len(earlier) == 2
    for path in earlier:
        predictions = path.with_name("predictions.npz")
        predictions.write_bytes(predictions.read_bytes()[:100])
    tiny = grid.cells[2]
    (cell,) = plan({TASK: tiny.rows}, [tiny.encoder], [7], results, **RECIPE | {"epochs": 3})
    seconds = [run.info.train_seconds for run in grid.runs if called(run.info.encoder) == "tiny-bert"]
    told: list[str] = []
    assert seconds_estimate(cell, told.append) == pytest.approx(3 * seconds[1])
    assert told == []
    earlier[1].write_bytes(earlier[1].read_bytes()[:100])
    assert seconds_estimate(cell, told.append) == pytest.approx(3 * seconds[0])
    assert len(told) == 1
    assert told[0].startswith(f"{earlier[1]} is damaged")
    earlier[0].write_bytes(b"")
    assert seconds_estimate(cell, told.append) is None
    assert len(told) == 3


def test_another_recipe_is_another_run_but_for_the_baseline(grid: Grid, tiny_bert: Path) -> None:
    chosen = [get_encoder("tfidf-lr"), get_encoder(str(tiny_bert))]
    cells = plan({TASK: read_rows(TASK, None)}, chosen, [0], grid.folder / "results", **RECIPE | {"loss": "mean"})
    assert [cell.done for cell in cells] == [True, False]


def test_a_checkpoint_of_every_run_gives_the_runs_logits_and_decision(grid: Grid) -> None:
    found = find_checkpoints(grid.folder / "checkpoints")
    assert len(found) == 4
    assert found == [checkpoint_folder(grid.folder / "checkpoints", run.folder) for run in grid.runs]
    rows = read_rows(TASK, None)
    for folder, run in zip(found, grid.runs, strict=True):
        classifier = load_classifier(folder)
        assert classifier.info.run == run.info.id
        np.testing.assert_allclose(
            classifier.predict_logits(rows.test.texts), run.predictions.test_logits, atol=5e-3, rtol=1e-3
        )
        fitted = fit_decision(
            TASK.problem_type,
            run.predictions.validation_logits,
            run.predictions.validation_y_true,
            TASK.rule,
            TASK.average,
        )
        assert classifier.decision == fitted  # the one behind the leaderboard's row
        # From the stored logits, as on the board: half precision can put a score on the other side of a threshold.
        y_pred = classifier.decide(classifier.decision.scores(run.predictions.test_logits))
        score = f1_score(rows.test.y_true, y_pred, average="macro", zero_division=0)
        assert f"| f1_macro | {score:.4f} |" in (folder / "README.md").read_text()
        live = classifier.decide(classifier.predict_scores(rows.test.texts))
        assert abs(f1_score(rows.test.y_true, live, average="macro", zero_division=0) - score) < 0.002


def _ship(grid: Grid, checkpoints: Path, to: Path, name: str = "feedback") -> list[Reduced]:
    return list(ship_best(grid.folder / "results", checkpoints, to, {name: TASKS[name]}, None))


def test_the_best_run_by_validation_is_shipped_small(
    grid: Grid, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = get_encoder(str(tiny_bert))
    monkeypatch.setitem(encoders.ENCODERS, encoder.name, encoder)
    linear, tuned = _ship(grid, grid.folder / "checkpoints", tmp_path)
    assert [linear.folder, tuned.folder] == [tmp_path / "feedback" / name for name in ("tfidf-lr", encoder.name)]
    assert [linear.folder, tuned.folder] == find_checkpoints(tmp_path)
    rows = read_rows(TASK, None)
    best = max(grid.runs, key=lambda run: run.info.epochs[0].main_metric if run.info.epochs else 0)
    assert load_classifier(tuned.folder).info.run == best.info.id
    for reduced in (linear, tuned):
        shipped = load_classifier(reduced.folder)
        decided = shipped.decide(shipped.predict_scores(rows.validation.texts))
        score = f1_score(rows.validation.y_true, decided, average="macro", zero_division=0)
        assert score == pytest.approx(reduced.reduction.after, abs=0.01)
        assert f"{100 * (reduced.reduction.after - reduced.reduction.before):+.2f} points" in reduced.line
        card = (reduced.folder / "README.md").read_text()
        assert f"made smaller ({reduced.reduction.form})" in card
        assert f"f1_macro went from {reduced.reduction.before:.4f} to {reduced.reduction.after:.4f}" in card
        for label, threshold in zip(TASK.labels, shipped.decision.thresholds, strict=True):
            assert f"| {label} | {threshold:.4f} |" in card


@pytest.mark.slow
def test_where_no_form_holds_the_largest_is_shipped_and_told(
    grid: Grid, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = get_encoder(str(tiny_bert))
    monkeypatch.setitem(encoders.ENCODERS, encoder.name, encoder)
    monkeypatch.setattr(reduce, "TOLERANCE", -1.0)
    monkeypatch.setattr(reduce, "SIZES", (1000.0,))
    linear, tuned = _ship(grid, grid.folder / "checkpoints", tmp_path)
    assert linear.reduction.form.startswith("all ")
    assert tuned.reduction.form == "4 bits a weight"
    assert all("no form stays within" in reduced.line for reduced in (linear, tuned))


def test_a_checkpoint_of_a_folders_encoder_is_not_shipped_as_a_difference_to_it(grid: Grid, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'tiny-bert@[0-9a-f]{8}' is no encoder of the registry"):
        _ship(grid, grid.folder / "checkpoints", tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_nothing_to_ship_is_told(grid: Grid, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--checkpoints"):
        _ship(grid, tmp_path, tmp_path / "to")
    with pytest.raises(UserError, match="No run"):
        _ship(grid, grid.folder / "checkpoints", tmp_path / "to", "sst2")
    assert not (tmp_path / "to").exists()
