"""The registry of encoders: its entries, and what a user's argument means."""

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zoo.checkpoints.checkpoint import CHECKPOINTS, read_checkpoint
from zoo.checkpoints.loading import load_model
from zoo.cli import app
from zoo.encoders.encoder import Encoder
from zoo.encoders.registry import ENCODERS, get_encoder
from zoo.encoders.weights import fetch_weights
from zoo.errors import UserError


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=lambda encoder: encoder.name)
def test_every_entry_is_consistent(encoder: Encoder) -> None:
    assert get_encoder(encoder.name) is encoder
    assert encoder.language in ("en", "zh", "any")
    assert encoder.licence
    assert (encoder.parameters > 0) == (encoder.source != "none")
    if encoder.source == "hub":
        assert encoder.location == encoder.name
        assert re.fullmatch(r"[0-9a-f]{40}", encoder.revision)  # a branch could move
    if encoder.source == "package":
        assert find_spec(encoder.location.split("/")[0])
    assert encoder.source != "folder"


def test_english_whole_word_masking_has_a_plain_twin_of_its_size() -> None:
    wwm = ENCODERS["bert-large-uncased-whole-word-masking"]
    assert (wwm.parameters, wwm.family) == (ENCODERS["bert-large-uncased"].parameters, "bert-wwm")


def test_a_typing_error_is_met_with_the_nearest_name_and_the_other_ways() -> None:
    with pytest.raises(UserError, match=r"'minilm-16'\. Did you mean 'minilm-l6'.* hub:org/name$"):
        get_encoder("minilm-16")


def test_a_path_that_exists_wins_over_the_registry(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_bert, tmp_path / "zoo-bert-en")
    monkeypatch.chdir(tmp_path)
    for argument in ("zoo-bert-en", "./zoo-bert-en", str(tmp_path / "zoo-bert-en")):
        encoder = get_encoder(argument)
        assert re.fullmatch(r"zoo-bert-en@[0-9a-f]{8}", encoder.name)
        assert (encoder.source, encoder.licence, encoder.language) == ("folder", "unknown", "any")
    (tmp_path / "minilm-l6").mkdir()  # of results, say
    assert get_encoder("minilm-l6") is ENCODERS["minilm-l6"]


@pytest.mark.slow
def test_what_ships_is_not_shadowed_by_a_folder_of_that_name(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_bert, tmp_path / "zoo-bert-en")
    shutil.copytree(tiny_bert, tmp_path / "minilm-l6")
    monkeypatch.chdir(tmp_path)
    assert fetch_weights(ENCODERS["zoo-bert-en"]).revision == ENCODERS["zoo-bert-en"].revision
    checkpoint = read_checkpoint(CHECKPOINTS / "feedback" / "zoo-bert-en")
    assert load_model(checkpoint)[0].config.num_labels == len(checkpoint.info.labels)


@pytest.mark.parametrize("name", ["./zoo-bert-en", "/no/such/folder", "../x"])
def test_a_path_where_nothing_is_never_means_a_registered_encoder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=f"no encoder in the folder {name}"):
        get_encoder(name)


@pytest.mark.parametrize("name", ["roberta-base", "hfl/rbt3"])
def test_a_registered_model_of_the_hub_is_the_registered_encoder(name: str) -> None:
    assert get_encoder(f"hub:{name}") is ENCODERS[name]
    assert get_encoder(f"hub:{name}@{ENCODERS[name].revision}") is ENCODERS[name]


def test_names_are_listed_whole_on_a_narrow_screen() -> None:
    listed = CliRunner(env={"COLUMNS": "80"}).invoke(app, ["encoders"]).stdout
    assert [name for name in ENCODERS if not re.search(rf"\b{name}\b", listed)] == []
