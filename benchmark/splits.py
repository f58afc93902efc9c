"""Splits of rows: stratified by one label (scikit-learn) or many (iterative stratification), or by sentence."""

from collections.abc import Iterator

import numpy as np
from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit
from sklearn.model_selection import StratifiedShuffleSplit


def carve(y_true: np.ndarray, share: float, seed: int, multi_label: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers, ascending, of what stays and of what is set aside.

    A single-label split is stratified by the label; a multi-label one by iterative stratification (Sechidis et al.
    2011, "On the Stratification of Multi-Label Data").

    Args:
        y_true: gold labels, shape (n, num_labels).
        share: the part of the rows that is set aside, between 0 and 1.
        seed: fixes the draw.
        multi_label: whether a row can have other than one label.
    """
    kind = MultilabelStratifiedShuffleSplit if multi_label else StratifiedShuffleSplit
    # Rows without a label are one more kind of row to spread evenly.
    target = np.column_stack([y_true, y_true.sum(axis=1) == 0]) if multi_label else y_true.argmax(axis=1)
    kept, aside = next(kind(n_splits=1, test_size=share, random_state=seed).split(y_true, target))
    return np.sort(kept), np.sort(aside)


def carve_sentences(texts: list[str], share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers, ascending, of what stays and of what is set aside, for rows that are phrases.

    In SST-2 a training row is a sentence or a phrase of one. Set aside are whole sentences (rows of which no other row
    holds more), as the reported rows are; every phrase of theirs is in neither part, since with it in train the
    sentence would be half known. Drawn at random, which at hundreds of sentences is as good as stratified.

    Args:
        texts: words with single spaces between.
        share: the part of the sentences that is set aside, between 0 and 1.
        seed: fixes the draw.
    """
    words = [tuple(text.split()) for text in texts]
    phrases = set(words)
    inner = {part for phrase in phrases for part in _inner_phrases(phrase) if part in phrases}
    sentences = np.array([row for row, phrase in enumerate(words) if phrase not in inner and len(phrase) > 1])
    rng = np.random.default_rng(seed)
    aside = np.sort(rng.choice(sentences, round(share * len(sentences)), replace=False))
    known = {part for row in aside for part in (words[row], *_inner_phrases(words[row]))}
    kept = np.array([row for row, phrase in enumerate(words) if phrase not in known])
    return kept, aside


def _inner_phrases(phrase: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield every run of words of the phrase but the whole."""
    for length in range(1, len(phrase)):
        for start in range(len(phrase) - length + 1):
            yield phrase[start : start + length]
