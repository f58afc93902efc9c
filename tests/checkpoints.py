"""What a tiny checkpoint of the tests says of itself."""

from typing import Any

from zoo.checkpoints.checkpoint import CheckpointInfo


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
