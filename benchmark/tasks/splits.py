"""Splits of rows: stratified by one label (scikit-learn), by several (iterative stratification), or by sentence."""

from collections.abc import Iterator, Sequence

import numpy as np
from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedShuffleSplit


def carve(y_true: np.ndarray, share: float, seed: int, multi_label: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the rows that stay and of the rows that are set aside, both ascending.

    A single-label split is stratified by the label; a multi-label one by iterative stratification (Sechidis et al.
    2011, "On the Stratification of Multi-Label Data").

    Args:
        y_true: gold labels, shape (n, num_labels).
        share: the part of the rows that is set aside, between 0 and 1.
        seed: fixes the draw.
        multi_label: whether a row can have no label or several.
    """
    kind = MultilabelStratifiedShuffleSplit if multi_label else StratifiedShuffleSplit
    # Rows without a label are one more kind of row to spread evenly.
    target = np.column_stack([y_true, y_true.sum(axis=1) == 0]) if multi_label else y_true.argmax(axis=1)
    kept, aside = next(kind(n_splits=1, test_size=share, random_state=seed).split(y_true, target))
    return np.sort(kept), np.sort(aside)


# `carve` cannot take its place, nor can a library: the committed runs are on the rows that `carve` sets aside, and it
# knows no groups. scikit-learn's StratifiedGroupKFold does, but takes one label a row and about a millisecond a group.
def stratify(y_true: csr_array, groups: np.ndarray, shares: Sequence[float], seed: int) -> np.ndarray:
    """Return the part of every row, shape (n,), by iterative stratification (Sechidis et al. 2011).

    The label with the fewest rows left comes first. Each of its rows goes to the part that misses most rows of the
    label; among equals to the part that misses most rows, then to a random one. Rows without a label come last and go
    to the part that misses most rows. Rows of one group, such as those with the same text, stay together and count as
    one row with the labels of all.

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
    """The state while groups are assigned to parts, in plain lists, which a loop reads faster than arrays.

    `missing[label][part]` and `missing_rows[part]` are what each part still needs, `left[label]` the unassigned groups
    of a label. `tie_breaks[group][part]` are random numbers.
    """

    def __init__(self, labels: csr_array, sizes: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> None:
        self.by_label, self.left = labels.tocsc(), np.diff(labels.tocsc().indptr)
        self.missing = np.outer(labels.sum(axis=0), shares).tolist()
        self.missing_rows = (sizes.sum() * shares).tolist()
        self.sizes, self.starts = sizes.tolist(), labels.indptr.tolist()
        self.label_of, self.count_of = labels.indices.tolist(), labels.data.tolist()
        self.part_of, self.rng = np.full(len(sizes), -1), rng
        self.tie_breaks = rng.random((len(sizes), len(shares))).tolist()

    def run(self) -> np.ndarray:
        """Return the part of every group."""
        while self.left.any():
            label = int(np.where(self.left, self.left, np.iinfo(self.left.dtype).max).argmin())
            column = self.by_label.indices[self.by_label.indptr[label] : self.by_label.indptr[label + 1]]
            self._assign(column[self.part_of[column] < 0], self.missing[label])
        self._assign(np.flatnonzero(self.part_of < 0), self.missing_rows)
        return self.part_of

    def _assign(self, groups: np.ndarray, missing: list[float]) -> None:
        """Assign each of the groups to the part that misses most, by a list that every assignment changes."""
        for group in self.rng.permutation(groups).tolist():
            ranked = zip(missing, self.missing_rows, self.tie_breaks[group], range(len(missing)), strict=True)
            self.part_of[group] = part = max(ranked)[-1]
            self.missing_rows[part] -= self.sizes[group]
            for at in range(self.starts[group], self.starts[group + 1]):
                self.missing[self.label_of[at]][part] -= self.count_of[at]
                self.left[self.label_of[at]] -= 1


def carve_sentences(texts: list[str], share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the rows that stay and of the rows that are set aside, both ascending, for phrases.

    In SST-2 a training row is a sentence or a phrase of one. Only whole sentences (rows that are part of no other row)
    are set aside, since the reported rows are sentences. Their phrases are in neither part: in train they would give
    the sentence away. The draw is random, which for hundreds of sentences is as good as a stratified one.

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
    """Yield every run of consecutive words of the phrase, without the whole phrase."""
    for length in range(1, len(phrase)):
        for start in range(len(phrase) - length + 1):
            yield phrase[start : start + length]


def joined(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return groups of rows that share a number in either array, shapes (n,): rows that are linked through others are
    together, too."""
    size = int(one.max()) + 1
    both = size + int(other.max()) + 1
    links = csr_array((np.ones(len(one), bool), (one, size + other)), shape=(both, both))
    return np.asarray(connected_components(links, directed=False)[1][one])
