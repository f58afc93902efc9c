"""A model with its head against plain transformers': the same logits, the same gradients, for less work."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from zoo.checkpoints.loading import new_model

LABELS = ("a", "b", "c")


@pytest.mark.parametrize("encoder", ["tiny_bert", pytest.param("tiny_roberta", marks=pytest.mark.slow)])
def test_finishing_the_first_token_only_changes_neither_logits_nor_gradients(
    encoder: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    ours = new_model(request.getfixturevalue(encoder), "multi_label_classification", LABELS, dropout=0.0)
    ours.save_pretrained(tmp_path)
    plain = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    token_ids = torch.randint(5, 40, (4, 9))
    attention_mask = torch.ones_like(token_ids)
    attention_mask[0, 6:] = 0
    finished = {}
    for name, model in (("ours", ours), ("plain", plain)):
        last = model.base_model.encoder.layer[-1].output
        last.register_forward_hook(lambda _, __, output, name=name: finished.update({name: output.shape[1]}))
        output = model.train()(input_ids=token_ids, attention_mask=attention_mask, labels=torch.ones(4, 3))
        output.loss.backward()
        assert output.logits.shape == (4, 3)
    assert finished == {"ours": 1, "plain": 9}
    torch.testing.assert_close(
        ours(token_ids, attention_mask).logits, plain(token_ids, attention_mask).logits, atol=1e-6, rtol=1e-5
    )
    gradients = {name: parameter.grad for name, parameter in plain.named_parameters()}
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], atol=1e-6, rtol=1e-4, msg=name)
