"""Models of the hub whose weights are in pytorch_model.bin alone."""

import io
import json
import pickle
import re
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from tests.hub_server import Hub
from tests.zoo.encoders.conftest import REPO
from zoo.checkpoints.pretrained import load_pretrained, read_config
from zoo.encoders.registry import get_encoder
from zoo.encoders.weights import fetch_weights
from zoo.errors import UserError
from zoo.tokenizer import load_tokenizer


def pickled(folder: Path, shards: int = 1, **options: object) -> dict[str, bytes]:
    """A model's files with its weights as `pytorch_model.bin`, in the names of old versions, below a prefix and with a
    tied head; a tokenizer of vocab.txt alone."""
    import torch
    from safetensors.torch import load_file

    tensors = {f"bert.{old(name)}": tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"]
    files = {"config.json": (folder / "config.json").read_bytes(), "vocab.txt": vocabulary(folder)}
    names, parts = sorted(tensors), {}
    for part in range(shards):
        called = f"pytorch_model-{part + 1:05d}-of-{shards:05d}.bin" if shards > 1 else "pytorch_model.bin"
        parts |= dict.fromkeys(names[part::shards], called)
        buffer = io.BytesIO()
        torch.save({name: tensors[name] for name in names[part::shards]}, buffer, **options)
        files[called] = buffer.getvalue()
    index = json.dumps({"metadata": {}, "weight_map": parts}).encode()
    return files | ({"pytorch_model.bin.index.json": index} if shards > 1 else {})


def old(name: str) -> str:
    return re.sub(r"LayerNorm.(weight|bias)$", lambda m: f"LayerNorm.{'gamma' if m[1] == 'weight' else 'beta'}", name)


def vocabulary(folder: Path) -> bytes:
    ids = AutoTokenizer.from_pretrained(folder).get_vocab()
    return "\n".join(sorted(ids, key=ids.__getitem__)).encode()


@pytest.mark.parametrize("shards", [1, 2])
@pytest.mark.parametrize("zipped", [True, False])  # torch wrote no zip file before 1.6, when the hfl models were made
def test_a_model_of_pytorch_bin_alone_is_converted_once_and_told(
    shards: int, zipped: bool, hub: Hub, tiny_bert: Path
) -> None:
    files = pickled(tiny_bert, shards, _use_new_zipfile_serialization=zipped)
    hub.add(REPO, files, private=False)
    told: list[str] = []
    encoder = get_encoder(f"hub:{REPO}", told.append)
    assert encoder.parameters == pytest.approx(get_encoder(str(tiny_bert)).parameters, abs=0.1)
    weights = fetch_weights(encoder, told.append)
    assert weights.revision == encoder.revision
    assert len(told) == 1
    assert "was read as tensors alone and is kept as safetensors in" in told[0]
    assert fetch_weights(encoder, told.append) == weights
    assert len(told) == 1
    config = read_config(weights.folder, "multi_label_classification", ("a", "b"))
    model, new = load_pretrained(weights.folder, config)
    original, _ = load_pretrained(tiny_bert, config)
    for name, tensor in original.state_dict().items():
        if name not in new and "pooler" not in name:
            assert model.state_dict()[name].equal(tensor), name
    assert (
        load_tokenizer(weights.folder)("good parcel")["input_ids"]
        == load_tokenizer(tiny_bert)("good parcel")["input_ids"]
    )


class Shout:
    def __reduce__(self) -> object:
        return (Path.touch, (Path("shouted"),))


def test_a_bin_with_code_or_without_tensors_is_not_read(
    hub: Hub, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    whole = pickled(tiny_bert)["pytorch_model.bin"]
    for number, (content, words) in enumerate(
        [
            (pickle.dumps({"a": Shout()}), "more than tensors"),
            (pickle.dumps({"epoch": 3}), "'epoch', which is no tensor|more than tensors"),
            (whole[: len(whole) // 2], "cannot be read"),
        ]
    ):
        hub.add(f"org/m{number}", pickled(tiny_bert) | {"pytorch_model.bin": content}, private=False)
        encoder = get_encoder(f"hub:org/m{number}")
        with pytest.raises(UserError, match=words):
            fetch_weights(encoder)
    assert not (tmp_path / "shouted").exists()
