"""Each layer has the rate of the layer above, times the decay."""

from pathlib import Path

import pytest

from benchmark.training.layer_rates import layerwise_optimizer
from benchmark.training.recipes import Recipe
from zoo.checkpoints.loading import new_model


@pytest.mark.parametrize("encoder", ["tiny_bert", "tiny_roberta"])
def test_rates_fall_layer_by_layer(encoder: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(encoder)
    model = new_model(folder, "single_label_classification", ("a", "b"))
    optimizer = layerwise_optimizer(model, Recipe(learning_rate=1e-4, layer_decay=0.5, weight_decay=0.1))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    rate, decay = {}, {}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            rate[names[id(parameter)]] = group["lr"]
            decay[names[id(parameter)]] = group["weight_decay"]
    assert set(rate) == set(names.values())
    body = model.base_model_prefix
    assert {value for name, value in rate.items() if not name.startswith(body)} == {1e-4}
    assert {value for name, value in rate.items() if ".layer.1." in name} == {5e-5}
    assert {value for name, value in rate.items() if ".layer.0." in name} == {2.5e-5}
    assert {value for name, value in rate.items() if ".embeddings." in name} == {1.25e-5}
    assert {value for name, value in decay.items() if name.endswith("bias") or "LayerNorm" in name} == {0.0}
    assert {value for name, value in decay.items() if ".layer.0." in name and name.endswith("dense.weight")} == {0.1}
