"""The state of a training on disk: a training that was stopped goes on, and its result is that of one that was not.

Trainer writes the weights after each epoch in any case. From a training's second minute on they go with the state of
the optimizer and of the random numbers, and after ten minutes without such a state, also in the middle of an epoch.
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import TrainerCallback

from benchmark.training.epoch_selector import EpochSelector
from benchmark.training.process import code_sha256
from benchmark.training.progress import Progress
from benchmark.training.runs import Epoch
from benchmark.training.together import from_first, number, wait_for_all
from zoo.files import write_text
from zoo.hardware import library_versions, processes

AFTER, EVERY = 60.0, 600.0  # seconds
_MARK, _ORDER, _LOGITS = "ours.json", "order.npy", "logits.npy"


class State(TrainerCallback):
    """Keeps the state of a training in Trainer's output folder, and takes up the newest that is there.

    Args:
        folder: what Trainer writes to. Its name must tell the run: encoder, revision, rows and recipe.
        progress: the record of the epochs.
        selector: which of them is the best.
        y_true: gold labels of the validation rows, shape (n, num_labels).
    """

    def __init__(self, folder: Path, progress: Progress, selector: EpochSelector, y_true: np.ndarray) -> None:
        self.folder, self.progress, self.selector = folder.resolve(), progress, selector
        self.start = self.saved = time.monotonic()
        self.earlier = 0.0  # seconds that were trained before this process
        self.order = torch.empty(0)
        self.found = from_first(_newest(self.folder))
        if self.found:
            self._take_up(json.loads((self.found / _MARK).read_text("utf-8")), y_true)

    @property
    def seconds(self) -> float:
        """The seconds of training so far, in all processes."""
        return self.earlier + time.monotonic() - self.start

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The order of the rows is drawn next. An epoch that is taken up in its middle draws its own again."""
        if self.found:
            if state.global_step % _steps(state):
                torch.set_rng_state(torch.from_numpy(np.load(self.found / _ORDER)))
            self.found = None
        self.order = torch.get_rng_state()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        now = time.monotonic()
        age, since = from_first((now - self.start, now - self.saved))
        args.save_only_model &= age < AFTER
        if since >= EVERY and state.global_step % _steps(state):  # an epoch's last is saved with its score
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if args.save_only_model:
            return
        wait_for_all()  # each has written its random numbers
        if number():
            return
        folder = self.folder / f"checkpoint-{state.global_step}"
        np.save(folder / _ORDER, self.order.numpy())
        np.save(folder / _LOGITS, self.selector.logits)
        mark = _known(self.folder) | {
            "epochs": [epoch.model_dump() for epoch in self.progress.epochs],
            "best_epoch": self.selector.best_epoch,
            "seconds": self.seconds,
        }
        write_text(folder / _MARK, json.dumps(mark))  # last: a folder without it is half
        self.saved = time.monotonic()

    def _take_up(self, mark: dict[str, Any], y_true: np.ndarray) -> None:
        assert self.found is not None
        self.earlier = mark["seconds"]
        self.progress.epochs = [Epoch.model_validate(epoch) for epoch in mark["epochs"]]
        if self.progress.epochs:
            logits = np.load(self.found / _LOGITS)
            self.selector.take_up(len(self.progress.epochs), mark["best_epoch"], logits, y_true)


def _newest(folder: Path) -> Path | None:
    """Return the newest whole state that this code wrote, in this place."""
    for path in sorted(folder.glob("checkpoint-*"), key=lambda path: -int(path.name.partition("-")[2])):
        mark = path / _MARK
        if mark.is_file() and _known(folder).items() <= json.loads(mark.read_text("utf-8")).items():
            return path
    return None


def _known(folder: Path) -> dict[str, Any]:
    """Return what must be as it was: the code, the libraries, and the place, which Trainer's own files name."""
    return {"code": code_sha256(), "versions": library_versions(), "folder": str(folder), "processes": processes()}


def _steps(state: Any) -> int:
    """Return the steps of an epoch."""
    return int(state.max_steps // state.num_train_epochs)
