"""The board on disk: written beside the runs, made anew only when something changed, verified."""

import json
import shutil
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

from benchmark.board import store as on_disk
from benchmark.board.render import between_markers
from benchmark.board.store import PARTS, Verified, identity, publish, read_board, verify
from benchmark.board.tables import Board
from benchmark.training.runs import RESULTS
from tests.benchmark.conftest import WriteRun, synthetic_writer
from zoo.errors import UserError


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two encoders with two seeds each and their board, made once: to be copied, not changed."""
    write = synthetic_writer(tmp_path_factory.mktemp("published"))
    for seed in range(2):
        for encoder in ("minilm-l6", "granite-30m"):
            folder = write("sst2", encoder, seed)
    publish(folder.parents[2])
    return folder.parents[2]


@pytest.fixture
def results(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "results"))


def _equal(one: Board, other: Board) -> None:
    for field in fields(Board):
        ours, theirs = getattr(one, field.name), getattr(other, field.name)
        pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, check_column_type=False)


@pytest.mark.slow
def test_the_files_beside_the_runs_hold_the_board(results: Path) -> None:
    shutil.rmtree(results / "board")
    texts = [path.read_text(encoding="utf-8") for path in PARTS]
    board, written = publish(results)
    assert all(path.is_file() for path in written)
    _equal(read_board(results), board)
    kept = pd.read_csv(results / "leaderboard.csv", keep_default_na=False, na_values={"sd": "", "rank_low": ""})
    assert kept["value"].tolist() == board.cells["value"].tolist()
    assert [path.read_text(encoding="utf-8") for path in PARTS] == texts  # which are for the project's own runs
    before = {path: path.read_bytes() for path in written}
    publish(results)
    assert {path: path.read_bytes() for path in written} == before


def test_it_is_computed_again_only_when_a_run_has_changed(
    results: Path, write_synthetic: WriteRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_synthetic("sst2", "tfidf-lr")  # one seed: a line among the problems
    board, written = publish(results)
    bytes_of = {path: path.read_bytes() for path in written}
    with monkeypatch.context() as patch:
        patch.setattr(on_disk, "build", lambda folder: pytest.fail("computed again"))
        _equal(publish(results)[0], board)
    assert {path: path.read_bytes() for path in written} == bytes_of
    (results / "board" / "cells.parquet").write_bytes(board.cells.assign(value=0.9999).to_parquet())
    _equal(publish(results)[0], board)
    write_synthetic("sst2", seed=2)
    assert publish(results)[0].cells["seeds"].max() == 3
    (results / "board" / "made_from.json").write_text("{")
    assert publish(results)[0].cells["seeds"].max() == 3


def test_verify_finds_a_changed_number_and_a_run_that_cannot_stand(results: Path, write_synthetic: WriteRun) -> None:
    assert verify(results) == Verified([], [])
    path = results / "board" / "cells.parquet"
    cells = pd.read_parquet(path)
    cells.loc[3, "value"] += 1e-3
    cells.to_parquet(path)
    assert any(line.startswith("cells:") for line in verify(results).differs)
    (results / "pairs.csv").write_text("no pairs")
    assert any(line.startswith("pairs.csv: it is not the board's") for line in verify(results).differs)
    write_synthetic("sst2", seed=2, fingerprint="other rows")
    publish(results)
    found = verify(results)
    assert found.differs == []
    (line,) = found.left_out
    assert "rows or gold labels differ" in line


@pytest.mark.slow
def test_verify_names_a_file_that_is_missing_or_not_the_boards(results: Path) -> None:
    (results / "report.html").write_text("no report")
    (results / "LEADERBOARD.md").unlink()
    assert verify(results).differs == ["LEADERBOARD.md: it is missing", "report.html: it is not the board's"]
    (results / "report.html").unlink()
    (results / "sst2" / "README.md").write_text("no page")
    (results / "findings.md").unlink()
    assert sorted(verify(results).differs) == [
        "LEADERBOARD.md: it is missing",
        "findings.md: it is missing",
        "report.html: it is missing",
        "sst2/README.md: it is not the board's",
    ]


@pytest.mark.slow
def test_verify_asks_for_no_report_beside_the_projects_own_runs(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_disk, "RESULTS", results)
    monkeypatch.setattr(on_disk, "PARTS", {})
    (results / "report.html").unlink()
    assert verify(results) == Verified([], [])
    (results / "report.html").write_text("no report")
    (line,) = verify(results).differs
    assert line.startswith("report.html: it is not the board's")


@pytest.mark.slow
def test_verify_names_a_table_that_lacks_what_the_files_are_made_of(results: Path) -> None:
    pd.DataFrame({"other": [1]}).to_parquet(results / "board" / "cells.parquet")
    (line,) = verify(results).differs
    assert line.startswith("cells: ")


def test_runs_none_of_which_can_stand_are_all_named(write_synthetic: WriteRun) -> None:
    labels = [f"label {i}" for i in range(8)]
    folders = [write_synthetic(seed=seed, labels=labels) for seed in range(2)]
    for command in (publish, verify):
        with pytest.raises(UserError, match=r"None of the 2 runs .* labels, their order") as caught:
            command(folders[0].parents[2])
        assert all(folder.name in str(caught.value) for folder in folders)
        assert "\n" not in str(caught.value)


def test_a_run_whose_files_are_none_is_named_beside_the_others(results: Path) -> None:
    (results / "sst2" / "odd" / "0-folder" / "run.json").mkdir(parents=True)
    (results / "sst2" / "odd" / "1-link").mkdir()
    (results / "sst2" / "odd" / "1-link" / "run.json").symlink_to("nowhere")
    board, _ = publish(results)
    assert list(board.problems["run"]) == ["sst2/odd/0-folder", "sst2/odd/1-link"]
    assert all("no readable run.json" in reason for reason in board.problems["reason"])


def test_a_damaged_table_says_what_to_do(results: Path) -> None:
    (results / "board" / "pairs.parquet").write_bytes(b"cut short")
    with pytest.raises(UserError, match="encoder-zoo board"):
        read_board(results)


def test_no_runs_are_told_with_the_command_that_makes_some(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no runs .*encoder-zoo run"):
        publish(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_projects_own_board_was_made_from_these_runs_by_this_code() -> None:
    made_from = json.loads((RESULTS / "board" / "made_from.json").read_text())["identity"]
    assert made_from == identity(RESULTS), "a run or the code has changed: make leaderboard"
    found = read_board(RESULTS)
    for path, part in PARTS.items():
        text = path.read_text(encoding="utf-8")
        assert between_markers(path, text, part(found)) == text, path
    for name, text in on_disk.pages(found).items():
        assert (RESULTS / name).read_text(encoding="utf-8") == text, name


@pytest.mark.campaign
def test_the_projects_own_board_is_what_its_runs_give() -> None:
    found = verify(RESULTS)
    assert found.differs == []
    assert [line for line in found.left_out if "has one seed" not in line] == []


@pytest.mark.parametrize(
    "changed",
    ["benchmark/code.py", "benchmark/inner/code.py", "zoo/inner/deeper/code.py", "benchmark/inner/page.md.jinja"],
)
def test_a_change_of_code_or_of_a_template_at_any_depth_makes_another_board(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    path = tmp_path / "code" / changed
    path.parent.mkdir(parents=True)
    monkeypatch.setattr(on_disk, "_ROOT", tmp_path / "code")
    monkeypatch.setattr(on_disk, "PUBLISHED", tmp_path / "code" / "published.json")
    path.write_text("x = 1\n")
    before = identity(results)
    path.write_text("x = 2\n")
    assert identity(results) != before
