"""The did-you-mean lookup, and the one line that an error becomes on the command line."""

import errno
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from zoo.errors import UserError, lookup, run_command_line
from zoo.files import write_text

REGISTRY = {"roberta-base": 1, "bert-base-uncased": 2}


def test_a_known_name_is_looked_up() -> None:
    assert lookup(REGISTRY, "bert-base-uncased", "encoder") == 2


def test_a_near_miss_is_named_and_all_entries_listed() -> None:
    with pytest.raises(UserError) as caught:
        lookup(REGISTRY, "robrta-base", "encoder")
    expected = "Unknown encoder 'robrta-base'. Did you mean 'roberta-base'? All: roberta-base, bert-base-uncased"
    assert str(caught.value) == expected


def test_a_far_miss_gets_no_suggestion() -> None:
    with pytest.raises(UserError, match=r"^Unknown task 'zzz'\. All: roberta-base, bert-base-uncased$"):
        lookup(REGISTRY, "zzz", "task")


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda path, tensors: torch.save(tensors, path), "torch could not write a file whole"),
        (lambda path, tensors: save_file(tensors, path), "File too large"),
        (lambda path, tensors: path.write_bytes(bytes(400_000)), "File too large"),
    ],
    ids=["torch", "safetensors", "bytes"],
)
def test_a_full_disk_ends_in_one_line(
    write: Callable[..., object], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit on the size of files stands for the disk."""
    tensors, before = {"a": torch.zeros(100_000)}, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(SystemExit) as ended:
            run_command_line(lambda: write(tmp_path / "file", tensors), "")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert told in line


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda file: write_text(file / "x.csv", ""), "{file}: File exists; give another path"),
        (lambda file: write_text(file / "below" / "x.csv", ""), "{file}/below: Not a directory; give another path"),
        (lambda file: write_text(Path("/proc/x.csv"), ""), "/proc: No such file or directory; give another path"),
        (lambda file: file.mkdir(), "{file}: File exists; give another path"),
        (lambda file: (file / "x").open(), "{file}/x: Not a directory; give another path"),
        (lambda file: _raise(errno.EACCES, "Denied", "/x"), "/x: Denied; give a place that you may read and write"),
        (lambda file: _raise(errno.ENOSPC, "No space left"), "No space left; make room, and run it again"),
        (lambda file: _raise("a library speaks"), "a library speaks"),
    ],
)
def test_what_the_system_refuses_is_told_with_its_path_and_the_next_step(
    write: Callable[[Path], object], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(SystemExit) as ended:
        run_command_line(lambda: write(file), "")
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"Error: {told.replace('{file}', str(file))}\n"


def _raise(*of: int | str) -> None:
    raise OSError(*of)


def test_a_refusal_without_a_word_is_told_by_its_kind(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> None:
        raise PermissionError

    with pytest.raises(SystemExit):
        run_command_line(refuse, "")
    assert capsys.readouterr().err == "Error: PermissionError\n"


def test_an_error_of_the_program_keeps_its_traceback() -> None:
    program = "from zoo.errors import run_command_line\nrun_command_line(lambda: [].pop(), '')"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (1, "IndexError: pop from empty list")
