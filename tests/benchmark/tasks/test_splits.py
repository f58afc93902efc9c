"""Carving a tuning split, and splitting a user's rows: shares, nothing lost, nothing twice, the same every time."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold
from scipy.sparse import csr_array

from benchmark.tasks.splits import carve, carve_sentences, stratify


def _multi(n: int, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random((n, 6)) < [0.4, 0.2, 0.1, 0.05, 0.03, 0.02]).astype(np.int8)


@settings(max_examples=25)
@given(st.integers(60, 300), st.sampled_from([0.05, 0.1, 0.25]), st.integers(0, 50), st.booleans())
def test_parts_are_disjoint_complete_sorted_and_deterministic(n: int, share: float, seed: int, multi: bool) -> None:
    y_true = _multi(n, seed) if multi else np.eye(3, dtype=np.int8)[np.arange(n) % 3]
    kept, aside = carve(y_true, share, seed, multi)
    assert sorted([*kept, *aside]) == list(range(n))
    assert all(np.all(np.diff(part) > 0) for part in (kept, aside))
    assert abs(len(aside) - share * n) <= max(3, 0.03 * n)
    for part, again in zip((kept, aside), carve(y_true, share, seed, multi), strict=True):
        np.testing.assert_array_equal(part, again)


def test_another_seed_is_another_draw() -> None:
    for multi in (True, False):
        y_true = _multi(200, 0) if multi else np.eye(2, dtype=np.int8)[np.arange(200) % 2]
        assert carve(y_true, 0.1, 0, multi)[1].tolist() != carve(y_true, 0.1, 1, multi)[1].tolist()


def test_a_single_label_split_keeps_the_classes_shares() -> None:
    y_true = np.eye(3, dtype=np.int8)[np.repeat([0, 1, 2], [700, 200, 100])]
    _, aside = carve(y_true, 0.1, 0, multi_label=False)
    assert y_true[aside].sum(axis=0).tolist() == [70, 20, 10]


def test_a_multi_label_split_is_nearer_to_the_labels_shares_than_a_random_one() -> None:
    y_true = _multi(1000, 1)
    y_true = np.column_stack([y_true, y_true.sum(axis=1) == 0])  # rows without a label count as a kind, too

    def distance(aside: np.ndarray) -> float:
        return float(np.abs(y_true[aside].mean(axis=0) - y_true.mean(axis=0)).mean())

    ours = [distance(carve(y_true[:, :-1], 0.1, seed, multi_label=True)[1]) for seed in range(5)]
    drawn = [distance(np.random.default_rng(seed).choice(1000, 100, replace=False)) for seed in range(20)]
    assert max(ours) < np.mean(drawn) / 2


def test_a_rare_label_stands_in_both_parts() -> None:
    y_true = np.zeros((400, 3), np.int8)
    y_true[:200, 0] = 1
    y_true[:20, 1] = 1
    y_true[395:, 2] = 1
    kept, aside = carve(y_true, 0.2, 0, multi_label=True)
    assert y_true[aside].sum(axis=0) == pytest.approx([40, 4, 1], abs=1)
    assert y_true[kept][:, 2].any()
    assert y_true[aside][:, 2].any()


PHRASES = st.lists(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map(" ".join), min_size=2, max_size=25, unique=True
)


def _holds(outer: str, inner: str) -> bool:
    """Whether `inner` is a run of the words of `outer`."""
    return f" {inner} " in f" {outer} "


@given(PHRASES, st.sampled_from([0.1, 0.3, 0.6]), st.integers(0, 5))
def test_sentences_set_aside_are_whole_and_nothing_of_them_stays(texts: list[str], share: float, seed: int) -> None:
    kept, aside = carve_sentences(texts, share, seed)
    whole = [
        row
        for row, text in enumerate(texts)
        if " " in text and not any(_holds(other, text) for other in texts if other != text)
    ]
    assert len(aside) == round(share * len(whole))
    assert set(aside) <= set(whole)
    untouched = [row for row, text in enumerate(texts) if not any(_holds(texts[other], text) for other in aside)]
    assert kept.tolist() == untouched
    assert aside.tolist() == sorted(aside) == carve_sentences(texts, share, seed)[1].tolist()


def test_a_sentence_worked_by_hand_takes_its_phrases_with_it() -> None:
    texts = ["a good film", "good", "good film", "a dull plot", "dull", "a", "film"]
    parts = {tuple(part.tolist()) for seed in range(20) for part in [np.concatenate(carve_sentences(texts, 0.5, seed))]}
    # Aside is row 0 (its phrases 1, 2, 5, 6 go) or row 3 (4 and 5 go); the one set aside stands last.
    assert parts == {(3, 4, 0), (0, 1, 2, 6, 3)}


def test_a_sentence_that_stands_twice_is_not_half_in_train() -> None:
    texts = ["a good film", "a dull plot", "a good film", "a dull plot"]
    for seed in range(10):
        kept, aside = carve_sentences(texts, 0.25, seed)
        assert {texts[row] for row in kept} & {texts[row] for row in aside} == set()


def test_a_phrase_that_stands_twice_is_no_sentence() -> None:
    texts = ["good film", "a good film", "good film"]
    assert all(texts[row] == "a good film" for seed in range(20) for row in carve_sentences(texts, 0.6, seed)[1])


def _parts(y_true: np.ndarray, shares: tuple[float, ...], seed: int = 0) -> np.ndarray:
    return stratify(csr_array(y_true), np.arange(len(y_true)), shares, seed)


def _label_distribution(y_true: np.ndarray, part: np.ndarray, parts: int) -> float:
    """LD of Sechidis et al. (2011): the mean difference of a label's odds in a part and in all rows."""
    y_true = y_true[:, y_true.any(axis=0)]
    everywhere = y_true.sum(axis=0) / (y_true == 0).sum(axis=0)
    odds = [(y_true[part == j].sum(axis=0) / (y_true[part == j] == 0).sum(axis=0)) for j in range(parts)]
    return float(np.abs(np.array(odds) - everywhere).mean())


def _examples_distribution(part: np.ndarray, parts: int) -> float:
    """ED of the same paper: the mean difference of a part's number of rows and the number wanted."""
    return float(np.abs(np.bincount(part, minlength=parts) - len(part) / parts).mean())


def _library(y_true: np.ndarray, parts: int, seed: int) -> np.ndarray:
    part = np.empty(len(y_true), int)
    folds = MultilabelStratifiedKFold(n_splits=parts, shuffle=True, random_state=seed)
    for number, (_, rows) in enumerate(folds.split(y_true, y_true)):
        part[rows] = number
    return part


def test_iterative_stratification_is_as_good_as_the_library_by_the_papers_criteria() -> None:
    ours, theirs, at_random = [], [], []
    for seed in range(8):
        y_true = _multi(600, seed)
        drawn = np.random.default_rng(seed).permutation(600) % 10
        for found, part in (
            (ours, _parts(y_true, (0.1,) * 10, seed)),
            (theirs, _library(y_true, 10, seed)),
            (at_random, drawn),
        ):
            found.append((_label_distribution(y_true, part, 10), _examples_distribution(part, 10)))
    (our_ld, our_ed), (their_ld, their_ed), (random_ld, _) = (
        np.mean(found, axis=0) for found in (ours, theirs, at_random)
    )
    assert our_ld <= 1.05 * their_ld
    assert our_ld < random_ld / 2
    assert our_ed <= their_ed + 1


@settings(max_examples=40)
@given(st.integers(1, 120), st.integers(1, 8), st.integers(0, 50), st.sampled_from([(0.8, 0.1, 0.1), (0.9, 0.1)]))
def test_every_row_has_one_part_with_its_group(n: int, labels: int, seed: int, shares: tuple[float, ...]) -> None:
    rng = np.random.default_rng(seed)
    y_true = csr_array((rng.random((n, labels)) < 0.3).astype(np.int8))
    groups = np.unique(rng.integers(0, max(1, n // 2), n), return_inverse=True)[1]
    part = stratify(y_true, groups, shares, seed)
    assert set(part) <= set(range(len(shares)))
    assert all(len(set(part[groups == group])) == 1 for group in groups)
    np.testing.assert_array_equal(part, stratify(y_true, groups, shares, seed))


def test_a_label_set_worked_by_hand() -> None:
    """Ten rows with the one label and ten without, in halves: five of each on either side, whatever the draw."""
    y_true = np.repeat([[1], [0]], 10, axis=0)
    for seed in range(5):
        part = _parts(y_true, (0.5, 0.5), seed)
        assert np.bincount(part[:10]).tolist() == [5, 5]
        assert np.bincount(part[10:]).tolist() == [5, 5]


def test_classes_are_spread_by_share_and_a_class_of_one_row_does_no_harm() -> None:
    y_true = np.eye(4, dtype=np.int8)[np.repeat([0, 1, 2, 3], [700, 200, 100, 1])]
    part = _parts(y_true, (0.8, 0.1, 0.1))
    counts = np.array([y_true[part == number].sum(axis=0) for number in range(3)])
    assert counts[:, :3].tolist() == [[560, 160, 80], [70, 20, 10], [70, 20, 10]]
    assert part[-1] == 0


@pytest.mark.campaign
def test_100_000_rows_with_100_labels_are_split_within_a_minute_and_a_point_of_every_share() -> None:
    shares, rng = (0.8, 0.1, 0.1), np.random.default_rng(0)
    cause = rng.normal(size=(100_000, 8)) @ rng.normal(size=(8, 100)) / 2 + rng.normal(size=(100_000, 100))
    y_true = cause > np.array([np.quantile(cause[:, i], 1 - q) for i, q in enumerate(np.geomspace(0.0005, 0.3, 100))])
    start = time.process_time()  # of one thread, which other work on the machine does not change
    part = _parts(y_true.astype(np.int8), shares)
    assert time.process_time() - start < 60
    positives = y_true.sum(axis=0)
    found = np.array([y_true[part == number].sum(axis=0) for number in range(3)])
    often = positives >= 100
    assert 5 < often.sum() < 100
    assert np.abs(found / positives - np.array(shares)[:, None])[:, often].max() <= 0.01
    within = [y_true[part == number].mean(axis=0) - y_true.mean(axis=0) for number in range(3)]
    assert np.abs(np.array(within)[:, often]).max() <= 0.01
