"""A checkpoint to publish, a hub on loopback, and the command line pointed at it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from transformers import AutoTokenizer

from encoder_zoo import main
from tests.checkpoints import toy_info
from tests.hub_server import Hub, client_settings, serve_hub
from tests.zoo.checkpoints.hub_commands import Done, Run
from zoo.checkpoints.loading import new_model, save_checkpoint
from zoo.decision import Decision
from zoo.encoders.registry import get_encoder


@pytest.fixture(scope="module")
def checkpoint(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub") / "checkpoint"
    torch.manual_seed(0)
    encoder = get_encoder(str(tiny_bert))
    info = toy_info(labels=("good", "late", "never"), encoder=encoder.name, revision=encoder.revision)
    decision = Decision(problem_type=info.problem_type, rule="per_label", temperature=1.7, thresholds=(0.4, 0.5, 0.6))
    model, tokenizer = new_model(tiny_bert, info.problem_type, info.labels), AutoTokenizer.from_pretrained(tiny_bert)
    save_checkpoint(folder, info, decision, model, tokenizer, "---\nlicense: apache-2.0\n---\n# A card\n")
    return folder


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve_hub() as hub:
        yield hub


@pytest.fixture
def zoo(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line here."""
    for name, value in client_settings(hub, tmp_path / "cache").items():
        monkeypatch.setattr(constants, name, value)

    def run(*arguments: str | Path, token: str = "hf_writer", offline: bool = False) -> Done:
        monkeypatch.setenv("HF_TOKEN", token)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
        monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(int(ended.value.code or 0), *capsys.readouterr())

    return run
