"""Deltas: the error of quantisation is bounded, all else comes back bit for bit."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors import safe_open

from zoo.encoders.deltas import GROUP, dequantise, quantise, read_delta, write_delta, write_low_rank
from zoo.errors import UserError

FINITE = st.floats(-1e4, 1e4, width=32) | st.floats(-(2**-20), 2**-20, width=32) | st.just(0.0)
TENSORS = st.tuples(st.integers(1, 9), st.integers(1, 40)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=FINITE)
)


def _bound(tensor: np.ndarray, bits: int) -> np.ndarray:
    """Half a step of each value's group: its largest magnitude over the steps, rounded up to half precision."""
    padded = np.append(tensor.ravel().astype(np.float64), np.zeros(-tensor.size % GROUP))
    largest = np.abs(padded.reshape(-1, GROUP)).max(axis=1)
    step = largest / (2 ** (bits - 1) - 1) * (1 + 2**-9) + 2**-23  # two half-precision ulps, or the smallest ones
    return np.repeat(step / 2 * (1 + 1e-5), GROUP)[: tensor.size].reshape(tensor.shape)


@given(TENSORS, st.sampled_from([3, 4, 8]))
def test_no_value_is_off_by_more_than_half_a_step(tensor: np.ndarray, bits: int) -> None:
    values, scales = quantise(tensor, bits)
    back = dequantise(values, scales, tensor.shape, bits)
    assert back.shape == tensor.shape
    assert back.dtype == np.float32
    assert (np.abs(back - tensor.astype(np.float64)) <= _bound(tensor, bits)).all()


@given(st.integers(1, 300), st.sampled_from([3, 4, 8]))
def test_a_value_takes_its_bits_and_a_group_one_half_precision_scale(size: int, bits: int) -> None:
    values, scales = quantise(np.ones(size, np.float32), bits)
    groups = -(-size // GROUP)
    assert values.nbytes == groups * GROUP * bits // 8
    assert scales.nbytes == groups * 2


def test_zeros_come_back_as_zeros() -> None:
    for bits in (3, 4, 8):
        back = dequantise(*quantise(np.zeros((3, 50), np.float32), bits), (3, 50), bits)
        np.testing.assert_array_equal(back, np.zeros((3, 50)))


def test_values_on_the_grid_come_back_hand_worked() -> None:
    tensor = np.arange(-7, 8, dtype=np.float32)  # one group whose steps are 1 in 4 bits
    np.testing.assert_allclose(dequantise(*quantise(tensor, 4), (15,), 4), tensor, rtol=1e-3)


@pytest.fixture
def base() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "embeddings": rng.normal(size=(11, 8)).astype(np.float32),
        "dense.weight": rng.normal(size=(10, 13)).astype(np.float32),
        "dense.bias": rng.normal(size=10).astype(np.float32),
        "norm.weight": np.ones(8, np.float32),
    }


@pytest.mark.parametrize("bits", [3, 4, 8])
def test_heads_and_vectors_are_exact_matrices_near_and_what_did_not_change_is_absent(
    tmp_path: Path, base: dict[str, np.ndarray], bits: int
) -> None:
    rng = np.random.default_rng(1)
    change = rng.normal(scale=0.01, size=(10, 13)).astype(np.float32)
    tuned = base | {
        "dense.weight": base["dense.weight"] + change,
        "dense.bias": base["dense.bias"] + np.float32(1e-7) + np.float32(1e-3),
        "head.weight": rng.normal(size=(3, 8)).astype(np.float32),
        "head.bias": np.array([1e-30, 1e30, -0.0], np.float32),
    }
    write_delta(tmp_path / "delta.safetensors", base, tuned, bits)
    with safe_open(tmp_path / "delta.safetensors", framework="numpy") as file:
        assert not {"embeddings", "norm.weight"} & set(file.keys())
    changed = read_delta(tmp_path / "delta.safetensors", base)
    assert set(changed) == {"dense.weight", "dense.bias", "head.weight", "head.bias"}
    for name in ("dense.bias", "head.weight", "head.bias"):
        np.testing.assert_array_equal(changed[name], tuned[name])
    assert (np.abs(changed["dense.weight"] - tuned["dense.weight"]) <= _bound(change, bits) + 1e-6).all()


@pytest.mark.parametrize("bits", [3, 4, 8])
def test_rows_that_did_not_change_take_no_room_and_come_back_exactly(
    tmp_path: Path, base: dict[str, np.ndarray], bits: int
) -> None:
    change = np.zeros((11, 8), np.float32)
    change[[1, 4, 10]] = np.random.default_rng(1).normal(size=(3, 8))
    write_delta(tmp_path / "d", base, base | {"embeddings": base["embeddings"] + change}, bits)
    with safe_open(tmp_path / "d", framework="numpy") as file:
        assert file.get_tensor("embeddings").nbytes == GROUP * bits // 8  # three rows of eight fit into one group
    before = base["embeddings"].copy()
    after = read_delta(tmp_path / "d", base)["embeddings"]
    np.testing.assert_array_equal(base["embeddings"], before)
    rest = np.delete(np.arange(11), [1, 4, 10])
    np.testing.assert_array_equal(after[rest], before[rest])
    bound = _bound((before + change - before)[[1, 4, 10]], bits) + 1e-6
    assert (np.abs(after - before - change)[[1, 4, 10]] <= bound).all()


@pytest.mark.parametrize("rows", [8, 9, 24])
def test_changed_rows_of_another_number_of_rows_are_refused(
    tmp_path: Path, base: dict[str, np.ndarray], rows: int
) -> None:
    tuned = base["embeddings"].copy()
    tuned[[0, 9, 10]] += 1
    write_delta(tmp_path / "d", base, base | {"embeddings": tuned}, 8)
    with pytest.raises(UserError, match="embeddings"):
        read_delta(tmp_path / "d", base | {"embeddings": np.zeros((rows, 8), np.float32)})


def test_a_delta_of_nothing_is_empty(tmp_path: Path, base: dict[str, np.ndarray]) -> None:
    write_delta(tmp_path / "delta.safetensors", base, {name: tensor.copy() for name, tensor in base.items()}, 8)
    assert read_delta(tmp_path / "delta.safetensors", base) == {}


def _other_shape(base: dict[str, np.ndarray], shape: tuple[int, int]) -> dict[str, np.ndarray]:
    return base | {"dense.weight": np.zeros(shape, np.float32)}


@pytest.mark.parametrize("shape", [(10, 1), (10, 20), (20, 13)])
def test_a_delta_of_another_encoders_size_is_refused(
    tmp_path: Path, base: dict[str, np.ndarray], shape: tuple[int, int]
) -> None:
    write_delta(tmp_path / "d", base, base | {"dense.weight": base["dense.weight"] + 1}, 8)
    with pytest.raises(UserError, match=r"dense\.weight"):
        read_delta(tmp_path / "d", _other_shape(base, shape))


def test_a_delta_of_an_encoder_with_other_tensors_is_refused(tmp_path: Path, base: dict[str, np.ndarray]) -> None:
    write_delta(tmp_path / "d", base, base | {"dense.weight": base["dense.weight"] + 1}, 8)
    del base["dense.weight"]
    with pytest.raises(UserError, match=r"dense\.weight"):
        read_delta(tmp_path / "d", base)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_a_diverged_tensor_is_refused_and_not_stored_as_garbage(
    tmp_path: Path, base: dict[str, np.ndarray], value: float
) -> None:
    tuned = base | {"dense.weight": base["dense.weight"].copy()}
    tuned["dense.weight"][3, 4] = value
    with pytest.raises(UserError, match=r"dense\.weight"):
        write_delta(tmp_path / "d", base, tuned, 8)
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("bits", [3, 4, 8])
def test_products_come_back_near_vectors_nearer_and_new_tensors_in_half_precision(
    tmp_path: Path, base: dict[str, np.ndarray], bits: int
) -> None:
    rng = np.random.default_rng(1)
    left, right = rng.normal(size=(10, 2)).astype(np.float32), rng.normal(size=(2, 13)).astype(np.float32)
    pooler = rng.normal(size=(5, 1)).astype(np.float32), rng.normal(size=(1, 70)).astype(np.float32)
    tuned = base | {
        "dense.weight": base["dense.weight"] + left @ right,
        "dense.bias": base["dense.bias"] + rng.normal(size=10).astype(np.float32),
        "embeddings": base["embeddings"] + 1,
        "pooler.weight": pooler[0] @ pooler[1],
        "head.weight": rng.normal(size=(3, 8)).astype(np.float32),
    }
    write_low_rank(tmp_path / "d", base, tuned, {"dense.weight": (left, right), "pooler.weight": pooler}, bits)
    changed = read_delta(tmp_path / "d", base)
    assert changed.keys() == tuned.keys() - {"norm.weight"}
    thin = [_bound(factor, bits).max() for factor in (left.T, right)]
    bound = 2 * (thin[0] * np.abs(right).max() + thin[1] * np.abs(left).max() + thin[0] * thin[1]) + 1e-5
    assert (np.abs(changed["dense.weight"] - tuned["dense.weight"]) <= bound).all()
    assert np.abs(changed["dense.weight"] - base["dense.weight"]).max() > bound / 4  # so the bound says something
    assert changed["pooler.weight"].shape == (5, 70)
    for name in ("dense.bias", "embeddings"):
        bounds = _bound(tuned[name] - base[name], 8) + 1e-6
        assert (np.abs(changed[name] - tuned[name]) <= bounds).all()
    np.testing.assert_array_equal(changed["head.weight"], tuned["head.weight"].astype(np.float16))


def test_a_product_of_another_encoders_size_is_refused(tmp_path: Path, base: dict[str, np.ndarray]) -> None:
    products = {"dense.weight": (np.ones((10, 1), np.float32), np.ones((1, 13), np.float32))}
    write_low_rank(tmp_path / "d", base, base, products, 8)
    with pytest.raises(UserError, match=r"dense\.weight"):
        read_delta(tmp_path / "d", _other_shape(base, (10, 12)))


@pytest.mark.parametrize("name", ["dense.weight", "dense.bias", "head.bias"])
def test_a_diverged_tensor_is_refused_with_products_too(tmp_path: Path, base: dict[str, np.ndarray], name: str) -> None:
    tuned = base | {"head.bias": np.zeros(2, np.float32)}
    tuned[name] = tuned[name].copy()
    tuned[name].flat[1] = np.nan
    products = {"dense.weight": (tuned["dense.weight"], np.eye(13, dtype=np.float32))}
    with pytest.raises(UserError, match=name):
        write_low_rank(tmp_path / "d", base, tuned, products, 8)
