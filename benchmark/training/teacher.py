"""A teacher for distillation: one or several fine-tuned models, whose logits on the train rows teach beside the labels.

Hinton et al. 2015, "Distilling the Knowledge in a Neural Network". Several models speak by the mean of their calibrated
logits, as an ensemble does (see `benchmark.from_logits.ensembles`).
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from zoo.checkpoints.checkpoint import Checkpoint, read_checkpoint
from zoo.errors import UserError
from zoo.serving import load_classifier


@dataclass(frozen=True)
class Teacher:
    """The checkpoints that teach."""

    checkpoints: tuple[Checkpoint, ...]

    @property
    def name(self) -> str:
        """What a recipe says of it: its encoders, and a hash of its weights with their temperatures."""
        counted = Counter(each.info.encoder for each in self.checkpoints)
        encoders = " + ".join(f"{number} x {name}" if number > 1 else name for name, number in counted.items())
        models = sorted(f"{each.info.weights_sha256} {each.decision.temperature}" for each in self.checkpoints)
        return f"{encoders} ({hashlib.sha256(chr(10).join(models).encode()).hexdigest()[:8]})"

    def teach(self, task: Task, rows: Rows) -> Rows:
        """Return the rows with the teacher's calibrated logits of those of train, shape (n, num_labels).

        Raises:
            UserError: a model was made for another task, or for other labels.
        """
        for each in self.checkpoints:
            if (each.info.task, each.info.labels) != (task.name, task.labels):
                raise UserError(
                    f"--teacher {each.folder} was made for '{each.info.task}' with {len(each.info.labels)} labels, and "
                    f"'{task.name}' has {len(task.labels)}; give models of this task"
                )
        of_models = [
            load_classifier(each.folder).predict_logits(rows.train.texts) / each.decision.temperature
            for each in self.checkpoints
        ]
        return replace(rows, train=replace(rows.train, teacher=np.mean(of_models, axis=0)))


def read_teacher(folders: Sequence[Path]) -> Teacher:
    """Read the checkpoints in `folders`.

    Raises:
        UserError: one is missing or damaged.
    """
    return Teacher(tuple(read_checkpoint(folder) for folder in folders))
