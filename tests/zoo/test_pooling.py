"""What the head reads, against the same sums written out; and a checkpoint that was trained so is loaded so."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from tests.checkpoints import toy_info
from zoo.checkpoints.loading import new_model, save_checkpoint
from zoo.classifier import Classifier, predict_logits
from zoo.decision import Decision
from zoo.errors import UserError
from zoo.long_text import encode
from zoo.pooling import Pooling

IDS = torch.tensor([[2, 7, 8, 3, 0, 0], [2, 9, 7, 10, 8, 3]])
MASK = (IDS != 0).long()


def summaries(states: torch.Tensor) -> dict[str, torch.Tensor]:
    return {
        "cls": states[:, 0],
        "mean": torch.stack([states[0, :4].mean(dim=0), states[1].mean(dim=0)]),
        "max": torch.stack([states[0, :4].max(dim=0).values, states[1].max(dim=0).values]),
    }


@pytest.mark.parametrize("pooling", ["cls", "mean", "max"])
def test_bert_reads_the_summary_without_its_pooler(tiny_bert: Path, pooling: Pooling) -> None:
    torch.manual_seed(0)
    model = new_model(tiny_bert, "single_label_classification", ("a", "b"), pooling=pooling).eval()
    body = type(model.base_model).from_pretrained(tiny_bert).eval()
    with torch.no_grad():
        states = body(IDS, attention_mask=MASK).last_hidden_state
        expected = model.classifier(summaries(states)[pooling])
        found = model(input_ids=IDS, attention_mask=MASK).logits
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("pooling", ["cls", "mean", "max"])
def test_robertas_head_reads_the_summary_in_place_of_the_first_token(tiny_roberta: Path, pooling: Pooling) -> None:
    torch.manual_seed(0)
    model = new_model(tiny_roberta, "single_label_classification", ("a", "b"), pooling=pooling).eval()
    body = type(model.base_model).from_pretrained(tiny_roberta).eval()
    ids = IDS + 10
    with torch.no_grad():
        states = body(ids, attention_mask=MASK).last_hidden_state
        expected = model.classifier(summaries(states)[pooling][:, None])
        found = model(input_ids=ids, attention_mask=MASK).logits
    torch.testing.assert_close(found, expected)


def test_the_same_text_has_the_same_logits_however_much_it_is_padded(tiny_bert: Path) -> None:
    for pooling in ("mean", "max"):
        model = new_model(tiny_bert, "single_label_classification", ("a", "b"), pooling=pooling).eval()
        with torch.no_grad():
            padded = model(input_ids=IDS, attention_mask=MASK).logits[:1]
            alone = model(input_ids=IDS[:1, :4], attention_mask=MASK[:1, :4]).logits
        torch.testing.assert_close(padded, alone)


def test_a_checkpoint_that_was_trained_so_gives_the_same_logits(tiny_bert: Path, tmp_path: Path) -> None:
    model = new_model(tiny_bert, "multi_label_classification", ("a", "b", "c"), pooling="mean").eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    decision = Decision(problem_type="multi_label_classification", rule="fixed", thresholds=(0.5, 0.5, 0.5))
    save_checkpoint(tmp_path / "mine", toy_info(pooling="mean"), decision, model, tokenizer, "A card.")
    texts = ["the parcel was late", "good"]
    expected = predict_logits(model, tokenizer, encode(tokenizer, texts, 48))
    np.testing.assert_allclose(Classifier.load(tmp_path / "mine").predict_logits(texts), expected, atol=1e-6)


def test_an_architecture_whose_head_reads_no_first_token_has_no_choice(tmp_path: Path) -> None:
    from transformers import XLNetConfig, XLNetModel

    XLNetModel(XLNetConfig(vocab_size=20, d_model=8, n_layer=1, n_head=2, d_inner=8)).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="'mean' is not available for models of the type 'xlnet'"):
        new_model(tmp_path, "single_label_classification", ("a", "b"), pooling="mean")
