"""Publishes to the Hugging Face hub and fetches from it, when the user says so: nothing half-published, nothing
unchecked loaded.

What is published is one commit: it is there whole or not at all. The hub's client repeats by itself what it uploads;
`patiently` does so for its other calls, waiting as long as the hub asks.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import parse_ratelimit_headers, validate_repo_id

from zoo.checkpoints.checkpoint import WHOLE, read_checkpoint
from zoo.checkpoints.vetting import BOUNDS, check_description, check_listing, check_weights
from zoo.errors import UserError

TRIES, LONGEST_WAIT = 4, 120  # seconds
Kind = Literal["model", "space"]
Say = Callable[[str], object]
T = TypeVar("T")
_BUSY = (429, 500, 502, 503, 504)
# What tells a repository that was published from here from one that holds something else.
_MARKS: dict[Kind, str] = {"model": "checkpoint.json", "space": "app.py"}
_MADE_BY_THE_HUB = {".gitattributes", "README.md"}


@dataclass(frozen=True)
class Parcel:
    """What is to be published: local files by their names in the repository, which then holds these alone."""

    kind: Kind
    repo: str
    private: bool
    files: Mapping[str, Path]


def check_repo(repo: str) -> str:
    """Return `repo` if it has the form user/name.

    Raises:
        UserError: it has not.
    """
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise UserError(f"'{repo}' is no name of a repository on the hub; give it as user/name") from error
    if "/" not in repo:
        raise UserError(f"'{repo}' does not say whose repository it is; give it as user/name")
    return repo


def publish(parcel: Parcel, say: Say) -> str:
    """Publish a parcel as one commit and return its address; what else was in the repository is removed by it.

    Args:
        parcel: what, where, and whether only for its owner.
        say: is told why a call is repeated.

    Raises:
        UserError: the hub refuses, cannot be reached, or the repository is public or holds something else.
    """
    added = [CommitOperationAdd(name, path) for name, path in parcel.files.items()]
    with explained(parcel.repo, "Nothing was published."):
        there = _prepare(parcel, say)
        HfApi().preupload_lfs_files(parcel.repo, added, repo_type=parcel.kind)
    stale = [CommitOperationDelete(name) for name in sorted(there - parcel.files.keys() - {".gitattributes"})]
    with explained(parcel.repo, "Nothing is half-published: the commit is there as a whole or not at all."):
        return _commit(parcel, [*added, *stale], say)


def _prepare(parcel: Parcel, say: Say) -> set[str]:
    """Make the repository if there is none; return the names of its files."""
    api, sdk = HfApi(), "gradio" if parcel.kind == "space" else None
    target: dict[str, Any] = {"repo_id": parcel.repo, "repo_type": parcel.kind}
    patiently(lambda: api.create_repo(**target, private=parcel.private, exist_ok=True, space_sdk=sdk), say)
    found: Any = patiently(lambda: api.repo_info(**target), say)
    there = {file.rfilename for file in found.siblings or []}
    _check_target(parcel, there, bool(found.private))
    return there


def _commit(parcel: Parcel, operations: list[Any], say: Say) -> str:
    """Where only the answer to a commit was lost, the repetition is a second one that changes nothing."""
    message = f"Publish {len(parcel.files)} files from Encoder Zoo"
    arguments: dict[str, Any] = {"repo_type": parcel.kind, "commit_message": message}
    return patiently(lambda: HfApi().create_commit(parcel.repo, operations, **arguments), say).commit_url


def _check_target(parcel: Parcel, there: set[str], private: bool) -> None:
    mark = _MARKS[parcel.kind]
    if there - _MADE_BY_THE_HUB and mark not in there:
        raise UserError(f"'{parcel.repo}' holds something else (it has no {mark}); give another --repo.")
    if parcel.private and not private:
        raise UserError(f"'{parcel.repo}' is public; say --public to publish there, or give another --repo.")


def fetch_checkpoint(name: str, say: Say) -> Path:
    """Download the checkpoint `user/name[@revision]`, each file after what is known of it has been checked.

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
        small = [file for file in BOUNDS if file != WHOLE]
        folder = _download(repo, str(info.sha), small, say)
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


def patiently(step: Callable[[], T], say: Say) -> T:
    """Return what `step` returns; where the hub is busy or the connection breaks, wait and try again."""
    for tried in range(1, TRIES):
        try:
            return step()
        except Exception as error:
            wait = _wait(_cause(error), tried)
            if wait is None:
                raise
            say(f"{_explain(_cause(error), '')}; trying again in {wait:.0f} s ({tried} of {TRIES - 1})")
            time.sleep(wait)
    return step()


def _wait(error: BaseException, tried: int) -> float | None:
    """Return after how many seconds to try again; None where that would not help or takes too long."""
    if isinstance(error, httpx.TransportError):
        return 2.0 ** (tried - 1)
    if not isinstance(error, HfHubHTTPError) or error.response.status_code not in _BUSY:
        return None
    headers, limit = error.response.headers, parse_ratelimit_headers(error.response.headers)
    asked = headers.get("Retry-After", "")
    wait = int(asked) if asked.isdigit() else limit.reset_in_seconds if limit else 2 ** (tried - 1)
    return wait if wait <= LONGEST_WAIT else None


@contextmanager
def explained(repo: str, after: str = "") -> Iterator[None]:
    """Make one line of whatever the hub's client raises, with `after` at its end."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{error} {after}".strip()) from error
    except Exception as error:  # the client raises any kind at an answer that it does not understand
        raise UserError(f"{_explain(_cause(error), repo)}. {after}".strip()) from error


def _cause(error: BaseException) -> BaseException:
    """Return the answer of the hub, or the break of the connection, behind an error of the client."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, HfHubHTTPError | httpx.HTTPError):
        seen = seen.__cause__
    return seen or error


def _explain(error: BaseException, repo: str) -> str:
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE forbids to ask the hub; unset it"
    if isinstance(error, RevisionNotFoundError):
        return f"'{repo}' on the hub has no such revision; check what stands after the @"
    if isinstance(error, HfHubHTTPError):
        status: Any = 404 if isinstance(error, RepositoryNotFoundError) else error.response.status_code
        return {
            401: "The hub asks for a valid token (401): log in with `hf auth login`, or set HF_TOKEN",
            403: f"This token may not do that with '{repo}' (403); make one that may write to it, and set HF_TOKEN",
            404: f"The hub has no '{repo}', or it is private and not yours (404); check the name, or log in with "
            "`hf auth login`",
            429: "The hub asks for fewer requests (429)",
        }.get(status, f"The hub answers {status}")
    if isinstance(error, httpx.TransportError):
        return f"The connection to {constants.ENDPOINT} broke ({type(error).__name__})"
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no reason given'}"
