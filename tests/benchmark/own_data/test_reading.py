"""A user's own data: every way to say labels; and what cannot be used, in one line each."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmark.own_data import reading as own_data
from benchmark.own_data.columns import Columns
from benchmark.own_data.reading import read_own
from tests.benchmark.own_data.conftest import FLAGS, ONE, SEVERAL, Write
from zoo.errors import UserError


def _jsonl(rows: list[dict[str, object]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_one_label_a_row(write: Write) -> None:
    told: list[int] = []
    found = read_own(write("my.csv", "id,label,text\n1,spam,buy\n2, ham ,hello there\n3,spam,漢字\n"), ONE, told.append)
    assert (len(found), found.labels, told, found.parts) == (3, ("ham", "spam"), [3], ("train",))
    assert found.y_true.toarray().tolist() == [[0, 1], [1, 0], [0, 1]]
    assert found.texts.to_pylist() == ["buy", "hello there", "漢字"]


def test_numbers_are_labels_too(write: Write) -> None:
    found = read_own(write("my.jsonl", _jsonl([{"text": "a", "label": 3}, {"text": "b", "label": 1}])), ONE)
    assert found.labels == ("1", "3")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("my.csv", "text,labels\nx,b| a\ny,\nz,c|b|b\n"),
        ("my.tsv", "text\tlabels\nx\tb|a\ny\t| |\nz\tc|b\n"),
        ("my.jsonl", _jsonl([{"text": "x", "labels": ["b", "a"]}, {"text": "y"}, {"text": "z", "labels": ["c", "b"]}])),
        ("my.jsonl", _jsonl([{"text": "x", "labels": "a|b"}, {"text": "y"}, {"text": "z", "labels": "b|c"}])),
    ],
)  # fmt: skip
def test_several_labels_a_row(name: str, content: str, write: Write) -> None:
    found = read_own(write(name, content), SEVERAL)
    assert found.labels == ("a", "b", "c")
    assert found.y_true.toarray().tolist() == [[1, 1, 0], [0, 0, 0], [0, 1, 1]]


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("['b', 'a']", ("a", "b")),  # as pandas writes lists
        ('["b", "a"]', ("a", "b")),
        ("['b' 'a']", ("a", "b")),  # as pandas writes NumPy's arrays
        ("['b'\n 'a']", ("a", "b")),
        (' ["b,|", "it\'s", null] ', ("b,|", "it's")),
        ("['it\\'s', \"b\", ]", ("b", "it's")),
        ('["\\ud83d\\ude00"]', ("😀",)),
        ("[1, 20]", ("1", "20")),
        ("[1 20]", ("1", "20")),
        ("[1.5, 2.0]", ("1.5", "2.0")),
        ("[]", ()),
        ("[b]|[a]", ("[a]", "[b]")),
        ("[b, a]", ("a", "b")),  # as doccano writes them
        ("{b,a}", ("a", "b")),  # as PostgreSQL does
        ("('b', 'a')", ("a", "b")),
        ("{'b'}", ("b",)),
        ("array(['b', 'a'], dtype=object)", ("a", "b")),
        ("[np.str_('b'), np.str_('a')]", ("a", "b")),
        ("[nan]", ()),
        ("(a)", ("(a)",)),
        ('{"choices": ["b", "a"]}', ("a", "b")),  # as Label Studio does
        ("{'b': True, 'a': 0}", ("b",)),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_a_list_written_as_text_is_a_list(cell: str, labels: tuple[str, ...], tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["x", "y", "z"], "labels": [cell, "other|more", None]})
    frame.to_csv(tmp_path / "my.csv", index=False)
    found = read_own(str(tmp_path / "my.csv"), SEVERAL)
    of_rows = [[found.labels[label] for label in np.flatnonzero(row)] for row in found.y_true.toarray()]
    assert of_rows == [list(labels), ["more", "other"], []]


@pytest.mark.parametrize(
    "cell",
    ["['b', ['a']]", '["\\ud800"]', "['\\x']", "[" * 150 + "]", "['a', open('x')]", "[b|a]", "{b: 1}",
     "[true, false]", "[b'a']", "['a' ... 'z']", "[0 1 ... 0]", "[(0, 1)]", "{'a': {'b'}}", "[{[]}]"],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_a_structure_that_is_no_list_of_names_is_refused(cell: str, tmp_path: Path) -> None:
    pd.DataFrame({"text": ["x", "y", "z"], "labels": ["a", cell, cell]}).to_csv(tmp_path / "my.csv", index=False)
    with pytest.raises(UserError, match=r"row 2 has .* in the column 'labels', which .* \(2 such rows\)$"):
        read_own(str(tmp_path / "my.csv"), SEVERAL)


def test_parquet_lists_and_another_delimiter(tmp_path: Path, write: Write) -> None:
    pd.DataFrame({"text": ["x", "y"], "labels": [["b", "a"], []]}).to_parquet(tmp_path / "my.parquet")
    assert read_own(str(tmp_path / "my.parquet"), SEVERAL).y_true.toarray().tolist() == [[1, 1], [0, 0]]
    semicolons = Columns("text", ("labels",), "several", "; ")
    assert read_own(write("my.csv", "text,labels\nx,b; a\ny,\n"), semicolons).labels == ("a", "b")


@pytest.mark.parametrize("yes", ["1", "true", "True", "1.0"])
def test_a_column_for_each_label(yes: str, write: Write) -> None:
    found = read_own(write("my.csv", f"a,b,text\n{yes},0,x\n0,{yes},y\n0,False,z\n"), FLAGS)
    assert found.labels == ("b", "a")
    assert found.y_true.toarray().tolist() == [[0, 1], [1, 0], [0, 0]]


def test_flags_of_a_parquet_file_may_be_whole_numbers_or_truth_values(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["x", "y"], "a": [1, 0], "b": [False, True]})
    frame.to_parquet(tmp_path / "my.parquet")
    assert read_own(str(tmp_path / "my.parquet"), FLAGS).y_true.toarray().tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        ("text,label\n", ONE, "there are no rows"),
        ("text,label\na,x\n  ,y\n", ONE, r"my\.csv: row 2 has an empty text"),
        ("text,label\na,x\nb, \n", ONE, "row 2 has no label in the column 'label'"),
        ("text,label\na,x\nb,x\n", ONE, r"every row has the same labels \(x\)"),
        ("text,labels\na,\nb,\n", SEVERAL, r"every row has the same labels \(none\)"),
        ("text,a,b\nx,1,0\ny,1,0\n", FLAGS, r"every row has the same labels \(a\)"),
        ("text,a,b\nx,1,0\ny,2,0\n", FLAGS, "row 2 has '2' in the label column 'a', which must say 0 or 1"),
        ("text,a,b\nx,1,0\ny,,0\n", FLAGS, "row 2 has '' in the label column 'a', .*; write 0 where"),
        ("text,label\na,x\nb\n", ONE, "line 3 has 1 cells and the header has 2"),
        ("text,label\na,x\n\xff,y\n".encode("latin-1"), ONE, "save the file as UTF-8"),
        ("text,topic\na,x\n", ONE, "no column 'label'; its first row .* has: 'text', 'topic'"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_in_one_line(
    content: str | bytes, columns: Columns, message: str, write: Write
) -> None:
    with pytest.raises(UserError, match=message) as raised:
        read_own(write("my.csv", content), columns)
    assert "\n" not in str(raised.value)


def test_a_label_that_is_not_a_number_is_none(tmp_path: Path) -> None:
    table = pa.table({"text": ["a", "b", "c"], "label": [0.0, float("nan"), 1.0]})
    pq.write_table(table, tmp_path / "my.parquet")
    with pytest.raises(UserError, match="row 2 has no label in the column 'label'"):
        read_own(str(tmp_path / "my.parquet"), ONE)


def test_columns_of_other_kinds_are_told(write: Write) -> None:
    for row, columns, message in (
        ({"text": 7, "label": "a"}, ONE, "text column holds int64"),
        ({"text": "x", "label": {"a": 1}}, ONE, "a list of labels; read it with --label-list 'label'"),
        ({"text": "x", "labels": {"a": 7}}, SEVERAL, "another value than 0 or 1"),
        ({"text": "x", "labels": True}, SEVERAL, "has truth values, not names"),
        ({"text": "x", "a": {"b": 1}, "b": 1}, FLAGS, "which must say 0 or 1"),
    ):
        with pytest.raises(UserError, match=message):
            read_own(write("my.jsonl", _jsonl([row])), columns)
    with pytest.raises(
        UserError, match="There is no file or folder no/such; for a dataset of the hub write hub:no/such"
    ):
        read_own("no/such", ONE)


@pytest.mark.parametrize(
    ("bound", "most", "message"),
    [
        ("MAX_ROWS", 9, "more than 9 rows"),
        ("MOST_LABELS", 4, "more than 4 different labels"),
        ("MAX_CELLS", 49, "more than 49 rows times labels"),
        ("MAX_BYTES", 50, "more than 50 bytes of text"),
    ],
)
def test_each_bound_is_told(bound: str, most: int, message: str, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write("my.csv", "text,label\n" + "".join(f"some text {row},l{row % 5}\n" for row in range(10)))
    assert len(read_own(source, ONE)) == 10
    monkeypatch.setattr(own_data, bound, most)
    with pytest.raises(UserError, match=message):
        read_own(source, ONE)


def test_a_label_too_long_for_a_checkpoint_is_told_before_anything_is_trained(write: Write) -> None:
    source = write("my.csv", f"text,label\none,{'x' * 200}\ntwo,short\n")
    assert len(read_own(source, ONE).labels) == 2
    source = write("my.csv", f"text,label\none,{'x' * 201}\ntwo,short\n")
    with pytest.raises(UserError, match=r"the label 'x{40}…' has 201 characters and 200 is the most; shorten it"):
        read_own(source, ONE)
    deep = write("my.csv", f"text,labels\none,{'[' * 90_000}]\ntwo,short\n")  # no list, however it is parsed
    with pytest.raises(UserError, match=r"row 1 has .* which is no list of names"):
        read_own(deep, SEVERAL)


def test_100_000_labels_are_told_when_the_bound_is_passed(write: Write) -> None:
    source = write("my.csv", "text,label\n" + "".join(f"text {row},label {row}\n" for row in range(100_000)))
    with pytest.raises(
        UserError, match=r"more than 5,000 different labels, the most that is read; .* check which columns"
    ):
        read_own(source, ONE)
