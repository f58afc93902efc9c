"""What the Batch tab reads: pasted lines, files of every kind, the columns of a file that it guesses."""

from pathlib import Path

import pandas as pd
import pytest

from benchmark.tasks.registry import TASKS
from demo.batch.handlers import gold_matrix
from demo.batch.inputs import MAX_ROWS, BatchRows, read_file, read_pasted
from demo.batch.preview import preview
from demo.batch.view import file_notes
from demo.compare.examples import sample_files
from demo.shared.texts import TEXTS as PAGE_TEXTS
from tests.demo.batch.batches import read, results_of, write
from tests.demo.conftest import FEEDBACK
from zoo.errors import UserError
from zoo.row_files.faults import MESSAGES
from zoo.row_files.format import REMARKS


def test_pasted_lines_are_texts_and_blank_ones_are_skipped() -> None:
    assert read_pasted("one\r\n\n  \ntwo, too\u2028still two\n").texts == ["one", "two, too\u2028still two"]
    assert len(read_pasted("x\n" * MAX_ROWS).texts) == MAX_ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-mark", "utf-16-be-mark"])
@pytest.mark.parametrize(
    ("ending", "content"),
    [
        (".csv", 'id,text,labels\r\n1,"NaN, 好\n""x""",a|b\r\n\r\n2,null,\r\n'),
        (".TSV", 'id\ttext\tlabels\n1\t"NaN, 好\n""x"""\ta|b\n2\tnull\t\n'),
        (".jsonl", '{"text": "NaN, 好\\n\\"x\\"", "labels": "a|b"}\n\n{"labels": "", "text": "null", "id": [{}]}\n'),
    ],
)
def test_text_files_are_read_in_utf_8_and_utf_16(ending: str, content: str, encoding: str, tmp_path: Path) -> None:
    encoded = f"\ufeff{content}".encode(encoding[:9]) if encoding.endswith("mark") else content.encode(encoding)
    rows = read(write(tmp_path / f"in{ending}", encoded))
    assert rows.texts == ['NaN, 好\n"x"', "null"]
    assert rows.gold == ["a|b", ""]


def test_a_parquet_file_is_read_with_its_lists(tmp_path: Path) -> None:
    frame = pd.DataFrame({"body": ["x", "y"], "gold": [["a", "b"], None], "other": [1.5, None]})
    path = write(tmp_path / "in.parquet", frame)
    assert read_file(path, "body", "gold") == BatchRows(["x", "y"], [["a", "b"], None], None, [1, 2])
    assert read_file(path, "body", "labels") == BatchRows(["x", "y"], None, None, [1, 2])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("in.csv", "text,labels\na,x\n,y\n \t,z\nb,w\n"),
        ("in.jsonl", '{"text": "a", "labels": "x"}\n{"text": null}\n{"labels": "z"}\n{"text": "b", "labels": "w"}'),
        ("in.parquet", pd.DataFrame({"text": ["a", None, " ", "b"], "labels": ["x", "y", "z", "w"]})),
    ],
)
def test_rows_without_a_text_are_skipped_and_counted(name: str, content: str | pd.DataFrame, tmp_path: Path) -> None:
    rows = read(write(tmp_path / name, content))
    assert (rows.texts, rows.gold, rows.numbers, rows.empty) == (["a", "b"], ["x", "w"], [1, 4], 2)


def test_a_message_names_the_row_of_the_file(checkpoints: Path, tmp_path: Path) -> None:
    rows = read(write(tmp_path / "in.csv", "text,labels\n,price\na,price\nb,prise\n"))
    with pytest.raises(UserError, match="Row 3 has the unknown label 'prise'"):
        results_of(rows, "feedback", ["alpha"], checkpoints)


@pytest.mark.parametrize(
    ("name", "content", "columns", "text", "labels"),
    [
        ("a.csv", "id;Text;label\n1;good, cheap;x\n", ["id", "Text", "label"], "Text", "label"),
        ("b.tsv", "n\treview of it\tTarget\n1\tgood\t0\n", ["n", "review of it", "Target"], "review of it", "Target"),
        ("c.csv", "well made,price\nlate,delivery\n", ["1", "2"], "1", ""),  # the first row holds a label
        ("d.txt", "one line\nanother, longer\n", ["text"], "text", ""),
        ("e.txt", "body\tgold\nx\tprice\n", ["body", "gold"], "body", "gold"),
        ("f.json", '[{"content": "x", "标签": ["price"]}]', ["content", "标签"], "content", "标签"),
        ("g.parquet", pd.DataFrame({"k": [1], "说明": ["很好"]}), ["k", "说明"], "说明", ""),
    ],
)
def test_columns_are_guessed(
    name: str, content: str | pd.DataFrame, columns: list[str], text: str, labels: str, tmp_path: Path
) -> None:
    path = write(tmp_path / name, content)
    found = preview(path, FEEDBACK)
    assert (list(found.file.columns), found.text, found.labels) == (columns, text, labels)
    rows = read_file(path, found.text, found.labels, found.header)
    assert len(rows.texts) == found.file.rows
    assert rows.texts[0] == found.rows[0][columns.index(text)]


def test_a_file_without_a_column_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "in.parquet", pd.DataFrame(index=pd.RangeIndex(2)))
    with pytest.raises(UserError, match="There are no texts; paste some"):
        preview(path, FEEDBACK)


def test_a_person_says_that_there_is_no_header(tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", "good;fine\nbad;so\n")
    assert preview(path, FEEDBACK).rows == [["bad", "so"]]
    found = preview(path, FEEDBACK, header=False)
    assert (list(found.file.columns), found.rows) == (["1", "2"], [["good", "fine"], ["bad", "so"]])
    assert read_file(path, "2", "", header=False).texts == ["fine", "so"]


def test_the_sample_file_of_every_task_is_read_with_its_labels(tmp_path: Path) -> None:
    for name, content in sample_files().items():
        path = write(tmp_path / "sample.csv", content)
        labels = TASKS[name].labels if name else ()
        found = preview(path, labels)
        rows = read_file(path, found.text, found.labels)
        assert len(rows.texts) == 3
        if name:
            assert rows.gold is not None
            assert gold_matrix(rows.gold, labels, not TASKS[name].multi_label).any(axis=1).all()


def test_the_page_says_how_a_file_was_read(tmp_path: Path) -> None:
    """And what a visitor should know of it, in both languages."""
    path = write(tmp_path / "in.csv", 'text;labels\r\n"a\r\nb";x\r\n\r\nc;y\r\n'.encode("utf-16"))
    assert file_notes(read(path).file) == [
        "Read as UTF-16, separated by ;. Rows with line breaks in a cell: 1, the first in line 2. "
        "Blank lines, which are no rows: 1."
    ]
    path = write(tmp_path / "in.tsv", 'text\tlabels\n"a\tx\n')
    assert file_notes(read(path).file, "zh") == ["按 UTF-8 读取，分隔符为 Tab。 引号是文本的一部分。"]
    path = write(tmp_path / "in.txt", "a\nb\n")
    assert file_notes(read(path).file) == ["Read as UTF-8, one text a line."]
    path = write(tmp_path / "in.json", '[{"text": "a"}, {"text": "b", "labels": "x"}]')
    assert file_notes(read(path).file) == ["Read as JSON in UTF-8."]
    assert file_notes(read(write(tmp_path / "in.parquet", pd.DataFrame({"text": ["a"]}))).file) == []
    assert file_notes(None) == []


def test_every_remark_and_every_fault_of_a_file_has_words_on_the_page() -> None:
    for kind in (*(f"remark_{kind}" for kind in REMARKS), *MESSAGES):
        if kind not in ("named", "separator", "option"):  # of options, which the page has not
            assert f"batch_{kind}" in PAGE_TEXTS["en"], kind
