"""A model of the Hugging Face hub as an encoder that the registry does not have."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from huggingface_hub import HfApi, ModelCard, constants, scan_cache_dir
from huggingface_hub.errors import CacheNotFound, OfflineModeIsEnabled

from zoo.encoders.architectures import check_architecture
from zoo.encoders.encoder import ENCODER_NAME, Encoder, Language
from zoo.encoders.folders import count_millions, read_family
from zoo.errors import UserError
from zoo.hub import Say, explained, patiently

HUB_FILES = ["*.json", "*.txt", "*.model", "*.safetensors", "README.md"]
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
            return _from_the_hub(name, location, revision)
        except _UNREACHABLE:
            copies = _cached(location, revision)
            if not copies:
                raise
            return _from_the_cache(name, location, copies, say)

    with explained(location):
        return patiently(describe, say)


def _from_the_hub(name: str, location: str, revision: str) -> Encoder:
    info = HfApi().model_info(location, revision=revision or None, timeout=60)
    if info.safetensors is None:
        raise UserError(f"'{location}' has no safetensors weights on the hub; other formats are not loaded.")
    config: dict[str, Any] = info.config or {}
    if "auto_map" in config:
        raise UserError(f"'{location}' asks for code of its own (auto_map), which is not run; use another model.")
    if "model_type" in config:  # a model of sentence-transformers can have its config in a folder of its own
        check_architecture(config["model_type"], f"'{location}'")
    family, parameters = config.get("model_type", "unknown"), round(info.safetensors.total / 1e6, 1)
    return Encoder(name, family, parameters, *_language_and_licence(info.card_data), "hub", location, str(info.sha))


def _from_the_cache(name: str, location: str, copies: list[Path], say: Say) -> Encoder:
    if len(copies) > 1:
        choice = ", ".join(f"hub:{location}@{copy.name}" for copy in copies)
        raise UserError(f"The hub cannot be reached, and the local cache has several revisions; give one: {choice}.")
    folder, path = copies[0], copies[0] / "README.md"
    say(f"The hub cannot be reached; {name} is the copy in the local cache, revision {folder.name[:12]}")
    card = ModelCard.load(path, ignore_metadata_errors=True).data if path.is_file() else None
    family, parameters = read_family(folder), count_millions(folder)
    return Encoder(name, family, parameters, *_language_and_licence(card), "hub", location, folder.name)


def _cached(location: str, revision: str) -> list[Path]:
    """Return the folders of the model in the cache of the hub's client, each named by its commit.

    A download by a commit leaves no word of which branch it was. So without a revision, and without a copy of "main",
    every copy can be the newest.
    """
    with suppress(CacheNotFound):
        found = {
            copy.snapshot_path: {copy.commit_hash, *copy.refs}
            for repo in scan_cache_dir(constants.HF_HUB_CACHE).repos
            if (repo.repo_type, repo.repo_id) == ("model", location)
            for copy in repo.revisions
            if any(copy.snapshot_path.glob("*.safetensors")) and (copy.snapshot_path / "config.json").is_file()
        }
        named = [folder for folder, names in found.items() if (revision or "main") in names]
        return named or ([] if revision else sorted(found))
    return []


def _language_and_licence(card: Any) -> tuple[Language, str]:
    """Return the card's language where it is exactly one of ours, otherwise "any", and its licence."""
    stated = card.get("language") if card else None
    languages: dict[str, Language] = {"en": "en", "zh": "zh"}
    language = languages.get(str(stated[0]) if isinstance(stated, list) and len(stated) == 1 else str(stated), "any")
    return language, str((card.get("license") if card else None) or "unknown")
