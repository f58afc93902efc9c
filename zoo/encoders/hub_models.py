"""A model of the Hugging Face hub as an encoder that the registry does not have."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from huggingface_hub import HfApi, ModelCard, constants, scan_cache_dir, snapshot_download
from huggingface_hub.errors import CacheNotFound, OfflineModeIsEnabled

from zoo.encoders.encoder import ENCODER_NAME, Encoder, Language
from zoo.encoders.folders import count_millions, read_family
from zoo.errors import UserError
from zoo.hub import Say, explained, patiently

HUB_FILES = ["*.json", "*.txt", "*.safetensors", "README.md"]
_UNREACHABLE = (httpx.ConnectError, httpx.TimeoutException, OfflineModeIsEnabled)


def hub_encoder(location: str, revision: str, say: Say) -> Encoder:
    """Return what the hub knows of a model, asked once; its commit of today becomes the encoder's revision.

    Where the hub cannot be reached, the copy in the cache of the hub's client is described instead.

    Args:
        location: `org/name`, or `name` for the few without an organisation.
        revision: a branch, tag or commit; "" for the newest.
        say: called with the reason when a call is repeated or the cache is used.

    Raises:
        UserError: the hub has no such model or revision, asks for access, or cannot be reached, and no copy is in the
            cache; or the model has no safetensors weights.
    """
    name = f"{location}@{revision}" if revision else location
    if not re.fullmatch(ENCODER_NAME, name):
        raise UserError(f"'hub:{name}' is no model of the hub; give it as hub:org/name or hub:org/name@revision")

    def describe() -> Encoder:
        try:
            return _asked(name, location, revision)
        except _UNREACHABLE:
            folder = _cached(location, revision)
            if folder is None:
                raise
            say(f"The hub cannot be reached; {name} is the copy in the local cache, revision {folder.name[:12]}")
            return _described(name, location, folder)

    with explained(location):
        return patiently(describe, say)


def _asked(name: str, location: str, revision: str) -> Encoder:
    info = HfApi().model_info(location, revision=revision or None, timeout=60)
    if info.safetensors is None:
        raise UserError(f"'{location}' has no safetensors weights on the hub; other formats are not loaded.")
    card: Any = info.card_data or {}
    return Encoder(
        name,
        (info.config or {}).get("model_type", "unknown"),
        round(info.safetensors.total / 1e6, 1),
        _language(card.get("language")),
        str(card.get("license") or "unknown"),
        "hub",
        location,
        str(info.sha),
    )


def _cached(location: str, revision: str) -> Path | None:
    """Return the model's folder in the cache of the hub's client; None where it is not there as a whole."""
    commit = _cached_commit(location, revision)
    try:
        arguments: dict[str, Any] = {"allow_patterns": HUB_FILES, "local_files_only": True}
        folder = Path(snapshot_download(location, revision=commit, **arguments)) if commit else None
    except OSError:
        return None
    return folder if folder and (folder / "config.json").is_file() and any(folder.glob("*.safetensors")) else None


def _cached_commit(location: str, revision: str) -> str:
    """Return the commit that stands for the revision in the cache, "" for none.

    A download by a commit leaves no word of which branch it was, so the only copy of a model is its newest.

    Raises:
        UserError: there are several copies, and no revision was asked for.
    """
    with suppress(CacheNotFound):
        copies = {
            copy.commit_hash: copy.refs
            for repo in scan_cache_dir(constants.HF_HUB_CACHE).repos
            if (repo.repo_type, repo.repo_id) == ("model", location)
            for copy in repo.revisions
        }
        named = [commit for commit, refs in copies.items() if (revision or "main") in (commit, *refs)]
        found = named or ([] if revision else sorted(copies))
        if len(found) > 1:
            raise UserError(
                f"The hub cannot be reached, and the local cache has several revisions of '{location}'; give one of "
                f"them: {', '.join(f'hub:{location}@{commit}' for commit in found)}"
            )
        return found[0] if found else ""
    return ""


def _described(name: str, location: str, folder: Path) -> Encoder:
    """Return what a copy in the cache says of itself."""
    path = folder / "README.md"
    card: Any = ModelCard.load(path, ignore_metadata_errors=True).data if path.is_file() else {}
    language, licence = _language(card.get("language")), str(card.get("license") or "unknown")
    return Encoder(name, read_family(folder), count_millions(folder), language, licence, "hub", location, folder.name)


def _language(stated: str | list[str] | None) -> Language:
    """Return the one language that a card states, where it is one of ours."""
    languages = [stated] if isinstance(stated, str) else stated or []
    return "en" if languages == ["en"] else "zh" if languages == ["zh"] else "any"
