"""Moments: inputs and gradients of layers where both can be worked out in another way."""

from collections import Counter
from pathlib import Path

import numpy as np
import torch

from benchmark.release.moments import measure_moments
from zoo.checkpoints.loading import new_model

TEXTS = [[2, 7, 8, 3], [2, 9, 3], [2, 7, 7, 10, 3]]


def test_the_heads_and_the_embeddings_moments(tiny_bert: Path) -> None:
    model = new_model(tiny_bert, "multi_label_classification", ("a", "b", "c")).eval()
    moments = measure_moments(model, TEXTS)
    with torch.inference_mode():
        pooled = np.stack([model.bert(torch.tensor([ids])).pooler_output[0].double().numpy() for ids in TEXTS])
    np.testing.assert_allclose(moments["classifier.weight"].columns, pooled.T @ pooled / 3, atol=1e-5)
    signs = moments["classifier.weight"].rows  # the gradients there are the random signs themselves
    np.testing.assert_array_equal(np.diag(signs), [3, 3, 3])
    counts = Counter(token for ids in TEXTS for token in ids)
    words = moments["bert.embeddings.word_embeddings.weight"]
    assert {row: share for row, share in enumerate(words.rows) if share} == {k: n / 12 for k, n in counts.items()}
    width = model.config.hidden_size
    assert words.columns.shape == (width, width)
    assert not any(module._forward_hooks for module in model.modules() if isinstance(module, torch.nn.Embedding))


def test_a_small_change_moves_the_logits_by_what_the_moments_say(tiny_bert: Path) -> None:
    torch.manual_seed(0)
    model = new_model(tiny_bert, "multi_label_classification", ("a", "b", "c")).eval()
    moments = measure_moments(model, TEXTS * 40)["bert.pooler.dense.weight"]
    change = 1e-3 * torch.randn_like(model.bert.pooler.dense.weight)
    with torch.inference_mode():
        before = torch.cat([model(torch.tensor([ids])).logits for ids in TEXTS]).double()
        model.bert.pooler.dense.weight += change
        after = torch.cat([model(torch.tensor([ids])).logits for ids in TEXTS]).double()
    expected = 40 * ((after - before) ** 2).sum()
    found = np.trace(moments.rows @ change.double().numpy() @ moments.columns @ change.double().numpy().T)
    assert 0.5 < found / expected < 2
