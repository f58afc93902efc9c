"""The start of a pretraining: all weights of the encoder that was given, in float32, or a stop."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from zoo.errors import UserError
from zoo.pretraining.masked_model import from_encoder


def test_weights_in_half_precision_are_pretrained_in_float32(tiny_bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_bert, tmp_path / "half")
    given = {name: tensor.bfloat16() for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(given, folder / "model.safetensors", {"format": "pt"})
    model, _, new_head = from_encoder(folder)
    assert new_head
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    for name, tensor in given.items():
        assert torch.equal(model.bert.state_dict()[name], tensor.float()), name


def test_a_start_without_all_weights_is_refused_in_one_line(tiny_bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_bert, tmp_path / "prefixed")
    given = {f"module.{name}": tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(given, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match=r"lacks 37 tensors of the encoder, such as bert\.embeddings") as caught:
        from_encoder(folder)
    assert "\n" not in str(caught.value)
