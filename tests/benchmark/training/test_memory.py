"""The estimate of a training's memory, against a sum by hand."""

import pytest
from transformers import AutoConfig

from benchmark.training.memory import memory_estimate
from benchmark.training.recipes import Recipe
from zoo.checkpoints.pretrained import empty_model

# bert-base with two labels: 109,483,778 weights, 23,440,896 of them embeddings of words.
HELD, WORDS = 109_483_778, 30522 * 768
# 12 layers, 768 units, 12 heads; 2 texts of 128 tokens.
KEPT = 12 * 2 * 128 * (34 * 768 + 5 * 12 * 128)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"precision": "fp32", "freeze_embeddings": False}, 16 * HELD + 2 * KEPT),
        ({"precision": "bf16", "freeze_embeddings": False}, 16 * HELD + KEPT),
        ({"precision": "fp32", "freeze_embeddings": True}, 16 * HELD - 12 * WORDS + 2 * KEPT),
    ],
)
def test_weights_gradients_means_and_what_the_layers_keep_are_counted(
    changes: dict[str, object], expected: int
) -> None:
    recipe = Recipe.model_validate({"batch_size": 2, "max_length": 128} | changes)
    assert memory_estimate(empty_model(AutoConfig.for_model("bert", num_labels=2)), recipe) == expected
