"""Commands that read runs: board, compare, which and verify."""

import re

import pytest

from tests.benchmark.commands.calls import Call, one_line
from tests.benchmark.conftest import WriteRun, make_predictions


@pytest.mark.slow
def test_a_leaderboard_that_cannot_be_written_ends_in_one_line(call: Call, write_synthetic: WriteRun) -> None:
    results = write_synthetic(encoder="tfidf-lr").parents[2]
    (results / "leaderboard.csv").mkdir()
    (results / "leaderboard.csv" / "x").touch()
    one_line(call("board", "--results", results), "leaderboard.csv")


def test_two_encoders_are_compared(call: Call, write_synthetic: WriteRun) -> None:
    for seed in range(3):
        write_synthetic(seed=seed)
        results = write_synthetic(encoder="granite-30m", seed=seed + 1).parents[2]
    ended = call("compare", "minilm-l6", "granite-30m", "--task", "feedback", "--results", results)
    assert (ended.code, ended.stderr) == (0, "")
    assert "seeds in common: 2" in ended.stdout
    assert re.search(r"difference: [+-]0\.\d{4}, 95 % interval", ended.stdout)
    assert "2 seeds" in ended.stdout
    one_line(call("compare", "minilm-l6", "granite", "--task", "feedback", "--results", results), "granite-30m")
    for seed in range(2):
        write_synthetic(seed=seed, recipe={"epochs": 1})
    one_epoch = ("compare", "minilm-l6", "minilm-l6", "--variant-b", "epochs=1")
    variants = call(*one_epoch, "--task", "feedback", "--results", results)
    assert (variants.code, variants.stderr) == (0, "")
    assert "seeds in common: 2" in variants.stdout
    write_synthetic(encoder="zoo-bert-en", seed=7)
    one_line(
        call("compare", "granite-30m", "zoo-bert-en", "--task", "feedback", "--results", results), "no seed in common"
    )


def test_a_gate_ends_with_its_own_code(call: Call, write_synthetic: WriteRun) -> None:
    for seed in range(2):
        write_synthetic(seed=seed)
        found = write_synthetic(encoder="granite-30m", seed=seed, predictions=make_predictions(8, True, seed + 7))
    given = ("compare", "minilm-l6", "granite-30m", "--task", "feedback", "--results", found.parents[2])
    assert call(*given, "--at-least", "-100").code == 0
    shut = call(*given, "--at-least", "100")
    assert (shut.code, shut.stderr.count("\n")) == (4, 1)
    assert "minilm-l6 is surely worse than granite-30m by more than --at-least allows: between" in shut.stderr
    low, high = map(float, re.findall(r"([+-]\d+\.\d)", shut.stderr))
    between = f"{(low + high) / 2:.2f}"
    assert call(*given, "--at-least", between).code == 0
    assert "is possibly worse" in call(*given, "--at-least", between, "--possibly").stderr
    one_line(call(*given, "--possibly"), "--possibly applies to --at-least")


@pytest.mark.slow
def test_which_encoder_to_take_is_said_of_a_board_that_was_made(call: Call, write_synthetic: WriteRun) -> None:
    for seed in range(2):
        write_synthetic(seed=seed)
        results = write_synthetic(encoder="granite-30m", seed=seed).parents[2]
    one_line(call("which", "--results", results), "holds no readable board")
    assert call("board", "--results", results).code == 0
    ended = call("which", "--results", results, "--multi-label", "--max-ms", "30")
    assert (ended.code, ended.stderr) == (0, "")
    taken = r"For English and at most 30 ms a text, take (minilm-l6|granite-30m): it is in the best group on the only"
    assert re.match(taken, ended.stdout)
    one_line(call("which", "--results", results, "--max-ms", "1"), "takes 1 ms or less", "takes 5.0 ms")
    one_line(call("which", "--results", results, "--one-label"), "no such task in English; its tasks: feedback")
    one_line(call("which", "--results", results, "--language", "fr"), "Unknown language 'fr'")


def test_compare_names_the_runs_of_the_task_that_it_leaves_out(call: Call, write_synthetic: WriteRun) -> None:
    for seed in range(3):
        write_synthetic(encoder="granite-30m", seed=seed)
        folder = write_synthetic(seed=seed)
    other = write_synthetic("feedback_zh")
    for damaged in (folder, other):
        (damaged / "predictions.npz").unlink()
    ended = call("compare", "minilm-l6", "granite-30m", "--task", "feedback", "--results", folder.parents[2])
    assert (ended.code, ended.stderr) == (0, "")
    assert f"left out: feedback/minilm-l6/{folder.name}: " in ended.stdout
    assert "seeds in common: 2" in ended.stdout
    assert other.name not in ended.stdout


@pytest.mark.slow
def test_verify_passes_on_what_was_published_and_fails_on_any_change(call: Call, write_synthetic: WriteRun) -> None:
    for seed in range(2):
        for encoder in ("minilm-l6", "granite-30m"):
            results = write_synthetic(encoder=encoder, seed=seed).parents[2]
    assert call("board", "--results", results).code == 0
    assert "The leaderboard agrees with the runs." in call("verify", "--results", results).stdout
    (results / "LEADERBOARD.md").write_text("better than it was")
    one_line(
        call("verify", "--results", results),
        "The leaderboard differs from the runs in 1 places",
        f"make it again: encoder-zoo board --results {results}",
    )


@pytest.mark.campaign
def test_verify_fails_on_a_new_run_and_tells_of_one_that_has_no_rank(call: Call, write_synthetic: WriteRun) -> None:
    for seed in range(2):
        for encoder in ("minilm-l6", "granite-30m"):
            results = write_synthetic(encoder=encoder, seed=seed).parents[2]
    call("board", "--results", results)
    write_synthetic(seed=5)
    changed = call("verify", "--results", results)
    one_line(changed)
    assert "cells:" in changed.stdout
    write_synthetic(encoder="zoo-bert-en")
    call("board", "--results", results)
    apart = call("verify", "--results", results)
    assert (apart.code, apart.stderr) == (3, "1 runs or entries are left out, without a rank or in doubt\n")
    assert "feedback/zoo-bert-en: has one seed and takes no rank\nThe leaderboard agrees with the runs." in apart.stdout
