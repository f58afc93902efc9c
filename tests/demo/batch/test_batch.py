"""The Batch tab's handlers, without a browser: what they compute, what they read, and what they refuse."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from benchmark.tasks.registry import TASKS
from demo.batch.downloads import write_csv, write_jsonl
from demo.batch.handlers import (
    BATCH,
    Results,
    as_view,
    classify_rows,
    gold_matrix,
    metrics,
)
from demo.batch.inputs import (
    MAX_BYTES,
    MAX_ROWS,
    MAX_VALUES,
    BatchRows,
    _count_values,
    read_file,
    read_pasted,
    read_rows,
)
from demo.batch.preview import preview
from demo.batch.time_left import Progress
from demo.batch.view import file_notes, note
from demo.compare.examples import sample_files
from demo.compare.handlers import MAX_CHARACTERS, classify
from demo.shared.models import load
from demo.shared.texts import TEXTS as PAGE_TEXTS
from zoo.decision import Decision
from zoo.errors import UserError
from zoo.row_files.faults import MESSAGES
from zoo.row_files.format import REMARKS

FEEDBACK = TASKS["feedback"].labels
WORDS = "well made. it came late, and the box was open. why is this so dear?".split()
TEXTS = [" ".join(WORDS[start : start + 1 + length]) for start in range(7) for length in (0, 9, 3, 6, 1)]
HALF = Decision(problem_type="multi_label_classification", rule="fixed", thresholds=(0.5, 0.5))
HAND = Results(  # three texts, two labels, two checkpoints
    "multi_label_classification",
    ("late", "=dear"),
    ["-5 for the box", '@home, "again"\nand again', "fine"],
    np.array([[1, 0], [1, 1], [0, 0]], np.int8),
    {"a": np.array([[0.9, 0.2], [0.6, 0.4], [0.7, 0.1]]), "+b": np.array([[0.8, 0.1], [0.9, 0.9], [0.1, 1e-7]])},
    dict.fromkeys(("a", "+b"), HALF),
)


def results_of(rows: BatchRows, task: str, names: list[str], root: Path) -> Results:
    *_, last = classify_rows(rows, task, names, root)
    assert isinstance(last, Results)
    return last


@pytest.mark.parametrize("task", ["feedback", pytest.param("sst2", marks=pytest.mark.slow)])
def test_every_text_is_answered_as_if_it_were_alone(task: str, checkpoints: Path) -> None:
    results = results_of(BatchRows(TEXTS), task, ["beta", "alpha"], checkpoints)
    assert results.texts == TEXTS
    assert list(results.scores) == ["beta", "alpha"]
    assert results.y_true is None
    for row, text in enumerate(TEXTS):
        alone = classify(text, task, ["beta", "alpha"], checkpoints)
        for answer in alone.answers:
            np.testing.assert_allclose(results.scores[answer.name][row], answer.scores, atol=1e-5)
            assert results.names(results.decided[answer.name][row]) == alone.decided(answer)
        assert results.agreed()[row] == (alone.decided(alone.answers[0]) == alone.decided(alone.answers[1]))


def test_it_tells_each_batch_and_stops_when_nobody_asks(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = TEXTS + TEXTS
    steps = list(classify_rows(BatchRows(texts), "feedback", ["alpha", "beta"], checkpoints))
    assert steps[:-1] == [BATCH, 2 * BATCH, 70, 70 + BATCH, 70 + 2 * BATCH, 140]
    passes = []
    for name in ("alpha", "beta"):
        model = load(checkpoints / "feedback" / name).model
        forward = model.forward
        monkeypatch.setattr(model, "forward", lambda *a, forward=forward, **k: passes.append(1) or forward(*a, **k))
    running = classify_rows(BatchRows(texts), "feedback", ["alpha", "beta"], checkpoints)
    next(running)
    running.close()
    assert len(passes) < 2 + 70 // BATCH * 2  # each checkpoint's first text, then one step's batches of like lengths


def test_texts_of_like_length_are_batched(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    widths = []
    model = load(checkpoints / "feedback" / "alpha").model
    forward = model.forward

    def seen(*args: object, **named: object) -> object:
        widths.append(named["input_ids"].shape[1])  # type: ignore[attr-defined]
        return forward(*args, **named)

    monkeypatch.setattr(model, "forward", seen)
    short, long = ["ab"] * BATCH, ["abc " * 20] * BATCH
    mixed = [text for pair in zip(long, short, strict=True) for text in pair]
    results_of(BatchRows(mixed), "feedback", ["alpha"], checkpoints)
    assert widths[1:] == [4, 62]  # [CLS] a ##b [SEP], and 20 words of three letters


@pytest.mark.parametrize(
    ("task", "names", "gold", "message"),
    [
        ("feedbak", ["alpha"], None, "Did you mean 'feedback'"),
        ("feedback", ["../sst2/alpha"], None, "Unknown checkpoint"),
        ("feedback", [], None, "No checkpoint is chosen"),
        ("feedback", ["alpha"], ["price", "prise"], "Row 2 has the unknown label 'prise'; the labels are: delivery"),
        ("sst2", ["alpha"], ["negative", ""], "Row 2 has 0 labels"),
    ],
)
def test_unknown_names_are_refused(
    task: str, names: list[str], gold: list[object] | None, message: str, checkpoints: Path
) -> None:
    with pytest.raises(UserError, match=message):
        results_of(BatchRows(["a", "b"], gold), task, names, checkpoints)


def test_a_damaged_checkpoint_is_named_before_anything_is_computed(damaged: Path) -> None:
    with pytest.raises(UserError, match=r"weights failed: .*missing or damaged"):
        next(classify_rows(BatchRows(["a"]), "feedback", ["fine", "weights"], damaged))


def test_scores_that_are_not_numbers_are_refused(tmp_path: Path, make_checkpoint: Callable[..., Path]) -> None:
    folder = make_checkpoint(tmp_path / "feedback" / "nan", FEEDBACK, "multi_label_classification", 0, (0.5,) * 8)
    load(folder).model.bert.embeddings.word_embeddings.weight.data[6] = np.nan  # the letter b
    with pytest.raises(UserError, match="The scores of nan are not numbers"):
        results_of(BatchRows(["a", "b"]), "feedback", ["nan"], tmp_path)


# -- gold labels and metrics ------------------------------------------------------------------------------------------


def measured(results: Results) -> dict[str, dict[str, float]]:
    """The metrics' values by checkpoint and name."""
    found = metrics(results)
    return {name: {of: found[of][at].value for of in found} for at, name in enumerate(results.scores)}


def test_metrics_are_those_of_scikit_learn_on_a_case_by_hand() -> None:
    assert HAND.y_true is not None
    found = measured(HAND)
    assert found["a"]["f1_micro"] == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))  # 2 hits, 1 false alarm, 1 miss
    assert found["a"]["subset_accuracy"] == pytest.approx(1 / 3)
    assert found["+b"]["f1_macro"] == 1
    for name, scores in HAND.scores.items():
        decided = HAND.decided[name]
        assert found[name]["hamming_loss"] == pytest.approx(sk.hamming_loss(HAND.y_true, decided))
        assert found[name]["f1_macro"] == pytest.approx(sk.f1_score(HAND.y_true, decided, average="macro"))
        assert found[name]["map"] == pytest.approx(sk.average_precision_score(HAND.y_true, scores))


def test_a_metric_has_an_interval_of_the_rows() -> None:
    a, _ = metrics(HAND)["f1_micro"]
    assert a.low < a.value < a.high
    _, b = metrics(HAND)["hamming_loss"]
    assert (b.low, b.value, b.high) == (0, 0, 0)  # right on every row, and so in every resample


def test_single_label_metrics_and_one_that_is_not_defined(checkpoints: Path) -> None:
    rows = BatchRows(TEXTS[:6], ["positive"] * 6)
    results = results_of(rows, "sst2", ["alpha"], checkpoints)
    found = measured(results)["alpha"]
    assert found["accuracy"] == pytest.approx(np.mean([label == 1 for label in results.scores["alpha"].argmax(axis=1)]))
    assert np.isnan(found["auc"])  # one class only
    shown = {each["name"]: each["cells"] for each in as_view(results, "sst2")["metrics"]}
    assert shown["auc"] == [None]
    json.dumps(shown, allow_nan=False)
    assert metrics(results_of(BatchRows(TEXTS[:2]), "sst2", ["alpha"], checkpoints)) == {}


@pytest.mark.parametrize(
    ("value", "single", "row"),
    [
        ("b", False, [0, 1, 0]),
        (" b | a|", False, [1, 1, 0]),
        ("a,b", False, [1, 1, 0]),
        ("c, d|a", False, [1, 0, 1]),
        (["b", "b"], False, [0, 1, 0]),
        (["c, d"], False, [0, 0, 1]),
        (" c, d ", True, [0, 0, 1]),
        ('["c, d", "a"]', False, [1, 0, 1]),
        ("[]", False, [0, 0, 0]),
        ("c, d", False, [0, 0, 1]),
        (["a"], True, [1, 0, 0]),
        (2, True, [0, 0, 1]),  # the task's own numbers
        ("2", True, [0, 0, 1]),
        ("0|2", False, [1, 0, 1]),
        ("[0, 2]", False, [1, 0, 1]),
        *[(missing, False, [0, 0, 0]) for missing in ("", "  ", None, [], float("nan"))],
    ],
)
def test_labels_are_read_from_lists_and_from_text(value: object, single: bool, row: list[int]) -> None:
    assert gold_matrix([value], ("a", "b", "c, d"), single).tolist() == [row]


def test_a_label_that_is_named_as_a_number_is_that_label() -> None:
    assert gold_matrix(["1", "0"], ("1", "0"), True).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("value", [3, -1, True, 1.0, {"a": 1}, ["a", None], [["a"]], "A", "\ud800", "['a']"])
def test_what_is_no_label_is_refused_in_one_line(value: object) -> None:
    with pytest.raises(UserError, match="Row 2 has the unknown label") as raised:
        gold_matrix([[], value], ("a", "b"), False)
    assert str(raised.value).encode().count(b"\n") == 0


@pytest.mark.parametrize("value", ["", None, ["a", "b"], []])
def test_a_single_label_is_one(value: object) -> None:
    with pytest.raises(UserError, match=r"Row 1 has [02] labels; this task has one"):
        gold_matrix([value], ("a", "b"), True)


# -- what is shown and downloaded -------------------------------------------------------------------------------------


def test_the_view_has_every_row_with_its_number_in_the_file() -> None:
    numbered = replace(HAND, numbers=[1, 3, 4])
    shown = as_view(numbered, "feedback")
    assert shown["names"] == ["a", "+b"]
    assert [row["number"] for row in shown["rows"]] == [1, 3, 4]
    assert shown["rows"][1] == {
        "number": 3,
        "text": HAND.texts[1],
        "gold": ["late", "=dear"],
        "decided": [["late"], ["late", "=dear"]],
    }
    assert as_view(replace(HAND, y_true=None), "feedback")["rows"][0]["gold"] is None
    assert note(HAND, "gold", 2) == (
        "3 rows. Rows without a text, which are skipped: 2. The checkpoints agree on 1 of 3 texts. The file has no "
        "column 'gold', so there are no metrics."
    )


def test_the_note_says_which_labels_f1_macro_counts_as_0() -> None:
    assert HAND.y_true is not None
    assert "no gold row" not in note(HAND, "")
    partial = replace(HAND, y_true=HAND.y_true * [1, 0])
    assert note(partial, "").endswith(" 1 of 2 labels have no gold row here and count as 0 in f1_macro.")
    assert "2 个标签中有 1 个" in note(partial, "", 0, "zh")
    found = measured(partial)["a"]["f1_macro"]
    assert found == pytest.approx(sk.f1_score(partial.y_true[:, 0], partial.decided["a"][:, 0]) / 2)
    assert "no gold row" not in note(replace(HAND, y_true=None), "gold")


def test_the_csv_has_every_score_and_no_formula(tmp_path: Path) -> None:
    path = write_csv(HAND, tmp_path / "out.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["row", "text", "labels", "a", "a: late", "a: =dear", "'+b", "'+b: late", "'+b: =dear"]
    assert [row[1] for row in rows] == ["'-5 for the box", '\'@home, "again"\nand again', "fine"]
    assert [row[2] for row in rows] == ['["late"]', '["late", "=dear"]', "[]"]
    np.testing.assert_array_equal(np.array([row[4:6] for row in rows], float), HAND.scores["a"])
    assert rows[2][8] == "1e-07"
    assert not any(cell.startswith(tuple("=+-@")) for row in (header, *rows) for cell in row)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff20"])
def test_each_start_of_a_formula_gets_an_apostrophe(start: str, tmp_path: Path) -> None:
    decision = HALF.model_copy(update={"thresholds": (0.5,)})
    one = Results(HALF.problem_type, ("x",), [f"{start}1"], None, {"a": np.ones((1, 1))}, {"a": decision})
    with write_csv(one, tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file))[1][1] == f"'{start}1"


def test_the_jsonl_has_everything_as_it_was_given(tmp_path: Path) -> None:
    lines = write_jsonl(HAND, tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["text"] for record in records] == HAND.texts
    assert records[1] == {
        "row": 2,
        "text": HAND.texts[1],
        "labels": ["late", "=dear"],
        "checkpoints": {
            "a": {"decided": ["late"], "scores": {"late": 0.6, "=dear": 0.4}},
            "+b": {"decided": ["late", "=dear"], "scores": {"late": 0.9, "=dear": 0.9}},
        },
    }


# -- reading ----------------------------------------------------------------------------------------------------------


def write(path: Path, content: str | bytes | pd.DataFrame) -> Path:
    if isinstance(content, pd.DataFrame):
        content.to_parquet(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path) -> BatchRows:
    return read_file(path, "text", "labels")


def test_pasted_lines_are_texts_and_blank_ones_are_skipped() -> None:
    assert read_pasted("one\r\n\n  \ntwo, too\u2028still two\n").texts == ["one", "two, too\u2028still two"]
    assert len(read_pasted("x\n" * MAX_ROWS).texts) == MAX_ROWS


@pytest.mark.parametrize(
    ("pasted", "message"),
    [
        ("", "There are no texts"),
        (" \n\t\n", "There are no texts"),
        ("x\n" * (MAX_ROWS + 1), "more than 2,000 rows"),
        ("x\n" + "a" * (MAX_CHARACTERS + 1), "The text of row 2 has 10,001 characters, 10,000 are allowed"),
        ("a" * (MAX_BYTES + 1), "5,000,001 characters together, 5,000,000 are allowed"),
        ("half \ud83d", r"The text of row 1 has half a character, '\\ud83d'"),
    ],
)
def test_bad_pasted_texts_are_refused(pasted: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_pasted(pasted)


def test_texts_and_a_file_at_once_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", "text\na\n")
    assert read_rows(" \n", str(path), "text", "labels").texts == ["a"]
    with pytest.raises(UserError, match="pasted texts and a file"):
        read_rows("a", str(path), "text", "labels")


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


def test_progress_counts_rows_and_tells_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([10.0, 11.0, 13.0, 13.0])
    monkeypatch.setattr("demo.batch.time_left.perf_counter", lambda: next(seconds))
    progress = Progress(["a" * 40] * 10, ["x", "y"])
    assert progress(5, "en") == ("Classifying: 5 of 10 rows with x (model 1 of 2).", pytest.approx(0.25))
    line, share = progress(10, "en")
    assert line == "Classifying: 10 of 10 rows with x (model 1 of 2). About 2 s left."
    assert share == pytest.approx(0.5)
    assert progress(15, "en")[0] == "Classifying: 5 of 10 rows with y (model 2 of 2). About 2 s left."
    assert progress(20, "en") == ("Classifying: 10 of 10 rows with y (model 2 of 2).", pytest.approx(1))


BAD: dict[str, tuple[str, str | bytes, str]] = {
    "empty": (".csv", b"", "There are no texts"),
    "header only": (".csv", "text,labels\n", "There are no texts"),
    "empty JSONL": (".jsonl", "\n\n", "There are no texts"),
    "Latin-1": (".csv", "text\ncafé\n".encode("latin-1"), "line 2 has the byte 0xe9; save it as UTF-8"),
    "UTF-16 cut short": (".csv", "text\na\n".encode("utf-16")[:-1], "says that it is UTF-16, but line 2"),
    "zero byte": (".csv", b"text\na\nb\0\n", "Line 3 has a zero byte"),
    "compressed": (".gz", b"", "unpack it first"),
    "parquet named CSV": (".csv", b"PAR1\x15\x04\x15\x00\xff", "not text in UTF-8, UTF-16 or GB18030"),
    "other ending": (
        ".xlsx",
        b"PK",
        "ends in '.xlsx'; the endings are .csv, .tsv, .txt, .jsonl, .json, .parquet",
    ),
    "no ending": ("", b"text\n", "a file that ends in ''"),
    "no such column": (".csv", "Text;labels\na;b\n", "no column 'text'; its first row .* has: 'Text', 'labels'"),
    "many columns": (".csv", ",".join(f"c{i}" for i in range(900)) + "\n", r"'c19', .*\.\.\. \(900\)"),
    "column twice": (".csv", "text,x,text\na,b,c\n", "the column 'text' twice"),
    "labels twice": (".tsv", "labels\ttext\tlabels\na\tb\tc\n", "the column 'labels' twice"),
    "ragged": (".csv", "text,labels\na,b\nc\n", "Line 3 has 1 cells, the header has 2"),
    "unquoted comma": (".csv", "text,labels\nwell, no,b\n", "Line 2 has 3 cells"),
    "open quote": (".csv", 'text\n"a\nb\n', "Line 2 cannot be read: a quotation mark opens in this row"),
    "quote that swallows a row": (".csv", 'text\n"a\nb "c"\nd\n', "Line 2 cannot be read: a quotation mark opens"),
    "long text": (".csv", "text\n" + "a" * 10_001, "The text of row 1 has 10,001 characters"),
    "too many rows": (".csv", "text\n" + "a\n" * 2_001, "more than 2,000 rows"),
    "too many lines": (".jsonl", '{"text": "a"}\n' * 2_001, "more than 2,000 rows"),
    "broken line": (".jsonl", '{"text": "a"}\n\n{"text": "b"\n', "Line 3 cannot be read"),
    "no object": (".jsonl", '["text"]\n', r"Line 1 cannot be read \(it holds str, not an object\)"),
    "array cut short": (".json", '[\n{"text": "a"}\n', r"Line 3 cannot be read \(there is the end of the file"),
    "deep nesting": (".jsonl", "[" * 100_000, "Line 1 cannot be read"),
    "huge number": (".jsonl", '{"text": ' + "9" * 10_000 + "}", "Line 1 cannot be read"),
    "name twice": (".jsonl", '{"text": "a", "text": "b"}', "Line 1 cannot be read .*twice"),
    "nested text": (".jsonl", '{"text": {"en": "a"}}', "Row 1 has dict where a text should be"),
    "number as text": (".jsonl", '{"text": "a"}\n{"text": 5}', "Line 2 cannot be read .*has 5, and text before it"),
    "nothing but blanks": (
        ".jsonl",
        '{"text": NaN}\n{"text": " "}\n{"body": "a"}\n{"text": null}',
        "There are no texts",
    ),
    "half a character": (".jsonl", '{"text": "\\ud800"}', r"Line 1 cannot be read \(.ud800 is half a character"),
    "odd column": (".jsonl", '{"\\ud800\\n": "a"}', r"Line 1 cannot be read \(.ud800 is half a character"),
    "random parquet": (".parquet", np.random.default_rng(0).bytes(5_000), "not a readable parquet file"),
    "parquet, ends only": (
        ".parquet",
        b"PAR1" + b"\x00" * 100 + b"\x10\x00\x00\x00PAR1",
        "not a readable parquet file",
    ),
    "empty parquet": (".parquet", b"", "not a readable parquet file"),
    "too large": (".csv", b"text\n" + b"a" * MAX_BYTES, "5,000,005 bytes, 5,000,000 are allowed"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    ending, content, message = BAD[case]
    with pytest.raises(UserError, match=message) as raised:
        read(write(tmp_path / f"in{ending}", content))
    assert len(str(raised.value).encode().splitlines()) == 1
    assert len(str(raised.value)) < 600


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"body": ["x"]}), "no column 'text'; it has: 'body'"),
        (pd.DataFrame({"text": [1.0, np.nan]}), "Row 1 has 1.0 where a text should be"),
        (pd.DataFrame({"text": [["x"]]}), "Row 1 has list where a text should be"),
        (pd.DataFrame({"text": pd.to_datetime(["2020-01-01"])}), "Row 1 has (Timestamp|datetime) where a text"),
        (pd.DataFrame({"text": []}, dtype=str), "There are no texts"),
        (pd.DataFrame({"text": ["x"] * (MAX_ROWS + 1)}), "more than 2,000 rows"),
        (pd.DataFrame({"text": [f"{row:09,}" * 1_000 for row in range(600)]}), "5,400,000 characters together"),
        (pd.DataFrame({"text": ["x"], "labels": [np.zeros(MAX_VALUES, np.int8)]}), "2,000,001 values"),
        (pd.DataFrame({"text": ["x"], "other": ["a" * 50_000_000]}), "unpacks to 50,0.* bytes"),
    ],
)
def test_a_bad_parquet_file_is_refused(frame: pd.DataFrame, message: str, tmp_path: Path) -> None:
    frame.to_parquet(tmp_path / "in.parquet", compression="zstd")
    with pytest.raises(UserError, match=message):
        read(tmp_path / "in.parquet")


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


@pytest.mark.slow
def test_values_in_lists_are_counted_in_a_process_of_their_own(tmp_path: Path) -> None:
    lists = pd.DataFrame({"text": ["a", "b"], "labels": [["x"] * 9, ["y"]]})
    assert _count_values(write(tmp_path / "in.parquet", lists)) == 12
    with pytest.raises(UserError, match="not a readable parquet file"):
        _count_values(write(tmp_path / "in.parquet", b"PAR1"))


def test_a_parquet_file_cut_short_or_changed_anywhere_is_refused_or_read(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.parquet", pd.DataFrame({"text": ["one", "two"]})).read_bytes()
    draw = np.random.default_rng(0)
    outcomes: list[str] = []
    for _ in range(60):
        changed = bytearray(whole[: draw.integers(1, len(whole) + 1)] if draw.random() < 0.3 else whole)
        changed[draw.integers(len(changed))] ^= int(draw.integers(1, 256))
        try:
            outcomes += read(write(tmp_path / "in.parquet", bytes(changed))).texts
        except UserError as error:
            outcomes.append(str(error))
    assert outcomes.count("The file is not a readable parquet file; write it again") > 10


@pytest.mark.parametrize("encoding", ["RLE_DICTIONARY", "DELTA_BYTE_ARRAY"])
def test_a_text_said_once_for_every_row_is_not_unpacked_for_every_row(encoding: str, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    how = {"column_encoding": encoding, "use_dictionary": False} if encoding.startswith("DELTA") else {}
    table = pa.table({"text": ["a" * 2_000_000] * 100})
    pq.write_table(table, tmp_path / "in.parquet", compression="zstd", **how)
    assert (tmp_path / "in.parquet").stat().st_size < 10_000
    usual, pool = pa.default_memory_pool(), pa.proxy_memory_pool(pa.system_memory_pool())
    pa.set_memory_pool(pool)
    try:
        with pytest.raises(UserError, match="The text of row 1 has 2,000,000 characters"):
            read(tmp_path / "in.parquet")
    finally:
        pa.set_memory_pool(usual)
    assert 2_000_000 < pool.max_memory() < 20_000_000  # of 200 MB
