"""Fine-tune one encoder on one task with one recipe: train, predict, and measure what it costs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from benchmark.training.divergence import why_diverged
from benchmark.training.latency import measure_latency
from benchmark.training.memory import WHOLE_BATCHES, MemoryOptions, use_bf16
from benchmark.training.recipes import Recipe
from benchmark.training.runs import Epoch, Predictions, RunReport
from benchmark.training.stopwatch import Measured, Stopwatch
from benchmark.training.trainer import Trained, train
from zoo.checkpoints.pretrained import count_positions
from zoo.classifier import predict_logits
from zoo.encoders.folders import stored_types
from zoo.encoders.weights import Weights
from zoo.hardware import device, processes
from zoo.long_text import capacity, encode


@dataclass(frozen=True)
class FineTuned:
    """A trained model with its predictions and its costs."""

    predictions: Predictions
    epochs: tuple[Epoch, ...]
    best_epoch: int
    diverged: str
    measured: Measured
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase


def fine_tune(
    weights: Weights,
    task: Task,
    rows: Rows,
    recipe: Recipe,
    report: RunReport,
    memory: MemoryOptions = WHOLE_BATCHES,
    kept: Path | None = None,
) -> FineTuned:
    """Train on `rows.train`, keep the best epoch by `rows.validation`, predict validation and test.

    Nothing of `rows.test` is used before training has ended.

    Args:
        weights: the pretrained encoder.
        task: what the rows are.
        rows: what is trained on, tuned on, reported.
        recipe: everything that shapes the training; the same recipe on the same machine with the same number of
            threads gives the same logits.
        report: called with the share of the steps that are done, and a line to show or "".
        memory: how the training is made to fit; it changes the numbers by rounding, and where there is dropout.
        kept: a folder for the state of the training (see `train`).

    Raises:
        UserError: the process sees several GPUs, or the training does not fit into memory.
    """
    watch = Stopwatch(device())
    trained = train(weights, task, rows.train, rows.validation, recipe, report, memory=memory, kept=kept)
    watch.note("training", trained.seconds)
    model, tokenizer = trained.model, trained.tokenizer
    validation, test = (
        encode(tokenizer, split.texts, recipe.max_length, recipe.long_text) for split in (rows.validation, rows.test)
    )
    with watch.time("inference"):
        test_logits = predict_logits(model, tokenizer, test)
    validation_logits = predict_logits(model, tokenizer, validation)
    measured = watch.measured(
        train_examples=len(rows.train) * len(trained.epochs),
        test_examples=len(rows.test),
        parameters=sum(p.numel() for p in model.parameters()),
        embedding_parameters=embedding_parameters(model),
        trained_parameters=trained.parameters,
        truncated=truncated_share(tokenizer, rows.test.texts, recipe),
        latency=measure_latency(
            lambda texts, length: predict_logits(model, tokenizer, encode(tokenizer, texts, length)),
            rows.test.texts,
            count_positions(model),
            lambda line: report(1.0, line),
        ),
        hardware={
            "precision": "bf16" if use_bf16(recipe) else "fp32",
            "threads": torch.get_num_threads(),
            **_types(weights, model),
            **_fitted(trained, recipe, memory),
            **_gpu(),
        },
    )
    predictions = Predictions(validation_logits, rows.validation.y_true, test_logits, rows.test.y_true)
    diverged = why_diverged(trained.epochs, trained.logits, rows.validation.y_true, task.multi_label)
    return FineTuned(predictions, trained.epochs, trained.best_epoch, diverged, measured, model, tokenizer)


def embedding_parameters(model: PreTrainedModel) -> int:
    """Return the number of weights in the word embeddings."""
    return sum(parameter.numel() for parameter in model.get_input_embeddings().parameters())


def truncated_share(tokenizer: PreTrainedTokenizerBase, texts: list[str], recipe: Recipe) -> float:
    """Return the share of the texts that are cut."""
    lengths = [len(ids) for ids in tokenizer(texts, return_attention_mask=False, verbose=False)["input_ids"]]
    return float(np.mean(np.array(lengths) > capacity(tokenizer, recipe.max_length, recipe.long_text)))


def _types(weights: Weights, model: PreTrainedModel) -> dict[str, str]:
    """Return the types of the weights in the encoder's files and of those that are trained, such as "bfloat16"."""
    trained = {str(parameter.dtype).removeprefix("torch.") for parameter in model.parameters()}
    return {"stored_weights": stored_types(weights.folder), "trained_weights": ", ".join(sorted(trained))}


def _fitted(trained: Trained, recipe: Recipe, memory: MemoryOptions) -> dict[str, str | int]:
    """Return how the training was made to fit into memory, where it was."""
    found: dict[str, str | int] = {}
    if 0 < trained.micro_batch < recipe.batch_size:
        found["micro_batch"] = trained.micro_batch
    if memory.gradient_checkpointing:
        found["gradient_checkpointing"] = "yes"
    if processes() > 1:
        found["processes"] = processes()
    return found


def _gpu() -> dict[str, str | int]:
    names = {"cuda": torch.cuda.get_device_name, "mps": lambda: "Apple"}
    return {"gpu": names[device()]()} if device() in names else {}
