"""The checkpoints that the app can show: found by folder, loaded at first use, then kept."""

from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.classifier import Classifier

KEPT = 8
_one_at_a_time = Lock()


def catalogue(root: Path | None = None) -> dict[str, dict[str, Path]]:
    """Return the checkpoints' folders below `root` (None: the project's own) as `[task][name]`, in order."""
    from zoo.checkpoint import CHECKPOINTS, find_checkpoints

    found: dict[str, dict[str, Path]] = {}
    for folder in find_checkpoints(root or CHECKPOINTS):
        found.setdefault(folder.parent.name, {})[folder.name] = folder
    return found


def load(folder: Path) -> "Classifier":
    """Return the classifier in `folder`; the last `KEPT` are kept in memory.

    Raises:
        UserError: the checkpoint is damaged, or its encoder cannot be had.
    """
    with _one_at_a_time:
        return _load(folder)


@lru_cache(maxsize=KEPT)
def _load(folder: Path) -> "Classifier":
    from zoo.classifier import Classifier

    classifier = Classifier.load(folder)
    classifier.predict_logits(["the first pass is slower than any after it"])
    return classifier
