"""Trainer with batches in parts: the gradient of the whole batch, with the memory of a part."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import Trainer

from benchmark.training.together import OneOrder, number
from zoo.errors import UserError
from zoo.hardware import processes

Batch = dict[str, Tensor]


class MicroBatchTrainer(Trainer):
    """Trainer that goes through each batch in micro-batches and adds up their gradients (gradient accumulation).

    The batch stays the recipe's. Where a part does not fit into memory, the parts are halved, and the batch is begun
    again; that is told once for each halving. Where several processes train one model, each goes through its share of
    the batch, and they cannot halve: one of them would be alone with it.

    Validation is scored on logits in the order of its rows. Trainer's own evaluation would sort them by length.

    Args:
        micro_batch: rows of a part at most; 0 for whole batches.
        divisor: what the loss divides its sum over rows by, of their labels (see `losses.make_divisor`).
        say: called with a line when the parts are halved.
        score: computes the metrics of the validation rows, by name.
    """

    def __init__(
        self,
        *,
        micro_batch: int,
        divisor: Callable[[Tensor], Tensor],
        say: Callable[[str], object],
        score: Callable[[], dict[str, float]],
        **settings: Any,
    ) -> None:
        super().__init__(**settings, eval_dataset=[])
        self.micro_batch, self.divisor, self.say, self.score = micro_batch, divisor, say, score

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        torch.empty((), dtype=torch.int64).random_()  # what Trainer's evaluation draws: later epochs keep their order
        metrics = {f"eval_{name}": value for name, value in self.score().items()}
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def get_train_dataloader(self) -> DataLoader[Any]:
        if processes() == 1:
            return super().get_train_dataloader()
        dataset: Any = self.train_dataset
        return DataLoader(
            dataset,
            batch_size=self.args.train_batch_size,  # whole batches: accelerate would fill up an epoch's last one
            sampler=OneOrder(self._get_train_sampler()),
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        while (loss := self._try_step(model, inputs, num_items_in_batch)) is None:
            model.zero_grad()
            clear_device_cache(garbage_collection=True)
        return loss

    def _try_step(self, model: Any, inputs: Batch, num_items: Any) -> Tensor | None:
        """Return the loss of a batch, its gradient computed; or halve the parts and return None."""
        rows = -(-len(inputs["labels"]) // processes())
        size = min(self.micro_batch or rows, rows)
        try:
            if size == len(inputs["labels"]):
                return super().training_step(model, dict(inputs), num_items)
            return self._in_parts(model, inputs, size)
        except RuntimeError as error:
            if not should_reduce_batch_size(error):
                raise
            if size == 1:
                raise UserError(
                    f"A text of {inputs['input_ids'].numel():,} tokens does not fit into memory; give a lower "
                    "max_length in --recipe, or --gradient-checkpointing"
                ) from error
            if processes() > 1:
                raise UserError(f"{size} texts do not fit into memory; give --micro-batch {size // 2}") from error
        self.micro_batch = size // 2
        self.say(f"{size} texts do not fit into memory: micro-batches of {self.micro_batch}, with the same gradient")
        return None

    def _in_parts(self, model: Any, inputs: Batch, size: int) -> Tensor:
        """Return the loss of this process's share of a batch, times the number of processes: DDP takes their mean."""
        model.train()
        whole: Any = self._prepare_inputs(inputs)
        total, losses = self.divisor(whole["labels"]) / processes(), []
        own, counts = _own_share(whole)
        parts = list(split_batch(own, size))
        for part in parts:
            share = self.divisor(part["labels"]) / total * counts
            with nullcontext() if part is parts[-1] else self.accelerator.no_sync(model):
                with self.compute_loss_context_manager():
                    loss: Any = self.compute_loss(model, part) * share
                self.accelerator.backward(loss)
            losses.append(loss.detach())
        return sum(losses, start=losses[0] * 0)


def _own_share(batch: Batch) -> tuple[Batch, bool]:
    """Return this process's rows of a batch, and whether they count: where it has none, it takes others' for naught."""
    shares = list(split_batch(batch, -(-len(batch["labels"]) // processes())))
    counts = number() < len(shares)
    return shares[number() if counts else 0], counts


def split_batch(batch: Batch, size: int) -> Iterator[Batch]:
    """Yield a batch in parts of `size` texts. A text in windows has `counts` rows of token ids (see `windows`)."""
    rows = len(batch["labels"])
    ends = [0, *batch["counts"].cumsum(0).tolist()] if "counts" in batch else list(range(rows + 1))
    for start in range(0, rows, size):
        stop = min(start + size, rows)
        yield {
            name: tensor[start:stop] if name in ("labels", "counts") else tensor[ends[start] : ends[stop]]
            for name, tensor in batch.items()
        }
