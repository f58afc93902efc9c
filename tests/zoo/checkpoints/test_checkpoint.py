"""Checkpoints: saved, read, made small, loaded; the Classifier on top; and every way in which one can be broken."""

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import expit
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedModel

from tests.checkpoints import TINY_MODELS, toy_info
from zoo.checkpoints.checkpoint import CheckpointInfo, find_checkpoints, read_checkpoint
from zoo.checkpoints.loading import compress_checkpoint, new_model, save_checkpoint
from zoo.classifier import Classifier, predict_logits
from zoo.decision import Decision, ProblemType
from zoo.encoders import registry as encoders
from zoo.encoders.deltas import write_delta
from zoo.encoders.encoder import Encoder
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError
from zoo.long_text import encode

LABELS = ("a", "b", "c")
IN_8_BITS = partial(write_delta, bits=8)
TEXTS = [
    "The parcel arrived late.",
    "good",
    "very very very bad and awful service!",
    "",
    "zażółć 漢字 🦓",
    "good " * 90,
]


def _tuned(folder: Path, problem_type: ProblemType = "multi_label_classification") -> PreTrainedModel:
    """The encoder in `folder` with a head and weights moved as fine-tuning moves them; embeddings stay."""
    torch.manual_seed(1)
    model = new_model(folder, problem_type, LABELS).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "word_embeddings" not in name:
                parameter.add_(0.02 * torch.randn_like(parameter))
    return model


def _register(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Encoder:
    """Make the folder an encoder that a checkpoint can name, as the packaged ones are."""
    encoder = get_encoder(str(folder))
    monkeypatch.setitem(encoders.ENCODERS, encoder.name, encoder)
    return encoder


def _info(encoder: Encoder, **changes: Any) -> CheckpointInfo:
    return toy_info(encoder=encoder.name, revision=encoder.revision, **changes)


def _decision(problem_type: ProblemType = "multi_label_classification") -> Decision:
    return Decision(problem_type=problem_type, rule="per_label", temperature=1.7, thresholds=(0.4, 0.5, 0.6))


@pytest.fixture
def saved(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    target = tmp_path / "toy" / "tiny-bert"
    info = _info(_register(tiny_bert, monkeypatch))
    save_checkpoint(
        target, info, _decision(), _tuned(tiny_bert), AutoTokenizer.from_pretrained(tiny_bert), "# A card\n"
    )
    return target


@pytest.mark.parametrize("kind", ["tiny_bert", "tiny_roberta"])
def test_a_loaded_checkpoint_gives_the_logits_of_the_model_in_memory(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder: Path = request.getfixturevalue(kind)
    model, tokenizer = _tuned(folder), AutoTokenizer.from_pretrained(folder)
    save_checkpoint(tmp_path / "c", _info(get_encoder(str(folder))), _decision(), model, tokenizer, "# A card\n")
    classifier = Classifier.load(tmp_path / "c")
    with torch.inference_mode():
        alone = [
            model(**tokenizer(text, truncation=True, max_length=48, return_tensors="pt")).logits[0].numpy()
            for text in TEXTS
        ]
    logits = classifier.predict_logits(TEXTS)
    np.testing.assert_allclose(logits, alone, atol=1e-5)
    np.testing.assert_allclose(classifier.predict_scores(TEXTS), expit(logits / 1.7), rtol=1e-6)
    assert (tmp_path / "c" / "README.md").read_text() == "# A card\n"


def test_logits_do_not_depend_on_the_batches_and_come_in_the_texts_order(tiny_bert: Path) -> None:
    model, tokenizer = _tuned(tiny_bert), AutoTokenizer.from_pretrained(tiny_bert)
    token_ids = encode(tokenizer, TEXTS, 64)
    assert max(len(ids) for (ids,) in token_ids) == 64
    model.train()
    together = predict_logits(model, tokenizer, token_ids)
    alone = [predict_logits(model, tokenizer, [ids])[0] for ids in token_ids]
    np.testing.assert_allclose(alone, together, atol=1e-5)
    np.testing.assert_allclose(predict_logits(model, tokenizer, token_ids[::-1])[::-1], together, atol=1e-5)
    assert model.training  # as it was found


def test_a_classifier_takes_an_empty_list_of_texts(saved: Path) -> None:
    classifier = Classifier.load(saved)
    assert classifier.decide(classifier.predict_scores([])).shape == (0, 3)


def test_tokens_are_counted_past_the_limit_of_the_model(saved: Path) -> None:
    classifier = Classifier.load(saved)
    assert classifier.count_tokens("good good") == 4
    assert classifier.count_tokens("good " * 1000) == 1002


@TINY_MODELS
def test_compression_to_8_bits_keeps_the_logits(
    kind: str,
    problem_type: ProblemType,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder: Path = request.getfixturevalue(kind)
    encoder = _register(folder, monkeypatch)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    info = _info(encoder, problem_type=problem_type)
    save_checkpoint(
        tmp_path / "whole", info, _decision(problem_type), _tuned(folder, problem_type), tokenizer, "# A card\n"
    )
    whole = Classifier.load(tmp_path / "whole").predict_logits(TEXTS)
    untrained = predict_logits(new_model(folder, problem_type, LABELS), tokenizer, encode(tokenizer, TEXTS, 48))
    errors = []
    for bits in (8, 4):
        compress_checkpoint(tmp_path / "whole", tmp_path / str(bits), partial(write_delta, bits=bits))
        small = Classifier.load(tmp_path / str(bits))
        assert (small.info.labels, small.decision) == (LABELS, _decision(problem_type))
        errors.append(np.abs(small.predict_logits(TEXTS) - whole).max())
    assert errors[0] < 0.01 < np.abs(untrained - whole).max()
    assert errors[0] < errors[1] < 0.2
    sizes = [(tmp_path / f"{bits}" / "delta.safetensors").stat().st_size for bits in (4, 8)]
    assert sizes[0] < sizes[1] < (tmp_path / "whole" / "model.safetensors").stat().st_size / 2


def test_compression_keeps_what_the_encoders_folder_does_not_hold(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pooler that is drawn anew at every load is no base for a difference."""
    folder = tmp_path / "no-pooler"
    torch.manual_seed(0)
    BertModel(BertConfig.from_pretrained(tiny_bert), add_pooling_layer=False).save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    tokenizer.save_pretrained(folder)
    info = _info(_register(folder, monkeypatch))
    save_checkpoint(tmp_path / "whole", info, _decision(), _tuned(folder), tokenizer, "# A card\n")
    compress_checkpoint(tmp_path / "whole", tmp_path / "small", IN_8_BITS)
    whole, small = (Classifier.load(tmp_path / name).predict_logits(TEXTS) for name in ("whole", "small"))
    np.testing.assert_allclose(small, whole, atol=0.01)


def test_compression_replaces_an_older_checkpoint_and_keeps_it_when_it_fails(saved: Path, tmp_path: Path) -> None:
    target = tmp_path / "shipped"
    target.mkdir()
    (target / "old").write_text("old")
    (saved / "README.md").rename(saved / "moved.md")
    with pytest.raises(OSError, match="README"):
        compress_checkpoint(saved, target, IN_8_BITS)
    assert [path.name for path in target.iterdir()] == ["old"]
    (saved / "moved.md").rename(saved / "README.md")
    compress_checkpoint(saved, target, IN_8_BITS)
    assert {path.name for path in target.iterdir()} == {
        "README.md",
        "checkpoint.json",
        "decision.json",
        "delta.safetensors",
    }


def test_a_small_checkpoint_of_another_revision_of_its_encoder_is_refused(
    saved: Path, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compress_checkpoint(saved, tmp_path / "small", IN_8_BITS)
    moved = shutil.copytree(tiny_bert, tmp_path / "moved" / "tiny-bert")
    config = json.loads((moved / "config.json").read_text())
    (moved / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 0.1}))
    name = read_checkpoint(saved).info.encoder
    monkeypatch.setitem(encoders.ENCODERS, name, get_encoder(str(moved)))
    with pytest.raises(UserError, match="revision"):
        Classifier.load(tmp_path / "small")


def test_checkpoints_are_found_below_their_task_and_half_written_ones_are_not(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path / "toy" / "another")
    shutil.copytree(saved, tmp_path / "toy" / ".half-written")
    (tmp_path / "toy" / "empty").mkdir()
    assert find_checkpoints(tmp_path) == [tmp_path / "toy" / "another", saved]
    assert find_checkpoints(tmp_path / "nowhere") == []


@pytest.mark.parametrize("name", ["checkpoint.json", "decision.json", "model.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "garbage"])
def test_a_missing_or_damaged_file_is_refused_in_one_line(saved: Path, name: str, damage: str) -> None:
    path = saved / name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes({"empty": b"", "cut": content[: len(content) // 2], "garbage": b"\xff" + content}[damage])
    with pytest.raises(UserError, match="checkpoint") as caught:
        read_checkpoint(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
@pytest.mark.parametrize("content", [None, b"", b"{", b"[]"])
def test_a_damaged_config_or_tokenizer_is_refused_in_one_line(saved: Path, name: str, content: bytes | None) -> None:
    (saved / name).unlink()
    if content is not None:
        (saved / name).write_bytes(content)
    with pytest.raises(UserError, match=str(saved)) as caught:
        Classifier.load(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [{"extra": 1}, {"problem_type": "regression"}, {"max_length": "long"}, {"labels": None}, {"labels": ["a", "b"]}],
)
def test_a_checkpoint_with_unknown_fields_or_values_is_refused(saved: Path, change: dict[str, Any]) -> None:
    path = saved / "checkpoint.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError):
        read_checkpoint(saved)


def test_a_model_takes_the_labels_names_and_one_dropout_for_all_its_layers(tiny_bert: Path) -> None:
    model = new_model(tiny_bert, "multi_label_classification", LABELS, 0.25)
    assert model.config.id2label == {0: "a", 1: "b", 2: "c"}
    assert {m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)} == {0.25}
    kept = new_model(tiny_bert, "multi_label_classification", LABELS)
    assert {m.p for m in kept.modules() if isinstance(m, torch.nn.Dropout)} == {0.1}
