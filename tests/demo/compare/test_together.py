"""Texts that are asked at the same time are read together: the scores are those of each text alone, and a text at fault
spoils no other."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from demo.compare.answers import ask
from demo.compare.handlers import Comparison, classify
from demo.shared.models import computing
from zoo.classifier import Classifier

TEXTS = ["late.", "well made, but it came late and the box was open.", "a" * 5, "good " * 90, "漢字", "price?"]


def _at_once(texts: list[str], names: list[str], root: Path) -> list[Comparison]:
    with ThreadPoolExecutor(len(texts)) as visitors:
        with computing:  # so that they come while the models are busy
            asked = [visitors.submit(classify, text, "feedback", names, root) for text in texts]
            while len(ask._waiting) < len(texts) - 1:
                pass
        return [each.result() for each in asked]


def test_the_scores_are_those_of_each_text_alone(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    predict = Classifier.predict_logits
    monkeypatch.setattr(
        Classifier, "predict_logits", lambda self, texts: (sizes.append(len(texts)), predict(self, texts))[1]
    )
    alone = [classify(text, "feedback", ["alpha", "gamma"], checkpoints) for text in TEXTS]
    assert max(sizes[2:]) == 1  # but for what warms up
    together = _at_once(TEXTS, ["alpha", "gamma"], checkpoints)
    assert max(sizes) == len(TEXTS) - 1
    for text, one, many in zip(TEXTS, alone, together, strict=True):
        assert [answer.name for answer in many.answers] == ["alpha", "gamma"]
        for own, shared in zip(one.answers, many.answers, strict=True):
            np.testing.assert_allclose(shared.scores, own.scores, atol=1e-5, err_msg=text)
            assert (shared.tokens, shared.truncated) == (own.tokens, own.truncated)
            assert many.decided(shared) == one.decided(own)


def test_each_visitor_gets_the_checkpoints_that_they_chose(checkpoints: Path) -> None:
    chosen = [["alpha"], ["beta", "alpha"], ["gamma"], ["gamma", "beta"]]
    with ThreadPoolExecutor(4) as visitors, computing:
        asked = [visitors.submit(classify, TEXTS[1], "feedback", names, checkpoints) for names in chosen]
        while len(ask._waiting) < 3:
            pass
    assert [[answer.name for answer in each.result().answers] for each in asked] == chosen


def test_a_text_at_fault_spoils_no_other(make_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "feedback" / "odd", ("a", "b"), "multi_label_classification", 0, (0.5, 0.5))
    file = folder / "tokenizer.json"
    tokenizer = json.loads(file.read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"]["q"] = 9_999  # an id that the model has no embedding for
    file.write_text(json.dumps(tokenizer), encoding="utf-8")
    fine, wrong, also = _at_once(["good", "q", "late"], ["odd"], tmp_path)
    assert [len(each.answers) for each in (fine, wrong, also)] == [1, 0, 1]
    assert "It cannot be used (IndexError" in wrong.failures[0].error
