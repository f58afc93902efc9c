"""A model of the Hugging Face hub: as an encoder that the registry does not have, as a download, and before one."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from huggingface_hub import HfApi, ModelCard, constants, scan_cache_dir, snapshot_download
from huggingface_hub.errors import CacheNotFound, OfflineModeIsEnabled
from safetensors import SafetensorError

from zoo.encoders.architectures import check_architecture
from zoo.encoders.encoder import ENCODER_NAME, Encoder, Language
from zoo.encoders.folders import count_millions, read_family
from zoo.encoders.weight_files import BIN
from zoo.errors import UserError, reason
from zoo.files import WHOLE
from zoo.hub import Say, explained, patiently

SMALL_FILES = ["*.json", "*.txt", "*.model", "README.md"]
HUB_FILES = [*SMALL_FILES, "*.safetensors"]
BIN_FILES = ["pytorch_model*.bin"]  # fetched where there are no safetensors
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
            cache; or the model has neither safetensors nor `pytorch_model.bin`.
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
    info = HfApi().model_info(location, revision=revision or None, files_metadata=True, timeout=60)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
    if not (weights := _weights(sizes)):
        raise UserError(f"'{location}' has neither {WHOLE} nor {BIN} on the hub; other formats are not loaded.")
    config: dict[str, Any] = info.config or {}
    if "auto_map" in config:
        raise UserError(f"'{location}' asks for code of its own (auto_map), which is not run; use another model.")
    if "model_type" in config:  # a model of sentence-transformers can have its config in a folder of its own
        check_architecture(config["model_type"], f"'{location}'")
    total = info.safetensors.total if info.safetensors else _count(sizes[name] for name in weights)
    family, parameters = config.get("model_type", "unknown"), round(total / 1e6, 1)
    return Encoder(name, family, parameters, *_language_and_licence(info.card_data), "hub", location, str(info.sha))


def _from_the_cache(name: str, location: str, copies: list[Path], say: Say) -> Encoder:
    if len(copies) > 1:
        choice = ", ".join(f"hub:{location}@{copy.name}" for copy in copies)
        raise UserError(f"The hub cannot be reached, and the local cache has several revisions; give one: {choice}.")
    folder, path = copies[0], copies[0] / "README.md"
    say(f"The hub cannot be reached; {name} is the copy in the local cache, revision {folder.name[:12]}")
    card = ModelCard.load(path, ignore_metadata_errors=True).data if path.is_file() else None
    sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
    pickled = not any(folder.glob("*.safetensors"))
    try:
        family = read_family(folder)
        millions = _count(sizes[name] for name in _weights(sizes)) / 1e6 if pickled else count_millions(folder)
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise UserError(
            f"The local copy {folder} is damaged ({reason(error)}); delete it and fetch it again"
        ) from error
    return Encoder(name, family, round(millions, 1), *_language_and_licence(card), "hub", location, folder.name)


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
            if _weights(path.name for path in copy.snapshot_path.iterdir())
            and (copy.snapshot_path / "config.json").is_file()
        }
        named = [folder for folder, names in found.items() if (revision or "main") in names]
        return named or ([] if revision else sorted(found))
    return []


def _weights(names: Iterable[str]) -> list[str]:
    """Return the names of the files of weights that are loaded: safetensors, and only without them `.bin`."""
    every = list(names)
    bins = [name for name in every if re.search(r"(^|/)pytorch_model[^/]*\.bin$", name)]
    return [name for name in every if name.endswith(".safetensors")] or bins


def _count(sizes: Iterable[int]) -> float:
    """Return how many weights files of these sizes hold in float32, the type of nearly all `pytorch_model.bin`."""
    return sum(sizes) / 4


def download(location: str, revision: str, say: Say) -> Path:
    """Return the folder of a model in the cache of the hub's client, fetched where it is not there yet.

    Without a network a folder that is there is returned as it is. So a caller must look for its weights.
    """
    folder = _snapshot(location, revision, HUB_FILES, say)
    if any(folder.rglob("*.safetensors")):
        return folder
    return _snapshot(location, revision, [*HUB_FILES, *BIN_FILES], say)


def _snapshot(location: str, revision: str, files: list[str], say: Say) -> Path:
    return Path(patiently(lambda: snapshot_download(location, revision=revision, allow_patterns=files), say))


@dataclass(frozen=True)
class Ahead:
    """What is known before a model's weights are fetched: the folder with its small files, and the weights' bytes."""

    folder: Path
    weights: int
    to_fetch: int


def look_ahead(encoder: Encoder, say: Say) -> Ahead:
    """Fetch the small files of a model of the hub, its config and tokenizer, and ask for the size of the others.

    Raises:
        UnreachableError: nobody can be asked.
        UserError: the hub refuses, or has no weights of this model that are loaded.
    """
    location, revision = encoder.location, encoder.revision

    def ask() -> list[Any]:
        wanted = ["*.safetensors", *BIN_FILES]
        return snapshot_download(location, revision=revision, allow_patterns=wanted, dry_run=True)

    with explained(location):
        found = {file.filename: file for file in patiently(ask, say)}
        if not (weights := _weights(found)):
            raise UserError(f"'{location}' has neither {WHOLE} nor {BIN} at revision {revision}.")
        folder = _snapshot(location, revision, SMALL_FILES, say)
    sizes = {name: found[name].file_size or 0 for name in weights}
    return Ahead(folder, sum(sizes.values()), sum(sizes[name] for name in weights if found[name].will_download))


def _language_and_licence(card: Any) -> tuple[Language, str]:
    """Return the card's language where it is exactly one of ours, otherwise "any", and its licence."""
    stated = card.get("language") if card else None
    languages: dict[str, Language] = {"en": "en", "zh": "zh"}
    language = languages.get(str(stated[0]) if isinstance(stated, list) and len(stated) == 1 else str(stated), "any")
    return language, str((card.get("license") if card else None) or "unknown")
