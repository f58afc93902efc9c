"""Writes a checkpoint as an ONNX graph, by torch's exporter, and a graph in 8 bits, by onnxruntime's quantisation."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.checkpoints.checkpoint import ONNX, ONNX_MISSING, read_checkpoint
from zoo.checkpoints.loading import describe_checkpoint, load_model
from zoo.checkpoints.pretrained import quiet
from zoo.errors import UserError
from zoo.files import new_folder


class _Logits(torch.nn.Module):
    """A model with plain inputs and outputs, which the exporter needs."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        logits: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def export_checkpoint(source: Path, target: Path) -> None:
    """Write the checkpoint in `source` again with an ONNX graph for its weights; `load_classifier` takes both.

    Raises:
        UserError: `source` is no checkpoint or an export itself, `target` is there already, or packages are missing.
    """
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(ONNX_MISSING) from error
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
    # Two tensors: the exporter would take one tensor, given twice, for one input.
    example = torch.full((2, 9), 5), torch.ones(2, 9, dtype=torch.int64)
    shape: dict[int, Any] = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
    with warnings.catch_warnings(), quiet(), _without_warnings():
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


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep what the libraries log from the screen: packages that are not needed, and what was asked for."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def quantise_graph(source: Path, target: Path, embeddings: bool) -> None:
    """Write a graph again with the weights of its products in int8, a scale a channel; the last product, the head's,
    stays as it is. What goes into a product is rounded when it is known ("dynamic").

    Args:
        source: a graph that `export_checkpoint` wrote.
        target: the file to write.
        embeddings: whether the embeddings are rounded, too.

    Raises:
        UserError: packages are missing.
    """
    try:
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]
        from onnxruntime.quantization.shape_inference import quant_pre_process  # type: ignore[import-untyped]
    except ImportError as error:
        raise UserError(ONNX_MISSING) from error
    products = ["MatMul", "Gemm"]
    prepared = target.with_suffix(".prepared")
    with _without_warnings():
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        head = [node.name for node in onnx.load(prepared).graph.node if node.op_type in products][-1]
        quantize_dynamic(
            prepared,
            target,
            op_types_to_quantize=[*products, *(["Gather"] if embeddings else [])],
            nodes_to_exclude=[head, f"{head}_MatMul"],  # its name once a product and a sum take the place of a Gemm
            per_channel=True,
            weight_type=QuantType.QInt8,
        )
    prepared.unlink()
