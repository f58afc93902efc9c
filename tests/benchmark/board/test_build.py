"""The board's tables, from runs that no training made."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from benchmark.board.build import build
from benchmark.board.tables import Board
from benchmark.statistics.fit_decision import fit_decision
from benchmark.statistics.policies_reached import verdict
from benchmark.tasks.registry import TASKS
from benchmark.training.runs import Predictions, read_run
from tests.benchmark.conftest import WriteRun, make_predictions, synthetic_writer
from zoo.errors import UserError
from zoo.policy import DEFAULT, Goal, Policy

FEEDBACK = TASKS["feedback"]


def _cell(table: pd.DataFrame, **where: str) -> pd.Series:
    for name, wanted in where.items():
        table = table[table[name] == wanted]
    assert len(table) == 1, f"{where} names {len(table)} rows"
    return table.iloc[0]


def _noisy(encoder: str, seed: int, noise: float, n: int = 150) -> Predictions:
    """Predictions of one test set (whatever the seed), the better the less noise."""
    y_true = (np.random.default_rng(0).random((n, 8)) < 0.3).astype(np.int8)
    rng = np.random.default_rng([seed, *map(ord, encoder)])
    logits = (4.0 * y_true - 2 + noise * rng.normal(size=(2, n, 8))).astype(np.float32)
    return Predictions(logits[0], y_true, logits[1], y_true)


def test_a_cell_is_the_mean_over_seeds_of_what_scikit_learn_says(write_synthetic: WriteRun) -> None:
    scores = []
    for seed in range(3):
        found = read_run(write_synthetic(seed=seed)).predictions
        decision = fit_decision(FEEDBACK.problem_type, found.validation_logits, found.validation_y_true, "per_label")
        y_pred = decision.decide(decision.scores(found.test_logits))
        scores.append(f1_score(found.test_y_true, y_pred, average="macro", zero_division=0))
        folder = write_synthetic(seed=seed, task="sst2")
    cell = _cell(build(folder.parents[2]).cells, task="feedback", rule="per_label", metric="f1_macro")
    assert cell["value"] == pytest.approx(np.mean(scores), abs=1e-6)
    assert cell["sd"] == pytest.approx(np.std(scores, ddof=1), abs=1e-6)
    assert cell["low"] < cell["value"] < cell["high"]
    assert (cell["seeds"], cell["n"]) == (3, 60)
    assert cell["train_seconds"] == 11  # of 10, 11, 12
    assert len(cell["runs"].split()) == 3
    assert cell["flags"].startswith("3 seeds")


def test_single_label_accuracy_is_that_of_argmax(write_synthetic: WriteRun) -> None:
    folder = write_synthetic(task="sst2")
    found = read_run(folder).predictions
    cells = build(folder.parents[2]).cells
    accuracy = accuracy_score(found.test_y_true.argmax(axis=1), found.test_logits.argmax(axis=1))
    cell = _cell(cells, rule="argmax", metric="accuracy")
    assert cell["value"] == pytest.approx(accuracy, abs=1e-6)
    assert np.isnan(cell["sd"])
    assert set(cells["rule"]) == {"argmax", "scores", "raw"}


def test_raw_calibration_is_before_the_temperature_and_the_other_after(write_synthetic: WriteRun) -> None:
    """Logits blown up by 5 are badly calibrated until the temperature takes it back."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 400, 8)).astype(np.float32)
    y_true = (rng.random(logits.shape) < expit(logits)).astype(np.int8)
    good = Predictions(logits[0], y_true[0], logits[1], y_true[1])
    loud = Predictions(logits[0] * 5, y_true[0], logits[1] * 5, y_true[1])
    folder = write_synthetic(predictions=loud)
    write_synthetic(encoder="granite-30m", predictions=good)
    cells = build(folder.parents[2]).cells
    raw, tempered = (
        [_cell(cells, encoder=encoder, rule=rule, metric="ece")["value"] for encoder in ("minilm-l6", "granite-30m")]
        for rule in ("raw", "scores")
    )
    assert raw[0] > 3 * tempered[0]
    assert tempered[0] == pytest.approx(tempered[1], abs=2e-3)


def test_only_validation_decides(write_synthetic: WriteRun) -> None:
    """Fitted on the reported rows, the thresholds would follow when those are shifted; fitted on validation, not."""
    found = make_predictions(8, True, 0)
    shifted = Predictions(found.validation_logits, found.validation_y_true, found.test_logits - 50, found.test_y_true)
    cells = build(write_synthetic(predictions=shifted).parents[2]).cells
    assert set(cells.loc[cells["metric"] == "f1_macro", "value"]) == {0.0}


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """Two like encoders, a clearly worse one, one of a single seed; three seeds else."""
    write = synthetic_writer(tmp_path_factory.mktemp("board"))
    for encoder, noise in (("minilm-l6", 1.5), ("granite-30m", 1.5), ("tfidf-lr", 6.0)):
        for seed in range(3):
            folder = write(encoder=encoder, seed=seed, predictions=_noisy(encoder, seed, noise))
    write(encoder="zoo-bert-en", predictions=_noisy("zoo-bert-en", 0, 0.5))
    return build(folder.parents[2])


def test_an_entry_that_is_compared_with_nothing_takes_no_rank(write_synthetic: WriteRun) -> None:
    for encoder in ("tfidf-lr", "minilm-l6"):  # one seed each, of which the second says nothing of other seeds
        folder = write_synthetic(encoder=encoder, predictions=_noisy(encoder, 0, 1.5))
    assert build(folder.parents[2]).cells["rank_low"].isna().all()


def test_entries_that_cannot_be_told_apart_share_ranks(board: Board) -> None:
    main = board.cells[(board.cells["rule"] == "per_label") & (board.cells["metric"] == "f1_macro")]
    ranks = {row.encoder: (row.rank_low, row.rank_high) for row in main.itertuples()}
    assert ranks["minilm-l6"] == ranks["granite-30m"] == (1, 2)
    assert ranks["tfidf-lr"] == (3, 3)
    assert pd.isna(ranks["zoo-bert-en"][0])
    assert board.cells.loc[~board.cells.index.isin(main.index), "rank_low"].isna().all()
    assert board.problems[["task", "encoder", "run", "reason"]].to_dict("records") == [
        {"task": "feedback", "encoder": "zoo-bert-en", "run": "", "reason": "has one seed and takes no rank"}
    ]
    verdicts = {frozenset((row.encoder_a, row.encoder_b)): row.verdict for row in board.pairs.itertuples()}
    assert len(verdicts) == 3
    assert verdicts[frozenset(("minilm-l6", "granite-30m"))] == "undecided"
    assert board.pairs["detectable"].nunique() == 1
    assert (board.pairs["margin"] == 0.01).all()


def test_the_entries_of_a_task_share_one_variance_of_seeds(board: Board) -> None:
    """The squared standard errors of the seeds, times the seeds, are one number; the baseline has none."""
    main = board.cells[(board.cells["rule"] == "per_label") & (board.cells["metric"] == "f1_macro")]
    of_seeds = main[main["random"]]
    assert np.ptp(of_seeds["sd_seeds"] ** 2 * of_seeds["seeds"]) < 1e-6
    (words,) = main[~main["random"].astype(bool)].to_dict("records")
    assert (words["encoder"], words["sd_seeds"]) == ("tfidf-lr", 0)
    assert np.isnan(words["sd"])
    assert "seed" not in words["flags"]


def test_the_margin_of_equality_is_that_of_the_board(write_synthetic: WriteRun) -> None:
    for encoder in ("minilm-l6", "granite-30m"):
        for seed in range(3):
            folder = write_synthetic(encoder=encoder, seed=seed, predictions=_noisy(encoder, seed, 1.5))
    found = {margin: build(folder.parents[2], margin).pairs["verdict"].tolist() for margin in (0.001, 0.3)}
    assert found == {0.001: ["undecided"], 0.3: ["equal"]}


def test_the_board_by_label_is_the_mean_over_seeds(board: Board, write_synthetic: WriteRun) -> None:
    expected = []
    for seed in range(2):
        folder = write_synthetic(seed=seed)
        found = read_run(folder).predictions
        decision = fit_decision(FEEDBACK.problem_type, found.validation_logits, found.validation_y_true, "per_label")
        y_score = decision.scores(found.test_logits)
        expected.append(f1_score(found.test_y_true, decision.decide(y_score), average=None, zero_division=0))
    table = build(folder.parents[2]).labels
    assert table["label"].tolist() == list(FEEDBACK.labels)
    np.testing.assert_allclose(table["f1"], np.mean(expected, axis=0), atol=1e-6)


def test_every_rule_and_threshold_has_its_row(board: Board) -> None:
    entries = board.cells[["encoder", "variant"]].drop_duplicates()
    assert len(board.rules) == 5 * len(entries)
    assert len(board.thresholds) == len(FEEDBACK.labels) * len(entries)
    assert (board.rules.loc[board.rules["rule"] == "fixed", "gain"] == 0).all()


def test_a_policy_is_judged_on_test_beside_the_default(board: Board, write_synthetic: WriteRun) -> None:
    asked, default = [], []
    for seed in range(2):
        folder = write_synthetic(seed=seed)
        found = read_run(folder).predictions
        for policy, kept in ((Policy(goal=Goal(recall=0.9)), asked), (DEFAULT, default)):
            decision = fit_decision(
                FEEDBACK.problem_type, found.validation_logits, found.validation_y_true, "per_label", policy=policy
            )
            y_pred = decision.decide(decision.scores(found.test_logits))
            kept.append(
                [score(found.test_y_true, y_pred, average="micro") for score in (recall_score, precision_score)]
            )
    table = build(folder.parents[2]).policies
    assert table["policy"].tolist() == ["precision=0.9", "recall=0.9"]
    row = table.iloc[1]
    np.testing.assert_allclose([row["value"], row["other"]], np.mean(asked, axis=0), atol=1e-6)
    np.testing.assert_allclose([row["default"], row["default_other"]], np.mean(default, axis=0), atol=1e-6)
    assert row["low"] < row["value"] < row["high"]
    assert row["verdict"] == verdict(0.9, row["low"], row["high"])
    assert [verdict(0.9, *ends) for ends in ((0.9, 1), (0.5, 0.89), (0.8, 0.95))] == [
        "reached",
        "not reached",
        "cannot tell",
    ]
    assert len(board.policies) == 2 * len(board.cells[["encoder", "variant"]].drop_duplicates())


def test_variants_of_a_recipe_are_rows_of_their_own(write_synthetic: WriteRun) -> None:
    for recipe in ({}, {"loss": "mean"}):
        for seed in range(2):
            folder = write_synthetic(seed=seed, recipe=recipe)
    cells = build(folder.parents[2]).cells
    main = cells[(cells["metric"] == "f1_macro") & (cells["rule"] == "per_label")]
    assert dict(zip(main["variant"], main["seeds"], strict=True)) == {"": 2, "loss=mean": 2}


def test_no_run_that_can_stand_is_told_with_a_reason(write_synthetic: WriteRun) -> None:
    folder = write_synthetic()
    (folder / "predictions.npz").write_bytes(b"")
    with pytest.raises(UserError, match=r"None of the 1 runs in .* can stand on a board; .*damaged predictions"):
        build(folder.parents[2])


def test_every_number_leads_to_its_runs_and_what_they_cost(write_synthetic: WriteRun) -> None:
    for seed in range(2):
        folder = write_synthetic(seed=seed)
    board = build(folder.parents[2])
    assert (folder.parents[2] / board.runs["folder"][1]).resolve() == folder
    info = read_run(folder).info
    assert board.runs.loc[1, ["id", "commit"]].tolist() == [info.id, info.commit]
    assert board.runs["recipe"][1] == info.recipe.model_dump_json()
    assert set(board.cells["runs"]) == {" ".join(board.runs["id"])}
    (costs,) = board.costs.to_dict("records")
    assert (costs["length"], costs["p50_ms"], costs["texts_per_second"]) == (64, 5.0, 400.0)
    assert (costs["processor"], costs["threads"], costs["train_seconds"]) == ("one", "1", 10.5)
