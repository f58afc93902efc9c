"""The estimate of a training's memory, against a sum by hand."""

import re
from typing import Any

import pytest
import torch
from transformers import AutoConfig

from benchmark.training.memory import MemoryOptions, check_checkpointing, memory_estimate, tell_length
from benchmark.training.recipes import Recipe
from zoo.checkpoints.pretrained import empty_model
from zoo.errors import UserError

# bert-base with two labels: 109,483,778 weights, 23,440,896 of them embeddings of words.
HELD, WORDS = 109_483_778, 30522 * 768
# 12 layers, 768 units, 12 heads; 2 texts of 128 tokens.
LAYER = 2 * 128 * (34 * 768 + 5 * 12 * 128)
PROCESS = 0.6 * 2**30


FULL = {"precision": "fp32", "freeze_embeddings": False}


def model() -> Any:
    return empty_model(AutoConfig.for_model("bert", num_labels=2))


@pytest.fixture(autouse=True)
def _on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        # 4 bytes more for each trained weight: freed memory that is kept in pieces.
        (FULL, MemoryOptions(), 20 * HELD + 12 * 2 * LAYER),
        (FULL | {"precision": "bf16"}, MemoryOptions(), 18 * HELD + 12 * 1.5 * LAYER),
        (FULL | {"freeze_embeddings": True}, MemoryOptions(), 20 * HELD - 16 * WORDS + 12 * 2 * LAYER),
        (FULL, MemoryOptions(micro_batch=1), 16 * HELD + 12 * LAYER),
        (FULL, MemoryOptions(micro_batch=64), 16 * HELD + 12 * 2 * LAYER),
        # One layer, and the inputs of all: 768 floats for each of 256 tokens.
        (FULL, MemoryOptions(gradient_checkpointing=True), 16 * HELD + 2 * LAYER + 12 * 256 * 768 * 4),
    ],
)
def test_weights_gradients_means_and_what_the_layers_keep_are_counted(
    changes: dict[str, object], options: MemoryOptions, expected: float
) -> None:
    recipe = Recipe.model_validate({"batch_size": 2, "max_length": 128} | changes)
    assert memory_estimate(model(), recipe, options) == pytest.approx(expected + PROCESS)


def test_lora_trains_few_weights() -> None:
    """12 layers of 6 matrices: four of 768 x 768, two of 768 x 3072, each with rank times the sum of its sides."""
    recipe = Recipe.model_validate({"batch_size": 2, "max_length": 128, "lora_rank": 8} | FULL)
    learnt = 12 * 8 * (4 * 2 * 768 + 2 * (768 + 3072))
    assert memory_estimate(model(), recipe) == pytest.approx(4 * HELD + 16 * learnt + 60 * LAYER + PROCESS, rel=1e-6)


def test_long_texts_are_told_with_what_they_cost() -> None:
    recipe = Recipe.model_validate({"batch_size": 16, "max_length": 8192} | FULL)
    modern = empty_model(AutoConfig.for_model("modernbert", num_labels=2))
    assert tell_length(modern, recipe, 512, MemoryOptions()) == ""
    line = tell_length(modern, recipe, 8192, MemoryOptions())
    found = re.fullmatch(
        r"texts of 8,192 tokens: each takes about (\d+) times the work of one of 128, and training about ([\d,.]+) GiB "
        r"of memory; with --micro-batch 1 --gradient-checkpointing about ([\d,.]+) GiB",
        line,
    )
    assert found
    # 64 times as many products with weights; and 64 squared as many of pairs.
    body, pairs = sum(p.numel() for p in modern.parameters()) - 50368 * 768, 2 * 768 * 22
    assert int(found[1]) == round(64 * (body + pairs * 8192) / (body + pairs * 128))
    assert float(found[2]) > 10 * float(found[3])


def test_an_architecture_without_checkpointing_is_refused() -> None:
    mpnet = empty_model(AutoConfig.for_model("mpnet", num_labels=2))
    check_checkpointing(mpnet, MemoryOptions(micro_batch=2))
    with pytest.raises(UserError, match="no gradient checkpointing for models of the type 'mpnet'"):
        check_checkpointing(mpnet, MemoryOptions(gradient_checkpointing=True))
