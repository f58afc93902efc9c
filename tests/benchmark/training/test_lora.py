"""LoRA: matrices learn differences of low rank, the head learns whole, and what is kept is a plain model."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from benchmark.training.fine_tune import fine_tune
from benchmark.training.memory import MemoryOptions
from benchmark.training.recipes import Recipe
from benchmark.training.trainer import prepare_model
from zoo.encoders.registry import get_encoder
from zoo.encoders.weights import fetch_weights

ToyRows = Callable[..., Rows]
RANK = 2
RECIPE = Recipe(epochs=2, batch_size=8, learning_rate=5e-3, max_length=16, precision="fp32", lora_rank=RANK)


@pytest.mark.slow
def test_what_is_trained_is_of_low_rank_and_merged(tiny_bert: Path, toy_task: Task, toy_rows: ToyRows) -> None:
    rows, weights = toy_rows(toy_task), fetch_weights(get_encoder(str(tiny_bert)))
    before = prepare_model(weights, toy_task, rows.train, RECIPE).state_dict()
    found = fine_tune(
        weights, toy_task, rows, RECIPE, lambda share, line: None, MemoryOptions(gradient_checkpointing=True)
    )
    after = found.model.state_dict()
    assert after.keys() == before.keys()
    assert not any("lora" in type(module).__module__ for module in found.model.modules())
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    matrices = {name for name in after if ".layer." in name and name.endswith(".weight") and "LayerNorm" not in name}
    assert len(matrices) == 12
    whole = {f"{layer}.{kind}" for layer in ("bert.pooler.dense", "classifier") for kind in ("weight", "bias")}
    assert changed == matrices | whole
    assert {int(torch.linalg.matrix_rank(after[name] - before[name], atol=1e-5)) for name in matrices} <= {1, RANK}
    learnt = sum(RANK * sum(before[name].shape) for name in matrices) + sum(before[name].numel() for name in whole)
    assert found.measured.trained_parameters == learnt
    assert found.measured.parameters == sum(tensor.numel() for tensor in found.model.parameters())
    assert found.epochs[1].loss < found.epochs[0].loss  # type: ignore[operator]
    assert np.ptp(found.predictions.test_logits, axis=0).max() > 0.1


@pytest.mark.slow
def test_the_best_epoch_is_what_is_merged(tiny_bert: Path, toy_task: Task, toy_rows: ToyRows) -> None:
    """The selector saw the logits before the merge; what is kept says the same."""
    from benchmark.training.trainer import train
    from zoo.classifier import predict_logits
    from zoo.long_text import encode

    rows, weights = toy_rows(toy_task), fetch_weights(get_encoder(str(tiny_bert)))
    found = train(weights, toy_task, rows.train, rows.validation, RECIPE, lambda share, line: None)
    again = predict_logits(found.model, found.tokenizer, encode(found.tokenizer, rows.validation.texts, 16))
    np.testing.assert_allclose(again, found.logits, rtol=1e-4, atol=1e-5)


@pytest.mark.campaign
@pytest.mark.parametrize(
    "kind", ["modernbert", "distilbert", "deberta-v2", "electra", "albert", "mpnet", "xlm-roberta"]
)
def test_every_architecture_has_matrices_to_adapt(kind: str) -> None:
    from transformers import AutoConfig, AutoModelForSequenceClassification

    from benchmark.training.lora import add_lora
    from tests.conftest import SIZE

    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(
        AutoConfig.for_model(kind, vocab_size=50, pad_token_id=0, **SIZE)
    ).eval()
    names, ids = set(model.state_dict()), torch.arange(2, 18)[None]
    merge = add_lora(model, 2)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    with torch.inference_mode():
        apart = model(input_ids=ids).logits
        merge()
        together = model(input_ids=ids).logits
    assert set(model.state_dict()) == names
    torch.testing.assert_close(together, apart, rtol=1e-3, atol=1e-4)
