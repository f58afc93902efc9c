"""Weights that a model has as `pytorch_model.bin` alone: converted once to safetensors, in the cache.

Such a file is a pickle, and a pickle can run code when it is read. It is read by torch's `weights_only` reader, which
knows tensors and plain containers and stops at anything else.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

from zoo.encoders.weight_files import BIN, weight_files
from zoo.errors import UserError
from zoo.files import WHOLE, cache_folder, is_whole, new_folder, seal, sha256

if TYPE_CHECKING:
    from torch import Tensor

_BESIDE = (".json", ".txt", ".model")  # the files beside the weights that a model is loaded with


def with_safetensors(folder: Path, say: Callable[[str], object] = lambda line: None) -> Path:
    """Return `folder`; where its weights are in `pytorch_model.bin` alone, a copy in the cache with safetensors.

    Args:
        folder: a model in transformers' format.
        say: called with a line where the weights are converted; a copy from before is taken in silence.

    Raises:
        UserError: the file is damaged, or holds anything but tensors.
    """
    if any(folder.glob("*.safetensors")) or not any(folder.glob("pytorch_model*.bin")):
        return folder
    pickled = weight_files(folder, BIN)
    beside = [path for path in sorted(folder.iterdir()) if path.suffix in _BESIDE and BIN not in path.name]
    target = cache_folder() / f"{folder.name}-{_content_hash([*pickled, *beside])}"
    if is_whole(target):
        return target
    shutil.rmtree(target, ignore_errors=True)
    from safetensors.torch import save_file

    tensors = {name: tensor for path in pickled for name, tensor in _read(path).items()}
    with new_folder(target) as copy:
        save_file(_apart(tensors), copy / WHOLE, metadata={"format": "pt"})
        for path in beside:
            shutil.copyfile(path, copy / path.name)
        seal(copy)
    say(f"{folder}: its {pickled[0].name} was read as tensors alone and is kept as safetensors in {target}")
    return target


def _content_hash(files: Iterable[Path]) -> str:
    return hashlib.sha256("".join(path.name + sha256(path) for path in files).encode()).hexdigest()[:12]


def _read(path: Path) -> "dict[str, Tensor]":
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise UserError(
            f"{path} is damaged or holds more than tensors, which could run code, so it is not read; get it again, or "
            "a copy of the model in safetensors"
        ) from error
    except Exception as error:  # torch raises any kind at a file that is cut off
        raise UserError(f"{path} cannot be read ({type(error).__name__}); copy or download it again") from error
    values = found if isinstance(found, dict) else {"": found}
    if other := next((name for name, value in values.items() if not isinstance(value, torch.Tensor)), None):
        raise UserError(f"{path} holds '{other}', which is no tensor; save the model's state_dict() alone there")
    return dict(values)


def _apart(tensors: "dict[str, Tensor]") -> "dict[str, Tensor]":
    """Return the tensors each with a memory of its own, as safetensors wants: tied weights share one."""
    seen: set[int] = set()
    found = {}
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        found[name] = tensor.detach().clone() if place in seen else tensor.detach().contiguous()
        seen.add(place)
    return found
