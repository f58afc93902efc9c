"""Batches of a prediction: bounded by their tokens, whatever the texts, and without a trace in the logits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import PreTrainedModel

from zoo import classifier
from zoo.checkpoints.loading import new_model
from zoo.classifier import ROWS, predict_logits
from zoo.tokenizer import load_tokenizer


def shapes_of(model: PreTrainedModel) -> list[tuple[int, int]]:
    """Return a list that gets the rows and the tokens of each batch which the model is given from now on."""
    shapes: list[tuple[int, int]] = []

    def note(module: Any, args: Any, kwargs: dict[str, Any]) -> None:
        shapes.append(tuple(kwargs["input_ids"].shape))

    model.register_forward_pre_hook(note, with_kwargs=True)
    return shapes


def test_a_batch_has_so_many_tokens_at_most(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "TOKENS", 1000)
    model, tokenizer = new_model(tiny_bert, "multi_label_classification", ("a", "b"), 0.0), load_tokenizer(tiny_bert)
    rng, shapes = np.random.default_rng(0), shapes_of(model)
    lengths = rng.permutation([3] * 150 + [60] * 20 + [160] * 7 + [0])
    windows = [[rng.integers(5, 40, max(length, 2)).tolist()] for length in lengths]
    logits = predict_logits(model, tokenizer, windows)
    assert all(rows <= ROWS and rows * longest <= 1000 for rows, longest in shapes)
    assert [rows for rows, longest in shapes if longest == 160] == [6, 1]
    assert sum(rows for rows, _ in shapes) == len(windows)
    some = [3, 50, 177]
    alone = np.concatenate([predict_logits(model, tokenizer, [windows[row]]) for row in some])
    np.testing.assert_allclose(logits[some], alone, atol=1e-5)


def test_a_text_over_the_bound_is_a_batch_of_its_own(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "TOKENS", 10)
    model, tokenizer = new_model(tiny_bert, "multi_label_classification", ("a", "b"), 0.0), load_tokenizer(tiny_bert)
    shapes = shapes_of(model)
    predict_logits(model, tokenizer, [[[2, 7, 3]], [[2, *[8] * 30, 3]], [[2, 9, 3]], [[2, *[9] * 30, 3]]])
    assert [rows for rows, _ in shapes] == [2, 1, 1]
