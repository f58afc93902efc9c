"""The Batch tab's handlers, without a browser: what they compute, show and write."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk

from benchmark.tasks.registry import TASKS
from demo.batch.downloads import write_csv, write_jsonl
from demo.batch.handlers import BATCH, Results, as_view, classify_rows, gold_matrix, metrics
from demo.batch.inputs import BatchRows
from demo.batch.time_left import Progress
from demo.batch.view import note
from demo.compare.handlers import classify
from demo.shared.models import load
from tests.demo.batch.batches import results_of
from zoo.decision import Decision
from zoo.errors import UserError

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
