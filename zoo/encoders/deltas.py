"""Deltas: what fine-tuning changed in an encoder, in a few bits a weight.

A fine-tuned model is its encoder plus a small difference that needs little precision. A checkpoint that comes with the
project holds this difference alone. Matrices are stored as the difference to the encoder's, quantised in groups: one
half-precision scale for each `GROUP` values along the flattened matrix, and values rounded to 2^(bits-1) - 1 steps each
way. Vectors and the classification head are stored as they are. What did not change is not stored.

A smaller form holds the product of two thin matrices in place of each difference (see `zoo.encoders.low_rank`). There
the thin matrices are quantised, the differences of vectors have 8 bits, and the head has half precision.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from zoo.errors import UserError

DELTA = "delta.safetensors"
GROUP = 64
BITS = (3, 4, 8)
SCALE, ROWS, LEFT, RIGHT = ".scale", ".rows", ".left", ".right"


@np.errstate(over="ignore", invalid="ignore")  # `_save` refuses what is not finite
def write_delta(path: Path, base: dict[str, np.ndarray], tuned: dict[str, np.ndarray], bits: int) -> None:
    """Write the difference of `tuned` to `base` as safetensors.

    Args:
        path: the file to write.
        base: the encoder's tensors by name. Tensors that are only in `tuned` (the head) are stored as they are.
        tuned: the fine-tuned model's tensors by name, float32.
        bits: 3, 4 or 8, for each value of a matrix.

    Raises:
        UserError: a tensor holds a value that is not finite, or changed too much for a half-precision scale.
    """
    stored: dict[str, np.ndarray] = {}
    for name, tensor in tuned.items():
        if name not in base or (tensor.ndim == 1 and not np.array_equal(tensor, base[name])):
            stored[name] = tensor
        elif not np.array_equal(tensor, base[name]):
            difference = tensor - base[name]
            changed = difference.any(axis=tuple(range(1, difference.ndim)))
            if not changed.all():
                stored[name + ROWS] = np.packbits(changed)
            stored[name], stored[name + SCALE] = quantise(difference[changed], bits)
    _save(path, stored, {"bits": str(bits)})


@np.errstate(over="ignore", invalid="ignore")  # `_save` refuses what is not finite
def write_low_rank(
    path: Path,
    base: dict[str, np.ndarray],
    tuned: dict[str, np.ndarray],
    products: Mapping[str, tuple[np.ndarray, np.ndarray]],
    bits: int,
) -> None:
    """Write the difference of `tuned` to `base` with thin matrices in place of whole ones.

    Args:
        path: the file to write.
        base: as for `write_delta`. A matrix that is not in it can have a product, too, as its difference to zeros.
        tuned: as for `write_delta`.
        products: by name (rows, rank) and (rank, columns), whose product stands for the difference of a matrix. A
            changed matrix without one is stored in 8 bits.
        bits: 3, 4 or 8, for each value of a thin matrix.

    Raises:
        UserError: as `write_delta`.
    """
    stored: dict[str, np.ndarray] = {}
    for name, tensor in tuned.items():
        if name in products:
            for side, factor in zip((LEFT, RIGHT), (products[name][0].T, products[name][1]), strict=True):
                stored[name + side], stored[name + side + SCALE] = quantise(factor, bits)
        elif name not in base:
            stored[name] = tensor.astype(np.float16)
        elif not np.array_equal(tensor, base[name]):
            stored[name], stored[name + SCALE] = quantise(tensor - base[name], 8)
    shapes = {name: (*left.shape, right.shape[1]) for name, (left, right) in products.items()}
    _save(path, stored, {"bits": "8", "product_bits": str(bits), "products": json.dumps(shapes)})


def _save(path: Path, stored: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    for name, tensor in stored.items():
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            name = name.removesuffix(SCALE).removesuffix(LEFT).removesuffix(RIGHT)
            raise UserError(f"'{name}' is not finite, or it differs too much from its encoder to be stored as a delta")
    save_file(stored, path, metadata=metadata)


def read_delta(path: Path, base: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the tensors of the fine-tuned model that differ from `base` or are not in it, float32, by name.

    Raises:
        UserError: the delta does not fit `base`.
    """
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata() or {}
        stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    bits, product_bits = int(metadata.get("bits", 8)), int(metadata.get("product_bits", 8))
    changed: dict[str, np.ndarray] = {}
    for name, shape in json.loads(metadata.get("products", "{}")).items():
        product = _read_product(name, stored, shape, product_bits)
        if base.get(name, product).shape != product.shape:
            raise UserError(f"{path} changes '{name}', which its encoder does not have in that size")
        changed[name] = base[name] + product if name in base else product
    for name, tensor in stored.items():
        if name.endswith((SCALE, ROWS, LEFT, RIGHT)):
            continue
        if name + SCALE not in stored:
            changed[name] = tensor
            continue
        rows = _changed_rows(base[name], stored.get(name + ROWS)) if name in base else np.empty(0, bool)
        shape = (int(rows.sum()), *base[name].shape[1:]) if len(rows) else (0,)
        if stored[name + SCALE].size != -(-int(np.prod(shape)) // GROUP) or not rows.any():
            raise UserError(f"{path} changes '{name}', which its encoder does not have in that size")
        changed[name] = base[name].copy()
        changed[name][rows] += dequantise(tensor, stored[name + SCALE], shape, bits)
    return changed


def _read_product(name: str, stored: dict[str, np.ndarray], shape: tuple[int, int, int], bits: int) -> np.ndarray:
    rows, rank, columns = shape
    left, right = (
        dequantise(stored[name + side], stored[name + side + SCALE], (rank, length), bits)
        for side, length in ((LEFT, rows), (RIGHT, columns))
    )
    return left.T @ right


def _changed_rows(tensor: np.ndarray, packed: np.ndarray | None) -> np.ndarray:
    """Return which rows a delta changes, bool of shape (rows,); none where `packed` has another number of rows."""
    if packed is None:
        return np.ones(len(tensor), bool)
    rows = np.unpackbits(packed)
    fits = len(packed) == -(-len(tensor) // 8) and not rows[len(tensor) :].any()
    return rows[: len(tensor)].astype(bool) if fits else np.zeros(len(tensor), bool)


def quantise(tensor: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the quantised values and the float16 scales of a tensor, whose last group is filled up with zeros.

    The values are int8 for 8 bits. For 4 bits they are uint8, two values a byte. For 3 bits they are uint8: a group's
    lowest bits, then its middle bits, then its highest bits.
    """
    steps = 2 ** (bits - 1) - 1
    groups = np.pad(tensor.ravel(), (0, -tensor.size % GROUP)).reshape(-1, GROUP)
    # Scales are rounded up to half precision, so that no value is cut off; the floor avoids a division by zero.
    scales = np.nextafter((np.abs(groups).max(axis=1) / steps).astype(np.float16), np.float16(np.inf))
    values = np.rint(groups / scales[:, None].astype(np.float32)).astype(np.int8)
    if bits == 8:
        return values.ravel(), scales
    shifted = (values + 2 ** (bits - 1)).astype(np.uint8)
    if bits == 3:
        return np.packbits(shifted[:, None] >> np.arange(3)[:, None] & 1), scales
    shifted = shifted.ravel()
    return shifted[0::2] | shifted[1::2] << 4, scales


def dequantise(values: np.ndarray, scales: np.ndarray, shape: tuple[int, ...], bits: int) -> np.ndarray:
    """Return the float32 tensor of `shape` from which `quantise` made `values` and `scales`."""
    if bits == 3:
        planes = np.unpackbits(values).reshape(-1, 3, GROUP).astype(np.int8)
        values = (planes << np.arange(3, dtype=np.int8)[:, None]).sum(axis=1, dtype=np.int8) - np.int8(4)
    elif bits == 4:
        values = np.stack([values & 15, values >> 4], axis=1).ravel().astype(np.int8) - np.int8(8)
    groups = values.reshape(-1, GROUP).astype(np.float32) * scales[:, None].astype(np.float32)
    return groups.ravel()[: int(np.prod(shape))].reshape(shape)
