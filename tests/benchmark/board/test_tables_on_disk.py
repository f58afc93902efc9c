"""The board's tables come back as they were kept, and reading them needs nothing that computes them."""

from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

from benchmark.board.build import build
from benchmark.board.tables import Board, entry_name, read_tables, write_tables
from tests.benchmark.conftest import WriteRun
from zoo.errors import UserError


@pytest.fixture
def board(write_synthetic: WriteRun) -> Board:
    for encoder in ("minilm-l6", "granite-30m"):
        folder = write_synthetic(encoder=encoder)
    return build(folder.parents[2])


def test_tables_come_back_as_they_were_kept(board: Board, tmp_path: Path) -> None:
    assert len(write_tables(board, tmp_path / "board")) == len(fields(Board))
    found = read_tables(tmp_path / "board")
    for field in fields(Board):
        if getattr(board, field.name).empty:
            assert getattr(found, field.name).empty
            continue
        pd.testing.assert_frame_equal(getattr(found, field.name), getattr(board, field.name), check_dtype=False)


def test_a_missing_or_damaged_table_is_said_in_one_line(board: Board, tmp_path: Path) -> None:
    folder = tmp_path / "board"
    write_tables(board, folder)
    (folder / "cells.parquet").write_bytes(b"no parquet")
    with pytest.raises(UserError, match=r"holds no readable board \(cells.parquet is damaged\); make it again"):
        read_tables(folder)
    (folder / "cells.parquet").unlink()
    with pytest.raises(UserError, match=r"holds no readable board \(cells.parquet is missing\); make it again"):
        read_tables(folder)


def test_an_entry_is_called_by_its_encoder_and_variant() -> None:
    assert entry_name({"encoder": "bert-base", "variant": ""}) == "bert-base"
    assert entry_name({"encoder": "bert-base", "variant": "epochs=1"}) == "bert-base [epochs=1]"
