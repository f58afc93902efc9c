"""What a training reports, and its record of each epoch."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from transformers import TrainerCallback

from benchmark.training.divergence import finite
from benchmark.training.runs import Epoch, RunReport


class Progress(TrainerCallback):
    """Reports the progress of training, and records each epoch's loss and validation score."""

    def __init__(self, report: RunReport, goes_on: Callable[[Sequence[Epoch]], bool]) -> None:
        self.report, self.goes_on, self.epochs, self.loss = report, goes_on, list[Epoch](), math.nan
        self.share = 0.0  # of the steps that are done

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.share = state.global_step / state.max_steps
        self.report(self.share, "")

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
