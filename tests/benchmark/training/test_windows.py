"""Training on windows: pooled as at inference, and able to learn what stands past the limit."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows, Split
from benchmark.training.fine_tune import FineTuned, fine_tune, truncated_share
from benchmark.training.recipes import Recipe, default_recipe, variant_of
from benchmark.training.runs import run_id
from benchmark.training.windows import WindowedModel, windowed_collator, windowed_feature
from zoo.checkpoints.loading import new_model
from zoo.classifier import predict_logits
from zoo.encoders.registry import get_encoder
from zoo.encoders.weights import fetch_weights
from zoo.long_text import encode

ToyRows = Callable[..., Rows]
RECIPE = Recipe(
    epochs=10, batch_size=8, learning_rate=2e-3, max_length=16, dropout=0.0, freeze_embeddings=False, precision="fp32"
)


@pytest.mark.parametrize("kind", ["tiny_bert", "tiny_roberta"])
def test_a_batch_in_training_has_the_logits_of_inference(kind: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(kind)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = new_model(folder, "multi_label_classification", ("a", "b", "c"), 0.0).eval()
    texts = ["good", "bad refund late " * 12, "the parcel was late " * 4]
    windows = encode(tokenizer, texts, 16, "windows")
    features = [{**windowed_feature(of), "labels": np.zeros(3, np.float32)} for of in windows]
    assert [len(of) for of in windows] == [1, 4, 2]
    batch = windowed_collator(tokenizer)(features)
    assert batch.pop("labels").shape == (3, 3)
    with torch.inference_mode():
        logits = WindowedModel(model)(**batch).logits.numpy()
    np.testing.assert_allclose(logits, predict_logits(model, tokenizer, windows), atol=1e-5)


def _padded(rows: Rows, words: int) -> Rows:
    """The same rows with words that say nothing before what tells the labels."""

    def pad(split: Split) -> Split:
        return Split([f"{'was ' * words}{text}" for text in split.texts], split.y_true)

    return Rows(pad(rows.train), pad(rows.validation), pad(rows.test), "padded")


def _train(folder: Path, task: Task, rows: Rows, long_text: str) -> FineTuned:
    recipe = RECIPE.model_copy(update={"long_text": long_text})
    return fine_tune(fetch_weights(get_encoder(str(folder))), task, rows, recipe, lambda share, line: None)


@pytest.mark.parametrize(
    ("long_text", "learns"),
    [
        pytest.param("truncate", False, marks=pytest.mark.slow),
        pytest.param("head-tail", True, marks=pytest.mark.slow),
        pytest.param("windows", True, marks=pytest.mark.slow),
    ],
)
def test_what_stands_past_the_limit_is_learnt_where_it_is_read(
    tiny_bert: Path, toy_task: Task, toy_rows: ToyRows, long_text: str, learns: bool
) -> None:
    found = _train(tiny_bert, toy_task, _padded(toy_rows(toy_task, (120, 40, 40)), 30), long_text)
    right = (found.predictions.test_logits > 0) == found.predictions.test_y_true
    assert bool(right[:, :2].mean() > 0.95) == learns
    assert found.measured.truncated == (0 if long_text == "windows" else 1)


def test_the_truncated_share_goes_by_what_is_read(tiny_bert: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    texts = ["good " * 14, "good " * 15, "good", "good " * 400]
    shares = {
        kind: truncated_share(tokenizer, texts, RECIPE.model_copy(update={"long_text": kind}))
        for kind in ("truncate", "head-tail", "windows")
    }
    assert shares == {"truncate": 0.5, "head-tail": 0.5, "windows": 0.25}


def test_the_choice_is_a_variant_and_leaves_the_ids_of_earlier_runs_alone(toy_task: Task) -> None:
    encoder = get_encoder("minilm-l6")
    plain, windowed = (default_recipe(encoder, toy_task, 0, **kind) for kind in ({}, {"long_text": "windows"}))
    assert variant_of(windowed, toy_task, "small") == "long_text=windows"
    assert run_id(encoder, toy_task, "rows", windowed) != run_id(encoder, toy_task, "rows", plain)
