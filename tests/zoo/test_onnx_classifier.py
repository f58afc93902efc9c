"""Exports to ONNX: the same scores as torch, for any batch and length, from a folder that loads as any checkpoint."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from transformers import AutoTokenizer

from tests.checkpoints import toy_info
from tests.conftest import WORDS
from zoo.attribution import attribute
from zoo.checkpoints.checkpoint import CHECKPOINTS, CheckpointInfo
from zoo.checkpoints.loading import new_model, save_checkpoint
from zoo.checkpoints.onnx_export import export_checkpoint, quantise_graph
from zoo.decision import Decision
from zoo.errors import UserError
from zoo.files import sha256
from zoo.serving import load_classifier


def _save(folder: Path, target: Path) -> Path:
    torch.manual_seed(0)
    info = toy_info(max_length=24)
    decision = Decision(problem_type=info.problem_type, rule="per_label", temperature=1.3, thresholds=(0.4, 0.5, 0.6))
    model = new_model(folder, info.problem_type, info.labels).eval()
    save_checkpoint(target, info, decision, model, AutoTokenizer.from_pretrained(folder), "# A card\n")
    return target


@pytest.fixture(scope="module", params=["tiny_bert", pytest.param("tiny_roberta", marks=pytest.mark.slow)])
def folders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A checkpoint and its export."""
    root = tmp_path_factory.mktemp(request.param)
    checkpoint = _save(request.getfixturevalue(request.param), root / "checkpoint")
    export_checkpoint(checkpoint, root / "export")
    return checkpoint, root / "export"


def _texts(number: int) -> list[str]:
    rng = np.random.default_rng(0)
    return ["", *(" ".join(rng.choice(WORDS, rng.integers(1, 40))) for _ in range(number - 1))]


def test_an_export_agrees_with_torch_on_a_thousand_texts(folders: tuple[Path, Path]) -> None:
    whole, export = map(load_classifier, folders)
    texts = _texts(1000)
    scores = whole.predict_scores(texts)
    assert scores.std() > 0.01
    np.testing.assert_allclose(export.predict_scores(texts), scores, atol=1e-4)
    np.testing.assert_array_equal(export.decide(scores), whole.decide(scores))
    assert (export.info.run, export.capacity) == (whole.info.run, whole.capacity)


def test_long_texts_are_read_as_torch_reads_them(folders: tuple[Path, Path], tmp_path: Path) -> None:
    rng, words = np.random.default_rng(1), [*WORDS, "[SEP]", "<s>", "漢字", "ﬁ", "𝒜", "a\u0301", "\u200b", "\n", "🦓"]
    texts = ["", "[PAD]", *(" ".join(rng.choice(words, rng.integers(1, 300))) for _ in range(60))]
    for long_text in ("truncate", "head-tail", "windows"):
        for folder in folders:
            shutil.copytree(folder, tmp_path / long_text / folder.name)
            path = tmp_path / long_text / folder.name / "checkpoint.json"
            info = CheckpointInfo.model_validate_json(path.read_text())
            path.write_text(info.model_copy(update={"long_text": long_text}).model_dump_json())
        whole, export = (load_classifier(tmp_path / long_text / folder.name) for folder in folders)
        np.testing.assert_allclose(export.predict_scores(texts), whole.predict_scores(texts), atol=1e-4)
        assert export.capacity == whole.capacity
        assert list(map(export.count_tokens, texts)) == list(map(whole.count_tokens, texts))
    assert export.predict_scores([]).shape == (0, 3)


def test_in_8_bits_the_graph_is_smaller_and_its_head_is_whole(folders: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(folders[1], tmp_path / "int8")
    path = tmp_path / "int8" / "model.onnx"
    quantise_graph(folders[1] / "model.onnx", path, embeddings=True)
    assert [each.name for each in path.parent.iterdir() if "prepared" in each.name] == []
    tensors = onnx.load(path).graph.initializer
    head = [each for each in tensors if list(each.dims) in ([32, 3], [3, 32])]
    assert [each.data_type for each in head] == [onnx.TensorProto.FLOAT]
    assert [each.data_type for each in tensors].count(
        onnx.TensorProto.INT8
    ) > 12  # six products a layer, and embeddings
    small = tmp_path / "int8" / "checkpoint.json"
    info = CheckpointInfo.model_validate_json(small.read_text())
    small.write_text(info.model_copy(update={"weights_sha256": sha256(path)}).model_dump_json())
    texts = _texts(100)
    whole, rounded = (load_classifier(folder).predict_logits(texts) for folder in (folders[1], path.parent))
    error = np.abs(whole - rounded).mean() / whole.std()
    assert 0 < error < 0.2


def test_neither_torch_nor_transformers_is_loaded(folders: tuple[Path, Path]) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom zoo.serving import load_classifier\n"
        f"load_classifier(Path({str(folders[1])!r})).predict_scores(['good'])\n"
        "sys.exit(str({'torch', 'transformers', 'pandas', 'sklearn'} & set(sys.modules) or ''))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stderr.strip() == ""


def test_an_export_has_no_weights_but_its_graph_and_says_no_to_attribution(folders: tuple[Path, Path]) -> None:
    names = {path.name for path in folders[1].iterdir()}
    assert {"model.onnx", "tokenizer.json", "config.json", "decision.json", "checkpoint.json", "README.md"} <= names
    assert not any(name.endswith((".safetensors", ".bin", ".data")) for name in names)
    with pytest.raises(UserError, match="export without gradients"):
        attribute(load_classifier(folders[1]), "good", 0)


def test_what_cannot_be_exported_is_said_in_one_line(folders: tuple[Path, Path], tmp_path: Path) -> None:
    checkpoint, export = folders
    with pytest.raises(UserError, match="is there already; give another folder"):
        export_checkpoint(checkpoint, export)
    with pytest.raises(UserError, match="is an export already"):
        export_checkpoint(export, tmp_path / "again")
    with pytest.raises(UserError, match=r"There is no folder .*nothing; give the folder of"):
        export_checkpoint(tmp_path / "nothing", tmp_path / "target")
    assert not list(tmp_path.iterdir())


def test_a_damaged_graph_is_said_in_one_line(folders: tuple[Path, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folders[1].iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    graph = (copy / "model.onnx").read_bytes()
    (copy / "model.onnx").write_bytes(graph[: len(graph) // 2])
    with pytest.raises(UserError, match="missing or damaged"):
        load_classifier(copy)


@pytest.mark.campaign
@pytest.mark.parametrize("name", ["feedback/zoo-bert-en", "go_emotions/granite-30m"])
def test_the_exports_of_shipped_checkpoints_agree_with_torch(name: str, tmp_path: Path) -> None:
    export_checkpoint(CHECKPOINTS / name, tmp_path / "export")
    whole, export = load_classifier(CHECKPOINTS / name), load_classifier(tmp_path / "export")
    texts = _texts(1000)
    np.testing.assert_allclose(export.predict_scores(texts), whole.predict_scores(texts), atol=1e-4)
