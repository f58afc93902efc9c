"""Low rank: the part of a difference between two matrices that a model's logits notice most, as a product of two thin
matrices.

A change D of a matrix adds g' D x to a logit, where x is the matrix's input and g the logit's gradient at its output.
Over inputs with second moments C and gradients with second moments G, the mean square of that is the squared length of
sqrt(G) D sqrt(C). The singular value decomposition of this product gives the best D of each rank (as in K-FAC, Martens
and Grosse 2015, the two moments are taken as independent). Its squared singular values are in one unit, that of squared
logits, whatever the matrix. So the same bytes can be shared out among all matrices by what they gain.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from zoo.encoders.deltas import GROUP

DAMPING = 0.01  # of the mean moment, added to each: a direction that the texts never take must not count as free


@dataclass(frozen=True)
class Moments:
    """Second moments of what meets a matrix's rows and columns: a vector where they are a diagonal matrix."""

    rows: np.ndarray
    columns: np.ndarray


@dataclass(frozen=True)
class Factors:
    """`left` (rows, rank) and `right` (rank, columns), and what each rank takes off the squared error of the logits,
    in falling order."""

    left: np.ndarray
    right: np.ndarray
    gains: np.ndarray

    def first(self, rank: int) -> "Factors":
        """Return the factors of the best difference of this rank."""
        return Factors(self.left[:, :rank], self.right[:rank], self.gains[:rank])


def factorise(difference: np.ndarray, moments: Moments) -> Factors:
    """Return the factors of a difference, float32 of shape (rows, columns), at its full rank."""
    (root, inverse), (column_root, column_inverse) = _roots(moments.rows), _roots(moments.columns)
    left, values, right = np.linalg.svd((root @ difference @ column_root).astype(np.float32), full_matrices=False)
    left, right = inverse @ left * values, right @ column_inverse
    # The two lengths of each rank are made equal, so that both factors are rounded equally well.
    balance = np.sqrt((np.linalg.norm(right, axis=1) + 1e-30) / (np.linalg.norm(left, axis=0) + 1e-30))
    return Factors((left * balance).astype(np.float32), (right / balance[:, None]).astype(np.float32), values**2)


def _roots(moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the square root of damped moments, and its inverse, as something to multiply matrices with."""
    from scipy.sparse import diags_array

    if moments.ndim == 1:
        roots = np.sqrt(moments + DAMPING * moments.mean() + 1e-30)
        return diags_array(roots), diags_array(1 / roots)
    damped = moments + (DAMPING * np.trace(moments) / len(moments) + 1e-30) * np.eye(len(moments))
    values, vectors = np.linalg.eigh(damped)
    roots = np.sqrt(values)
    return (vectors * roots) @ vectors.T, (vectors / roots) @ vectors.T


def share_out(factors: Mapping[str, Factors], bits: int, size: float) -> dict[str, Factors]:
    """Return the factors cut to ranks that take `size` bytes together: those that gain most for a byte, at least one
    of each matrix."""
    costs = {name: (len(each.left) + each.right.shape[1]) * (bits / 8 + 2 / GROUP) for name, each in factors.items()}
    ranks = dict.fromkeys(factors, 1)
    left = size - sum(costs.values())
    gains = [(gain / costs[name], name) for name, each in factors.items() for gain in each.gains[1:]]
    for _, name in sorted(gains, reverse=True):
        left -= costs[name]
        if left < 0:
            break
        ranks[name] += 1
    return {name: each.first(ranks[name]) for name, each in factors.items()}
