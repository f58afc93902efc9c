"""Encoders that come with the project: packed as differences, unpacked as plain transformers loads them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from transformers import AutoConfig, AutoTokenizer, BertForMaskedLM
from typer.testing import CliRunner

from zoo.cli import app
from zoo.encoders import registry as encoders
from zoo.encoders.encoder import Encoder
from zoo.encoders.packed import PRETRAINED, pack_encoder, read_origin, unpack_encoder
from zoo.encoders.registry import get_encoder
from zoo.encoders.weights import fetch_weights
from zoo.errors import UserError
from zoo.pretraining.masked_model import from_encoder, save_encoder

OURS = [name for name, encoder in encoders.ENCODERS.items() if encoder.source == "repository"]


@pytest.fixture(scope="module")
def trained(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a pretraining of tiny BERT could have left: all but its word embeddings moved a little."""
    model, tokenizer, _ = from_encoder(tiny_bert)
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "word_embeddings" not in name:
                parameter += 0.01 * torch.randn_like(parameter)
    folder = tmp_path_factory.mktemp("trained") / "zoo-tiny"
    save_encoder(model, tokenizer, folder)
    (folder / "README.md").write_text("# zoo-tiny\n")
    return folder


def _start(tiny_bert: Path) -> tuple[str, str, Path]:
    return "tiny-bert", get_encoder(str(tiny_bert)).revision, tiny_bert


def _logits(folder: Path) -> np.ndarray:
    tokens = AutoTokenizer.from_pretrained(folder)("the parcel was late", return_tensors="pt")
    with torch.inference_mode():
        return np.asarray(BertForMaskedLM.from_pretrained(folder).eval()(**tokens).logits)


@pytest.mark.parametrize("bits", [3, 4, 8])
@pytest.mark.parametrize("alone", [False, True], ids=["on its start", "alone"])
def test_it_comes_back_nearly_as_it_was(alone: bool, bits: int, trained: Path, tiny_bert: Path, tmp_path: Path) -> None:
    packed, unpacked = tmp_path / "packed", tmp_path / "unpacked"
    pack_encoder(trained, packed, bits, None if alone else _start(tiny_bert))
    assert unpack_encoder(packed, None if alone else tiny_bert, unpacked) == unpacked
    assert (unpacked / "README.md").read_text() == "# zoo-tiny\n"
    before, after = load_file(trained / "model.safetensors"), load_file(unpacked / "model.safetensors")
    assert set(before) <= after.keys()
    if not alone:
        name = "bert.embeddings.word_embeddings.weight"
        np.testing.assert_array_equal(after[name], before[name])
    error = np.abs(_logits(unpacked) - _logits(trained)).max() / np.abs(_logits(trained)).max()
    assert error < ({3: 1.5, 4: 0.6, 8: 0.05} if alone else {3: 0.1, 4: 0.05, 8: 0.005})[bits]
    small = (packed / "delta.safetensors").stat().st_size
    assert small < (trained / "model.safetensors").stat().st_size * (0.75 if alone else 0.6)


def test_a_start_with_the_first_names_of_layer_norms_keeps_what_was_trained(
    trained: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    shutil.copytree(tiny_bert, old)
    first = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    tensors = load_file(old / "model.safetensors")
    for now, then in first.items():
        tensors = {name.replace(now, then): tensor for name, tensor in tensors.items()}
    save_file(tensors, old / "model.safetensors", metadata={"format": "pt"})
    pack_encoder(trained, tmp_path / "packed", 8, ("old", get_encoder(str(old)).revision, old))
    unpacked = unpack_encoder(tmp_path / "packed", old, tmp_path / "unpacked")
    assert not [name for name in load_file(unpacked / "model.safetensors") if "gamma" in name]
    assert np.abs(_logits(unpacked) - _logits(trained)).max() < 0.01 * np.abs(_logits(trained)).max()


def test_the_registry_fetches_it_without_another_word(
    trained: Path, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENCODER_ZOO_CACHE", str(tmp_path / "cache"))
    pack_encoder(trained, tmp_path / "packed", 4, _start(tiny_bert))
    monkeypatch.setitem(encoders.ENCODERS, "tiny-bert", get_encoder(str(tiny_bert)))
    revision = read_origin(tmp_path / "packed").weights_sha256[:12]
    spec = Encoder("zoo-tiny", "bert", 0.1, "en", "Apache-2.0", "repository", str(tmp_path / "packed"), revision)
    weights = fetch_weights(spec)
    assert weights.revision == revision
    assert json.loads((weights.folder / "config.json").read_text())["model_type"] == "bert"
    again = fetch_weights(spec)
    assert again == weights
    with pytest.raises(UserError, match="is not the revision"):
        fetch_weights(replace(spec, revision="0" * 12))
    monkeypatch.setitem(encoders.ENCODERS, "tiny-bert", replace(get_encoder(str(tiny_bert)), revision="other"))
    with pytest.raises(UserError, match="was packed on tiny-bert at revision"):
        fetch_weights(spec)


def test_what_was_kept_in_half_precision_loads_in_full(trained: Path, tmp_path: Path) -> None:
    BertForMaskedLM.from_pretrained(trained, dtype=torch.float16).save_pretrained(tmp_path / "half")
    pack_encoder(tmp_path / "half", tmp_path / "packed", 8, None)
    unpacked = unpack_encoder(tmp_path / "packed", None, tmp_path / "unpacked")
    assert BertForMaskedLM.from_pretrained(unpacked).dtype == torch.float32


def test_pieces_that_never_occur_take_no_room(trained: Path, tmp_path: Path) -> None:
    """BERT's tokenizers cut behind every Chinese character: `##的` and `的a` are made of no text, `的` is."""
    source, name = tmp_path / "source", "bert.embeddings.word_embeddings.weight"
    shutil.copytree(trained, source)
    number = len(load_file(source / "model.safetensors")[name])
    pieces = [f"piece{row}" for row in range(number)]
    pieces[2:6] = "\u2028", "的", "##的", "的a"
    (source / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    pack_encoder(source, tmp_path / "packed", 8, None)
    after = load_file(unpack_encoder(tmp_path / "packed", None, tmp_path / "unpacked") / "model.safetensors")[name]
    assert np.flatnonzero(~after.any(axis=1)).tolist() == [0, 4, 5]  # the first is padding's, zero from the start


@pytest.mark.slow
def test_the_tokenizer_of_the_chinese_start_makes_none_of_the_pieces_left_out() -> None:
    folder = fetch_weights(get_encoder("bge-small-zh-v1.5")).folder
    embeddings = load_file(folder / "model.safetensors")["embeddings.word_embeddings.weight"]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    left_out = np.flatnonzero(~embeddings.any(axis=1))
    assert len(left_out) == 7_322
    texts = [piece for row in left_out for piece in [tokenizer.convert_ids_to_tokens(int(row)).removeprefix("##")]]
    made = tokenizer([f"a{text} {text}{text}1" for text in texts], add_special_tokens=False)["input_ids"]
    assert not np.isin(np.concatenate([np.array(ids) for ids in made]), left_out).any()


def test_every_encoder_of_the_repository_is_in_the_registry() -> None:
    assert set(OURS) == {folder.name for folder in PRETRAINED.iterdir() if folder.is_dir()}


@pytest.mark.parametrize("name", [OURS[0], *(pytest.param(name, marks=pytest.mark.campaign) for name in OURS[1:])])
def test_every_encoder_of_the_repository_is_whole(name: str) -> None:
    encoder = get_encoder(name)
    weights = fetch_weights(encoder)
    config = AutoConfig.from_pretrained(weights.folder)
    assert len(AutoTokenizer.from_pretrained(weights.folder)) == config.vocab_size
    assert get_encoder(str(weights.folder)).parameters == pytest.approx(encoder.parameters, abs=0.3)


@pytest.mark.parametrize("damage", ["origin", "weights", "no weights"])
def test_a_damaged_one_is_refused(damage: str, trained: Path, tiny_bert: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    pack_encoder(trained, packed, 4, _start(tiny_bert))
    if damage == "origin":
        (packed / "origin.json").write_text("{")
    elif damage == "weights":
        (packed / "delta.safetensors").write_bytes(b"cut short")
    else:
        (packed / "delta.safetensors").unlink()
    with pytest.raises(UserError, match="packed encoder"):
        unpack_encoder(packed, tiny_bert, tmp_path / "unpacked")
    assert not (tmp_path / "unpacked").exists()


def test_packing_again_replaces_what_was_there(trained: Path, tiny_bert: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    for bits in (8, 4):
        pack_encoder(trained, packed, bits, _start(tiny_bert))
    other = tmp_path / "other"
    pack_encoder(trained, other, 4, _start(tiny_bert))
    assert read_origin(packed) == read_origin(other)


def test_the_command_packs_and_tells_the_size(
    trained: Path, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "packed"
    ended = CliRunner().invoke(app, ["pack", str(trained), "--to", str(target), "--bits", "8"])
    assert ended.exit_code == 0
    assert "MiB" in ended.stdout
    assert read_origin(target).start is None
    (trained / "pretraining.json").write_text('{"start": "tiny-bert"}')
    monkeypatch.setitem(encoders.ENCODERS, "tiny-bert", get_encoder(str(tiny_bert)))
    assert CliRunner().invoke(app, ["pack", str(trained), "--to", str(tmp_path / "small")]).exit_code == 0
    (trained / "pretraining.json").unlink()
    assert read_origin(tmp_path / "small").start == "tiny-bert"
    for arguments in (["pack", str(trained), "--bits", "5"], ["pack", str(tmp_path)], ["pack", str(target)]):
        assert isinstance(CliRunner().invoke(app, arguments).exception, UserError)


def test_the_command_overwrites_nothing_but_a_packed_encoder(trained: Path, tmp_path: Path) -> None:
    thesis = tmp_path / "papers" / "thesis.txt"
    thesis.parent.mkdir()
    thesis.write_text("years of work")
    for target in (thesis.parent, trained):
        told = CliRunner().invoke(app, ["pack", str(trained), "--to", str(target)]).exception
        assert isinstance(told, UserError)
        assert "is there and is no packed encoder" in str(told)
    assert thesis.is_file()
    assert (trained / "model.safetensors").is_file()


def test_what_a_pretraining_wrote_of_itself_may_be_damaged(trained: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "trained")
    (folder / "pretraining.json").write_text("{")
    told = CliRunner().invoke(app, ["pack", str(folder), "--to", str(tmp_path / "packed")]).exception
    assert isinstance(told, UserError)
    assert "pretrain again" in str(told)


@pytest.mark.parametrize("size", [1000, None])
def test_a_damaged_unpacked_one_is_unpacked_again(
    size: int | None, trained: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    packed, target = tmp_path / "packed", tmp_path / "unpacked"
    pack_encoder(trained, packed, 4, _start(tiny_bert))
    weights = unpack_encoder(packed, tiny_bert, target) / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:size] if size else whole[:-8] + bytes(8))
    unpack_encoder(packed, tiny_bert, target)
    assert weights.read_bytes() == whole
