"""Trainer with batches in parts: the gradient of the whole batch, with the memory of a part."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from torch import Tensor
from transformers import Trainer

from zoo.errors import UserError

Batch = dict[str, Tensor]


class MicroBatchTrainer(Trainer):
    """Trainer that goes through each batch in micro-batches and adds up their gradients (gradient accumulation).

    The batch stays the recipe's. Where a part does not fit into memory, the parts are halved, and the batch is begun
    again; that is told once for each halving.

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

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        while (loss := self._try_step(model, inputs, num_items_in_batch)) is None:
            model.zero_grad()
            clear_device_cache(garbage_collection=True)
        return loss

    def _try_step(self, model: Any, inputs: Batch, num_items: Any) -> Tensor | None:
        """Return the loss of a batch, its gradient computed; or halve the parts and return None."""
        rows = len(inputs["labels"])
        size = min(self.micro_batch or rows, rows)
        try:
            if size == rows:
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
        self.micro_batch = size // 2
        self.say(f"{size} texts do not fit into memory: micro-batches of {self.micro_batch}, with the same gradient")
        return None

    def _in_parts(self, model: Any, inputs: Batch, size: int) -> Tensor:
        model.train()
        whole: Any = self._prepare_inputs(inputs)
        total, losses = self.divisor(whole["labels"]), []
        for part in split_batch(whole, size):
            share = self.divisor(part["labels"]) / total
            with self.compute_loss_context_manager():
                loss: Any = self.compute_loss(model, part) * share
            self.accelerator.backward(loss)
            losses.append(loss.detach())
        return sum(losses, start=losses[0] * 0)


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
