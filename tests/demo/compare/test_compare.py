"""The Compare tab's handlers, without a browser."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmark.tasks.registry import TASKS
from demo.compare.asking import raw_thresholds
from demo.compare.examples import examples_for
from demo.compare.handlers import (
    MAX_CHARACTERS,
    Answer,
    Comparison,
    as_json,
    classify,
    looks_other,
    read_link,
    shown_at_first,
)
from demo.compare.view import compare
from demo.shared.models import catalogue, load
from zoo.decision import Decision, ProblemType
from zoo.errors import UserError

FEEDBACK = TASKS["feedback"].labels
TEXT = "it came late, and the box was open."


def test_scores_are_those_of_the_model_alone(checkpoints: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    comparison = classify(TEXT, "feedback", ["beta", "alpha"], checkpoints)
    assert [answer.name for answer in comparison.answers] == ["beta", "alpha"]
    assert comparison.labels == FEEDBACK
    for answer in comparison.answers:
        folder = checkpoints / "feedback" / answer.name
        tokens = AutoTokenizer.from_pretrained(folder)(TEXT, return_tensors="pt")
        with torch.no_grad():
            logits = AutoModelForSequenceClassification.from_pretrained(folder)(**tokens).logits
        np.testing.assert_allclose(answer.scores, torch.sigmoid(logits)[0].numpy(), rtol=1e-5)
        assert answer.tokens == tokens["input_ids"].shape[1]
        assert not answer.truncated
        assert answer.milliseconds > 0


def test_single_label_scores_sum_to_one_and_one_label_is_decided(checkpoints: Path) -> None:
    comparison = classify(TEXT, "sst2", ["alpha"], checkpoints)
    (answer,) = comparison.answers
    assert sum(answer.scores) == pytest.approx(1)
    assert comparison.decided(answer) == [comparison.labels[int(np.argmax(answer.scores))]]
    assert comparison.decided(answer, dict.fromkeys(comparison.labels, 1.0)) == []


def test_a_long_text_is_said_to_be_cut(checkpoints: Path) -> None:
    (answer,) = classify("late " * 100, "feedback", ["alpha"], checkpoints).answers
    assert answer.truncated
    assert answer.tokens > answer.capacity == 64


def test_one_forward_pass_a_checkpoint_and_text(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    for name in ("alpha", "beta", "gamma"):
        model = load(checkpoints / "feedback" / name).model
        forward = model.forward
        monkeypatch.setattr(model, "forward", lambda *a, forward=forward, **k: passes.append(1) or forward(*a, **k))
    classify(TEXT, "feedback", ["alpha", "beta", "gamma"], checkpoints)
    assert len(passes) == 3


def test_a_checkpoint_is_loaded_once(checkpoints: Path) -> None:
    assert load(checkpoints / "sst2" / "beta") is load(checkpoints / "sst2" / "beta")


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_empty_text_is_refused(text: str, checkpoints: Path) -> None:
    with pytest.raises(UserError, match="There is no text"):
        classify(text, "feedback", ["alpha"], checkpoints)


def test_a_text_may_have_the_most_characters_and_no_more(checkpoints: Path) -> None:
    assert classify("a" * MAX_CHARACTERS, "feedback", ["alpha"], checkpoints).answers
    with pytest.raises(UserError, match="100,000 characters, 10,000 are allowed"):
        classify("a" * 100_000, "feedback", ["alpha"], checkpoints)


@pytest.mark.parametrize(
    ("task", "names", "message"),
    [
        ("feedbak", ["alpha"], "Did you mean 'feedback'"),
        ("../feedback", ["alpha"], "Unknown task"),
        ("feedback", ["alpa"], "Did you mean 'alpha'"),
        ("feedback", ["../sst2/alpha"], "Unknown checkpoint"),
        ("feedback", [], "No checkpoint is chosen"),
    ],
)
def test_an_unknown_name_is_refused(task: str, names: list[str], message: str, checkpoints: Path) -> None:
    with pytest.raises(UserError, match=message):
        classify(TEXT, task, names, checkpoints)


def test_no_checkpoints_at_all_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="encoder-zoo run --help"):
        read_link("", tmp_path)


def test_damaged_checkpoints_fail_alone_with_a_line_each(damaged: Path) -> None:
    names = list(catalogue(damaged)["feedback"])
    comparison = classify(TEXT, "feedback", names, damaged)
    assert [answer.name for answer in comparison.answers] == ["fine"]
    reasons = {failure.name: failure.error for failure in comparison.failures}
    assert set(reasons) == {"weights", "decision", "labels", "tokenizer", "config"}
    assert "missing or damaged" in reasons["weights"]
    assert "not a readable decision" in reasons["decision"]
    assert "no readable checkpoint.json" in reasons["labels"]
    assert all(reason and "\n" not in reason and "Traceback" not in reason for reason in reasons.values())


def test_scores_that_are_not_numbers_are_a_failure(tmp_path: Path, make_checkpoint: Callable[..., Path]) -> None:
    folder = tmp_path / "feedback" / "alpha"
    make_checkpoint(folder, FEEDBACK, "multi_label_classification", 0, (0.5,) * 8)
    load(folder).model.classifier.weight.data *= math.nan
    comparison = classify(TEXT, "feedback", ["alpha"], tmp_path)
    assert comparison.answers == ()
    assert "not numbers" in comparison.failures[0].error


def test_checkpoints_of_other_labels_do_not_stand_side_by_side(
    tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    for seed, (name, labels) in enumerate({"a": FEEDBACK, "b": FEEDBACK[::-1], "c": FEEDBACK}.items()):
        make_checkpoint(tmp_path / "feedback" / name, labels, "multi_label_classification", seed, (0.5,) * 8)
    comparison = classify(TEXT, "feedback", ["a", "b", "c"], tmp_path)
    assert [answer.name for answer in comparison.answers] == ["a", "c"]
    assert [failure.name for failure in comparison.failures] == ["b"]


@pytest.mark.parametrize("threshold", [math.nan, math.inf, -0.01, 1.01])
def test_a_threshold_is_a_number_from_0_to_1(threshold: float) -> None:
    answer = Answer("a", (0.2, 0.7), (0.1, 0.9), (0.2, 0.7), (0.1, 0.9), 3, 64, False, 1.0)
    comparison = Comparison("t", "multi_label_classification", ("x", "y"), (answer,), ())
    with pytest.raises(UserError, match="A threshold is a number from 0 to 1"):
        comparison.decided(answer, {"x": threshold})
    with pytest.raises(UserError, match="Unknown label 'z'"):
        comparison.decided(answer, {"z": 0.5})
    assert comparison.decided(answer) == ["x"]
    assert comparison.decided(answer, {"y": 0.7}) == ["x", "y"]
    assert comparison.decided(answer, {"x": 0.7, "y": 0.7}) == ["y"]


@pytest.mark.parametrize("problem_type", ["multi_label_classification", "single_label_classification"])
def test_a_threshold_of_raw_scores_is_compared_with_these(problem_type: ProblemType) -> None:
    answer = Answer("a", (0.2, 0.8), (0.5, 0.5), (0.05, 0.95), (0.5, 0.5), 3, 64, False, 1.0)
    comparison = Comparison("t", problem_type, ("x", "y"), (answer,), ())
    assert comparison.decided(answer, {"y": 0.9}) == []
    assert comparison.decided(answer, {"y": 0.9}, calibrated=False) == ["y"]
    assert as_json(comparison, {"y": 0.9}, False)["answers"][0]["decided"] == ["y"]
    assert comparison.decided(answer, calibrated=False) == comparison.decided(answer) == ["y"]


def test_half_a_character_is_refused_before_any_model_sees_it(checkpoints: Path) -> None:
    with pytest.raises(UserError, match="half of a character"):
        classify("a \ud800 b", "feedback", ["alpha"], checkpoints)


def test_a_comparison_is_plain_json(checkpoints: Path) -> None:
    view = read_link("", checkpoints)
    assert (view.task, view.names) == ("feedback", ("alpha", "beta", "gamma"))
    comparison = classify(view.text, view.task, view.names, checkpoints)
    found = json.loads(json.dumps(as_json(comparison), allow_nan=False))
    assert found["answers"][0]["scores"] == list(comparison.answers[0].scores)
    assert found["answers"][0]["decided"] == comparison.decided(comparison.answers[0])


def test_every_task_has_examples_short_enough_to_classify() -> None:
    for task in ("feedback", "sst2", "a task of the user's own"):
        assert all(0 < len(text) < MAX_CHARACTERS for text in examples_for(task))


def test_a_link_says_what_is_opened(checkpoints: Path) -> None:
    link = "#task=sst2&text=a+%26+b%0A%E6%BC%A2&checkpoint=beta&checkpoint=alpha&threshold=0.3+positive"
    view = read_link(link, checkpoints)
    assert (view.task, view.text, view.names) == ("sst2", "a & b\n漢", ("beta", "alpha"))
    assert read_link("#task=sst2", checkpoints).text == examples_for("sst2")[0]
    for bad, message in {"#task=nothing": "Unknown task", "#checkpoint=../alpha": "Unknown checkpoint"}.items():
        with pytest.raises(UserError, match=message):
            read_link(bad, checkpoints)


def test_a_page_opens_on_a_task_in_its_own_language(tmp_path: Path, make_checkpoint: Callable[..., Path]) -> None:
    for task in ("feedback", "feedback_zh"):
        make_checkpoint(tmp_path / task / "alpha", FEEDBACK, "multi_label_classification", 0, (0.5,) * 8)
    opened = {language: read_link("", tmp_path, language) for language in ("en", "zh")}
    assert {language: view.task for language, view in opened.items()} == {"en": "feedback", "zh": "feedback_zh"}
    assert opened["zh"].text == examples_for("feedback_zh")[0]
    assert read_link("#task=feedback", tmp_path, "zh").task == "feedback"  # the link has the last word
    shutil.rmtree(tmp_path / "feedback_zh")
    assert read_link("", tmp_path, "zh").task == "feedback"


def test_the_encoders_pretrained_to_be_compared_are_shown_first() -> None:
    trio = ["zoo-bert-en", "zoo-bert-wwm-en", "zoo-roberta-en"]
    assert shown_at_first(["granite-30m", "minilm-l6", *trio]) == trio
    assert shown_at_first(["alpha", "zoo-bert-en"]) == ["zoo-bert-en", "alpha"]
    assert shown_at_first([]) == []


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_raw_thresholds_decide_as_the_calibrated_ones(temperature: float) -> None:
    thresholds = (0.0, 0.1, 0.5, 0.93, 1.0)
    decision = Decision(
        problem_type="multi_label_classification", rule="per_label", temperature=temperature, thresholds=thresholds
    )
    logits = np.random.default_rng(0).normal(0, 4, (500, 5))
    raw = decision.model_copy(update={"temperature": 1.0, "thresholds": raw_thresholds(decision)})
    assert (raw.decide(raw.scores(logits)) == decision.decide(decision.scores(logits))).all()
    assert raw_thresholds(decision)[2] == 0.5


def test_the_view_has_figures_where_the_run_is_known(checkpoints: Path) -> None:
    ours = compare(TEXT, "feedback", ["zoo-bert-en"], None)
    assert ours["text"] == TEXT
    assert ours["answers"][0]["validation"]["rows"] == 234
    assert compare(TEXT, "feedback", ["alpha"], checkpoints)["answers"][0]["validation"] is None


def test_a_text_in_the_other_language_is_told_with_the_task_that_may_be_meant() -> None:
    found = dict.fromkeys(("chnsenticorp", "feedback_zh", "sst2", "feedback"))
    assert looks_other("快递很慢，客服很好", "feedback", found) == {"language": "zh", "task": "feedback_zh"}
    assert looks_other("Late, but kind people.", "feedback_zh", found) == {"language": "en", "task": "feedback"}
    assert looks_other("快递很慢", "go_emotions", {}) == {"language": "zh", "task": ""}
    for text, task in (
        ("Late.", "feedback"),
        ("iPhone 屏幕不错", "feedback_zh"),
        ("12:30 !?", "feedback_zh"),
        ("快递", "a task of one's own"),
    ):
        assert looks_other(text, task, found) is None


def test_a_draft_in_a_link_comes_before_the_text_that_was_classified(checkpoints: Path) -> None:
    assert read_link("#task=sst2&text=a&draft=b", checkpoints).text == "b"
    other = examples_for("feedback")[1]
    assert read_link(f"#task=feedback&text={other}", checkpoints).text == other
    assert read_link(f"#task=sst2&text={other}", checkpoints).text == examples_for("sst2")[0]
