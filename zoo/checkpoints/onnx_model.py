"""Runs the ONNX graph of an exported checkpoint with onnxruntime, for serving without a GPU."""

from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoConfig
from transformers.modeling_outputs import SequenceClassifierOutput

from zoo.checkpoints.checkpoint import ONNX
from zoo.errors import UserError

MISSING = "ONNX needs packages that are not installed; install them: pip install -r requirements-onnx.txt"


class OnnxModel(torch.nn.Module):
    """A graph that is called like the model that it was made of. It has no tensors here, and so no gradients."""

    device = torch.device("cpu")

    def __init__(self, folder: Path) -> None:
        super().__init__()
        try:
            import onnxruntime  # type: ignore[import-untyped]
        except ImportError as error:
            raise UserError(MISSING) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self.config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        self.session = onnxruntime.InferenceSession(folder / ONNX, options, providers=["CPUExecutionProvider"])

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **_: Tensor) -> SequenceClassifierOutput:
        """Return logits (n, num_labels) for token ids and mask of shape (n, length)."""
        inputs = {"input_ids": input_ids.numpy(), "attention_mask": attention_mask.numpy()}
        return SequenceClassifierOutput(logits=torch.from_numpy(self.session.run(["logits"], inputs)[0]))

    def get_input_embeddings(self) -> torch.nn.Module:
        """Return an empty module: the graph keeps its embeddings to itself."""
        return torch.nn.Identity()
