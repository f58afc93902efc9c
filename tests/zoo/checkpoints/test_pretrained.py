"""An encoder's folder: all of its weights are loaded under a new head, or it is refused in one line."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertForMaskedLM,
    BertModel,
    ModernBertConfig,
    ModernBertForMaskedLM,
    ModernBertForSequenceClassification,
)

from zoo.checkpoints.loading import new_model
from zoo.checkpoints.pretrained import check_encoder
from zoo.encoders.registry import get_encoder
from zoo.encoders.weights import fetch_weights
from zoo.errors import UserError

MULTI = "multi_label_classification"
LABELS = ("a", "b", "c")
Tensors = dict[str, torch.Tensor]
Change = Callable[[Path], object]


def _tensors(change: Callable[[Tensors], Tensors]) -> Change:
    def apply(folder: Path) -> None:
        path = folder / "model.safetensors"
        save_file(change(load_file(path)), path, metadata={"format": "pt"})

    return apply


def _prefixed(prefix: str, **more: torch.Tensor) -> Change:
    return _tensors(lambda held: {f"{prefix}{name}": tensor for name, tensor in held.items()} | more)


def _cast(dtype: torch.dtype) -> Change:
    return _tensors(lambda held: {name: tensor.to(dtype) for name, tensor in held.items()})


def _without(word: str) -> Change:
    return _tensors(lambda held: {name: tensor for name, tensor in held.items() if word not in name})


def _json(name: str, **values: Any) -> Change:
    def apply(folder: Path) -> None:
        path = folder / name
        held = json.loads(path.read_text()) if path.is_file() else {}
        path.write_text(json.dumps(held | values))

    return apply


def _modules(*kinds: str, path: str = "") -> Change:
    parts = [{"idx": i, "type": f"sentence_transformers.models.{k}", "path": path if not i else f"{i}_{k}"}
             for i, k in enumerate(kinds)]  # fmt: skip
    return lambda folder: (folder / "modules.json").write_text(json.dumps(parts))


def _inside(folder: Path) -> None:
    """As sentence-transformers wrote its models at first: the transformer in a folder of its own."""
    files = list(folder.iterdir())
    (folder / "0_Transformer").mkdir()
    for path in files:
        path.rename(folder / "0_Transformer" / path.name)
    _modules("Transformer", "Pooling", path="0_Transformer")(folder)


def _sharded(folder: Path) -> None:
    BertModel.from_pretrained(folder).save_pretrained(folder, max_shard_size="20KB")
    (folder / "model.safetensors").unlink()


def _fine_tuned(folder: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(LABELS))
    torch.nn.init.constant_(model.classifier.weight, 7.0)
    model.save_pretrained(folder)


def _more_tokens(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens([f"word{number}" for number in range(9)])
    tokenizer.save_pretrained(folder)


def _no_padding(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    held = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in held.items() if name != "pad_token"} | {
        "tokenizer_class": "PreTrainedTokenizerFast"}))  # fmt: skip


def _empty_vocabulary(folder: Path) -> None:
    AutoTokenizer.from_pretrained(folder)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    special = {token["content"] for token in tokenizer["added_tokens"]}
    vocab = tokenizer["model"]["vocab"]
    tokenizer["model"]["vocab"] = {token: place for token, place in vocab.items() if token in special}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))


LOADED: dict[str, Change] = {
    "as it is saved": lambda folder: None,
    "in shards": _sharded,
    "module.": _prefixed("module."),
    "model.": _prefixed("model."),
    "encoder.": _prefixed("encoder."),
    "bert.": _prefixed("bert."),
    "roberta.": _prefixed("roberta."),
    "_orig_mod.": _prefixed("_orig_mod."),
    "_orig_mod.module.bert.": _prefixed("_orig_mod.module.bert."),
    "0.auto_model.": _prefixed("0.auto_model."),
    "model.encoder. with a head beside it": _prefixed("model.encoder.", **{"model.head.weight": torch.zeros(3, 32)}),
    "in bf16": _cast(torch.bfloat16),
    "in fp16": _cast(torch.float16),
    "without a pooler": _without("pooler"),
    "with a head for as many labels": _fine_tuned,
    "with a head under the plain names": _tensors(lambda held: held | {"classifier.weight": torch.full((3, 32), 7.0)}),
    "as a masked language model": lambda folder: BertForMaskedLM.from_pretrained(folder).save_pretrained(folder),
    "sentence-transformers": _modules("Transformer", "Pooling", "Normalize"),
    "sentence-transformers in a folder of its own": _inside,
}
REFUSED: dict[str, tuple[Change, str]] = {
    "a layer missing": (_without("layer.1."), r"16 of the encoder's 39 tensors are missing, such as bert\.encoder\."),
    "embeddings missing": (_without("word_emb"), r"1 of the encoder's 39 tensors are missing.*word_embeddings"),
    "an unknown prefix": (
        _prefixed("tower."),
        r"39 .* are missing, .*\(it has tower\..* instead\).*save_pre",
    ),
    "two towers": (
        _tensors(lambda held: {f"{p}.{name}": t.clone() for p in ("model", "encoder") for name, t in held.items()}),
        r"it fits under several prefixes \(encoder\., model\.\); save the encoder alone",
    ),
    "another size": (
        _tensors(lambda held: held | {"embeddings.word_embeddings.weight": torch.zeros(7, 32)}),
        r"word_embeddings\.weight has the size \(7, 32\), and \(\d+, 32\) by its config\.json",
    ),
    "a smaller config": (_json("config.json", hidden_size=16), r"has the size \(32,\), and \(16,\) by its config"),
    "an adapter": (_json("adapter_config.json", peft_type="LORA"), r"an adapter \(PEFT\).*merge_and_unload"),
    "remote code": (_json("config.json", auto_map={"AutoModel": "x.Y"}), r"code of the model's own \(auto_map\)"),
    "remote code of a tokenizer": (_json("tokenizer_config.json", auto_map={"AutoTokenizer": ["x.Y", None]}), "auto_m"),
    "a damaged config of a tokenizer": (
        lambda folder: (folder / "tokenizer_config.json").write_bytes(b"\xff{"),
        r"tokenizer_config\.json cannot be read",
    ),
    "a tokenizer's config that is a number": (
        lambda folder: (folder / "tokenizer_config.json").write_text("5"),
        r"tokenizer_config\.json cannot be read",
    ),
    "an index that names no files": (
        lambda folder: (_sharded(folder), (folder / "model.safetensors.index.json").write_text("{}")),
        r"index\.json cannot be read \(KeyError: 'weight_map'\)",
    ),
    "another architecture": (_json("config.json", model_type="gpt2"), "of the type 'gpt2'; these are trained: albert"),
    "an unknown architecture": (_json("config.json", model_type="new"), "of the type 'new'; these are trained"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer"),
    "an empty vocabulary": (_empty_vocabulary, "without a vocabulary|no tokenizer that can be read"),
    "more tokens than embeddings": (_more_tokens, r"the id \d+ and embeddings for \d+ tokens; save the tokenizer"),
    "no padding token": (_no_padding, "without a padding token; set its pad_token"),
    "too few positions": (
        lambda folder: (
            _json("config.json", max_position_embeddings=12)(folder),
            _tensors(lambda held: held | {p: held[p][:12].clone() for p in held if "position_emb" in p})(folder),
        ),
        "reads 12 tokens at most, and the recipe's max_length is 32; set it to 12",
    ),
    "sentence-transformers of word vectors": (_modules("StaticEmbedding"), "begins with StaticEmbedding"),
    "damaged modules": (lambda folder: (folder / "modules.json").write_text("{"), r"modules\.json cannot be read"),
    "a shard missing": (
        lambda folder: (_sharded(folder), next(folder.glob("*-of-*.safetensors")).unlink()),
        "a part of its weights; copy or download it again",
    ),
}


@pytest.fixture
def folder(tiny_bert: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_bert, tmp_path / "encoder")


# Prefixes of one kind: two of them in every run of the tests.
LONGER = ("model.", "encoder.", "bert.", "roberta.", "_orig_mod.", "0.auto_model.", "in fp16")


@pytest.mark.parametrize(
    "change",
    [pytest.param(LOADED[name], id=name, marks=pytest.mark.campaign if name in LONGER else ()) for name in LOADED],
)
def test_all_weights_are_loaded_in_float32_under_a_new_head(change: Change, folder: Path, tiny_bert: Path) -> None:
    change(folder)
    given = load_file(tiny_bert / "model.safetensors")
    weights = fetch_weights(get_encoder(str(folder)))
    check_encoder(weights.folder, 32)
    model = new_model(weights.folder, MULTI, LABELS)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    for name, tensor in model.bert.state_dict().items():
        if "pooler" not in name:
            torch.testing.assert_close(tensor, given[name], rtol=1e-2, atol=1e-3, msg=name)
    assert 0 < model.classifier.weight.abs().max() < 1


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused_in_one_line_before_training(change: Change, words: str, folder: Path) -> None:
    change(folder)
    with pytest.raises(UserError, match=words) as caught:
        check_encoder(fetch_weights(get_encoder(str(folder))).folder, 32)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_roberta_counts_positions_from_its_padding(tiny_roberta: Path, tmp_path: Path) -> None:
    check_encoder(tiny_roberta, 158)
    with pytest.raises(UserError, match="reads 158 tokens at most, and the recipe's max_length is 159"):
        check_encoder(tiny_roberta, 159)
    other = shutil.copytree(tiny_roberta, tmp_path / "other")
    _json("config.json", pad_token_id=3)(other)
    with pytest.raises(UserError, match="pads with 1, and a model that counts positions by the padding 3"):
        check_encoder(other, 16)


@pytest.mark.parametrize("part", ["Dense", "Pooling"])
def test_weights_that_are_left_over_are_told(part: str, folder: Path) -> None:
    _modules("Transformer", part)(folder)
    _json("config.json", num_hidden_layers=1)(folder)
    told: list[str] = []
    weights = fetch_weights(get_encoder(str(folder)), told.append)
    assert [line for line in told if "the weights of its Dense" in line] == told
    assert len(told) == (part == "Dense")
    told.clear()
    new_model(weights.folder, MULTI, LABELS, say=told.append)
    (line,) = told
    assert re.search(r"16 tensors of the encoder are not used by its config\.json, the first: .*layer\.1\.", line)


def test_nothing_is_told_of_a_pretraining_head_or_of_old_position_ids(folder: Path) -> None:
    BertForMaskedLM.from_pretrained(folder).save_pretrained(folder)
    _tensors(lambda held: held | {"bert.embeddings.position_ids": torch.arange(160)[None]})(folder)
    told: list[str] = []
    new_model(folder, MULTI, LABELS, say=told.append)
    assert told == []


def test_the_head_of_a_pretrained_modernbert_is_kept_and_that_of_a_fine_tuned_one_is_new(tmp_path: Path) -> None:
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = ModernBertConfig(vocab_size=60, pad_token_id=0, num_labels=3, **size)
    for kind, kept in ((ModernBertForMaskedLM, True), (ModernBertForSequenceClassification, False)):
        saved = kind(config)
        torch.nn.init.constant_(saved.head.dense.weight, 0.5)
        saved.save_pretrained(tmp_path / kind.__name__)
        dense = new_model(tmp_path / kind.__name__, MULTI, LABELS).head.dense.weight
        assert bool((dense == 0.5).all()) is kept


def test_two_heads_of_one_seed_are_equal_and_of_two_seeds_are_not(folder: Path) -> None:
    _fine_tuned(folder)
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(new_model(folder, MULTI, LABELS).classifier.weight)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
