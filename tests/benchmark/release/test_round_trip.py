"""Every encoder of the registry from its weights to a published model and back, with the real client against a hub on
loopback. There each model of the hub has the layout that it has at its revision, or a harder one: old names, prefixes,
heads of its pretraining, pickles, shards, a tokenizer of vocab.txt alone. Its weights are random.

The shapes are small. `ENCODER_ZOO_REAL_SHAPES=1` takes the real ones, which needs 12 GiB of memory and minutes each.
"""

import io
import json
import os
import re
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save
from transformers import AutoConfig, AutoModelForMaskedLM, AutoModelForPreTraining, AutoTokenizer

from benchmark.release.ship import checkpoint_folder, keep_checkpoint
from benchmark.tasks.registry import Task
from benchmark.training.grid import plan, run_grid
from benchmark.training.look_ahead import find_faults
from benchmark.training.runs import read_runs
from tests.conftest import SIZE, ToyRows
from tests.hub_server import Hub
from zoo.checkpoints.fetch import fetch_checkpoint
from zoo.checkpoints.push import Publication, checkpoint_files, publish
from zoo.classifier import Classifier
from zoo.encoders.encoder import Encoder
from zoo.encoders.registry import ENCODERS, get_encoder

REAL = bool(os.environ.get("ENCODER_ZOO_REAL_SHAPES"))
RECIPE = {"epochs": 1, "batch_size": 8, "max_length": 16, "learning_rate": 1e-4}
LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
ROBERTA = {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1}
CHINESE = {"vocab_size": 21128}
# The model type and what its real shape has other than the type's default; then how its files are laid out.
LAYOUTS: dict[str, tuple[str, dict[str, int], set[str]]] = {
    "bert-base-uncased": ("bert", {}, {"old names"}),
    "bert-base-cased": ("bert", {"vocab_size": 28996}, {"old names"}),
    "bert-large-uncased": ("bert", LARGE, {"old names"}),
    "bert-large-uncased-whole-word-masking": ("bert", LARGE, {"old names", "shards"}),
    "roberta-base": ("roberta", ROBERTA, set()),
    "roberta-large": ("roberta", ROBERTA | LARGE, {"shards"}),
    "distilbert-base-uncased": ("distilbert", {}, set()),
    "distilroberta-base": ("roberta", ROBERTA | {"num_hidden_layers": 6}, set()),
    "answerdotai/ModernBERT-base": ("modernbert", {}, set()),
    "bert-base-chinese": ("bert", CHINESE, {"old names", "vocab.txt"}),
    "hfl/chinese-bert-wwm": ("bert", CHINESE, {"bin", "vocab.txt"}),
    "hfl/chinese-bert-wwm-ext": ("bert", CHINESE, {"bin", "old names", "vocab.txt"}),
    "hfl/chinese-roberta-wwm-ext": ("bert", CHINESE, {"bin", "vocab.txt", "shards"}),
    "hfl/rbt3": ("bert", CHINESE | {"num_hidden_layers": 3}, {"bin", "vocab.txt"}),
}
QUICK = {"bert-base-uncased", "roberta-large", "hfl/chinese-roberta-wwm-ext"}
PARTS = 2


@pytest.fixture
def hub(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setenv("HF_TOKEN", "hf_writer")
    return hub


def published(name: str, tiny: Path) -> dict[str, bytes]:
    """The files of a model of the hub, by their names, with the tokenizer of `tiny`."""
    kind, shape, layout = LAYOUTS[name]
    ids = AutoTokenizer.from_pretrained(tiny).get_vocab()
    special = {f"{key}_token_id": ids[token] for key, token in specials(ids).items()}
    size = shape if REAL else {**SIZE, "vocab_size": len(ids)}
    config = AutoConfig.for_model(kind, **size, **special)
    torch.manual_seed(0)
    model: Any = (AutoModelForPreTraining if kind == "bert" else AutoModelForMaskedLM).from_config(config)
    config.architectures = [type(model).__name__]
    tensors = {old(key) if "old names" in layout else key: tensor for key, tensor in model.state_dict().items()}
    tokenizer = {"vocab.txt": "\n".join(sorted(ids, key=ids.__getitem__)).encode()}
    if "vocab.txt" not in layout:
        tokenizer = {path.name: path.read_bytes() for path in tiny.glob("*token*")}
    return {"config.json": config.to_json_string().encode()} | tokenizer | weights(tensors, layout)


def specials(ids: dict[str, int]) -> dict[str, str]:
    bert = {"pad": "[PAD]", "cls": "[CLS]", "sep": "[SEP]", "bos": "[CLS]", "eos": "[SEP]"}
    return bert if "[PAD]" in ids else {"pad": "<pad>", "bos": "<s>", "eos": "</s>"}


def old(name: str) -> str:
    return re.sub("LayerNorm.weight$", "LayerNorm.gamma", re.sub("LayerNorm.bias$", "LayerNorm.beta", name))


def weights(tensors: dict[str, torch.Tensor], layout: set[str]) -> dict[str, bytes]:
    whole = "pytorch_model.bin" if "bin" in layout else "model.safetensors"
    if "shards" not in layout:
        return {whole: packed(tensors, whole)}
    names, (stem, _, end) = sorted(tensors), whole.partition(".")
    called = [f"{stem}-{part + 1:05d}-of-{PARTS:05d}.{end}" for part in range(PARTS)]
    index = {name: called[number % PARTS] for number, name in enumerate(names)}
    found = {file: packed({n: t for n, t in tensors.items() if index[n] == file}, file) for file in called}
    return found | {f"{whole}.index.json": json.dumps({"metadata": {}, "weight_map": index}).encode()}


def packed(tensors: dict[str, torch.Tensor], file: str) -> bytes:
    if file.endswith(".safetensors"):
        return save({name: tensor.clone() for name, tensor in tensors.items()}, {"format": "pt"})
    buffer = io.BytesIO()
    torch.save(tensors, buffer, _use_new_zipfile_serialization=False)  # as torch wrote when these were made
    return buffer.getvalue()


def installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def marked(encoder: Encoder) -> Any:
    there = encoder.source != "zip parts" or installed(encoder.location.split()[0])
    marks = [] if encoder.name in QUICK and not REAL else [pytest.mark.campaign]
    marks += [] if there else [pytest.mark.skip(reason=f"{encoder.name} is not installed")]
    return pytest.param(encoder, id=encoder.name, marks=marks)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("encoder", [marked(each) for each in ENCODERS.values() if each.source != "none"])
def test_an_encoder_is_looked_at_trained_published_and_comes_back_with_the_same_logits(
    encoder: Encoder,
    hub: Hub,
    toy_task: Task,
    toy_rows: ToyRows,
    tiny_bert: Path,
    tiny_roberta: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = encoder.name
    if encoder.source == "hub":
        tiny = tiny_roberta if encoder.family == "roberta" else tiny_bert
        hub.add(encoder.location, published(encoder.name, tiny), private=False, commit=encoder.revision)
        asked = f"hub:{encoder.location}"
    rows, said = toy_rows(toy_task, (160, 32, 32)), []  # 20 steps
    cells = plan({toy_task: rows}, [get_encoder(asked)], [0], tmp_path / "results", **RECIPE)
    assert find_faults(cells, said.append) == {}
    assert bool(said) == (encoder.source == "hub")
    assert hub.sent(r"GET .*resolve.*[.](safetensors|bin)$") == 0
    assert all("MB to fetch; training will take" in line for line in said)

    failed = run_grid(cells, lambda now: said.append(now.line), partial(keep_checkpoint, tmp_path / "checkpoints"))
    assert failed == {}
    (run,) = read_runs(tmp_path / "results")
    assert run.info.revision == encoder.revision
    layout = LAYOUTS[encoder.name][2] if encoder.source == "hub" else set()
    assert any("read as tensors alone" in line for line in said) == ("bin" in layout)

    kept = checkpoint_folder(tmp_path / "checkpoints", cells[0].folder)
    with checkpoint_files(kept, "ann/it") as files:
        publish(Publication("model", "ann/it", True, files), said.append)
    folder = fetch_checkpoint("ann/it", said.append)
    back = Classifier.load(folder)
    assert back.tokenizer.model_max_length == RECIPE["max_length"]
    logits = back.predict_logits(rows.test.texts)
    np.testing.assert_array_equal(logits, Classifier.load(kept).predict_logits(rows.test.texts))
    np.testing.assert_allclose(logits, run.predictions.test_logits, rtol=2e-3, atol=2e-3)  # kept in half precision

    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.S)
    capsys.readouterr()
    exec(code, {})  # as its reader runs it, with the name under which it was published
    decided = back.decide(back.predict_scores(["a text", "another one"]))
    assert capsys.readouterr().out.splitlines()[-1] == str(
        [[toy_task.labels[i] for i in np.flatnonzero(row)] for row in decided]
    )
