"""What is kept of a board: nothing is computed twice, nothing stale is used, and the board is the same."""

import os
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.board.build import build
from benchmark.board.kept import Kept, keep, kept_by, recall
from benchmark.board.tables import Board
from benchmark.statistics.intervals import Sample
from tests.benchmark.conftest import WriteRun


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "kept", "code")


def _files(kept: Kept) -> dict[Path, int]:
    return {path: path.stat().st_ino for path in kept.folder.glob("*")}


def _same(one: Board, other: Board) -> None:
    for field in fields(Board):
        pd.testing.assert_frame_equal(
            getattr(one, field.name), getattr(other, field.name), check_dtype=False, check_column_type=False
        )


def test_a_board_from_what_is_kept_is_the_board_and_only_what_changed_is_computed(
    write_synthetic: WriteRun, kept: Kept
) -> None:
    for task in ("sst2", "chnsenticorp"):
        for encoder in ("minilm-l6", "tfidf-lr"):
            for seed in range(2):
                results = write_synthetic(task=task, encoder=encoder, seed=seed).parents[2]
    plain = build(results)
    _same(build(results, kept=kept), plain)
    first = _files(kept)
    assert len(first) == 6  # four entries and two tasks
    _same(build(results, kept=kept), plain)
    assert _files(kept) == first

    write_synthetic(task="sst2", encoder="minilm-l6", seed=2)
    _same(build(results, kept=kept), build(results))
    assert len(_files(kept)) == 8  # one entry and its task
    build(results, kept=Kept(kept.folder, "other code"))
    assert len(_files(kept)) == 14


def test_a_damaged_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    sample = Sample(np.array([0.5, 0.75]), np.array([0.25]), 0.125, 2)
    keep(path, {"t": pd.DataFrame({"a": [1, 2]})}, {("argmax", "f1_macro"): sample})
    found = recall(path)
    assert found is not None
    assert found[0]["t"]["a"].tolist() == [1, 2]
    back = found[1]["argmax", "f1_macro"]
    assert (back.by_row, back.trained, back.of_seeds.tolist()) == (0.125, 2, [0.5, 0.75])
    path.write_bytes(path.read_bytes()[:-40])
    assert recall(path) is None
    assert recall(tmp_path / "missing.npz") is None


def test_what_was_not_used_for_long_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCODER_ZOO_CACHE", str(tmp_path))
    folder = tmp_path / "boards"
    folder.mkdir()
    for name, days in (("old", 40), ("new", 3)):
        (folder / f"{name}.npz").touch()
        os.utime(folder / f"{name}.npz", (0, time.time() - days * 24 * 3600))
    assert kept_by("code").folder == folder
    assert [path.name for path in folder.iterdir()] == ["new.npz"]
