"""Notes on texts: near duplicates across parts, equal texts with other labels, implied labels, mixed languages."""

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array

from benchmark.own_data.label_notes import Note
from benchmark.own_data.own_task import text_groups
from benchmark.own_data.reading import OwnData
from benchmark.own_data.text_notes import text_notes


def _notes(rows: list[tuple[str, str, list[str]]], labels: tuple[str, ...] = ("a", "b")) -> dict[str, Note]:
    """Notes on rows of (part, text, labels)."""
    parts = ("train", "validation", "test")
    y_true = csr_array(np.array([[label in given for label in labels] for _, _, given in rows], np.int8))
    part = np.array([parts.index(name) for name, _, _ in rows])
    data = OwnData("my.csv", pa.chunked_array([[text for _, text, _ in rows]]), y_true, labels, part, parts)
    return {note.about: note for note in text_notes(data, part, text_groups(data.texts))}


def test_texts_that_differ_in_digits_alone_are_told_across_parts() -> None:
    found = _notes(
        [
            ("train", "Order 123 is late!", ["a"]),
            ("train", "Order 77 is late", ["a"]),  # in one part: no leak
            ("test", "order 456 is late", ["a"]),
            ("test", "Order 123 is  LATE!", ["a"]),  # the same text, which the report says elsewhere
            ("validation", "order is great", ["b"]),
            ("validation", "12:30", ["b"]),  # without a letter
            ("train", "99", ["b"]),
        ]
    )
    assert list(found) == ["near duplicate"]
    assert found["near duplicate"].rows == 1
    assert found["near duplicate"].line == (
        "1 validation or test texts differ from a train text in digits, blanks and punctuation alone, so the scores "
        "may come out too high; keep such texts in one part: 'order 456 is late' and 'Order 123 is late!'"
    )


def test_equal_texts_with_other_labels_are_shown_with_both() -> None:
    found = _notes(
        [
            ("train", "good", ["a"]),
            ("train", "Good", ["a"]),
            ("train", "good ", ["a", "b"]),
            ("test", "bad", []),
            ("train", "bad", ["b"]),
            ("train", "same", ["b"]),
            ("train", "same", ["b"]),
        ]
    )
    note = found["different labels"]
    assert note.rows == 2
    assert note.line.endswith(": 'good' ('a', and 'a', 'b'); 'bad' (no label, and 'b')")


def test_a_label_that_never_comes_alone_is_told() -> None:
    rows = [("train", f"x{letter}", ["a", "b"]) for letter in "cdefg"] + [("train", "y", ["b"])]
    note = _notes(rows)["implied label"]
    assert (note.rows, note.labels) == (5, ("a",))
    assert "'a' without 'b' (5 rows)" in note.line
    assert "implied label" not in _notes(rows[1:])  # four rows are too few to say so


def test_mixed_languages_are_told_with_examples_of_the_rarer() -> None:
    rows = [("train", "a film " + letter, ["a"]) for letter in "cdefg"] + [("train", "很好看 ok", ["b"])]
    note = _notes(rows)["languages"]
    assert note.rows == 1
    assert "1 texts are mostly in Chinese characters" in note.line
    assert note.line.endswith("'很好看 ok'")
    assert _notes(rows[:5]) == {}


def test_a_long_text_is_cut_and_no_example_breaks_the_line() -> None:
    text = "a very\nlong text " * 20
    found = _notes([("train", text, ["a"]), ("train", text, ["b"])])
    assert "\n" not in found["different labels"].line
    assert len(found["different labels"].line) < 200
