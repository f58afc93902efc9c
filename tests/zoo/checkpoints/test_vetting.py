"""A checkpoint of somebody else's: every way in which it could do harm is refused, before it can."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoTokenizer, MPNetConfig, MPNetModel

from tests.checkpoints import toy_info
from zoo.checkpoints.loading import new_model, save_checkpoint
from zoo.checkpoints.vetting import BOUNDS, MIB, NEEDED, check_description, check_listing, check_weights
from zoo.classifier import Classifier
from zoo.decision import Decision
from zoo.errors import UserError

GOOD = dict.fromkeys(NEEDED, 1000)
Made = Callable[[str], Path]


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    """A checkpoint that is as it should be, of a tiny encoder."""

    def of(kind: str) -> Path:
        encoder, torch_seed = request.getfixturevalue(kind), 0
        torch.manual_seed(torch_seed)
        labels = ("good", "late")
        info = toy_info(labels=labels, encoder="ann/tiny")
        decision = Decision(problem_type=info.problem_type, rule="fixed", thresholds=(0.5, 0.5))
        model = new_model(encoder, info.problem_type, labels)
        save_checkpoint(tmp_path / "c", info, decision, model, AutoTokenizer.from_pretrained(encoder), "A card\n")
        return tmp_path / "c"

    return of


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.fixture
def tiny_mpnet(tiny_bert: Path, tmp_path: Path) -> Path:
    """The vocabulary of the tiny BERT, whose padding has the id 0, under an MPNet, which counts on 1 all the same."""
    folder, tokenizer = tmp_path / "tiny-mpnet", AutoTokenizer.from_pretrained(tiny_bert)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = MPNetConfig(vocab_size=len(tokenizer), max_position_embeddings=60, pad_token_id=0, **size)
    MPNetModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", ["tiny_bert", "tiny_roberta", "tiny_mpnet"])
def test_what_the_zoo_writes_passes(kind: str, make: Made) -> None:
    folder = make(kind)
    check_listing({path.name: path.stat().st_size for path in folder.iterdir()} | {".gitattributes": 10, "LICENSE": 9})
    check_description(folder)
    check_weights(folder)


@pytest.mark.parametrize(
    "name",
    [
        "pytorch_model.bin",
        "model.pkl",
        "modeling_x.py",
        "adapter_config.json",
        "model-00001-of-00002.safetensors",
        "sub/model.safetensors",
        "../config.json",
    ],
)
def test_a_file_that_is_no_part_of_a_checkpoint_is_refused_by_name(name: str) -> None:
    with pytest.raises(UserError, match="no part of a checkpoint") as caught:
        check_listing(GOOD | {name: 10})
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", NEEDED)
def test_a_file_that_is_needed_is_missed(name: str) -> None:
    with pytest.raises(UserError, match=f"has no {name}"):
        check_listing({other: size for other, size in GOOD.items() if other != name})


@pytest.mark.parametrize("name", BOUNDS)
def test_sizes_are_bounded_and_must_be_known(name: str) -> None:
    check_listing(GOOD | {name: BOUNDS[name]})
    for size in (BOUNDS[name] + 1, None):
        with pytest.raises(UserError, match=f"the most is {BOUNDS[name] // MIB:,} MiB"):
            check_listing(GOOD | {name: size})


@pytest.mark.parametrize(
    "values",
    [
        {"task": "../../etc"},
        {"task": ".hidden"},
        {"task": "a/b"},
        {"run": "*"},
        {"encoder": "../x"},
        {"encoder": "a/**/b"},
        {"encoder": "a@../b"},
        {"encoder": "final@1a2b3c4d\n"},
        {"labels": []},
        {"labels": ["x" * 201, "y"]},
        {"labels": [f"{number}" for number in range(5001)]},
        {"max_length": 10**9},
        {"surprise": 1},
    ],
)
def test_a_description_out_of_bounds_is_refused(values: dict[str, Any], make: Made) -> None:
    folder = make("tiny_bert")
    change(folder / "checkpoint.json", **values)
    with pytest.raises(UserError, match=f"checkpoint.json is refused .*{next(iter(values))}") as caught:
        check_description(folder)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"auto_map": {"AutoModel": "x.Y"}}, "'auto_map'"),
        ({"quantization_config": {"quant_method": "awq"}}, "'quantization_config'"),
        ({"attn_implementation": "someone/kernel"}, "'attn_implementation'"),
        ({"_attn_implementation": "someone/kernel"}, "'_attn_implementation'"),
        ({"model_type": "llama"}, "model_type is 'llama'"),
        ({"model_type": ["bert"]}, "model_type"),
        ({"hidden_size": 10**9}, "hidden_size"),
        ({"num_hidden_layers": 129}, "num_hidden_layers"),
        ({"num_hidden_groups": 129}, "num_hidden_groups"),
        ({"block_sizes": [4, 10**9]}, "block_sizes"),
        ({"layer_types": ["full_attention"] * 129}, "129 values in layer_types"),
        ({"rope_parameters": {"full_attention": {"rope_theta": float("inf")}}}, "rope_parameters"),
        ({"vocab_size": float("inf")}, "vocab_size"),
        ({"vocab_size": float("nan")}, "vocab_size"),
        ({"id2label": {"0": "good"}}, "labels"),
        ({"id2label": {str(number): "x" for number in range(50_000)}}, "labels"),
        ({"id2label": None}, "labels"),
    ],
)
def test_a_config_that_asks_for_code_or_too_much_is_refused(values: dict[str, Any], words: str, make: Made) -> None:
    folder = make("tiny_bert")
    change(folder / "config.json", **values)
    with pytest.raises(UserError, match=words):
        check_description(folder)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 100_000, b'"text"'])
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "checkpoint.json", "decision.json"])
def test_files_that_are_no_objects_are_refused(name: str, content: bytes, make: Made) -> None:
    folder = make("tiny_bert")
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=name):
        check_description(folder)


def test_a_tokenizer_that_asks_for_code_is_refused(make: Made) -> None:
    folder = make("tiny_bert")
    change(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["x.Y", None]})
    with pytest.raises(UserError, match=r"tokenizer_config.json has 'auto_map'"):
        check_description(folder)


def test_a_decision_of_another_model_is_refused(make: Made) -> None:
    folder = make("tiny_bert")
    change(folder / "decision.json", thresholds=[0.5])
    with pytest.raises(UserError, match="different models"):
        check_description(folder)


def test_a_config_larger_than_its_weights_makes_no_model(make: Made) -> None:
    """Within the bounds of a single value it would still be 2 TiB; on the meta device that costs nothing."""
    folder = make("tiny_bert")
    change(folder / "config.json", vocab_size=2**20, hidden_size=2**19)
    check_description(folder)
    with pytest.raises(UserError, match=r"its config\.json"):
        check_weights(folder)


@pytest.mark.parametrize("values", [{"num_attention_heads": 7}, {"hidden_act": "x"}, {"hidden_size": -1}])
def test_a_config_that_makes_no_model_is_refused(values: dict[str, Any], make: Made) -> None:
    folder = make("tiny_bert")
    change(folder / "config.json", **values)
    with pytest.raises(UserError, match="makes no model"):
        check_weights(folder)


def test_weights_with_a_tensor_too_many_or_too_few_are_refused(make: Made) -> None:
    path = make("tiny_bert") / "model.safetensors"
    tensors = load_file(path)
    save_file(tensors | {"extra": torch.zeros(3)}, path)
    with pytest.raises(UserError, match=r"\(3,\) for 'extra', its config.json None"):
        check_weights(path.parent)
    del tensors["classifier.bias"]
    save_file(tensors, path)
    with pytest.raises(UserError, match=r"None for 'classifier.bias', its config.json \(2,\)"):
        check_weights(path.parent)


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04K\x01.", struct.pack("<Q", 2**62) + b"{}", struct.pack("<Q", 2) + b"{}" + b"0" * 9]
)
def test_what_is_no_safetensors_file_is_refused(content: bytes, make: Made) -> None:
    folder = make("tiny_bert")
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match="no safetensors file"):
        check_weights(folder)


@pytest.mark.parametrize(("kind", "taken"), [("tiny_bert", 0), ("tiny_roberta", 2), ("tiny_mpnet", 2)])
def test_nothing_reaches_beyond_the_embeddings(kind: str, taken: int, make: Made) -> None:
    folder = make(kind)
    config = AutoConfig.from_pretrained(folder)
    room = config.max_position_embeddings - taken
    change(folder / "checkpoint.json", max_length=room)
    check_weights(folder)
    assert Classifier.load(folder).predict_scores(["good " * 500]).shape == (1, 2)
    change(folder / "checkpoint.json", max_length=room + 1)
    with pytest.raises(UserError, match=f"max_length is {room + 1}, but its config.json has room for {room} tokens"):
        check_weights(folder)
    change(folder / "checkpoint.json", max_length=room)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens([f"word{number}" for number in range(config.vocab_size)])
    tokenizer.save_pretrained(folder)
    with pytest.raises(UserError, match="its tokenizer has the id"):
        check_weights(folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match="makes no tokenizer"):
        check_weights(folder)


def test_an_mpnet_with_fewer_buckets_than_its_code_reads_is_refused(tiny_mpnet: Path, make: Made) -> None:
    folder = make("tiny_mpnet")
    change(folder / "config.json", relative_attention_num_buckets=31)
    tensors = load_file(folder / "model.safetensors")
    name = "mpnet.encoder.relative_attention_bias.weight"
    save_file(tensors | {name: tensors[name][:31].clone()}, folder / "model.safetensors")
    with pytest.raises(UserError, match="relative_attention_num_buckets = 31; the least is 32"):
        check_weights(folder)


@pytest.mark.parametrize("encoder", ["final@1a2b3c4d", "org/model", "org/model@v1.0"])
def test_an_encoder_may_be_a_folders_or_one_revision_of_the_hubs(encoder: str, make: Made) -> None:
    folder = make("tiny_bert")
    change(folder / "checkpoint.json", encoder=encoder)
    check_description(folder)
