"""The checkpoints that the app can show: found by folder, loaded at first use, then kept."""

import logging
from collections import Counter
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from zoo.errors import UserError

if TYPE_CHECKING:
    from zoo.checkpoints.checkpoint import Checkpoint
    from zoo.serving import AnyClassifier

KEPT = 8
log = logging.getLogger(__name__)
# Held during one text or one batch: a fast tokenizer cannot serve two threads at once.
computing = Lock()
_one_at_a_time = Lock()


def catalogue(root: Path | None = None) -> dict[str, dict[str, Path]]:
    """Return the checkpoints' folders below `root` (None: the project's own) as `[task][name]`, in order."""
    from zoo.checkpoints.checkpoint import CHECKPOINTS, find_checkpoints

    found: dict[str, dict[str, Path]] = {}
    for folder in find_checkpoints(root or CHECKPOINTS):
        found.setdefault(folder.parent.name, {})[folder.name] = folder
    return found


def add_from_hub(names: str, root: Path | None, target: Path) -> Path:
    """Fetch checkpoints from the hub and return `target`, which then links to them and to all below `root`.

    Args:
        names: user/name[@revision], separated by commas.
        root: a folder of checkpoints; None is the project's own.
        target: an empty folder; a checkpoint of the hub becomes `<task>/<user>--<name>` in it, with `@<revision>` at
            the end if `names` has more than one revision of it.

    Raises:
        UserError: a checkpoint cannot be fetched, or fails a check (see `zoo.checkpoints.vetting`).
    """
    from zoo.checkpoints.checkpoint import read_checkpoint
    from zoo.checkpoints.fetch import fetch_checkpoint

    folders = {Path(task, name): folder for task, all_ in catalogue(root).items() for name, folder in all_.items()}
    wanted = dict.fromkeys(filter(None, (name.strip().removeprefix("hub:") for name in names.split(","))))
    revisions = Counter(name.partition("@")[0] for name in wanted)
    for name in wanted:
        folder, repo = fetch_checkpoint(name, log.info), name.partition("@")[0]
        shown = (name if revisions[repo] > 1 else repo).replace("/", "--")
        folders[Path(read_checkpoint(folder).info.task, shown)] = folder
    for place, folder in folders.items():
        (target / place).parent.mkdir(exist_ok=True)
        (target / place).symlink_to(folder.resolve(), target_is_directory=True)
    return target


@lru_cache(maxsize=256)
def read(folder: Path) -> "Checkpoint":
    """Return the description of the checkpoint in `folder`, without its model.

    Raises:
        UserError: one of its small files is damaged, or its weights are.
    """
    from zoo.checkpoints.checkpoint import read_checkpoint

    return read_checkpoint(folder)


def labels_of(task: str | None, root: Path | None) -> tuple[str, ...]:
    """Return the labels of a task's first whole checkpoint; none where there is none."""
    for folder in catalogue(root).get(task or "", {}).values():
        with suppress(UserError):  # told when a text is classified
            return read(folder).info.labels
    return ()


def load(folder: Path) -> "AnyClassifier":
    """Return the classifier in `folder`; the last `KEPT` ones stay in memory. Only functions that are `on_gpu` call it.

    Raises:
        UserError: the checkpoint is damaged, or its encoder cannot be found or fetched.
    """
    with _one_at_a_time:
        return _load(folder)


@lru_cache(maxsize=KEPT)
def _load(folder: Path) -> "AnyClassifier":
    from zoo.serving import load_classifier

    classifier = load_classifier(folder)
    classifier.warm_up()
    return classifier
