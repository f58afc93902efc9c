"""How good the best of a few trials is: the expected best score after each number of them."""

from math import comb

import numpy as np


def expected_best(default: float, drawn: np.ndarray) -> np.ndarray:
    """Return the expected best score after 1, 2, ... trials, the first of which is a default recipe: shape (n + 1,).

    Args:
        default: the score of the default recipe.
        drawn: the scores of n recipes that were drawn at random, shape (n,).

    The expectation is over which of the drawn recipes come first: the mean of the maximum over all subsets of their
    number (Dodge et al. 2019; over subsets, which has no bias, Tang et al. 2020).
    """
    scores = np.sort(np.maximum(drawn, default))
    n = len(scores)
    means = [sum(comb(i, k - 1) * score for i, score in enumerate(scores)) / comb(n, k) for k in range(1, n + 1)]
    return np.array([default, *means])
