"""Verdicts that visitors call wrong, with the labels that they call right: kept as parquet.

The environment says where: ENCODER_ZOO_FLAGS is a folder, or "off"; the default is a folder in the user's data. If
ENCODER_ZOO_FLAGS_REPO names a dataset and HF_TOKEN may write to it, the folder is uploaded there every ten minutes.
"""

import logging
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pandas as pd
from filelock import FileLock
from platformdirs import user_data_dir

from demo.compare.handlers import classify
from demo.shared.texts import PageError
from zoo.errors import UserError, lookup
from zoo.files import write_bytes

if TYPE_CHECKING:
    from huggingface_hub import CommitScheduler

MOST = 10_000  # flags in a folder: the file is written anew with each
MINUTES = 10
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Flag:
    """One verdict called wrong: what the checkpoints decided on a text, and the labels that are right."""

    time: str
    task: str
    text: str
    checkpoints: list[str]
    decided: list[list[str]]
    right: list[str]


def folder() -> Path | None:
    """Return the folder of the flags; None if they are switched off."""
    where = os.environ.get("ENCODER_ZOO_FLAGS") or user_data_dir("encoder-zoo") + "/flags"
    return None if where == "off" else Path(where)


def flag(text: str, task: str, names: list[str], right: list[str], root: Path | None = None) -> Flag:
    """Return the flag of a verdict. The checkpoints decide again: a visitor's word for what they decided is not taken.

    Raises:
        UserError: the text is empty or too long, or the task, a checkpoint or a label is unknown.
    """
    comparison = classify(text, task, names, root)
    if not comparison.answers:
        raise UserError("; ".join(failure.error for failure in comparison.failures))
    for label in right:
        lookup(dict.fromkeys(comparison.labels), label, "label")
    return Flag(
        # To the microsecond, so that no two files are equal: the hub's client fails on two equal files in a commit.
        time=datetime.now(UTC).isoformat(timespec="microseconds"),
        task=task,
        text=text,
        checkpoints=[answer.name for answer in comparison.answers],
        decided=[comparison.decided(answer) for answer in comparison.answers],
        right=[label for label in comparison.labels if label in right],
    )


def keep(flag: Flag, where: Path) -> Path:
    """Add a flag to the folder `where` and return its file; other processes may add flags at the same time.

    Raises:
        UserError: the folder is full, cannot be written, or what is there is damaged.
    """
    try:
        return _keep(flag, where)
    except (OSError, ValueError) as error:  # pyarrow's own is a ValueError
        raise PageError("flags_unwritable", reason=str(error).partition("\n")[0]) from error


def _keep(flag: Flag, where: Path) -> Path:
    where.mkdir(parents=True, exist_ok=True)
    path, rows = where / "flags.parquet", pd.DataFrame([asdict(flag)])
    with FileLock(where / ".lock"):
        if _repo():  # what was uploaded must not change, so that each flag is a file of its own
            path, number = where / f"flag-{uuid4().hex}.parquet", len(list(where.glob("*.parquet"))) + 1
        else:
            rows = pd.concat([pd.read_parquet(path), rows], ignore_index=True) if path.exists() else rows
            number = len(rows)
        if number > MOST:
            raise PageError("flags_full", most=f"{MOST:,}")
        buffer = BytesIO()
        rows.to_parquet(buffer, index=False)
        write_bytes(path, buffer.getvalue())
    return path


def start_uploads() -> "CommitScheduler | None":
    """Start to upload the folder of the flags, if a repository and a token are configured. If the hub refuses or cannot
    be reached, one log line says so, and flags stay in the folder."""
    where = folder()
    if where is None or not _repo():
        return None
    try:
        return upload_regularly(where)
    except UserError as error:
        log.warning("%s", error)
        return None


def upload_regularly(where: Path) -> "CommitScheduler":
    """Upload the folder to the configured repository now and every MINUTES minutes, in a thread.

    Raises:
        UserError: the hub refuses or cannot be reached.
    """
    from huggingface_hub import CommitScheduler

    from zoo.hub import check_repo, explained, patiently

    with explained(_repo(), f"Flags are kept in {where} and not uploaded; start the app again to try again."):
        repo = check_repo(_repo())
        where.mkdir(parents=True, exist_ok=True)
        return patiently(
            lambda: CommitScheduler(
                repo_id=repo,
                folder_path=where,
                repo_type="dataset",
                private=True,
                token=os.environ["HF_TOKEN"],
                every=MINUTES,
                allow_patterns="*.parquet",
            ),
            log.info,
        )


def _repo() -> str:
    return os.environ.get("ENCODER_ZOO_FLAGS_REPO", "") if os.environ.get("HF_TOKEN") else ""
