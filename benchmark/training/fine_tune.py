"""Fine-tune one encoder on one task with one recipe: transformers' Trainer, set up for short texts and few cores."""

import math
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import (
    DataCollatorWithPadding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from benchmark.statistics.resampling import Scored
from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows, Split
from benchmark.training.divergence import finite, why_diverged
from benchmark.training.epoch_selector import EpochSelector
from benchmark.training.latency import measure_latency
from benchmark.training.layer_rates import layerwise_optimizer
from benchmark.training.losses import balanced_weights, last_linear, make_loss, start_at_prior
from benchmark.training.recipes import Recipe, epochs_of
from benchmark.training.runs import Epoch, Predictions
from benchmark.training.stopwatch import Measured, Stopwatch
from benchmark.training.windows import WindowedModel, windowed_collator, windowed_feature
from zoo.checkpoints.loading import new_model, quiet
from zoo.checkpoints.pretrained import count_positions
from zoo.classifier import predict_logits
from zoo.encoders.folders import stored_types
from zoo.encoders.weights import Weights
from zoo.hardware import bf16_products, multiplies_in_bf16, prefers_plain_attention, refuse_several_gpus
from zoo.long_text import capacity, encode
from zoo.tokenizer import load_tokenizer

Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Trained:
    """A trained model: the record of its epochs, which of them it is, and what it then said of the validation rows.

    `logits` are those of the validation rows, shape (n, num_labels); `seconds` count the training with its evaluations.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    epochs: tuple[Epoch, ...]
    best_epoch: int
    validation: Scored
    logits: np.ndarray
    seconds: float


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


def fine_tune(weights: Weights, task: Task, rows: Rows, recipe: Recipe, report: Report) -> FineTuned:
    """Train on `rows.train`, keep the best epoch by `rows.validation`, predict validation and test.

    Nothing of `rows.test` is used before training has ended.

    Args:
        weights: the pretrained encoder.
        task: what the rows are.
        rows: what is trained on, tuned on, reported.
        recipe: everything that shapes the training; the same recipe on the same machine with the same number of
            threads gives the same logits.
        report: called with the share of the steps that are done, and a line to show or "".

    Raises:
        UserError: the process sees several GPUs.
    """
    watch = Stopwatch()
    trained = train(weights, task, rows.train, rows.validation, recipe, report)
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
        trained_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
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
            **_gpu(),
        },
    )
    predictions = Predictions(validation_logits, rows.validation.y_true, test_logits, rows.test.y_true)
    diverged = why_diverged(trained.epochs, trained.logits, rows.validation.y_true, task.multi_label)
    return FineTuned(predictions, trained.epochs, trained.best_epoch, diverged, measured, model, tokenizer)


def train(
    weights: Weights,
    task: Task,
    rows: Split,
    validation: Split,
    recipe: Recipe,
    report: Report,
    goes_on: Callable[[Sequence[Epoch]], bool] = lambda epochs: True,
) -> Trained:
    """Train on `rows` and keep the best epoch by `validation`.

    It is the last epoch, unless an earlier one is clearly better (see `EpochSelector`).

    Args:
        weights, task, recipe, report: as in `fine_tune`.
        rows: what is trained on.
        validation: what every epoch is scored on.
        goes_on: asked after every epoch, with all so far, whether to train further.

    Raises:
        UserError: the process sees several GPUs.
    """
    refuse_several_gpus("choose one of them by CUDA_VISIBLE_DEVICES=0")
    set_seed(recipe.seed)
    tokenizer = load_tokenizer(weights.folder)
    model = prepare_model(weights, task, rows, recipe, lambda line: report(0.0, line))
    windowed = recipe.long_text == "windows"
    texts, tuning = (
        encode(tokenizer, split.texts, recipe.max_length, recipe.long_text) for split in (rows, validation)
    )
    epochs = epochs_of(recipe, len(rows))
    progress, selector = _Progress(report, goes_on), EpochSelector(task)
    with tempfile.TemporaryDirectory() as output_dir:
        trainer = Trainer(
            model=WindowedModel(model) if windowed else model,
            args=training_arguments(recipe, output_dir, num_train_epochs=epochs),
            train_dataset=_features(texts, rows.y_true, windowed),
            eval_dataset=_features(tuning, validation.y_true, windowed),
            data_collator=windowed_collator(tokenizer) if windowed else DataCollatorWithPadding(tokenizer),
            compute_loss_func=make_loss(task.multi_label, recipe.loss, _class_weights(recipe, task, rows)),
            compute_metrics=selector,
            callbacks=[progress],
            optimizers=(layerwise_optimizer(model, recipe) if recipe.layer_decay < 1 else None, None),
        )
        trainer.remove_callback(PrinterCallback)  # our own report takes its place
        start = time.perf_counter()
        with quiet(), bf16_products() if use_bf16(recipe) else nullcontext():
            trainer.train()
        seconds = time.perf_counter() - start
        # accelerate leaves bf16 autocast on the model. It is served in float32, so it is scored in float32.
        trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    assert selector.best is not None
    return Trained(
        model, tokenizer, tuple(progress.epochs), selector.best_epoch, selector.best, selector.logits, seconds
    )


def training_arguments(recipe: Recipe, output_dir: str, **changes: Any) -> TrainingArguments:
    """Return Trainer's settings for a recipe: batches of similar lengths, padded to the longest; fused AdamW."""
    settings: dict[str, Any] = {
        "output_dir": output_dir,
        "num_train_epochs": recipe.epochs,
        "per_device_train_batch_size": recipe.batch_size,
        "per_device_eval_batch_size": 128,
        "learning_rate": recipe.learning_rate,
        "weight_decay": recipe.weight_decay,
        "warmup_steps": recipe.warmup,
        "lr_scheduler_type": "linear",
        "max_grad_norm": 1.0,
        "optim": "adamw_torch_fused",
        "train_sampling_strategy": "group_by_length",
        "bf16": use_bf16(recipe),
        "use_cpu": not torch.cuda.is_available(),
        "seed": recipe.seed,
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_only_model": True,
        "save_total_limit": 1,
        "load_best_model_at_end": True,
        "metric_for_best_model": "best_epoch",  # the highest number is the latest choice
        "greater_is_better": True,
        "logging_strategy": "epoch",
        "label_names": ["labels"],
        "remove_unused_columns": False,
        "disable_tqdm": True,
        "report_to": "none",
        "dataloader_pin_memory": torch.cuda.is_available(),
    }
    return TrainingArguments(**settings | changes)


def use_bf16(recipe: Recipe) -> bool:
    """Return whether to train under bf16 autocast: as the recipe says, or where the hardware multiplies in bf16."""
    return multiplies_in_bf16() if recipe.precision == "auto" else recipe.precision == "bf16"


def embedding_parameters(model: PreTrainedModel) -> int:
    """Return the number of weights in the word embeddings."""
    return sum(parameter.numel() for parameter in model.get_input_embeddings().parameters())


def truncated_share(tokenizer: PreTrainedTokenizerBase, texts: list[str], recipe: Recipe) -> float:
    """Return the share of the texts that are cut."""
    lengths = [len(ids) for ids in tokenizer(texts, return_attention_mask=False, verbose=False)["input_ids"]]
    return float(np.mean(np.array(lengths) > capacity(tokenizer, recipe.max_length, recipe.long_text)))


def prepare_model(
    weights: Weights, task: Task, train: Split, recipe: Recipe, say: Callable[[str], None] = lambda line: None
) -> PreTrainedModel:
    """Return the encoder with a new head, set up for training as the recipe says."""
    model = new_model(weights.folder, task.problem_type, task.labels, recipe.dropout, recipe.pooling, say)
    if prefers_plain_attention(use_bf16(recipe)):
        model.set_attn_implementation("eager")
    if recipe.label_prior:
        start_at_prior(last_linear(model, len(task.labels)), train.y_true, task.multi_label)
    model.get_input_embeddings().weight.requires_grad_(not recipe.freeze_embeddings)
    return model


def _features(texts: list[list[list[int]]], y_true: np.ndarray, windowed: bool) -> list[dict[str, Any]]:
    return [
        {**(windowed_feature(windows) if windowed else {"input_ids": windows[0]}), "labels": labels}
        for windows, labels in zip(texts, y_true.astype(np.float32), strict=True)
    ]


def _class_weights(recipe: Recipe, task: Task, train: Split) -> np.ndarray | None:
    return balanced_weights(train.y_true, task.multi_label) if recipe.balanced else None


def _types(weights: Weights, model: PreTrainedModel) -> dict[str, str]:
    """Return the types of the weights in the encoder's files and of those that are trained, such as "bfloat16"."""
    trained = {str(parameter.dtype).removeprefix("torch.") for parameter in model.parameters()}
    return {"stored_weights": stored_types(weights.folder), "trained_weights": ", ".join(sorted(trained))}


def _gpu() -> dict[str, str | int]:
    return {"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}


class _Progress(TrainerCallback):
    """Reports the progress of training, and records each epoch's loss and validation score."""

    def __init__(self, report: Report, goes_on: Callable[[Sequence[Epoch]], bool]) -> None:
        self.report, self.goes_on, self.epochs, self.loss = report, goes_on, list[Epoch](), math.nan

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.report(state.global_step / state.max_steps, "")

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.loss = kwargs["logs"].get("loss", self.loss)

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        main_metric = kwargs["metrics"]["eval_main_metric"]
        epoch = Epoch(epoch=round(state.epoch), loss=finite(self.loss), main_metric=main_metric)
        self.epochs.append(epoch)
        # No later step mends weights that are no numbers.
        control.should_training_stop |= epoch.loss is None or not self.goes_on(self.epochs)
        self.report(
            state.global_step / state.max_steps,
            f"epoch {epoch.epoch}: loss {self.loss:.4f}, validation {epoch.main_metric:.4f}",
        )
