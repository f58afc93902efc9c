"""What every call to the Hugging Face hub shares: a repetition where the hub is busy, and errors of one clear line."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import parse_ratelimit_headers, validate_repo_id

from zoo.errors import UnreachableError, UserError

TRIES, LONGEST_WAIT = 4, 120  # seconds
Say = Callable[[str], object]
T = TypeVar("T")
_BUSY = (429, 500, 502, 503, 504)
_ANSWERS = HfHubHTTPError | httpx.HTTPError | OfflineModeIsEnabled


def check_repo(repo: str) -> str:
    """Return `repo` if it has the form user/name.

    Raises:
        UserError: it has another form.
    """
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise UserError(f"'{repo}' is no name of a repository on the hub; give it as user/name") from error
    if "/" not in repo:
        raise UserError(f"'{repo}' does not say whose repository it is; give it as user/name")
    return repo


def patiently(step: Callable[[], T], say: Say) -> T:
    """Return what `step` returns. Where the hub is busy or the connection breaks, wait and try again."""
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
    """Return the seconds to wait before the next try; None where another try would not help or is too far off."""
    if isinstance(error, httpx.TransportError):
        return 2.0 ** (tried - 1)
    if not isinstance(error, HfHubHTTPError) or error.response.status_code not in _BUSY:
        return None
    asked = _seconds(error)
    wait = 2 ** (tried - 1) if asked is None else asked
    return wait if wait <= LONGEST_WAIT else None


def _seconds(error: HfHubHTTPError) -> int | None:
    """Return after how many seconds the hub wants to be asked again; None where it does not say."""
    headers, limit = error.response.headers, parse_ratelimit_headers(error.response.headers)
    asked = headers.get("Retry-After", "")
    return int(asked) if asked.isdigit() else limit.reset_in_seconds if limit else None


def _next_step(error: BaseException) -> str:
    """Return what helps where another try did not; "" where the explanation says it."""
    if isinstance(error, httpx.TransportError):
        return "; check the network and its proxy"
    if not isinstance(error, HfHubHTTPError) or error.response.status_code not in _BUSY:
        return ""
    seconds = _seconds(error)
    return f"; try again {'later' if seconds is None else f'in {seconds:,} s'}"


@contextmanager
def explained(repo: str, after: str = "") -> Iterator[None]:
    """Turn whatever the hub's client raises into a UserError of one line that ends with `after`: an UnreachableError
    where nobody could be asked."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{error} {after}".strip()) from error
    except Exception as error:  # the client raises any kind at an answer that it does not understand
        cause = _cause(error)
        kind = UnreachableError if isinstance(cause, OfflineModeIsEnabled | httpx.TransportError) else UserError
        raise kind(f"{_explain(cause, repo)}{_next_step(cause)}. {after}".strip()) from error


def why_unread(dataset: str, error: Exception) -> str:
    """Return in one sentence why a dataset of the hub could not be loaded.

    The library `datasets` hides the hub's answer from its own errors. So where `error` does not have it, the hub is
    asked whether the dataset may be read.
    """
    cause = _cause(error)
    if not isinstance(cause, _ANSWERS):
        try:
            HfApi().auth_check(dataset, repo_type="dataset")
        except Exception as refused:
            cause = _cause(refused)
    return f"{_explain(cause, f'datasets/{dataset}')}{_next_step(cause)}"


def _cause(error: BaseException) -> BaseException:
    """Return the hub's answer, or the broken connection, that stands behind an error of the client."""
    link: BaseException | None = error
    while link is not None and not isinstance(link, _ANSWERS):
        link = link.__cause__
    return link or error


def _explain(error: BaseException, repo: str) -> str:
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE forbids any call to the hub; unset it"
    if isinstance(error, RevisionNotFoundError):
        return f"'{repo}' has no such revision on the hub; check the part after the @"
    if isinstance(error, GatedRepoError):
        page = f"{constants.ENDPOINT}/{repo}"
        return f"'{repo}' is gated; accept its terms at {page}, then log in with `hf auth login`"
    if isinstance(error, HfHubHTTPError):
        status: Any = 404 if isinstance(error, RepositoryNotFoundError) else error.response.status_code
        return {
            401: "The hub asks for a valid token (401): log in with `hf auth login`, or set HF_TOKEN",
            403: f"This token may not do that with '{repo}' (403); make one that may read or write it, and set "
            "HF_TOKEN",
            404: f"The hub has no '{repo}', or it is private and not yours (404); check the name, or log in with "
            "`hf auth login`",
            429: "The hub asks for fewer requests (429)",
        }.get(status, f"The hub answers {status}")
    if isinstance(error, httpx.TransportError):
        return f"The connection to {constants.ENDPOINT} broke ({type(error).__name__})"
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no reason given'}"
