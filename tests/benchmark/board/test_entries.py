"""Which runs stand on a board together, and which are left out, by name."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.board.entries import find_runs, make_entries
from benchmark.statistics.fit_decision import fit_decision
from benchmark.tasks.registry import TASKS, write_task
from benchmark.training.runs import Predictions, read_run
from tests.benchmark.conftest import WriteRun, make_predictions

FEEDBACK = TASKS["feedback"]


def _changed(**changes: np.ndarray) -> Predictions:
    return Predictions(**vars(make_predictions(8, True, 9)) | changes)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"fingerprint": "other rows"}, "rows or gold labels differ"),
        ({"revision": "0.2.0"}, "revision or protocol differ"),
        ({"protocol": 0}, "revision or protocol differ"),
        ({"hardware": {"precision": "bf16"}}, "precision differ"),
        ({"predictions": make_predictions(8, True, 9, 50)}, "rows or gold labels differ"),
        ({"predictions": _changed(test_y_true=make_predictions(8, True, 9).test_y_true[::-1])}, "gold labels differ"),
        ({"predictions": _changed(test_logits=np.full((60, 8), np.nan, np.float32))}, "not all finite"),
        ({"predictions": _changed(test_y_true=np.zeros((60, 8), np.int8))}, "one class only"),
        (
            {"latency": ({"length": 16, "p50_ms": 1.0, "p95_ms": 1.0, "texts_per_second": 9.0},)},
            "its latency at 64 tokens was not measured",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_stranger_among_runs_is_left_out_by_name(
    write_synthetic: WriteRun, change: dict[str, object], reason: str
) -> None:
    usual = [write_synthetic(seed=seed) for seed in range(2)]
    stranger = write_synthetic(seed=2, **change)
    runs, problems = find_runs(stranger.parents[2])
    assert [run.folder for run in runs] == usual
    (named, told), *rest = problems.items()
    assert not rest
    assert named == f"feedback/minilm-l6/{stranger.name}"
    assert reason in told


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": [f"label {i}" for i in range(8)]}, "labels, their order, or its problem type are not those of"),
        ({"labels": FEEDBACK.labels[::-1]}, "labels, their order, or its problem type are not those of"),
        ({"problem_type": "single_label_classification"}, "labels, their order, or its problem type are not those of"),
        (
            {"predictions": make_predictions(5, True, 9)},
            "validation rows have logits of shape (60, 5) and gold labels of shape (60, 5), and 'feedback' has 8",
        ),
        (
            {"predictions": _changed(test_logits=np.zeros((50, 8), np.float32))},
            "test rows have logits of shape (50, 8) and gold labels of shape (60, 8)",
        ),
        (
            {"predictions": _changed(**dict.fromkeys(("validation_logits", "validation_y_true"), np.zeros((0, 8))))},
            "validation rows have logits of shape (0, 8)",
        ),
    ],
)
def test_runs_that_are_not_of_their_task_are_left_out_however_many(
    write_synthetic: WriteRun, change: dict[str, object], reason: str
) -> None:
    for seed in range(3):
        folder = write_synthetic(seed=seed, **change)
    runs, problems = find_runs(folder.parents[2])
    assert runs == []
    assert len(problems) == 3
    assert all(reason in told for told in problems.values())


def test_runs_of_the_users_own_data_have_the_labels_of_their_spec(write_synthetic: WriteRun) -> None:
    own = replace(FEEDBACK, name="mine", labels=("one", "two", "three"), embedded=False, own_splits="as given")
    folders = [
        write_synthetic(seed=seed, labels=labels, predictions=make_predictions(3, True, seed))
        for seed, labels in enumerate((own.labels, own.labels[::-1]))
    ]
    for folder in folders:
        info = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps(info | {"task": "mine"}))
    results = folders[0].parents[2]
    assert "not registered" in find_runs(results)[1][f"feedback/minilm-l6/{folders[0].name}"]
    write_task(results, own)
    runs, problems = find_runs(results)
    assert [run.folder for run in runs] == folders[:1]
    assert list(problems.values()) == ["its labels, their order, or its problem type are not those of 'mine'"]


def test_bf16_is_one_recipe_whether_asked_for_or_taken_where_the_hardware_has_it(write_synthetic: WriteRun) -> None:
    ran = {"precision": "bf16"}
    for seed in range(2):
        write_synthetic(seed=seed, recipe={"precision": "bf16"}, hardware=ran)
    folder = write_synthetic(seed=2, hardware=ran)
    other = write_synthetic(seed=3, hardware={"precision": "fp32"})  # by `auto`, too, on hardware without bf16
    for seed in range(2):
        write_synthetic(seed=seed, recipe={"precision": "fp32"}, hardware={"precision": "fp32"})
    runs, problems = find_runs(folder.parents[2])
    assert [(entry.variant, len(entry.runs)) for entry in make_entries(runs)] == [("", 3), ("precision=fp32", 2)]
    assert problems == {f"feedback/minilm-l6/{other.name}": "its precision differ from its neighbours'"}


def test_a_default_that_a_search_chose_may_have_another_precision_than_the_default(write_synthetic: WriteRun) -> None:
    for seed in range(2):
        write_synthetic(seed=seed, hardware={"precision": "bf16"})
        write_synthetic(seed=seed, hardware={"precision": "bf16"}, recipe={"epochs": 9})
        folder = write_synthetic(seed=seed, hardware={"precision": "fp32"}, trials=8, id=f"{seed:012}")
    runs, problems = find_runs(folder.parents[2])
    assert problems == {}
    assert [entry.variant for entry in make_entries(runs)] == ["", "epochs=9", "tuned over 8 trials"]


def test_runs_that_are_damaged_or_of_no_task_are_left_out(write_synthetic: WriteRun) -> None:
    whole, cut, half = write_synthetic(), write_synthetic(seed=1), write_synthetic(seed=2)
    (cut / "predictions.npz").write_bytes(b"cut short")
    (half / "predictions.npz").unlink()
    gone = whole.parents[1] / "gone" / "0-0123456789ab"
    gone.mkdir(parents=True)
    text = (
        (whole / "run.json")
        .read_text()
        .replace('"task":"feedback"', '"task":"gone"')
        .replace('"task": "feedback"', '"task": "gone"')
    )
    (gone / "run.json").write_text(text)
    (gone / "predictions.npz").write_bytes((whole / "predictions.npz").read_bytes())
    runs, problems = find_runs(whole.parents[2])
    assert [run.folder for run in runs] == [whole]
    assert len(problems) == 3
    assert "'gone' is not registered" in problems[f"feedback/gone/{gone.name}"]
    assert sum("run it again" in reason for reason in problems.values()) == 2


def test_runs_with_costs_that_are_no_numbers_are_left_out(write_synthetic: WriteRun) -> None:
    whole, endless, unmeasured = write_synthetic(), write_synthetic(seed=1), write_synthetic(seed=2)
    for folder, changed in ((endless, {"train_seconds": float("nan")}), (unmeasured, {"latency": []})):
        info = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps(info | changed))
    runs, problems = find_runs(whole.parents[2])
    assert [run.folder for run in runs] == [whole]
    assert len(problems) == 2


@pytest.mark.parametrize("part", ["validation_y_true", "test_y_true"])
@pytest.mark.parametrize("gold", [[0, 0], [1, 1]])
def test_a_single_label_row_with_no_gold_label_or_two_is_left_out(
    part: str, gold: list[int], write_synthetic: WriteRun
) -> None:
    predictions = make_predictions(2, False, 0)
    vars(predictions)[part][7] = gold
    folder = write_synthetic(task="sst2", predictions=predictions)
    (reason,) = find_runs(folder.parents[2])[1].values()
    assert reason == "its rows have not one gold label each, as those of 'sst2' have"


def test_one_class_in_a_single_label_test_is_left_out(write_synthetic: WriteRun) -> None:
    one_hot = np.tile(np.array([[1, 0]], np.int8), (60, 1))
    predictions = Predictions(**vars(make_predictions(2, False, 0)) | {"test_y_true": one_hot})
    folder = write_synthetic(task="sst2", predictions=predictions)
    assert "one class only" in next(iter(find_runs(folder.parents[2])[1].values()))


def test_entries_are_encoders_and_variants_with_their_seeds(write_synthetic: WriteRun) -> None:
    write_synthetic(task="sst2", encoder="tfidf-lr")
    for seed in (1, 0):
        for recipe in ({}, {"loss": "mean"}):
            folder = write_synthetic(seed=seed, recipe=recipe)
    entries = make_entries(find_runs(folder.parents[2])[0])
    assert [(entry.task.name, entry.name) for entry in entries] == [
        ("feedback", "minilm-l6"),
        ("feedback", "minilm-l6 [loss=mean]"),
        ("sst2", "tfidf-lr"),
    ]
    assert [sorted(entry.runs) for entry in entries] == [[0, 1], [0, 1], [0]]


def test_scores_are_decided_by_what_validation_gives(write_synthetic: WriteRun) -> None:
    folder = write_synthetic()
    found = read_run(folder).predictions
    entry = make_entries(find_runs(folder.parents[2])[0])[0]
    decision = fit_decision(FEEDBACK.problem_type, found.validation_logits, found.validation_y_true, "global")
    scored = entry.scored("global")[0]
    np.testing.assert_array_equal(scored.y_score, decision.scores(found.test_logits))
    np.testing.assert_array_equal(scored.y_pred, decision.decide(scored.y_score))
    np.testing.assert_array_equal(scored.y_true, found.test_y_true)


def test_a_second_run_of_a_recipe_and_seed_is_named(write_synthetic: WriteRun) -> None:
    first, second = write_synthetic(), write_synthetic(id="0" * 12)
    runs, problems = find_runs(first.parents[2])
    kept, left = sorted((first, second))
    assert [run.folder for run in runs] == [kept]
    told = f"has the recipe and the seed of feedback/minilm-l6/{kept.name}"
    assert problems == {f"feedback/minilm-l6/{left.name}": told}


def test_no_runs_are_none(tmp_path: Path) -> None:
    assert find_runs(tmp_path / "nowhere") == ([], {})
