"""Flags: what is kept, what is refused, and that many writers at once lose nothing."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from benchmark.tasks import TASKS
from demo import flags
from demo.compare import classify
from demo.flags import Flag, flag, folder, keep, upload_regularly
from zoo.errors import UserError

FEEDBACK = TASKS["feedback"].labels
TEXT = "it came late, and the box was open."
ONE = Flag("2026-01-01T00:00:00+00:00", "feedback", TEXT, ["alpha"], [["price"]], [])
WRITER = """
import sys
from pathlib import Path
from demo.flags import Flag, keep
for i in range(10):
    keep(Flag("now", "feedback", f"text {sys.argv[2]} {i}", ["alpha"], [[]], []), Path(sys.argv[1]))
"""


def test_a_flag_holds_what_was_decided_and_what_is_right(checkpoints: Path, tmp_path: Path) -> None:
    found = flag(TEXT, "feedback", ["beta", "alpha"], ["refund", "delivery"], checkpoints)
    expected = classify(TEXT, "feedback", ["beta", "alpha"], checkpoints)
    assert found.decided == [expected.decided(answer) for answer in expected.answers]
    assert (found.checkpoints, found.right) == (["beta", "alpha"], ["delivery", "refund"])
    keep(found, tmp_path)
    path = keep(flag(TEXT, "feedback", ["alpha"], [], checkpoints), tmp_path)
    rows = pd.read_parquet(path)
    assert rows["text"].tolist() == [TEXT, TEXT]
    assert [list(labels) for labels in rows["right"]] == [["delivery", "refund"], []]
    assert pd.to_datetime(rows["time"], utc=True).notna().all()


@pytest.mark.parametrize(
    ("text", "task", "names", "right", "message"),
    [
        (" ", "feedback", ["alpha"], [], "no text"),
        ("a" * 20_000, "feedback", ["alpha"], [], "20,000 characters"),
        (TEXT, "../etc", ["alpha"], [], "Unknown task"),
        (TEXT, "feedback", [], [], "No checkpoint"),
        (TEXT, "feedback", ["alpha"], ["prce"], "Did you mean 'price'"),
    ],
)
def test_what_is_not_a_flag_is_refused(
    text: str, task: str, names: list[str], right: list[str], message: str, checkpoints: Path
) -> None:
    with pytest.raises(UserError, match=message):
        flag(text, task, names, right, checkpoints)


def test_writers_in_several_processes_lose_nothing(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(i)]) for i in range(4)]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 4
    rows = pd.read_parquet(tmp_path / "flags.parquet")
    assert sorted(rows["text"]) == sorted(f"text {writer} {i}" for writer in range(4) for i in range(10))


def test_a_full_folder_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flags, "MOST", 2)
    keep(ONE, tmp_path)
    path = keep(ONE, tmp_path)
    with pytest.raises(UserError, match="2 flags are kept"):
        keep(ONE, tmp_path)
    assert len(pd.read_parquet(path)) == 2


def test_the_environment_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCODER_ZOO_FLAGS", "off")
    assert folder() is None
    monkeypatch.setenv("ENCODER_ZOO_FLAGS", str(tmp_path))
    assert folder() == tmp_path
    monkeypatch.delenv("ENCODER_ZOO_FLAGS")
    assert folder() is not None


def test_flags_that_are_uploaded_are_files_that_never_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert upload_regularly(tmp_path) is None
    monkeypatch.setenv("ENCODER_ZOO_FLAGS_REPO", "somebody/flags")
    assert upload_regularly(tmp_path) is None  # without a token
    monkeypatch.setenv("HF_TOKEN", "a token")
    first, second = keep(ONE, tmp_path), keep(ONE, tmp_path)
    assert first != second
    assert len(pd.read_parquet(first)) == len(pd.read_parquet(second)) == 1
