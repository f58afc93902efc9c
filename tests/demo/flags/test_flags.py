"""Flags: what is kept, what is refused, and that many writers at once lose nothing."""

import re
import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest

from app import build
from benchmark.tasks.registry import TASKS
from demo.compare.handlers import classify
from demo.flags import handlers as flags
from demo.flags.handlers import Flag, flag, folder, keep, start_uploads
from tests.hub_server import Failure, Hub
from zoo.errors import UserError

FEEDBACK = TASKS["feedback"].labels
TEXT = "it came late, and the box was open."
ONE = Flag("2026-01-01T00:00:00+00:00", "feedback", TEXT, ["alpha"], [["price"]], [])
WRITER = """
import sys
from pathlib import Path
from demo.flags.handlers import Flag, keep
for i in range(20):
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


@pytest.mark.slow
def test_writers_in_several_processes_lose_nothing(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(i)]) for i in range(2)]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 2
    rows = pd.read_parquet(tmp_path / "flags.parquet")
    assert sorted(rows["text"]) == sorted(f"text {writer} {i}" for writer in range(2) for i in range(20))


def test_a_full_folder_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flags, "MOST", 2)
    keep(ONE, tmp_path)
    path = keep(ONE, tmp_path)
    with pytest.raises(UserError, match="2 flags are kept here"):
        keep(ONE, tmp_path)
    assert len(pd.read_parquet(path)) == 2


def test_a_folder_that_cannot_be_written_or_is_damaged_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "flags.parquet").write_bytes(b"no parquet")
    for where in (tmp_path / "file" / "flags", tmp_path):
        with pytest.raises(UserError, match="The flag could not be kept: ") as raised:
            keep(ONE, where)
        assert "\n" not in str(raised.value)
    assert (tmp_path / "flags.parquet").read_bytes() == b"no parquet"


def test_the_environment_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCODER_ZOO_FLAGS", "off")
    assert folder() is None
    monkeypatch.setenv("ENCODER_ZOO_FLAGS", str(tmp_path))
    assert folder() == tmp_path
    monkeypatch.delenv("ENCODER_ZOO_FLAGS")
    assert folder() is not None


def test_flags_that_are_uploaded_are_files_that_never_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert start_uploads() is None
    monkeypatch.setenv("ENCODER_ZOO_FLAGS_REPO", "somebody/flags")
    assert start_uploads() is None  # without a token
    monkeypatch.setenv("HF_TOKEN", "a token")
    first, second = keep(ONE, tmp_path), keep(ONE, tmp_path)
    assert first != second
    assert len(pd.read_parquet(first)) == len(pd.read_parquet(second)) == 1


@pytest.fixture
def hub(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The hub with a dataset for flags configured."""
    monkeypatch.setenv("ENCODER_ZOO_FLAGS_REPO", "ann/flags")
    monkeypatch.setenv("HF_TOKEN", "hf_writer")
    return hub


def test_flags_reach_the_dataset_once_each(
    hub: Hub, checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = tmp_path / "flags"
    monkeypatch.setenv("ENCODER_ZOO_FLAGS", str(where))

    def flagged_twice() -> list[Path]:
        return [keep(flag(TEXT, "feedback", ["alpha"], [], checkpoints), where) for _ in range(2)]

    scheduler = start_uploads()
    assert scheduler is not None
    repo = hub.repos["ann/flags"]
    assert (repo.private, repo.kind) == (True, "dataset")
    for _ in range(2):
        flagged = flagged_twice()
        scheduler.trigger().result(timeout=60)
        assert all(pd.read_parquet(BytesIO(repo.files[path.name]))["text"].tolist() == [TEXT] for path in flagged)
    commits = len(repo.commits)
    scheduler.trigger().result(timeout=60)  # nothing is new
    scheduler.stop()
    assert len(repo.commits) == commits
    assert len([name for name in repo.files if name.endswith(".parquet")]) == 4


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("HF_TOKEN", "hf_reader", "may not do that with 'ann/flags'"),
        ("HF_TOKEN", "hf_nobody", "asks for a valid token"),
        ("ENCODER_ZOO_FLAGS_REPO", "flags", "whose repository"),
    ],
)
def test_a_hub_that_takes_no_flags_is_one_log_line_and_flags_are_kept_in_the_folder(
    variable: str,
    value: str,
    message: str,
    hub: Hub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("ENCODER_ZOO_FLAGS", str(tmp_path / "flags"))
    assert start_uploads() is None
    (line,) = [record.getMessage() for record in caplog.records if record.name == "demo.flags.handlers"]
    assert re.search(message, line)
    assert f"Flags are kept in {tmp_path / 'flags'} and not uploaded" in line
    assert "\n" not in line
    assert len(pd.read_parquet(keep(ONE, tmp_path / "flags"))) == 1


@pytest.mark.parametrize("broken", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_building_the_app_asks_no_hub_and_starts_no_thread(
    broken: bool, hub: Hub, checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if broken:
        hub.failures.append(Failure("", status=500, times=1000))
    monkeypatch.setenv("ENCODER_ZOO_FLAGS", str(tmp_path / "flags"))
    before = set(threading.enumerate())
    demo, _ = build(checkpoints, tmp_path)
    assert set(threading.enumerate()) <= before
    assert hub.requests == []
    send = next(each for each in demo.fns.values() if each.name == "send")
    send.fn([TEXT, "feedback", "alpha"], ["price"], [], None)
    (path,) = (tmp_path / "flags").glob("*.parquet")
    assert pd.read_parquet(path)["text"].tolist() == [TEXT]
    assert hub.requests == []
