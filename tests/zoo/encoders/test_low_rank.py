"""Low rank: the weighted error falls by what the factors say, no other product of the rank does better, and the bytes
are kept to."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from zoo.encoders.low_rank import DAMPING, Factors, Moments, factorise, share_out


def _moments(rng: np.random.Generator, size: int, diagonal: bool) -> np.ndarray:
    if diagonal:
        return rng.uniform(0, 1, size)
    inputs = rng.normal(size=(3 * size, size)) * np.geomspace(1, 0.05, size)
    return inputs.T @ inputs / len(inputs)


def _root(moments: np.ndarray) -> np.ndarray:
    full = np.diag(moments) if moments.ndim == 1 else moments
    return np.real(sqrtm(full + DAMPING * np.trace(full) / len(full) * np.eye(len(full))))


@pytest.mark.parametrize("diagonal", [False, True])
def test_the_weighted_error_of_each_rank_is_the_gains_that_are_left(diagonal: bool) -> None:
    rng = np.random.default_rng(0)
    difference = rng.normal(size=(9, 6)).astype(np.float32)
    moments = Moments(_moments(rng, 9, diagonal), _moments(rng, 6, False))
    factors = factorise(difference, moments)
    left, right = _root(moments.rows), _root(moments.columns)
    for rank in range(7):
        cut = factors.first(rank)
        error = np.linalg.norm(left @ (difference - cut.left @ cut.right) @ right) ** 2
        assert error == pytest.approx(factors.gains[rank:].sum(), rel=1e-3, abs=1e-5)
    np.testing.assert_allclose(factors.left @ factors.right, difference, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(factors.left, axis=0), np.linalg.norm(factors.right, axis=1), rtol=1e-3)


def test_plain_moments_give_the_plain_singular_values() -> None:
    difference = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    factors = factorise(difference, Moments(np.ones(5), np.eye(8)))
    expected = (1 + DAMPING) ** 2 * np.linalg.svd(difference, compute_uv=False) ** 2
    np.testing.assert_allclose(factors.gains, expected, rtol=1e-4)


def test_bytes_go_where_they_gain_most_hand_worked() -> None:
    def made(rows: int, columns: int, *gains: float) -> Factors:
        return Factors(np.ones((rows, len(gains))), np.ones((len(gains), columns)), np.array(gains))

    factors = {"small": made(32, 32, 9.0, 3.0, 1.0), "large": made(64, 64, 9.0, 5.0, 1.0)}
    # In 8 bits a rank of `small` takes 64 values of a byte and one scale of two, one of `large` twice that.
    # One rank of each takes 198. Then 3 / 66 comes before 5 / 132, and 1 / 66 before 1 / 132.
    for size, ranks in ((0, (1, 1)), (263, (1, 1)), (264, (2, 1)), (396, (2, 2)), (462, (3, 2)), (594, (3, 3))):
        cut = share_out(factors, 8, size)
        assert tuple(len(each.gains) for each in cut.values()) == ranks
        assert cut["small"].left.shape == (32, ranks[0])
