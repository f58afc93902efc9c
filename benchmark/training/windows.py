"""Training on texts in overlapping windows: batches of windows, and logits pooled over each text's own."""

from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.modeling_outputs import SequenceClassifierOutput


class WindowedModel(torch.nn.Module):
    """A model whose logits are the mean over the windows of each text, as in `zoo.long_text.pool`."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, counts: Tensor) -> SequenceClassifierOutput:
        """Return logits (n, num_labels) for token ids (sum of counts, length): the windows of n texts in order."""
        logits = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        text = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
        summed = logits.new_zeros(len(counts), logits.shape[1]).index_add(0, text, logits)
        return SequenceClassifierOutput(logits=summed / counts[:, None].to(logits.dtype))


def windowed_feature(windows: list[list[int]]) -> dict[str, Any]:
    """Return a text's windows joined into one list, so that Trainer groups texts by their total length."""
    return {"input_ids": [token for window in windows for token in window], "lengths": [len(w) for w in windows]}


def windowed_collator(tokenizer: PreTrainedTokenizerBase) -> Any:
    """Return a collator that turns a batch of texts into a batch of their windows, padded to the longest."""

    def collate(features: list[dict[str, Any]]) -> dict[str, Tensor]:
        windows = [
            window.tolist()
            for feature in features
            for window in torch.tensor(feature["input_ids"]).split(feature["lengths"])
        ]
        batch = dict(tokenizer.pad({"input_ids": windows}, return_tensors="pt"))
        batch["counts"] = torch.tensor([len(feature["lengths"]) for feature in features])
        batch["labels"] = torch.stack([torch.from_numpy(feature["labels"]) for feature in features])
        return batch

    return collate
