"""One training in several processes, one a GPU, as `accelerate launch` and `torchrun` start them.

The first process leads: it reads, claims and writes as if it were alone. The others wait until it sends them a run, and
train it along. All go through the same batches in the same order. Each takes its part of a batch, and the gradients are
averaged, so that the batch stays the recipe's.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
from torch.utils.data import Sampler
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from zoo.classifier import predict_logits
from zoo.errors import UserError, first_line
from zoo.hardware import device, processes

T = TypeVar("T")
_WAIT = timedelta(days=7)  # the others wait while the first one reads rows, or fits a baseline


def number() -> int:
    """Return which of the processes this is; 0 leads."""
    return int(os.environ.get("RANK", "0")) if processes() > 1 else 0


def from_first(value: T) -> T:
    """Return what the first process gives; all must call this at the same point."""
    if processes() == 1:
        return value
    from accelerate.utils import broadcast_object_list

    sent: T = broadcast_object_list([value])[0]
    return sent


def wait_for_all() -> None:
    """Go on when all processes are here."""
    from_first(None)


@contextmanager
def leading() -> Iterator[None]:
    """Join the others, and let them go at the end of the block, or when it fails.

    After a `SystemExit` or an interrupt nothing is sent: the others may be in the middle of a training, and whoever
    launched them ends them.
    """
    _join()
    try:
        yield
    except Exception:
        from_first(None)
        raise
    from_first(None)
    _leave()


def lead(name: str, run: object, make: Callable[[], T]) -> T:
    """Return what `make` makes of a run. Other processes, where there are, are sent the run first, to train along.

    Raises:
        SystemExit: the training failed here. The others cannot be called out of it, so the command must end.
    """
    if processes() == 1:
        return make()
    from_first(run)
    try:
        return make()
    except Exception as error:
        raise SystemExit(f"Error: {name}: {first_line(error)}; all processes end") from error


def follow(train_along: Callable[[Any], object]) -> None:
    """Train along what the first process sends, until it has no more.

    Raises:
        UserError: a training failed in this process, or the first one has ended.
    """
    _join()
    try:
        while (run := from_first(None)) is not None:
            train_along(run)
    except Exception as error:
        raise UserError(f"process {number()}: {first_line(error)}") from error
    _leave()


def predict(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, windows: Sequence[Any]) -> np.ndarray:
    """Return `predict_logits` of all texts, shape (n, num_labels); each process predicts its share of them."""
    if processes() == 1:
        return predict_logits(model, tokenizer, windows)
    from accelerate.utils import gather_object

    shares = gather_object([predict_logits(model, tokenizer, windows[number() :: processes()])])
    logits = np.empty((len(windows), shares[0].shape[1]), np.float32)
    for place, share in enumerate(shares):
        logits[place :: len(shares)] = share
    return logits


class OneOrder(Sampler[int]):
    """The order that the first process draws. The others' random numbers differ, because each drops out units for
    itself."""

    def __init__(self, drawn: Any) -> None:
        self.drawn = drawn

    def __len__(self) -> int:
        return len(self.drawn)

    def __iter__(self) -> Iterator[int]:
        return iter(from_first(list(self.drawn)))


def _join() -> None:
    from accelerate import PartialState

    PartialState(cpu=device() != "cuda", timeout=_WAIT)


def _leave() -> None:
    from accelerate import PartialState

    PartialState().destroy_process_group()
