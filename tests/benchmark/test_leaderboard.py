"""The leaderboard from runs that no training made: its numbers, its tables, and what cannot stand on one board."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import accuracy_score, f1_score

from benchmark.fit_decision import fit_decision
from benchmark.leaderboard import (
    BEGIN,
    END,
    README,
    build,
    build_per_label,
    in_readme,
    markdown,
    publish,
    screen_table,
    wide,
)
from benchmark.metrics import per_label
from benchmark.runs import RESULTS, Predictions, read_run, read_runs
from benchmark.tasks import TASKS
from zoo.errors import UserError

from .conftest import WriteRun, make_predictions

FEEDBACK, SST2 = TASKS["feedback"], TASKS["sst2"]


def _value(board: pd.DataFrame, column: str = "value", **where: str) -> float:
    rows = board
    for name, wanted in where.items():
        rows = rows[rows[name] == wanted]
    assert len(rows) == 1, f"{where} names {len(rows)} rows"
    return float(rows[column].iloc[0])


def test_a_value_is_the_mean_over_seeds_of_what_scikit_learn_says(write_synthetic: WriteRun) -> None:
    scores = []
    for seed in range(3):
        found = read_run(write_synthetic(seed=seed)).predictions
        decision = fit_decision(
            FEEDBACK.problem_type, found.validation_logits, found.validation_y_true, "per_label", "macro"
        )
        y_pred = decision.decide(decision.scores(found.test_logits))
        scores.append(f1_score(found.test_y_true, y_pred, average="macro", zero_division=0))
        folder = write_synthetic(seed=seed, task="sst2")
    board = build(read_runs(folder.parents[2]))
    cell = {"task": "feedback", "rule": "per_label", "metric": "f1_macro"}
    assert _value(board, **cell) == pytest.approx(np.mean(scores))
    assert _value(board, "sd", **cell) == pytest.approx(np.std(scores, ddof=1))
    assert _value(board, "seeds", **cell) == 3
    assert _value(board, "n", **cell) == 60
    assert _value(board, "train_seconds", **cell) == 11  # of 10, 11, 12


def test_single_label_accuracy_is_that_of_argmax(write_synthetic: WriteRun) -> None:
    folder = write_synthetic(task="sst2")
    found = read_run(folder).predictions
    board = build(read_runs(folder.parents[2]))
    accuracy = accuracy_score(found.test_y_true.argmax(axis=1), found.test_logits.argmax(axis=1))
    assert _value(board, rule="argmax", metric="accuracy") == pytest.approx(accuracy)
    assert np.isnan(_value(board, "sd", rule="argmax", metric="accuracy"))
    assert set(board["rule"]) == {"argmax", "raw"}


def test_raw_calibration_is_before_the_temperature_and_the_other_after(write_synthetic: WriteRun) -> None:
    """Logits blown up by 5 are badly calibrated until the temperature takes it back."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 400, 8)).astype(np.float32)
    y_true = (rng.random(logits.shape) < expit(logits)).astype(np.int8)
    good = Predictions(logits[0], y_true[0], logits[1], y_true[1])
    loud = Predictions(logits[0] * 5, y_true[0], logits[1] * 5, y_true[1])
    folder = write_synthetic(predictions=loud)
    write_synthetic(encoder="granite-30m", predictions=good)
    board = build(read_runs(folder.parents[2]))
    raw, tempered = (
        [_value(board, encoder=encoder, rule=rule, metric="ece") for encoder in ("minilm-l6", "granite-30m")]
        for rule in ("raw", "fixed")
    )
    assert raw[0] > 3 * tempered[0]
    assert tempered[0] == pytest.approx(tempered[1], abs=2e-3)


def test_only_validation_decides(write_synthetic: WriteRun) -> None:
    """Fitted on the reported rows, the thresholds would follow when those are shifted; fitted on validation, not."""
    predictions = make_predictions(8, True, 0)
    shifted = Predictions(
        predictions.validation_logits,
        predictions.validation_y_true,
        predictions.test_logits - 50,
        predictions.test_y_true,
    )
    folder = write_synthetic(predictions=shifted)
    board = build(read_runs(folder.parents[2]))
    assert set(board.loc[board["metric"] == "f1_macro", "value"]) == {0.0}


def test_variants_of_a_recipe_are_rows_of_their_own(write_synthetic: WriteRun) -> None:
    for recipe in ({}, {"loss": "mean"}):
        for seed in range(2):
            folder = write_synthetic(seed=seed, recipe=recipe)
    board = build(read_runs(folder.parents[2]))
    main = board[(board["metric"] == "f1_macro") & (board["rule"] == "per_label")]
    assert dict(zip(main["variant"], main["seeds"], strict=True)) == {"": 2, "loss=mean": 2}
    assert set(wide(board, FEEDBACK)["encoder"]) == {"minilm-l6", "minilm-l6 (loss=mean)"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"fingerprint": "other rows"}, "rows"),
        ({"labels": [f"label {i}" for i in range(8)]}, "rows"),
        ({"revision": "0.2.0"}, "revision"),
        ({"protocol": 0}, "protocol"),
    ],
    ids=str,
)
def test_runs_that_do_not_belong_together_are_refused(
    write_synthetic: WriteRun, change: dict[str, object], named: str
) -> None:
    first, second = write_synthetic(), write_synthetic(seed=1, **change)
    with pytest.raises(UserError, match=named) as caught:
        build(read_runs(first.parents[2]))
    assert str(first) in str(caught.value)
    assert str(second) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_of_a_task_that_is_no_more_is_named(write_synthetic: WriteRun) -> None:
    folder = write_synthetic(task="feedback")
    run = read_run(folder)
    gone = write_synthetic(encoder="granite-30m", task="sst2")
    runs = [run, read_run(gone)]
    object.__setattr__(runs[1], "info", runs[1].info.model_copy(update={"task": "sst3"}))
    with pytest.raises(UserError, match="Unknown task 'sst3'"):
        build(runs)


def test_no_runs_are_told_with_the_command_that_makes_some(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no runs .*python -m benchmark run"):
        publish(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_table_for_reading_has_the_best_first(write_synthetic: WriteRun) -> None:
    rng = np.random.default_rng(0)
    for noise, encoder in ((9, "tfidf-lr"), (0, "granite-30m"), (3, "minilm-l6")):
        y_true = (rng.random((80, 8)) < 0.3).astype(np.int8)
        logits = (4.0 * y_true - 2 + noise * rng.normal(size=y_true.shape)).astype(np.float32)
        for seed in range(2):
            folder = write_synthetic(
                encoder=encoder, seed=seed, predictions=Predictions(logits, y_true, logits, y_true)
            )
    board = build(read_runs(folder.parents[2]))
    table = wide(board, FEEDBACK)
    assert table["encoder"].tolist() == ["granite-30m", "minilm-l6", "tfidf-lr"]
    assert table["f1_macro"][0] == "1.0000 ± 0.0000"
    assert all(re.fullmatch(r"0\.\d{4} ± 0\.0000", cell) for cell in table["f1_macro"][1:])
    assert not table.isna().any().any()
    assert screen_table(board).row_count == 3


def test_markdown_has_a_table_a_task_in_the_registrys_order(write_synthetic: WriteRun) -> None:
    for task in ("sst2", "feedback"):
        folder = write_synthetic(task=task)
    text = markdown(build(read_runs(folder.parents[2])))
    heads = re.findall(r"^\*\*(\w+)\*\* \((\w+), n = (\d+); thresholds: (\w+)", text, re.MULTILINE)
    assert heads == [("feedback", "test", "60", "per_label"), ("sst2", "validation", "60", "argmax")]
    tables = [[line for line in part.splitlines() if line.startswith("|")] for part in text.split("**sst2**")]
    assert [len(table) for table in tables] == [3, 3]
    assert all(len({line.count("|") for line in table}) == 1 for table in tables)


def test_the_readme_is_changed_between_its_markers_alone_and_only_once(write_synthetic: WriteRun) -> None:
    board = build(read_runs(write_synthetic().parents[2]))
    readme = f"# Title\n\n{BEGIN}\nold table\n{END}\n\nthe rest | of it\n"
    once = in_readme(readme, board)
    assert once.startswith("# Title\n\n" + BEGIN)
    assert once.endswith(END + "\n\nthe rest | of it\n")
    assert "old table" not in once
    assert markdown(board) in once
    assert in_readme(once, board) == once
    for marker in (BEGIN, END):
        with pytest.raises(UserError, match="lost the line"):
            in_readme(readme.replace(marker, ""), board)


def test_the_files_beside_the_runs_hold_the_board(write_synthetic: WriteRun) -> None:
    results = write_synthetic().parents[2]
    readme = README.read_text(encoding="utf-8")
    board, written = publish(results)
    assert {path.name for path in written} >= {"leaderboard.csv", "leaderboard.parquet", "leaderboard.md"}
    pd.testing.assert_frame_equal(pd.read_parquet(results / "leaderboard.parquet"), board)
    kept = pd.read_csv(results / "leaderboard.csv", keep_default_na=False, na_values={"sd": "", "value": ""})
    pd.testing.assert_frame_equal(kept, board, check_dtype=False)
    assert (results / "leaderboard.md").read_text() == markdown(board) + "\n"
    assert README.read_text(encoding="utf-8") == readme  # which is for the project's own runs
    before = {path: path.read_bytes() for path in written}
    publish(results)
    assert {path: path.read_bytes() for path in written} == before


def test_the_board_by_label_is_the_mean_over_seeds(write_synthetic: WriteRun) -> None:
    expected = []
    for seed in range(2):
        folder = write_synthetic(seed=seed)
        found = read_run(folder).predictions
        decision = fit_decision(FEEDBACK.problem_type, found.validation_logits, found.validation_y_true, "per_label")
        y_score = decision.scores(found.test_logits)
        expected.append(per_label(found.test_y_true, y_score, decision.decide(y_score))["f1"])
    table = build_per_label(read_runs(folder.parents[2]))
    assert table["label"].tolist() == list(FEEDBACK.labels)
    np.testing.assert_allclose(table["f1"], np.mean(expected, axis=0))


def test_the_readmes_leaderboard_is_not_stale() -> None:
    runs = read_runs(RESULTS)
    if not runs:
        pytest.skip("there are no committed runs yet")
    readme = README.read_text(encoding="utf-8")
    assert in_readme(readme, build(runs)) == readme, "run: python -m benchmark leaderboard"
