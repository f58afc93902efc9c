"""Every architecture that is trained: checked, trained, saved, vetted and loaded again, with equal logits. Some in
every run of the tests, all in the longer suite."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer, PreTrainedConfig

from tests.checkpoints import toy_info
from zoo.checkpoints.loading import new_model, save_checkpoint
from zoo.checkpoints.pretrained import check_encoder, count_positions
from zoo.checkpoints.vetting import check_description, check_listing, check_weights
from zoo.classifier import Classifier, predict_logits
from zoo.decision import Decision
from zoo.encoders.architectures import ARCHITECTURES
from zoo.encoders.registry import get_encoder
from zoo.errors import UserError
from zoo.long_text import encode

LABELS = ("a", "b")
TEXTS = ["the parcel arrived late", "good", "", "very very very bad and awful service!"]
SIZE = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 40,
    "initializer_range": 0.2,
    "pad_token_id": 1,
}
OWN: dict[str, dict[str, Any]] = {  # sizes under names of their own, and parts that are large by default
    "albert": {"embedding_size": 8},
    "distilbert": {"hidden_dim": 16},
    "electra": {"embedding_size": 8},
    "longformer": {"attention_window": 4},
    "mobilebert": {"embedding_size": 8, "intra_bottleneck_size": 16, "true_hidden_size": 16},
    "rembert": {"input_embedding_size": 8, "output_embedding_size": 8},
    "roformer": {"embedding_size": 16},
    "squeezebert": {"embedding_size": 16, "q_groups": 2, "k_groups": 2, "v_groups": 2},
    "xlnet": {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 16, "pad_token_id": 1},
}
OTHERS = "bart canine convbert fnet funnel gpt2 llama luke mra nystromformer t5 xmod yoso".split()
QUICK = ("albert", "bert", "deberta-v2", "distilbert", "electra", "modernbert", "mpnet", "nomic_bert", "xlnet")


def _config(kind: str, vocab_size: int) -> PreTrainedConfig:
    own = OWN.get(kind, {})
    size = {} if kind == "xlnet" else SIZE
    return AutoConfig.for_model(kind, architectures=[], **{**size, **own, "vocab_size": vocab_size})


def _make(kind: str, tokens: Path, folder: Path) -> Path:
    torch.manual_seed(0)
    # XLNet reads the last token and is padded before the first.
    tokenizer = AutoTokenizer.from_pretrained(tokens, padding_side="left" if kind == "xlnet" else "right")
    AutoModel.from_config(_config(kind, len(tokenizer))).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.campaign) for kind in ARCHITECTURES]
)
def test_it_is_trained_saved_and_loaded_with_equal_logits(kind: str, tiny_roberta: Path, tmp_path: Path) -> None:
    folder = _make(kind, tiny_roberta, tmp_path / kind)
    encoder = get_encoder(str(folder))
    check_encoder(folder, 32)
    info = toy_info(labels=LABELS, encoder=encoder.name, revision=encoder.revision, max_length=32)
    model = new_model(folder, info.problem_type, LABELS, 0.0)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    _train(model, tokenizer)
    still = [name for name, parameter in model.named_parameters() if torch.equal(parameter, before[name])]
    assert len(still) <= len(before) / 8, still  # such as what an encoder has for masking or for a second sequence
    decision = Decision(problem_type=info.problem_type, rule="fixed", thresholds=(0.5, 0.5))
    save_checkpoint(tmp_path / "c", info, decision, model, tokenizer, "# A card\n")
    check_listing({path.name: path.stat().st_size for path in (tmp_path / "c").iterdir()})
    check_description(tmp_path / "c")
    check_weights(tmp_path / "c")
    trained = predict_logits(model, tokenizer, encode(tokenizer, TEXTS, 32))
    np.testing.assert_allclose(Classifier.load(tmp_path / "c").predict_logits(TEXTS), trained, atol=1e-4)
    plain = AutoModelForSequenceClassification.from_pretrained(tmp_path / "c").eval()
    with torch.inference_mode():
        alone = [plain(torch.tensor([tokenizer(text)["input_ids"]])).logits[0].numpy() for text in TEXTS]
    np.testing.assert_allclose(trained, alone, atol=1e-4)


def _train(model: Any, tokenizer: Any) -> None:
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt", return_token_type_ids=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model.train()
    for _ in range(3):
        optimizer.zero_grad()
        model(**batch, labels=torch.tensor([[1.0, 0], [0, 1], [0, 0], [1, 1]])).loss.backward()
        optimizer.step()


@pytest.mark.parametrize("kind", OTHERS)
def test_another_architecture_is_refused_in_one_line(kind: str, tiny_bert: Path, tmp_path: Path) -> None:
    for path in tiny_bert.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "config.json").write_text(f'{{"model_type": "{kind}"}}')
    for attempt in (lambda: get_encoder(str(tmp_path)), lambda: check_encoder(tmp_path, 8)):
        with pytest.raises(UserError, match=f"is a model of the type '{kind}'; these are trained: albert") as caught:
            attempt()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "room"),
    [("bert", 40), ("modernbert", 40), ("xlnet", None), *((kind, 38) for kind in ("roberta", "mpnet", "ibert"))],
)
def test_the_room_for_tokens_is_what_the_model_can_read(kind: str, room: int | None, tmp_path: Path) -> None:
    model = AutoModelForSequenceClassification.from_config(_config(kind, 300)).eval()
    assert count_positions(model) == room
    with torch.inference_mode():
        model(torch.full((1, room or 100), 7))
        if room and kind != "modernbert":  # its rotary positions have no end, only a length that it was trained for
            with pytest.raises((IndexError, RuntimeError)):
                model(torch.full((1, room + 1), 7))
