"""Publishes on the Hugging Face hub: the whole model that a checkpoint stands for, or the folder of a Space.

Each publication is one commit, so all of it is there or nothing.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

from zoo.checkpoints.checkpoint import ONNX, TFIDF, Checkpoint, read_checkpoint
from zoo.checkpoints.vetting import BOUNDS, check_description, check_listing
from zoo.errors import UserError
from zoo.files import WHOLE
from zoo.hub import Say, explained, patiently

Kind = Literal["model", "space"]
# A repository without this file was not published from here, and is left alone.
_MARKS: dict[Kind, str] = {"model": "checkpoint.json", "space": "app.py"}
NO_NAME = "user/name"  # what a card calls its repository before it has one
_MADE_BY_THE_HUB = {".gitattributes", "README.md"}
_NOT_PUBLISHED = {"__pycache__", ".git"}


@dataclass(frozen=True)
class Publication:
    """What is to be published: local files by their names in the repository, which then holds these alone."""

    kind: Kind
    repo: str
    private: bool
    files: Mapping[str, Path]


def publish(publication: Publication, say: Say) -> str:
    """Publish in one commit and return the commit's address. The commit removes the repository's other files.

    `HfApi.upload_folder` does not serve here: with hf_xet installed it makes several commits of one folder, and a
    fault between two of them would leave half a model on the hub.

    Args:
        publication: what is published, where, and whether only its owner may see it.
        say: called with the reason when a call is repeated.

    Raises:
        UserError: the hub refuses, cannot be reached, or the repository is public or holds something else.
    """
    repo, kind = publication.repo, publication.kind
    added = [CommitOperationAdd(name, path) for name, path in publication.files.items()]
    sdk = "gradio" if kind == "space" else None
    with explained(repo, "Nothing was published."):
        patiently(
            lambda: HfApi().create_repo(
                repo, repo_type=kind, private=publication.private, exist_ok=True, space_sdk=sdk
            ),
            say,
        )
        _check_target(publication, *patiently(lambda: _target(publication), say))
        HfApi().preupload_lfs_files(repo, added, repo_type=kind)
    with explained(repo, "Nothing is half-published: the commit is there as a whole or not at all."):
        return patiently(lambda: _commit(publication, added), say)


def _target(publication: Publication) -> tuple[set[str], bool]:
    """Return the names of the repository's files, and whether it is private."""
    found: Any = HfApi().repo_info(publication.repo, repo_type=publication.kind)
    return {file.rfilename for file in found.siblings or []}, bool(found.private)


def _commit(publication: Publication, added: list[CommitOperationAdd]) -> str:
    """Make the commit and return its address.

    Stale files are listed at each try: where only the answer to a commit was lost, they are gone, and the repetition
    is a second commit that changes nothing.
    """
    stale = sorted(_target(publication)[0] - publication.files.keys() - {".gitattributes"})
    operations: list[Any] = [*added, *(CommitOperationDelete(name) for name in stale)]
    message = f"Publish {len(added)} files from Encoder Zoo"
    done = HfApi().create_commit(publication.repo, operations, repo_type=publication.kind, commit_message=message)
    return done.commit_url


def _check_target(publication: Publication, there: set[str], private: bool) -> None:
    repo, mark = publication.repo, _MARKS[publication.kind]
    if there - _MADE_BY_THE_HUB and mark not in there:
        raise UserError(f"'{repo}' holds something else (it has no {mark}); give another --repo.")
    if publication.private and not private:
        raise UserError(f"'{repo}' is public; say --public to publish there, or give another --repo.")


@contextmanager
def checkpoint_files(folder: Path, repo: str) -> Iterator[dict[str, Path]]:
    """Yield the files to publish for a checkpoint, by name: the whole model, as plain transformers loads it.

    Its card is that of `folder` with the repository's name in its code. A checkpoint that holds only what fine-tuning
    changed is restored to a temporary folder first.

    Raises:
        UserError: the folder is no checkpoint, or would not be loaded from the hub (see `zoo.checkpoints.vetting`).
    """
    checkpoint = read_checkpoint(folder)
    if (folder / TFIDF).is_file():
        raise UserError(f"{folder} is a TF-IDF model, which transformers does not load; publish one of an encoder")
    if (folder / ONNX).is_file() and not (folder / WHOLE).is_file():
        raise UserError(f"{folder} is an export to ONNX; publish the checkpoint that it was made of")
    card = _card(folder).read_text(encoding="utf-8").replace(NO_NAME, repo)
    with tempfile.TemporaryDirectory() as temporary:
        whole = folder if (folder / WHOLE).is_file() else _restored(checkpoint, Path(temporary) / "whole", card)
        named = Path(temporary) / "README.md"
        named.write_text(card, encoding="utf-8")
        yield _checked(whole) | {"README.md": named}


def _restored(checkpoint: Checkpoint, target: Path, card: str) -> Path:
    from zoo.checkpoints.loading import load_model, save_checkpoint
    from zoo.checkpoints.pretrained import quiet

    with quiet():
        save_checkpoint(target, checkpoint.info, checkpoint.decision, *load_model(checkpoint), card)
    return target


def _card(folder: Path) -> Path:
    if not (folder / "README.md").is_file():
        raise UserError(f"{folder} has no README.md, its model card; `encoder-zoo cards` writes it")
    return folder / "README.md"


def _checked(folder: Path) -> dict[str, Path]:
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
        raise UserError(
            f"{folder} is no Space: it needs an app.py and a README.md with `sdk: gradio`; `make space` writes one"
        )
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: path for name, path in names.items() if not _NOT_PUBLISHED.intersection(name.split("/"))}
