"""What a tiny checkpoint of the tests says of itself; and the checkpoints that come with the project, as parameters."""

from pathlib import Path
from typing import Any

import pytest

from zoo.checkpoints.checkpoint import CHECKPOINTS, CheckpointInfo, find_checkpoints

QUICK = CHECKPOINTS / "feedback" / "zoo-bert-en"


def _parameter(folder: Path) -> Any:
    marks = () if folder == QUICK else pytest.mark.slow
    return pytest.param(folder, id=f"{folder.parent.name}/{folder.name}", marks=marks)


# One of them in every run of the tests, all in the longer suite.
SHIPPED = [_parameter(folder) for folder in find_checkpoints(CHECKPOINTS)]


def toy_info(**changes: Any) -> CheckpointInfo:
    """Return the description of a multi-label checkpoint with labels a, b and c, with `changes` laid over it."""
    fields = {
        "task": "toy",
        "problem_type": "multi_label_classification",
        "language": "en",
        "labels": ("a", "b", "c"),
        "encoder": "tiny",
        "revision": "1",
        "max_length": 48,
        "run": "0123456789ab",
    }
    return CheckpointInfo.model_validate(fields | changes)
