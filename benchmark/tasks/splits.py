"""Splits of rows: stratified by one label (scikit-learn) or many (iterative stratification), or by sentence."""

from collections.abc import Iterator, Sequence

import numpy as np
from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit
from scipy.sparse import csr_array
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


def stratify(y_true: csr_array, groups: np.ndarray, shares: Sequence[float], seed: int) -> np.ndarray:
    """Return the part of every row, shape (n,), by iterative stratification (Sechidis et al. 2011).

    Label by label, the one with the fewest rows left first, each row goes to the part that still lacks most of the
    label; of parts that lack as much, to the one that lacks most rows; of those, to any. Rows without a label come
    last and go where most rows are lacking. Rows of one group, such as those with the same text, go together and count
    as one row with the labels of all.

    Args:
        y_true: gold labels, shape (n, num_labels).
        groups: the group of every row, numbers from 0 on, shape (n,).
        shares: the share of the rows that each part gets; they sum to 1.
        seed: fixes the draw.
    """
    of_group = csr_array((np.ones(len(groups), np.int64), (groups, np.arange(len(groups)))))
    labels = csr_array(of_group @ y_true.astype(np.int64))
    stratifier = _Stratifier(labels, np.bincount(groups), np.asarray(shares), np.random.default_rng(seed))
    return stratifier.run()[groups]


class _Stratifier:
    """What is kept while groups are given to parts, in plain lists, which a loop reads faster than arrays.

    `lacks[label][part]` and `lacks_rows[part]` are what each part still needs, `left[label]` the groups to come.
    """

    def __init__(self, labels: csr_array, sizes: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> None:
        self.by_label, self.left = labels.tocsc(), np.diff(labels.tocsc().indptr)
        self.lacks = np.outer(labels.sum(axis=0), shares).tolist()
        self.lacks_rows = (sizes.sum() * shares).tolist()
        self.sizes, self.starts = sizes.tolist(), labels.indptr.tolist()
        self.label_of, self.count_of = labels.indices.tolist(), labels.data.tolist()
        self.part_of, self.rng = np.full(len(sizes), -1), rng
        self.luck = rng.random((len(sizes), len(shares))).tolist()

    def run(self) -> np.ndarray:
        """Return the part of every group."""
        while self.left.any():
            label = int(np.where(self.left, self.left, np.iinfo(self.left.dtype).max).argmin())
            column = self.by_label.indices[self.by_label.indptr[label] : self.by_label.indptr[label + 1]]
            self._give(column[self.part_of[column] < 0], self.lacks[label])
        self._give(np.flatnonzero(self.part_of < 0), self.lacks_rows)
        return self.part_of

    def _give(self, groups: np.ndarray, lacks: list[float]) -> None:
        """Give each of the groups to the part that lacks most, by a list that each gift changes."""
        for group in self.rng.permutation(groups).tolist():
            wanted = zip(lacks, self.lacks_rows, self.luck[group], range(len(lacks)), strict=True)
            self.part_of[group] = part = max(wanted)[-1]
            self.lacks_rows[part] -= self.sizes[group]
            for at in range(self.starts[group], self.starts[group + 1]):
                self.lacks[self.label_of[at]][part] -= self.count_of[at]
                self.left[self.label_of[at]] -= 1


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
