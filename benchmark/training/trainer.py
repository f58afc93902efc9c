"""Train one encoder on one task with one recipe: transformers' Trainer, set up for short texts and few cores."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    DataCollatorWithPadding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    TrainingArguments,
    set_seed,
)

from benchmark.statistics.resampling import Scored
from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Split
from benchmark.training.epoch_selector import EpochSelector
from benchmark.training.layer_rates import layerwise_optimizer
from benchmark.training.lora import add_lora
from benchmark.training.losses import (
    balanced_weights,
    last_linear,
    make_divisor,
    make_loss,
    start_at_prior,
    with_teacher,
)
from benchmark.training.memory import WHOLE_BATCHES, MemoryOptions, check_checkpointing, tell_length, use_bf16
from benchmark.training.micro_batches import MicroBatchTrainer
from benchmark.training.progress import Progress
from benchmark.training.recipes import Recipe, epochs_of
from benchmark.training.resume import State
from benchmark.training.runs import Epoch, RunReport
from benchmark.training.together import number, predict, wait_for_all
from benchmark.training.windows import WindowedModel, windowed_collator, windowed_feature
from zoo.checkpoints.loading import new_model, quiet
from zoo.encoders.weights import Weights
from zoo.errors import UserError
from zoo.hardware import (
    bf16_products,
    device,
    prefers_plain_attention,
    refuse_several_gpus,
    reuse_memory,
    spare_memory,
)
from zoo.long_text import encode
from zoo.tokenizer import load_tokenizer


@dataclass(frozen=True)
class Trained:
    """A trained model: the record of its epochs, which of them it is, and what it then said of the validation rows.

    `logits` are those of the validation rows, shape (n, num_labels); `seconds` count the training with its evaluations;
    `parameters` counts the trained ones; `micro_batch` is 0 where whole batches fitted.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    epochs: tuple[Epoch, ...]
    best_epoch: int
    validation: Scored
    logits: np.ndarray
    seconds: float
    parameters: int
    micro_batch: int


def train(
    weights: Weights,
    task: Task,
    rows: Split,
    validation: Split,
    recipe: Recipe,
    report: RunReport,
    goes_on: Callable[[Sequence[Epoch]], bool] = lambda epochs: True,
    memory: MemoryOptions = WHOLE_BATCHES,
    kept: Path | None = None,
) -> Trained:
    """Train on `rows` and keep the best epoch by `validation`.

    It is the last epoch, unless an earlier one is clearly better (see `EpochSelector`).

    Args:
        weights, task, recipe, report: as in `fine_tune`.
        rows: what is trained on.
        validation: what every epoch is scored on.
        goes_on: asked after every epoch, with all so far, whether to train further.
        memory: how it is made to fit.
        kept: a folder for the state of the training, whose name must tell the run; a training that was stopped goes on
            from there. None for no state.

    Raises:
        UserError: the process sees several GPUs, the training does not fit into memory, or the recipe names a teacher
            that the rows know nothing of.
    """
    refuse_several_gpus("choose one of them by CUDA_VISIBLE_DEVICES=0")
    if bool(recipe.teacher) != (rows.teacher is not None):
        raise UserError("Recipe: teacher: only --teacher sets it; give the folders of the models there")
    set_seed(recipe.seed)
    tokenizer = load_tokenizer(weights.folder)
    model = prepare_model(weights, task, rows, recipe, lambda line: report(0.0, line))
    windowed = recipe.long_text == "windows"
    texts, tuning = (
        encode(tokenizer, split.texts, recipe.max_length, recipe.long_text) for split in (rows, validation)
    )
    longest = max(len(window) for windows in texts for window in windows)
    if line := tell_length(model, recipe, longest, memory):
        report(0.0, line)
    class_weights = balanced_weights(rows.y_true, task.multi_label) if recipe.balanced else None
    loss = make_loss(task.multi_label, recipe.loss, class_weights)
    if rows.teacher is not None:
        loss = with_teacher(loss, task.multi_label, recipe.loss)
    progress, selector = Progress(report, goes_on), EpochSelector(task)
    with _folder(kept) as folder, fitted(model, recipe, memory) as trained:
        state = State(folder, progress, selector, validation.y_true)
        epochs = epochs_of(recipe, len(rows))
        trainer = MicroBatchTrainer(
            model=WindowedModel(model) if windowed else model,
            args=training_arguments(recipe, str(folder), num_train_epochs=epochs),
            train_dataset=_features(texts, rows, windowed),
            data_collator=windowed_collator(tokenizer) if windowed else DataCollatorWithPadding(tokenizer),
            compute_loss_func=loss,
            callbacks=[progress, *([state] if kept else [])],
            optimizers=(layerwise_optimizer(model, recipe) if recipe.layer_decay < 1 else None, None),
            micro_batch=memory.micro_batch,
            divisor=make_divisor(task.multi_label, class_weights),
            say=lambda line: report(progress.share, line),
            score=lambda: selector(predict(model, tokenizer, tuning), validation.y_true),
        )
        trainer.remove_callback(PrinterCallback)  # our own report takes its place
        if state.found:
            report(0.0, f"goes on after {len(progress.epochs)} of {epochs} epochs, where it was stopped")
        with quiet(), bf16_products() if use_bf16(recipe) else nullcontext():
            trainer.train(resume_from_checkpoint=str(state.found) if state.found else None)
        wait_for_all()  # each has read the best weights; the first may now delete them
        seconds = state.seconds
        # accelerate leaves bf16 autocast on the model. It is served in float32, so it is scored in float32.
        trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    assert selector.best is not None
    return Trained(
        model,
        tokenizer,
        tuple(progress.epochs),
        selector.best_epoch,
        selector.best,
        selector.logits,
        seconds,
        trained,
        trainer.micro_batch,
    )


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """Yield the folder that Trainer writes to: `kept`, or one that goes with the training."""
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@contextmanager
def fitted(model: PreTrainedModel, recipe: Recipe, memory: MemoryOptions) -> Iterator[int]:
    """Set a model up for LoRA and for gradient checkpointing; yield how many weights are trained. In the end it is a
    plain model. Whoever asks for less memory gets it at the cost of some time.

    Raises:
        UserError: peft is not installed, or the architecture has no gradient checkpointing.
    """
    check_checkpointing(model, memory)
    (reuse_memory if memory == WHOLE_BATCHES else spare_memory)()
    if memory.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    merge = add_lora(model, recipe.lora_rank) if recipe.lora_rank else lambda: None
    yield sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    merge()
    if memory.gradient_checkpointing:
        model.gradient_checkpointing_disable()


def training_arguments(recipe: Recipe, output_dir: str, **changes: Any) -> TrainingArguments:
    """Return Trainer's settings for a recipe: batches of similar lengths, padded to the longest; fused AdamW."""
    settings: dict[str, Any] = {
        "output_dir": output_dir,
        "num_train_epochs": recipe.epochs,
        "per_device_train_batch_size": recipe.batch_size,
        "learning_rate": recipe.learning_rate,
        "weight_decay": recipe.weight_decay,
        "warmup_steps": recipe.warmup,
        "lr_scheduler_type": "linear",
        "max_grad_norm": 1.0,
        "optim": "adamw_torch_fused",
        "train_sampling_strategy": "group_by_length",
        "bf16": use_bf16(recipe),
        "use_cpu": device() == "cpu",
        "seed": recipe.seed + 1_000_000 * number(),  # each process drops out units for itself
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
        "ddp_find_unused_parameters": True,  # such as a pooler's, where the head reads the mean
        "average_tokens_across_devices": False,  # our loss is of rows
    }
    return TrainingArguments(**settings | changes)


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


def _features(texts: list[list[list[int]]], rows: Split, windowed: bool) -> list[dict[str, Any]]:
    """Return what Trainer takes of each row; a teacher's logits stand behind the labels (see `with_teacher`)."""
    taught = rows.y_true if rows.teacher is None else np.hstack([rows.y_true, rows.teacher])
    return [
        {**(windowed_feature(windows) if windowed else {"input_ids": windows[0]}), "labels": labels}
        for windows, labels in zip(texts, taught.astype(np.float32), strict=True)
    ]
