"""Which files of a folder in transformers' format hold a model's weights."""

import json
from pathlib import Path

from zoo.errors import UserError, reason
from zoo.files import WHOLE

BIN = "pytorch_model.bin"  # weights as a pickle (see `zoo.encoders.bin_weights`)


def weight_files(folder: Path, name: str = WHOLE) -> list[Path]:
    """Return the files that transformers would load weights of that name from: one, or the shards that its index names.

    Raises:
        UserError: there are none, a shard is missing, or the index cannot be read.
    """
    whole, index = folder / name, folder / f"{name}.index.json"
    if whole.is_file():
        return [whole]
    if not index.is_file():
        raise UserError(f"{folder} has no weights ({WHOLE}, or {BIN}); save the model there with save_pretrained")
    try:
        parts = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        shards = [folder / part for part in sorted(set(parts.values()))]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{index} cannot be read ({reason(error)}); save the model there again") from error
    if missing := [path.name for path in shards if not path.is_file()]:
        raise UserError(f"{folder} has no {missing[0]}, a part of its weights; copy or download it again")
    return shards
