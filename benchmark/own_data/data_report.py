"""A report on a user's own data before training: counts, lengths, and what can make scores misleading."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array

from benchmark.own_data.label_notes import Note, label_notes
from benchmark.own_data.reading import OwnData
from benchmark.own_data.sources import PARTS
from benchmark.own_data.text_notes import text_notes
from benchmark.statistics.fit_decision import MIN_POSITIVES

SAMPLE = 2_000  # rows whose tokens are counted
MAX_PAIRS = 10
_SCRIPTS = {"Han": r"\p{Han}", "Latin": r"\p{Latin}", "other": r"\p{L}"}


@dataclass(frozen=True)
class Lengths:
    """The lengths of texts in `unit`. `over` is the share of the texts that are longer than `limit`."""

    unit: str
    texts: int
    median: float
    p95: float
    longest: int
    limit: int | None = None
    over: float | None = None


@dataclass(frozen=True)
class LabelFacts:
    """The rows of each part that have a label. `rare`: its test rows are too few to judge it by."""

    label: str
    train: int
    validation: int
    test: int
    rare: bool


@dataclass(frozen=True)
class LabelPair:
    """Two labels, the number of rows with both, and their share of the rows with either (Jaccard)."""

    a: str
    b: str
    rows: int
    jaccard: float


@dataclass(frozen=True)
class DataReport:
    """The facts about a user's data.

    Texts count as the same if they differ only in case, blanks and compatibility forms
    (`benchmark.tasks.row_facts.normalized`).

    rows: by part. fingerprint: the hash of rows and splits, as in every run. splits: how the parts were made. scripts:
    the share of the texts by their main script. cardinality: labels a row. unlabelled: rows without a label.
    label_sets: different sets of labels. together: the pairs of labels that most rows have both of. repeated: rows with
    the text of an earlier row. in_two_parts: texts that are in both of two parts, by the two. contradictory: texts
    that occur with different labels. notes: what may be wrong with labels and texts. files: how each file was read, and
    what was not read.
    """

    source: str
    fingerprint: str
    splits: str
    rows: dict[str, int]
    scripts: dict[str, float]
    lengths: tuple[Lengths, ...]
    cardinality: float
    unlabelled: int
    label_sets: int
    labels: tuple[LabelFacts, ...]
    together: tuple[LabelPair, ...]
    repeated: int
    in_two_parts: dict[str, int]
    contradictory: int
    notes: tuple[Note, ...] = ()
    files: tuple[str, ...] = ()


def describe(
    data: OwnData,
    part: np.ndarray,
    groups: np.ndarray,
    fingerprint: str,
    splits: str,
    token_lengths: Sequence[Lengths],
) -> DataReport:
    """Return the report.

    Args:
        data: the rows.
        part: the position in PARTS of every row, shape (n,).
        groups: the number of every row's text, equal for equal texts, shape (n,).
        fingerprint: the hash of rows and splits.
        splits: how the parts were made, in words.
        token_lengths: of a sample of the texts, one for each encoder.
    """
    label_set = label_sets(data.y_true)
    of_row = np.diff(data.y_true.indptr)
    return DataReport(
        source=data.source,
        fingerprint=fingerprint,
        splits=splits,
        rows={name: int((part == number).sum()) for number, name in enumerate(PARTS)},
        scripts=scripts(data.texts),
        lengths=(lengths("characters", pc.utf8_length(data.texts).to_numpy()), *token_lengths),
        cardinality=float(of_row.mean()),
        unlabelled=int((of_row == 0).sum()),
        label_sets=len(np.unique(label_set)),
        labels=label_facts(data, part),
        together=label_pairs(data.y_true, data.labels),
        repeated=len(groups) - len(np.unique(groups)),
        in_two_parts=in_two_parts(part, groups),
        contradictory=contradictory(label_set, groups),
        notes=(*label_notes(data, part), *text_notes(data, part, groups)),
        files=data.files,
    )


def scripts(texts: pa.ChunkedArray) -> dict[str, float]:
    """Return the share of the texts by the script that most of their letters are in; "none" for texts without letters.

    The rule is simple: it can tell Chinese from English, but not English from French.
    """
    letters = {name: pc.count_substring_regex(texts, pattern).to_numpy() for name, pattern in _SCRIPTS.items()}
    letters["other"] = letters["other"] - letters["Han"] - letters["Latin"]
    counts = np.column_stack([np.zeros(len(texts)), *letters.values()])
    most = counts.argmax(axis=1)  # the first of equals, so "none" if all are 0
    shares = np.bincount(most, minlength=4) / len(texts)
    return dict(zip(["none", *letters], shares.tolist(), strict=True))


def lengths(unit: str, found: np.ndarray, limit: int | None = None) -> Lengths:
    """Return a summary of the lengths of texts, shape (n,)."""
    median, p95 = np.quantile(found, (0.5, 0.95)).tolist()
    over = float((found > limit).mean()) if limit else None
    return Lengths(unit, len(found), median, p95, int(found.max()), limit, over)


def sample_texts(texts: pa.ChunkedArray) -> list[str]:
    """Return SAMPLE texts, drawn with a fixed seed, or all if there are fewer."""
    rows = np.random.default_rng(0).permutation(len(texts))[:SAMPLE]
    found: list[str] = texts.take(pa.array(np.sort(rows))).to_pylist()
    return found


def label_facts(data: OwnData, part: np.ndarray) -> tuple[LabelFacts, ...]:
    """Return the number of rows of every label in every part."""
    counts = [data.y_true[part == number].sum(axis=0, dtype=np.int64).tolist() for number in range(len(PARTS))]
    return tuple(
        LabelFacts(label, train, validation, test, test < MIN_POSITIVES)
        for label, train, validation, test in zip(data.labels, *counts, strict=True)
    )


def label_pairs(y_true: csr_array, labels: Sequence[str]) -> tuple[LabelPair, ...]:
    """Return the MAX_PAIRS pairs of labels that most rows have both of, the most frequent first."""
    counts = y_true.astype(np.int64)
    both = (counts.T @ counts).tocoo()
    of_label = counts.sum(axis=0)
    above = both.coords[0] < both.coords[1]
    a, b, rows = both.coords[0][above], both.coords[1][above], both.data[above]
    first = np.lexsort((b, a, -rows))[:MAX_PAIRS]
    return tuple(
        LabelPair(labels[i], labels[j], int(n), float(n / (of_label[i] + of_label[j] - n)))
        for i, j, n in zip(a[first], b[first], rows[first], strict=True)
    )


def in_two_parts(part: np.ndarray, groups: np.ndarray) -> dict[str, int]:
    """Return the number of texts that are in both of two parts, for every two parts."""
    texts = {name: np.unique(groups[part == number]) for number, name in enumerate(PARTS)}
    return {
        f"{a} and {b}": len(np.intersect1d(texts[a], texts[b], assume_unique=True)) for a, b in combinations(PARTS, 2)
    }


def contradictory(label_set: np.ndarray, groups: np.ndarray) -> int:
    """Return the number of texts that occur with different sets of labels."""
    different = np.unique(np.column_stack([groups, label_set]), axis=0)
    return int((np.bincount(different[:, 0]) > 1).sum())


def label_sets(y_true: csr_array) -> np.ndarray:
    """Return a number for every row's set of labels, equal for equal sets, shape (n,)."""
    y_true.sort_indices()
    found: dict[bytes, int] = {}
    sets = (y_true.indices[start:end].tobytes() for start, end in pairwise(y_true.indptr.tolist()))
    return np.array([found.setdefault(each, len(found)) for each in sets])
