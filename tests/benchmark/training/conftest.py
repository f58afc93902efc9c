"""An encoder that reads short texts only."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file as torch_load_file
from safetensors.torch import save_file as torch_save_file


@pytest.fixture(scope="module")
def short(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder of 48 positions whose weights are stored in bf16."""
    folder = shutil.copytree(tiny_bert, tmp_path_factory.mktemp("encoders") / "short")
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"max_position_embeddings": 48, "dtype": "bfloat16"}))
    tensors = {name: tensor.bfloat16() for name, tensor in torch_load_file(folder / "model.safetensors").items()}
    name = "embeddings.position_embeddings.weight"
    torch_save_file(tensors | {name: tensors[name][:48].clone()}, folder / "model.safetensors", {"format": "pt"})
    return folder
