"""The page of the project's own encoders: tables and plots of what their trainings left and of the board."""

import json
from pathlib import Path
from typing import Any

import pytest
from statsmodels.stats.proportion import proportion_confint

from benchmark.leaderboard import Board, build
from benchmark.pretrained_page import figures, interval, pretrained_part, read_pretrainings
from tests.benchmark.conftest import synthetic_writer
from zoo.pretraining.recipes import get_recipe


def facts(recipe: str, word_accuracy: float) -> dict[str, Any]:
    """What `python -m zoo pretrain` leaves, in round numbers."""
    held_out = {"piece_loss": 3.0, "piece_accuracy": 0.4, "word_loss": 3.5, "word_piece_accuracy": 0.35}
    held_out |= {"word_accuracy": word_accuracy, "longer_word_accuracy": 0.1}
    return {
        "recipe": get_recipe(recipe).model_dump(),
        "language": "en",
        "start": "minilm-l6",
        "corpus": {"corpus": "0123456789ab", "documents": 5, "leaked": 1},
        "held_out": held_out | {"masked_pieces": 1000, "masked_words": 800, "masked_longer_words": 90},
        "training": {"curve": [[1000, 7.0], [2000, 6.5]], "seconds": 1800.0, "tokens_per_second": 700.0},
        "hardware": {
            "device": "a processor",
            "threads": 1,
            "bf16": False,
            "flops": 5e10,
            "share_of_matrix_rate": 0.625,
        },
    }


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    write = synthetic_writer(tmp_path_factory.mktemp("board"))
    runs = [write(encoder=name, seed=seed) for name in ("minilm-l6", "granite-30m", "tfidf-lr") for seed in range(2)]
    return build(runs[0].parents[2])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two encoders under names that the small board has entries of, and a start that nobody trained."""
    for name, recipe, accuracy in (("minilm-l6", "bert", 0.30), ("granite-30m", "bert-wwm", 0.35)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pretraining.json").write_text(json.dumps(facts(recipe, accuracy)))
    (tmp_path / "start").mkdir()
    return tmp_path


def test_where_nothing_was_pretrained_the_page_is_empty(board: Board, tmp_path: Path) -> None:
    assert pretrained_part(board, tmp_path) == ""
    assert figures(board, tmp_path) == {}


def test_every_table_says_what_the_training_left(board: Board, root: Path) -> None:
    assert list(read_pretrainings(root)) == ["granite-30m", "minilm-l6"]
    page = pretrained_part(board, root)
    first = next(line for line in page.splitlines() if line.startswith("| granite-30m"))
    for cell in ("words, static", "yes", "2,000,000", "0.50", "700", "62%", "0123456789ab"):
        assert f"| {cell} " in first
    assert "whole words right (n = 800)" in page
    low, high = interval(0.35, 800)
    assert f"0.3500 [{low:.4f}, {high:.4f}]" in page


def test_downstream_has_the_boards_cells_and_pairs_of_these_encoders_alone(board: Board, root: Path) -> None:
    page = pretrained_part(board, root)
    _, downstream = page.split("## What that buys downstream")
    cells = board.cells.set_index(["task", "encoder", "rule", "metric", "variant"]).sort_index()
    value = cells.loc[("feedback", "granite-30m", "per_label", "f1_macro", ""), "value"]
    assert f"{float(value):.4f} [" in downstream
    assert "tfidf-lr" not in downstream
    pairs = board.pairs[board.pairs["a"].isin(["minilm-l6", "granite-30m"])]
    pairs = pairs[pairs["b"].isin(["minilm-l6", "granite-30m"])]
    assert sum(line.startswith("- ") for line in downstream.splitlines()) == len(pairs) > 0


def test_an_interval_is_wilsons() -> None:
    assert interval(0.3, 90) == pytest.approx(proportion_confint(27, 90, method="wilson"), abs=1e-9)


def test_the_plots_show_curves_accuracies_and_scores(board: Board, root: Path) -> None:
    shown = figures(board, root)
    assert list(shown) == ["curves", "held-out", "downstream"]
    curve = shown["curves"].data[0]
    assert (curve.name, list(curve.x), list(curve.y)) == ("granite-30m", [1000, 2000], [7.0, 6.5])
    bar = shown["held-out"].data[0]
    assert list(bar.y) == [0.4, 0.35, 0.1]
    assert {trace.name for trace in shown["downstream"].data} == {"minilm-l6", "granite-30m"}
