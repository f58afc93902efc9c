"""A folder in transformers' format as an encoder."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from transformers import AutoModel, AutoTokenizer

from zoo.encoders.registry import get_encoder
from zoo.encoders.weights import fetch_weights
from zoo.errors import UserError


@pytest.mark.parametrize("kind", ["tiny_bert", "tiny_roberta"])
def test_a_folder_is_an_encoder(kind: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(kind)
    encoder = get_encoder(str(folder))
    assert (encoder.source, encoder.family) == ("folder", kind.removeprefix("tiny_"))
    assert encoder.name == f"{folder.name}@{encoder.revision[:8]}"
    weights = fetch_weights(encoder)
    assert weights.revision == encoder.revision
    ids = AutoTokenizer.from_pretrained(weights.folder)("the parcel arrived", return_tensors="pt")
    assert torch.isfinite(AutoModel.from_pretrained(weights.folder)(**ids).last_hidden_state).all()


def test_a_folders_revision_tells_its_weights_config_and_vocabulary_apart(tiny_bert: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_bert, tmp_path / "copy")
    before = get_encoder(str(tiny_bert)).revision
    assert get_encoder(str(copy)).revision == before
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 1e-5}))
    other_config = get_encoder(str(copy)).revision
    assert other_config != before
    tokenizer = json.loads((copy / "tokenizer.json").read_text())
    (copy / "tokenizer.json").write_text(json.dumps(tokenizer | {"truncation": None, "padding": None}, indent=1))
    assert get_encoder(str(copy)).revision not in (before, other_config)


def test_two_folders_called_alike_are_two_encoders(tiny_bert: Path, tiny_roberta: Path, tmp_path: Path) -> None:
    first = get_encoder(str(shutil.copytree(tiny_bert, tmp_path / "runA" / "final")))
    second = get_encoder(str(shutil.copytree(tiny_roberta, tmp_path / "runB" / "final")))
    assert {encoder.name[:6] for encoder in (first, second)} == {"final@"}
    assert first.name != second.name
    assert get_encoder(str(shutil.copytree(tiny_bert, tmp_path / "runC" / "final"))).name == first.name


def test_a_folders_parameters_are_counted_in_millions(tiny_bert: Path, tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(tiny_bert / name, tmp_path)
    save_file(
        {"a": np.zeros((1000, 1500), np.float32), "b": np.zeros(40_000, np.float32)}, tmp_path / "model.safetensors"
    )
    assert get_encoder(str(tmp_path)).parameters == 1.5


@pytest.mark.parametrize("called", ["my encoder", "vielleicht?", "x" * 101])
def test_a_folder_whose_name_no_checkpoint_can_bear_is_refused(called: str, tiny_bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_bert, tmp_path / called)
    with pytest.raises(UserError, match="cannot be one; rename the folder"):
        get_encoder(str(folder))


def test_a_folder_without_weights_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_bert / "config.json", tmp_path)
    (tmp_path / "tf_model.h5").write_bytes(b"tensorflow")
    with pytest.raises(UserError, match="no weights"):
        get_encoder(str(tmp_path))


def test_a_folder_without_a_tokenizer_is_refused_since_it_would_read_every_word_as_unknown(
    tiny_bert: Path, tmp_path: Path
) -> None:
    for name in ("config.json", "model.safetensors", "tokenizer_config.json"):
        shutil.copy(tiny_bert / name, tmp_path)
    with pytest.raises(UserError, match="no tokenizer"):
        get_encoder(str(tmp_path))


def test_a_folder_without_a_config_is_no_encoder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"no encoder in the folder {tmp_path}: it has no config.json"):
        get_encoder(str(tmp_path))


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff" * 40, b"[1]"])
def test_a_damaged_folder_ends_in_one_line(tiny_bert: Path, tmp_path: Path, file: str, content: bytes) -> None:
    copy = shutil.copytree(tiny_bert, tmp_path / "copy")
    (copy / file).write_bytes(content)
    with pytest.raises(UserError, match="no readable model") as caught:
        get_encoder(str(copy))
    assert "\n" not in str(caught.value)
