"""What is published: the whole model that a checkpoint stands for, or the folder of a Space."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.checkpoints.checkpoint import ONNX, WHOLE, read_checkpoint
from zoo.checkpoints.vetting import BOUNDS, check_description, check_listing
from zoo.errors import UserError

_NOT_PUBLISHED = {"__pycache__", ".git"}


@contextmanager
def checkpoint_files(folder: Path) -> Iterator[dict[str, Path]]:
    """Yield the files to publish for a checkpoint, by name: the whole model, as plain transformers loads it.

    A checkpoint that holds only what fine-tuning changed is restored to a temporary folder first.

    Raises:
        UserError: it is no checkpoint, or would not be loaded from the hub (see `zoo.checkpoints.vetting`).
    """
    checkpoint = read_checkpoint(folder)
    if (folder / WHOLE).is_file():
        yield _checked(folder)
        return
    if (folder / ONNX).is_file():
        raise UserError(f"{folder} is an export to ONNX; publish the checkpoint that it was made of")
    card = _card(folder).read_text(encoding="utf-8")
    from zoo.checkpoints.loading import load_model, quiet, save_checkpoint

    with tempfile.TemporaryDirectory() as temporary:
        whole = Path(temporary) / "whole"
        with quiet():
            save_checkpoint(whole, checkpoint.info, checkpoint.decision, *load_model(checkpoint), card)
        yield _checked(whole)


def _card(folder: Path) -> Path:
    if not (folder / "README.md").is_file():
        raise UserError(f"{folder} has no README.md, its card; write it: python -m benchmark cards --help")
    return folder / "README.md"


def _checked(folder: Path) -> dict[str, Path]:
    _card(folder)
    found = {name: folder / name for name in BOUNDS if (folder / name).is_file()}
    try:
        check_listing({name: path.stat().st_size for name, path in found.items()})
        check_description(folder)
    except UserError as error:
        raise UserError(f"{folder} would not be loaded from the hub: {error}") from error
    return found


def space_files(folder: Path) -> dict[str, Path]:
    """Return the files to publish for a Space, by name.

    Raises:
        UserError: the folder holds no Gradio Space.
    """
    readme = folder / "README.md"
    start = readme.read_text(encoding="utf-8")[:2000] if readme.is_file() else ""
    if "sdk: gradio" not in start or not (folder / "app.py").is_file():
        raise UserError(f"{folder} is no Space: it needs an app.py and a README.md that says sdk: gradio; `make space`")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: path for name, path in names.items() if not _NOT_PUBLISHED.intersection(name.split("/"))}
