"""Fetches a checkpoint that somebody else published on the hub: no file is loaded before it has been checked."""

from pathlib import Path

from huggingface_hub import HfApi, snapshot_download

from zoo.checkpoints.checkpoint import read_checkpoint
from zoo.checkpoints.vetting import BOUNDS, check_description, check_listing, check_weights
from zoo.errors import UserError
from zoo.files import WHOLE
from zoo.hub import Say, check_repo, explained, patiently


def fetch_checkpoint(name: str, say: Say) -> Path:
    """Download the checkpoint `user/name[@revision]` and check each file before the next one is fetched.

    Args:
        name: the repository, and the revision if it is not the newest.
        say: called with the reason when a call is repeated.

    Returns:
        Its folder, in the cache of the hub's client.

    Raises:
        UserError: the hub refuses or cannot be reached, or the checkpoint fails a check of `zoo.checkpoints.vetting`.
    """
    repo, _, revision = name.partition("@")
    check_repo(repo)
    try:
        with explained(repo):
            info = patiently(
                lambda: HfApi().model_info(repo, revision=revision or None, files_metadata=True, timeout=60), say
            )
        check_listing({file.rfilename: file.size for file in info.siblings or []})
        folder = _download(repo, str(info.sha), [file for file in BOUNDS if file != WHOLE], say)
        check_description(folder)
        _download(repo, str(info.sha), [WHOLE], say)
        check_listing({path.name: path.stat().st_size for path in folder.iterdir()})  # what came is what was listed
        read_checkpoint(folder)
        check_weights(folder)
    except UserError as error:
        raise UserError(f"hub:{name} is not loaded: {error}") from error
    return folder


def _download(repo: str, commit: str, files: list[str], say: Say) -> Path:
    with explained(repo):
        return Path(patiently(lambda: snapshot_download(repo, revision=commit, allow_patterns=files), say))
