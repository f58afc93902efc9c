"""Micro-batches and gradient checkpointing: less memory, and the training that whole batches give."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from benchmark.training.losses import make_divisor, make_loss
from benchmark.training.memory import MemoryOptions
from benchmark.training.micro_batches import split_batch
from benchmark.training.recipes import Recipe
from benchmark.training.trainer import Trained, train
from tests.conftest import ToyRows
from zoo.encoders.registry import get_encoder
from zoo.encoders.weights import fetch_weights
from zoo.errors import UserError

RECIPE = Recipe(
    epochs=2,
    batch_size=16,
    learning_rate=2e-3,
    max_length=16,
    dropout=0.0,
    freeze_embeddings=False,
    precision="fp32",
)
SINGLE = {"problem_type": "single_label_classification", "labels": ("bad", "good"), "main_metric": "accuracy"}
ROUNDING = {"rtol": 1e-3, "atol": 1e-4}


def trained(
    folder: Path, task: Task, rows: Rows, lines: list[str] | None = None, memory: Any = None, **changes: Any
) -> Trained:
    said = [] if lines is None else lines
    recipe = RECIPE.model_copy(update=changes)
    options = memory or MemoryOptions()
    return train(
        fetch_weights(get_encoder(str(folder))), task, rows.train, rows.validation, recipe,
        lambda share, line: said.append(line), memory=options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(tiny_bert: Path, toy_task: Task, toy_rows: ToyRows) -> Trained:
    """The training that others are held against, whose last batch has 4 of the 36 rows."""
    return trained(tiny_bert, toy_task, toy_rows(toy_task, (36, 24, 8)))


def test_the_training_is_that_of_whole_batches(
    whole: Trained, tiny_bert: Path, toy_task: Task, toy_rows: ToyRows
) -> None:
    parts = trained(tiny_bert, toy_task, toy_rows(toy_task, (36, 24, 8)), memory=MemoryOptions(5))  # of 16
    _assert_same(parts, whole)


@pytest.mark.campaign
def test_so_is_that_of_windows_with_weights_and_checkpointing(
    tiny_bert: Path, toy_task: Task, toy_rows: ToyRows
) -> None:
    task = replace(toy_task, **SINGLE)
    rows, changes = toy_rows(task, (36, 24, 8)), {"balanced": True, "long_text": "windows", "max_length": 8}
    whole = trained(tiny_bert, task, rows, **changes)
    _assert_same(trained(tiny_bert, task, rows, memory=MemoryOptions(3, True), **changes), whole)


def _assert_same(parts: Trained, whole: Trained) -> None:
    np.testing.assert_allclose(parts.logits, whole.logits, **ROUNDING)
    assert not np.array_equal(parts.logits, whole.logits)  # the parts were there
    losses = [[epoch.loss for epoch in of.epochs] for of in (parts, whole)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


def test_parts_that_do_not_fit_are_halved_and_the_batch_is_begun_again(
    whole: Trained, tiny_bert: Path, toy_task: Task, toy_rows: ToyRows
) -> None:
    """A device that has room for 8 texts once, and then for 4: what the first 8 gave must not count twice."""
    rows, lines, sizes = toy_rows(toy_task, (36, 24, 8)), list[str](), list[int]()

    def full(module: torch.nn.Module, args: Any) -> None:
        if module.training and type(module).__name__ == "BertPooler":
            sizes.append(len(args[0]))
            if sizes[-1] > 8 or (sizes[-1] > 4 and sizes.count(sizes[-1]) > 1):
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    with register_module_forward_pre_hook(full):
        parts = trained(tiny_bert, toy_task, rows, lines)
    assert [line for line in lines if "memory" in line] == [
        "16 texts do not fit into memory: micro-batches of 8, with the same gradient",
        "8 texts do not fit into memory: micro-batches of 4, with the same gradient",
    ]
    assert sizes[:7] == [16, 8, 8, 4, 4, 4, 4]
    assert parts.micro_batch == 4
    np.testing.assert_allclose(parts.logits, whole.logits, **ROUNDING)


def test_a_text_that_does_not_fit_alone_says_what_to_do(tiny_bert: Path, toy_task: Task, toy_rows: ToyRows) -> None:
    def full(module: torch.nn.Module, args: Any) -> None:
        if module.training and type(module).__name__ == "BertPooler":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    with (
        register_module_forward_pre_hook(full),
        pytest.raises(UserError, match=r"tokens does not fit into memory; .* --gradient-checkpointing"),
    ):
        trained(tiny_bert, toy_task, toy_rows(toy_task, (16, 8, 8)))


@pytest.mark.parametrize(("multi_label", "balanced"), [(True, False), (True, True), (False, False), (False, True)])
def test_the_mean_over_parts_by_their_divisors_is_the_loss_of_the_batch(multi_label: bool, balanced: bool) -> None:
    rng = np.random.default_rng(0)
    logits = torch.tensor(rng.normal(size=(7, 3)), dtype=torch.float32)
    y_true = rng.integers(0, 2, (7, 3)) if multi_label else np.eye(3)[[0, 0, 1, 2, 0, 1, 0]]
    labels = torch.tensor(y_true, dtype=torch.float32)
    weights = np.array([0.5, 2.0, 9.0]) if balanced else None
    loss, divisor = make_loss(multi_label, "sum", weights), make_divisor(multi_label, weights)
    parts = [(loss({"logits": logits[rows]}, labels[rows]), divisor(labels[rows])) for rows in (slice(5), slice(5, 7))]
    mean = sum(each * weight for each, weight in parts) / sum(weight for _, weight in parts)
    assert float(mean) == pytest.approx(float(loss({"logits": logits}, labels)), rel=1e-6)


def test_a_batch_of_windows_is_split_between_texts() -> None:
    batch = {
        "input_ids": torch.arange(6)[:, None],
        "counts": torch.tensor([1, 3, 2]),
        "labels": torch.tensor([[0.0], [1.0], [2.0]]),
    }
    first, second = split_batch(batch, 2)
    assert [first["input_ids"].flatten().tolist(), second["input_ids"].flatten().tolist()] == [[0, 1, 2, 3], [4, 5]]
    assert [first["counts"].tolist(), second["counts"].tolist()] == [[1, 3], [2]]
    assert second["labels"].tolist() == [[2.0]]
