"""The trio: BERT, RoBERTa and BERT-wwm, pretrained one after the other from one start, on one text, with one budget.

The text is a sample of a corpus that is small enough to be visited several times. Only then do masks that are fixed
differ from masks that are drawn anew at each visit.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from zoo.encoders.registry import get_encoder
from zoo.errors import UserError
from zoo.files import new_folder
from zoo.pretraining.corpus import corpus_hash, read_texts
from zoo.pretraining.objectives import RECIPES, PretrainRecipe, get_recipe
from zoo.pretraining.pretrain import Job, run

SAMPLE = 24_000_000  # bytes of text: 5 to 8 million tokens
COPIES = 2  # masks of a sequence, each seen about four times, as BERT's were (Liu et al. 2019, 4.1)
STARTS = {"en": "minilm-l6", "zh": "bge-small-zh-v1.5"}


@dataclass(frozen=True)
class Trio:
    """What `encoder-zoo pretrain-trio` was asked for."""

    language: str
    start: str
    corpus: Path
    output: Path
    exclude: Path | None
    tokens: int
    threads: int


def pretrain_trio(trio: Trio, report: Callable[[str], None]) -> list[Path]:
    """Pretrain the encoders of the trio that are not there yet, and return the folders of all.

    Raises:
        UserError: one that is there was made in another way, or what `zoo.pretraining.pretrain.run` raises.
    """
    sample, made = _sample(trio.corpus, trio.output), []
    for name in RECIPES:
        recipe = get_recipe(name, tokens=trio.tokens, copies=COPIES)
        target = trio.output / f"{name}-{trio.language}"
        if target.exists():
            _check(target, trio, recipe, sample)
            report(f"{target} is there")
        else:
            report(f"{target}: {trio.tokens:,} tokens from {trio.start}")
            run(Job(recipe, trio.language, trio.start, sample, target, trio.exclude, trio.threads), report)
        made.append(target)
    return made


def _sample(corpus: Path, output: Path) -> Path:
    """Return the folder of the sample of a corpus; it is drawn once."""
    target = output / f"sample-{corpus_hash(corpus)}"
    if not target.is_dir():
        texts = read_texts(corpus)  # in an order that a fixed seed shuffles
        sizes = np.cumsum([len(text.encode()) for text in texts])
        kept = texts[: int(np.searchsorted(sizes, SAMPLE, side="right"))]
        with new_folder(target) as folder:
            pq.write_table(pa.table({"text": kept}), folder / "texts.parquet", compression="zstd")
    return target


def _check(target: Path, trio: Trio, recipe: PretrainRecipe, sample: Path) -> None:
    """Raise UserError where an encoder that is there differs from the one that is asked for."""
    asked = [recipe.tokens, recipe.copies, get_encoder(trio.start).name, corpus_hash(sample)]
    try:
        facts = json.loads((target / "pretraining.json").read_text())
        found = [facts["recipe"]["tokens"], facts["recipe"]["copies"], facts["start"], facts["corpus"]["corpus"]]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{target} is there and is no encoder that was pretrained; give another --output") from error
    if found != asked:
        raise UserError(
            f"{target} is there and was made in another way (tokens, masks, start, text: {found}, not {asked}); give "
            "another --output"
        )
