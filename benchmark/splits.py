"""Stratified splits of rows, for one label each (scikit-learn) and for many (iterative stratification)."""

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
