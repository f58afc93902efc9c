"""The did-you-mean lookup, and the one line that an error becomes on the command line."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.errors import UserError, first_line, lookup, run_command_line

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


def test_a_full_disk_ends_in_one_line(tmp_path: Path) -> None:
    """In one process, since importing torch takes seconds."""
    writes = {
        "torch.save(tensors, path)": "torch could not write a file whole",
        "safetensors.torch.save_file(tensors, path)": "File too large",
        "open(path, 'wb').write(bytes(400_000))": "File too large",
    }
    program = f"""
import resource, safetensors.torch, torch
from zoo.errors import run_command_line
path, tensors = {str(tmp_path / "file")!r}, {{"a": torch.zeros(100_000)}}
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
for write in ({"".join(f"lambda: {write}, " for write in writes)}):
    try:
        run_command_line(write, "")
    except SystemExit as ended:
        print(ended.code)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.stdout.split() == ["1"] * 3
    told = ended.stderr.splitlines()
    assert len(told) == 3
    for line, message in zip(told, writes.values(), strict=True):
        assert line.startswith("Error: ")
        assert message in line


def test_a_folder_that_cannot_be_written_to_is_named_with_what_to_do() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/results/board/.cells.parquet-x1")
    assert first_line(full) == "No space left on device: /results/board; make room, and run it again"
    assert first_line(OSError(errno.ENOSPC, "Full")) == "Full; make room, and run it again"
    fixed = OSError(errno.EROFS, os.strerror(errno.EROFS), "/results/task")
    assert first_line(fixed) == "Read-only file system: /results/task; make it writable, or give another folder"


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
