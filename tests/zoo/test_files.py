"""Atomic writes: whole or not at all."""

import hashlib
from pathlib import Path

import pytest

from zoo.files import new_folder, sha256, write_bytes, write_text


def test_sha256_is_hashlibs(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(content)
    assert sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_new_folder_appears_whole_and_alone(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "target"
    with new_folder(target) as folder:
        (folder / "a").write_text("1")
        assert not target.exists()
    assert (target / "a").read_text() == "1"
    assert [path.name for path in target.parent.iterdir()] == ["target"]
    assert target.stat().st_mode & 0o777 == 0o755


def test_new_folder_leaves_nothing_when_its_block_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with new_folder(tmp_path / "target") as folder:
            (folder / "a").write_text("1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_new_folder_keeps_a_target_that_another_process_finished_first(tmp_path: Path) -> None:
    target = tmp_path / "target"
    with new_folder(target) as folder:
        (folder / "a").write_text("mine")
        target.mkdir()
        (target / "a").write_text("theirs")
    assert (target / "a").read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_new_folder_over_a_file_is_an_error_and_the_file_stays(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("file")

    def write() -> None:
        with new_folder(target) as folder:
            (folder / "a").write_text("1")

    with pytest.raises(OSError, match="target"):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert target.read_text() == "file"


def test_write_text_replaces_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "note.txt"
    write_text(path, "old")
    with path.open(encoding="utf-8") as reader:  # a reader of the old file is not disturbed
        write_text(path, "新, and longer than before")
        assert reader.read() == "old"
    assert path.read_bytes() == "新, and longer than before".encode()
    assert [p.name for p in path.parent.iterdir()] == ["note.txt"]


def test_a_failed_write_leaves_the_old_content_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    with pytest.raises(TypeError):
        write_bytes(path, "text")  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["note.txt"]
