"""Runs: written whole, read back, refused when damaged, and told apart by all that can change their numbers."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.tasks.registry import TASKS
from benchmark.training.recipes import default_recipe
from benchmark.training.runs import RESULTS, RunInfo, read_run, read_runs, run_folder, run_id, write_run
from tests.benchmark.conftest import WriteRun, make_predictions
from zoo.encoders.registry import ENCODERS
from zoo.errors import UserError
from zoo.files import sha256


def test_a_run_comes_back_with_logits_in_half_precision_and_labels_exact(write_synthetic: WriteRun) -> None:
    predictions = make_predictions(8, True, 3)
    run = read_run(write_synthetic(predictions=predictions, seed=3))
    for name, written in vars(predictions).items():
        found = getattr(run.predictions, name)
        assert found.shape == written.shape
        if name.endswith("logits"):
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, written, rtol=2**-11, atol=2**-24)
        else:
            np.testing.assert_array_equal(found, written)
    assert (run.info.task, run.info.recipe.seed, run.info.encoder) == ("feedback", 3, "minilm-l6")
    assert run.info.recipe == default_recipe(ENCODERS["minilm-l6"], TASKS["feedback"], 3)


def test_both_kinds_of_recipes_come_back_as_what_they_were(write_synthetic: WriteRun) -> None:
    run = read_run(write_synthetic(task="chnsenticorp", encoder="tfidf-lr"))
    assert run.info.recipe == default_recipe(ENCODERS["tfidf-lr"], TASKS["chnsenticorp"], 0)


@pytest.mark.parametrize("name", ["run.json", "predictions.npz"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "one byte"])
def test_a_damaged_run_is_refused_with_its_remedy(write_synthetic: WriteRun, name: str, damage: str) -> None:
    folder = write_synthetic()
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        odd = content[:50] + b"\xff" + content[51:]
        path.write_bytes({"empty": b"", "cut": content[:-30], "one byte": odd}[damage])
    with pytest.raises(UserError, match="run it again") as caught:
        read_run(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


Arrays = dict[str, np.ndarray]


def _as_bytes(write: Callable[[io.BytesIO], None]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def _rewrite(folder: Path, change: Callable[[Arrays], Arrays | bytes]) -> Path:
    """Give a run other predictions; whatever wrote them hashed them, too."""
    path = folder / "predictions.npz"
    with np.load(path) as arrays:
        changed = change(dict(arrays))
    path.write_bytes(
        changed if isinstance(changed, bytes) else _as_bytes(lambda file: np.savez_compressed(file, **changed))
    )
    info = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(info | {"predictions_sha256": sha256(path)}))
    return folder


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda arrays: {name: arrays[name] for name in arrays if name != "test_logits"}, "test_logits is not a file"),
        (lambda arrays: arrays | {"test_logits": np.full((60, 8), "word")}, "could not convert"),
        (lambda arrays: arrays | {"test_y_true": np.full((60, 8), "word")}, "test_y_true has values other than 0 and"),
        (lambda arrays: arrays | {"test_y_true": 3 * arrays["test_y_true"]}, "test_y_true has values other than 0 and"),
        (lambda arrays: arrays | {"test_logits": np.full((60, 8), None)}, "Object arrays cannot be loaded"),
        (lambda arrays: b"", "it is no .npz archive"),
        (lambda arrays: b"no archive", "it is no .npz archive"),
        (lambda arrays: _as_bytes(lambda file: np.save(file, arrays["test_logits"])), "it is no .npz archive"),
    ],
)
def test_predictions_of_another_making_are_refused(
    write_synthetic: WriteRun, change: Callable[[Arrays], Arrays | bytes], reason: str
) -> None:
    folder = _rewrite(write_synthetic(), change)
    with pytest.raises(UserError, match=rf"cannot be read \(.*{reason}.*\); delete .* and run it again") as caught:
        read_run(folder)
    assert "\n" not in str(caught.value)


def test_gold_labels_of_another_type_are_the_same(write_synthetic: WriteRun) -> None:
    folder = write_synthetic()
    before = read_run(folder).predictions
    _rewrite(
        folder, lambda arrays: arrays | {"test_y_true": arrays["test_y_true"].astype(np.int64), "more": np.ones(1)}
    )
    assert read_run(folder).predictions.test_y_true.tobytes() == before.test_y_true.tobytes()


def test_an_unknown_field_in_a_run_is_refused(write_synthetic: WriteRun) -> None:
    path = write_synthetic() / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"cutoff": 1}))
    with pytest.raises(UserError, match=r"run\.json"):
        read_run(path.parent)


def test_half_written_folders_and_other_files_are_not_runs(write_synthetic: WriteRun, tmp_path: Path) -> None:
    folder = write_synthetic()
    hidden = folder.with_name(f".{folder.name}-abc")
    folder.rename(hidden)
    assert read_runs(tmp_path / "results") == []
    hidden.rename(folder)
    (folder.with_name("1-without-run-json")).mkdir()
    (tmp_path / "results" / "leaderboard.csv").write_text("x")
    assert [run.folder for run in read_runs(tmp_path / "results")] == [folder]
    assert read_runs(tmp_path / "nowhere") == []


def test_a_run_that_is_there_already_is_kept(write_synthetic: WriteRun) -> None:
    folder = write_synthetic()
    before = (folder / "run.json").read_bytes()
    info = RunInfo.model_validate_json(before)
    write_run(folder, info.model_copy(update={"train_seconds": 99.0}), make_predictions(8, True, 9))
    assert (folder / "run.json").read_bytes() == before
    assert read_run(folder).info.train_seconds == 10.0


def test_the_id_changes_with_whatever_can_change_the_numbers() -> None:
    encoder, task = ENCODERS["minilm-l6"], TASKS["feedback"]
    recipe = default_recipe(encoder, task, 0)
    ids = [
        run_id(encoder, task, "rows", recipe),
        run_id(replace(encoder, name="other"), task, "rows", recipe),
        run_id(replace(encoder, revision="another"), task, "rows", recipe),
        run_id(encoder, task, "other rows", recipe),
        run_id(encoder, replace(task, name="other"), "rows", recipe),
        run_id(encoder, replace(task, labels=task.labels[::-1]), "rows", recipe),
        run_id(encoder, replace(task, main_metric="f1_micro"), "rows", recipe),
        run_id(encoder, task, "rows", default_recipe(encoder, task, 1)),
        *(
            run_id(encoder, task, "rows", default_recipe(encoder, task, 0, **change))
            for change in (
                {"epochs": 11},
                {"batch_size": 17},
                {"learning_rate": 3.1e-4},
                {"weight_decay": 0},
                {"warmup": 0},
                {"max_length": 64},
                {"dropout": 0.3},
                {"freeze_embeddings": False},
                {"loss": "mean"},
                {"label_prior": False},
                {"balanced": True},
                {"precision": "bf16"},
                {"min_steps": 500},
                {"layer_decay": 0.9},
                {"pooling": "mean"},
            )
        ),
    ]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[0-9a-f]{12}", identifier) for identifier in ids)
    assert run_id(encoder, task, "rows", default_recipe(encoder, task, 0)) == ids[0]


def test_the_committed_runs_still_have_the_ids_of_their_recipes() -> None:
    """So that no change of the recipes' code makes them others, which would all be run again."""
    infos = [RunInfo.model_validate_json(path.read_bytes()) for path in RESULTS.glob("*/*/[!.]*/run.json")]
    trained = [info for info in infos if info.runtime == "torch"]
    assert len(trained) > 200
    for info in trained:
        encoder = replace(ENCODERS[info.encoder], revision=info.revision)
        assert run_id(encoder, TASKS[info.task], info.fingerprint, info.recipe, info.trials) == info.id  # type: ignore[arg-type]


def test_an_encoder_of_the_hub_has_one_folder(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, "sst2", "hfl/rbt3", 2, "0123456789ab")
    assert folder == tmp_path / "sst2" / "hfl--rbt3" / "2-0123456789ab"
