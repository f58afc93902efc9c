"""The embedded rows: what their data card promises."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from benchmark.tasks.registry import TASKS
from benchmark.tasks.rows import EMBEDDED, read_rows

SPLITS = ("train", "validation", "test")
SPAN = {"feedback": (3, 60), "feedback_zh": (5, 100)}  # words, characters
NGRAM = {"feedback": 5, "feedback_zh": 3}


@pytest.fixture(params=SPAN)
def frame(request: pytest.FixtureRequest) -> pd.DataFrame:
    rows = [json.loads(line) for line in (EMBEDDED / f"{request.param}.jsonl").read_text(encoding="utf-8").splitlines()]
    frame = pd.DataFrame(rows)
    frame.attrs["name"] = request.param
    return frame


def test_there_are_enough_messages_of_the_length_promised(frame: pd.DataFrame) -> None:
    name = frame.attrs["name"]
    lengths = frame["text"].str.len() if name == "feedback_zh" else frame["text"].str.split().str.len()
    assert len(frame) >= 600
    assert lengths.between(*SPAN[name]).all()
    assert frame["text"].str.strip().eq(frame["text"]).all()
    assert frame["text"].is_unique


def test_labels_are_known_named_once_and_many_messages_have_several(frame: pd.DataFrame) -> None:
    labels = TASKS[frame.attrs["name"]].labels
    assert set(frame["labels"].explode().dropna()) == set(labels)
    assert all(len(set(row)) == len(row) for row in frame["labels"])
    counts = frame["labels"].map(len)
    assert (counts >= 2).mean() >= 0.5
    assert (counts == 0).sum() >= 20


def test_splits_are_thirds_and_every_label_is_balanced_over_them(frame: pd.DataFrame) -> None:
    assert set(frame["split"]) == set(SPLITS)
    assert frame["split"].value_counts(normalize=True).between(0.3, 0.37).all()
    rows = read_rows(TASKS[frame.attrs["name"]], None)
    counts = np.array([getattr(rows, split).y_true.sum(axis=0) for split in SPLITS])
    assert (np.abs(counts / counts.sum(axis=0) - 1 / 3) < 0.07).all()
    assert counts.min() >= 20


def test_no_two_messages_are_near_duplicates(frame: pd.DataFrame) -> None:
    size = NGRAM[frame.attrs["name"]]
    grams = CountVectorizer(analyzer="char", ngram_range=(size, size), binary=True).fit_transform(frame["text"])
    common = (grams @ grams.T).toarray()
    sizes = common.diagonal()
    similarity = common / np.maximum(sizes[:, None] + sizes[None, :] - common, 1)
    np.fill_diagonal(similarity, 0)
    worst = np.unravel_index(similarity.argmax(), similarity.shape)
    assert similarity.max() <= 0.5, [frame["text"][row] for row in worst]


def test_the_data_card_has_the_counts_of_the_files(frame: pd.DataFrame) -> None:
    card = (EMBEDDED / "README.md").read_text(encoding="utf-8")
    column = list(SPAN).index(frame.attrs["name"])
    for label, count in frame["labels"].explode().value_counts().items():
        found = re.search(rf"^\| {label} \| (\d+) \| (\d+) \|", card, re.MULTILINE)
        assert found
        assert int(found.group(column + 1)) == count
    sizes = ", ".join(str((frame["split"] == split).sum()) for split in SPLITS)
    assert sizes in card
