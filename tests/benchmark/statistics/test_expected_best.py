"""The expected best score of a few trials, against all subsets."""

from itertools import combinations

import numpy as np

from benchmark.statistics.expected_best import expected_best


def test_it_is_the_mean_maximum_over_all_subsets_with_the_default_in_each() -> None:
    drawn = np.array([0.2, 0.9, 0.5, 0.5, 0.7])
    means = [np.mean([max(0.4, *subset) for subset in combinations(drawn, size)]) for size in range(1, 6)]
    np.testing.assert_allclose(expected_best(0.4, drawn), [0.4, *means])


def test_without_other_trials_it_is_the_default() -> None:
    np.testing.assert_array_equal(expected_best(0.8, np.array([])), [0.8])
