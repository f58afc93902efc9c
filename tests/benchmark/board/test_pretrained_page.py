"""The page of the project's own encoders: tables and plots of what their trainings left and of the board."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.board.build import build
from benchmark.board.pretrained_page import Pretraining, figures, pretrained_part, read_pretrainings, word_accuracy
from benchmark.board.tables import Board, entry_name
from tests.benchmark.conftest import synthetic_writer
from zoo.encoders.packed import HITS
from zoo.pretraining.objectives import get_recipe


def facts(recipe: str) -> dict[str, Any]:
    """What `encoder-zoo pretrain` leaves, in round numbers."""
    held_out = {"piece_loss": 3.0, "piece_accuracy": 0.4, "word_loss": 3.5, "word_piece_accuracy": 0.35}
    return {
        "recipe": get_recipe(recipe).model_dump(),
        "language": "en",
        "start": "minilm-l6",
        "corpus": {"corpus": "0123456789ab", "documents": 5, "leaked": 1},
        "held_out": held_out,
        "training": {"curve": [[1000, 7.0], [2000, 6.5]], "seconds": 1800.0, "tokens_per_second": 700.0},
        "hardware": {
            "device": "a processor",
            "threads": 1,
            "bf16": False,
            "flops": 5e10,
        },
    }


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    write = synthetic_writer(tmp_path_factory.mktemp("board"))
    runs = [write(encoder=name, seed=seed) for name in ("minilm-l6", "granite-30m", "tfidf-lr") for seed in range(2)]
    for seed in range(2):  # on another task the two share a recipe, and one of them has another besides
        for name, epochs in (("minilm-l6", 1), ("granite-30m", 1), ("minilm-l6", 2)):
            write("feedback_zh", name, seed, recipe={"epochs": epochs})
        for name in ("minilm-l6", "granite-30m"):
            write("feedback_zh", name, seed, recipe={"epochs": 5}, trials=8)
            write("feedback_zh", name, 0, recipe={"epochs": 9})
    return build(runs[0].parents[2])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two encoders under names that the small board has entries of, and a start that nobody trained."""
    for name, recipe, accuracy in (("minilm-l6", "bert", 0.3), ("granite-30m", "bert-wwm", 0.4)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pretraining.json").write_text(json.dumps(facts(recipe)))
        right = np.random.default_rng(0).random(800) < accuracy
        np.savez(tmp_path / name / HITS, sequence=np.arange(800) // 8, pieces=1 + np.arange(800) % 2, right=right)
    (tmp_path / "start").mkdir()
    return tmp_path


def test_where_nothing_was_pretrained_the_page_is_empty(board: Board, tmp_path: Path) -> None:
    assert pretrained_part(board, tmp_path) == ""
    assert figures(board, tmp_path) == {}


def test_what_was_tuned_or_trained_once_is_in_no_row(board: Board, root: Path) -> None:
    page = pretrained_part(board, root)
    assert "epochs=1" in page
    assert "tuned" not in page
    assert "epochs=9" not in page


def test_every_table_says_what_the_training_left(board: Board, root: Path) -> None:
    wwm, bert = read_pretrainings(root)
    assert (wwm.name, bert.name) == ("granite-30m", "minilm-l6")
    page = pretrained_part(board, root)
    first = next(line for line in page.splitlines() if line.startswith("| granite-30m"))
    for cell in ("words, static", "yes", "500,000", "0.50", "700", "50.0", "0123456789ab"):
        assert f"| {cell} " in first
    assert f"{wwm.right.mean():.4f} [" in page
    gain = 100 * (wwm.right.mean() - bert.right.mean())
    assert f"granite-30m minus minilm-l6, whole words: {gain:+.1f} (between " in page
    assert "minilm-l6 minus" not in page
    for name in figures(board, root):
        assert f"(screenshots/pretraining-{name}.png)" in page


def test_encoders_asked_for_other_words_are_not_compared(board: Board, root: Path) -> None:
    """As two from nothing are, of which each has a tokenizer of its own."""
    np.savez(root / "minilm-l6" / HITS, sequence=np.arange(70), pieces=1 + np.arange(70) % 2, right=np.ones(70, bool))
    page = pretrained_part(board, root)
    assert "granite-30m minus" not in page
    assert "| minilm-l6" in page


def test_downstream_has_the_boards_cells_and_pairs_of_these_encoders_alone(board: Board, root: Path) -> None:
    page = pretrained_part(board, root)
    _, downstream = page.split("## What they score on the tasks")
    cells = board.cells.set_index(["task", "encoder", "rule", "metric", "variant"]).sort_index()
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in downstream.splitlines() if "| f1" in line
    ]
    of_task = {"feedback": "", "feedback_zh": "epochs=1"}
    assert rows == [
        [entry_name({"encoder": task, "variant": variant}), "f1_macro"]
        + [
            f"{100 * cells.loc[(task, encoder, 'per_label', 'f1_macro', variant), 'value']:.1f}"
            for encoder in ("granite-30m", "minilm-l6")
        ]
        for task, variant in of_task.items()
    ]
    assert "tfidf-lr" not in downstream
    assert "epochs=2" not in downstream
    assert "Their rows have 1 pair of encoders: one is better in none, 1 is equal" in downstream


def test_a_decided_pair_is_named_with_its_task(board: Board, root: Path) -> None:
    pairs = board.pairs.assign(verdict="a", difference=0.02, low=0.01, high=0.03)
    page = pretrained_part(replace(board, pairs=pairs), root)
    lines = [line for line in page.splitlines() if "is better than" in line]
    assert len(lines) == 1  # what has another recipe than the default is a trial
    assert re.fullmatch(r"- feedback: \S+ is better than \S+ by 2\.0 points \(between 1\.0 and 3\.0\)\.", lines[0])


def test_what_started_from_nothing_has_its_own_part_and_curve(board: Board, root: Path) -> None:
    assert "From nothing" not in pretrained_part(board, root)
    assert "from-nothing" not in figures(board, root)
    found = facts("bert") | {"start": "nothing"}
    found["held_out"] |= {"word_accuracy": 0.0905, "longer_word_accuracy": 0.01}
    (root / "nano.json").write_text(json.dumps(found))
    _, part = pretrained_part(board, root).split("## From nothing")
    assert "| nano | nothing |" in part
    assert "0.0905" in part
    assert "pretraining-from-nothing.png" in part
    (curve,) = figures(board, root)["from-nothing"].data
    assert (list(curve.x), list(curve.y)) == ([1000, 2000], [7.0, 6.5])
    assert [each.name for each in read_pretrainings(root)] == ["granite-30m", "minilm-l6"]


def test_words_of_one_sequence_stand_and_fall_together() -> None:
    """100 sequences of 8 words: where all words of a sequence are alike, 100 cases are all that there is."""
    sequence, pieces = np.repeat(np.arange(100), 8), np.ones(800, np.uint8)
    alike = Pretraining("alike", {}, sequence, pieces, np.repeat(np.arange(100) < 30, 8))
    free = Pretraining("free", {}, sequence, pieces, np.random.default_rng(0).permutation(alike.right))
    for one, cases in ((alike, 100), (free, 800)):
        found = word_accuracy(one, one, 1)
        assert found["value"] == pytest.approx(0.3)
        assert (found["high"] - found["low"]) / 2 == pytest.approx(1.96 * np.sqrt(0.3 * 0.7 / cases), rel=0.15)


def test_a_difference_is_paired_and_of_the_same_words() -> None:
    sequence, pieces = np.arange(400), np.tile([1, 2], 200)
    less = np.random.default_rng(0).random(400) < 0.4
    one = Pretraining("one", {}, sequence, pieces, less | (pieces == 2))
    found = word_accuracy(one, Pretraining("less", {}, sequence, pieces, less), 1)
    assert found["value"] == pytest.approx(one.right.mean() - less.mean())
    assert found["low"] < found["value"] < found["high"]
    only_short = Pretraining("same", {}, sequence, pieces, less)
    assert word_accuracy(only_short, Pretraining("less", {}, sequence, pieces, less.copy()), 2)["high"] == 0
    with pytest.raises(ValueError, match="same words"):
        word_accuracy(one, Pretraining("other", {}, sequence, pieces + 1, less), 1)


def test_the_plots_show_curves_accuracies_and_scores(board: Board, root: Path) -> None:
    shown = figures(board, root)
    assert list(shown) == ["curves", "held-out", "downstream"]
    curve = shown["curves"].data[0]
    assert (curve.name, list(curve.x), list(curve.y)) == ("granite-30m", [1000, 2000], [7.0, 6.5])
    bar, wwm = shown["held-out"].data[0], read_pretrainings(root)[0]
    assert list(bar.y) == pytest.approx([wwm.right.mean(), wwm.right[1::2].mean()])
    assert {trace.name for trace in shown["downstream"].data} == {"minilm-l6", "granite-30m"}
