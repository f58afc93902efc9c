"""Texts that are asked at the same time are read together: the scores are those of each text alone, and a text at fault
spoils no other."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from demo.compare.asking import Answered, Failure, answers_to
from demo.compare.handlers import classify
from demo.shared.models import catalogue

TEXTS = ["late.", "well made, but it came late and the box was open.", "a" * 5, "good " * 90, "漢字", "price?"]


def test_the_scores_are_those_of_each_text_alone(checkpoints: Path) -> None:
    folders = catalogue(checkpoints)["feedback"]
    together = answers_to([(folders, text) for text in TEXTS])
    assert [len(found) for found in together] == [3] * len(TEXTS)
    for text, found in zip(TEXTS, together, strict=True):
        alone = classify(text, "feedback", list(folders), checkpoints)
        for own, shared in zip(alone.answers, found, strict=True):
            assert isinstance(shared, Answered)
            np.testing.assert_allclose(shared.answer.scores, own.scores, atol=1e-5, err_msg=text)
            assert (shared.answer.name, shared.answer.tokens) == (own.name, own.tokens)
            assert alone.decided(shared.answer) == alone.decided(own)


def test_each_visitor_gets_the_checkpoints_that_they_chose(checkpoints: Path) -> None:
    chosen = [["alpha"], ["beta", "alpha"], ["gamma"], ["gamma", "beta"]] * 4
    with ThreadPoolExecutor(len(chosen)) as visitors:
        asked = [visitors.submit(classify, TEXTS[1], "feedback", names, checkpoints) for names in chosen]
    assert [[answer.name for answer in each.result().answers] for each in asked] == chosen


def test_a_text_at_fault_spoils_no_other(make_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "feedback" / "odd", ("a", "b"), "multi_label_classification", 0, (0.5, 0.5))
    file = folder / "tokenizer.json"
    tokenizer = json.loads(file.read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"]["q"] = 9_999  # an id that the model has no embedding for
    file.write_text(json.dumps(tokenizer), encoding="utf-8")
    found = [answers[0] for answers in answers_to([({"odd": folder}, text) for text in ("good", "q", "late")])]
    assert [type(answer) for answer in found] == [Answered, Failure, Answered]
    assert isinstance(found[1], Failure)
    assert found[1].error.startswith("It cannot be used (IndexError")
