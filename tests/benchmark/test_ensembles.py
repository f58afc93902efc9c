"""Ensembles against their definition, put together here from the stored logits."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from benchmark.board.entries import Entry, make_entries
from benchmark.from_logits.ensembles import joined, members, select, table, validation_score
from benchmark.statistics.fit_decision import fit_decision, fit_temperature
from benchmark.tasks.registry import TASKS
from benchmark.training.runs import RESULTS, read_run
from zoo.errors import UserError

TASK = TASKS["feedback"]


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    folders = [sorted(RESULTS.glob(f"feedback/{name}/*/run.json"))[:2] for name in ("minilm-l6", "zoo-bert-en")]
    return make_entries([read_run(path.parent) for found in folders for path in found])


def test_the_mean_of_calibrated_logits_is_scored_as_a_run_is(entries: list[Entry]) -> None:
    runs = [run.predictions for entry in entries for run in entry.runs.values()]
    warm = [fit_temperature(TASK.problem_type, run.validation_logits, run.validation_y_true) for run in runs]
    validation, test = (
        np.mean([getattr(run, f"{part}_logits") / t for run, t in zip(runs, warm, strict=True)], axis=0)
        for part in ("validation", "test")
    )
    decision = fit_decision(TASK.problem_type, validation, runs[0].validation_y_true, "per_label")
    expected = f1_score(runs[0].test_y_true, decision.decide(decision.scores(test)), average="macro")
    found = table(TASK, entries).set_index("ensemble")
    assert found.loc["all runs", "value"] == pytest.approx(expected)
    assert found.loc["best single run", ["gain", "gain_low", "gain_high"]].tolist() == [0, 0, 0]
    info = [run.info for entry in entries for run in entry.runs.values()]
    assert found.loc["all runs", "train_seconds"] == pytest.approx(sum(each.train_seconds for each in info))
    assert (found["low"] <= found["value"]).all()
    assert found["validation"].is_monotonic_decreasing


def test_the_selection_is_greedy_and_sees_no_test_rows(entries: list[Entry]) -> None:
    runs = members(entries)
    chosen = select(TASK, runs)
    scores = [validation_score(TASK, joined(chosen[: n + 1])) for n in range(len(chosen))]
    assert scores[0] == pytest.approx(max(validation_score(TASK, each.predictions) for each in runs))
    assert scores == sorted(scores)
    blind = [replace(each, predictions=replace(each.predictions, test_logits=-each.predictions.test_logits,
             test_y_true=1 - each.predictions.test_y_true)) for each in runs]  # fmt: skip
    assert [each.info.id for each in select(TASK, blind)] == [each.info.id for each in chosen]


def test_a_model_that_no_seed_changes_is_one_member_and_what_was_imported_is_none(entries: list[Entry]) -> None:
    paths = sorted(RESULTS.glob("feedback/tfidf-lr/*/run.json"))[:1]
    info = (run := read_run(paths[0].parent)).info
    baseline = replace(entries[0], encoder="tfidf-lr", runs={
        seed: replace(run, info=info.model_copy(update={"latency": (), "id": str(seed)})) for seed in range(3)
    })  # fmt: skip
    found = table(TASK, [*entries, baseline]).set_index("ensemble")
    assert found.loc["all runs", "members"] == 5
    assert np.isnan(found.loc["all runs", "latency_ms"])  # one member was not measured
    elsewhere = replace(entries[0], runs={0: replace(run, info=info.model_copy(update={"runtime": "elsewhere"}))})
    with pytest.raises(UserError, match="was trained here"):
        members([elsewhere])
