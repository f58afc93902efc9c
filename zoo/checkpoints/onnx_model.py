"""A checkpoint as an ONNX graph: written by torch's exporter, run by onnxruntime for serving without a GPU."""

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig
from transformers.modeling_outputs import SequenceClassifierOutput

from zoo.checkpoints.checkpoint import ONNX, read_checkpoint
from zoo.checkpoints.loading import describe_checkpoint, load_model, quiet
from zoo.errors import UserError
from zoo.files import new_folder

MISSING = "ONNX needs the packages in requirements-onnx.txt; install them: pip install -r requirements-onnx.txt"


class OnnxModel(torch.nn.Module):
    """A graph that is called as the model that it was made of. It has no weights here and so no gradients."""

    device = torch.device("cpu")

    def __init__(self, folder: Path) -> None:
        super().__init__()
        try:
            import onnxruntime  # type: ignore[import-untyped]
        except ImportError as error:
            raise UserError(MISSING) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self.config = AutoConfig.from_pretrained(folder)
        self.session = onnxruntime.InferenceSession(folder / ONNX, options, providers=["CPUExecutionProvider"])

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **_: Tensor) -> SequenceClassifierOutput:
        """Return logits (n, num_labels) for token ids and mask of shape (n, length)."""
        inputs = {"input_ids": input_ids.numpy(), "attention_mask": attention_mask.numpy()}
        return SequenceClassifierOutput(logits=torch.from_numpy(self.session.run(["logits"], inputs)[0]))


class _Logits(torch.nn.Module):
    """A model with plain inputs and outputs, as the exporter wants them."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        logits: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def export_checkpoint(source: Path, target: Path) -> None:
    """Write the checkpoint in `source` again with an ONNX graph for its weights; `Classifier.load` takes both.

    Raises:
        UserError: `source` is no checkpoint or an export itself, `target` is there already, or packages are missing.
    """
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(MISSING) from error
    if target.exists():
        raise UserError(f"{target} is there already; give another folder or remove it")
    checkpoint = read_checkpoint(source)
    if (source / ONNX).is_file():
        raise UserError(f"{source} is an export already; give the checkpoint that it was made of")
    model, tokenizer = load_model(checkpoint)
    with new_folder(target) as folder:
        model.config.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        _write_graph(model, folder / ONNX)
        card = (source / "README.md").read_text(encoding="utf-8")
        describe_checkpoint(folder, checkpoint.info, checkpoint.decision, folder / ONNX, card)


def _write_graph(model: torch.nn.Module, path: Path) -> None:
    # Two tensors: the exporter would take one that is given twice for one input.
    example = torch.full((2, 9), 5), torch.ones(2, 9, dtype=torch.int64)
    shape: dict[int, Any] = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Logits(model).eval(),
            example,
            dynamo=True,
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes={"input_ids": shape, "attention_mask": shape},
            verbose=False,
        )
    assert program is not None
    program.save(path)
