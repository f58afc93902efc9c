"""Verdicts that visitors call wrong, with the labels that they call right: kept as parquet.

The environment says where: ENCODER_ZOO_FLAGS is a folder, or "off"; by default a folder among the user's data. Where
ENCODER_ZOO_FLAGS_REPO names a dataset and HF_TOKEN may write to it, the folder is uploaded there every ten minutes.
"""

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


@dataclass(frozen=True)
class Flag:
    """One verdict called wrong: what the checkpoints decided of a text, and the labels that are right."""

    time: str
    task: str
    text: str
    checkpoints: list[str]
    decided: list[list[str]]
    right: list[str]


def folder() -> Path | None:
    """Return where flags are kept; None where they are switched off."""
    where = os.environ.get("ENCODER_ZOO_FLAGS") or user_data_dir("encoder-zoo") + "/flags"
    return None if where == "off" else Path(where)


def flag(text: str, task: str, names: list[str], right: list[str], root: Path | None = None) -> Flag:
    """Return the flag of a verdict; what was decided is asked of the checkpoints again, and not of the visitor.

    Raises:
        UserError: the text, the task, a checkpoint or a label is not one.
    """
    comparison = classify(text, task, names, root)
    if not comparison.answers:
        raise UserError("; ".join(failure.error for failure in comparison.failures))
    for label in right:
        lookup(dict.fromkeys(comparison.labels), label, "label")
    return Flag(
        # Precise, so that no two files are equal: the hub's client breaks down at two of one content in a commit.
        time=datetime.now(UTC).isoformat(timespec="microseconds"),
        task=task,
        text=text,
        checkpoints=[answer.name for answer in comparison.answers],
        decided=[comparison.decided(answer) for answer in comparison.answers],
        right=[label for label in comparison.labels if label in right],
    )


def keep(flag: Flag, where: Path) -> Path:
    """Add a flag to those in the folder `where`, whichever process adds others at the same time; return its file.

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


def upload_regularly(where: Path) -> "CommitScheduler | None":
    """Start to upload the folder where a repository and a token are configured.

    Raises:
        UserError: the hub refuses or cannot be reached.
    """
    if not _repo():
        return None
    from huggingface_hub import CommitScheduler

    from zoo.hub import check_repo, explained, patiently

    where.mkdir(parents=True, exist_ok=True)
    repo = check_repo(_repo())
    with explained(repo, "Flags are not uploaded; unset ENCODER_ZOO_FLAGS_REPO to keep them in a folder alone."):
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
            print,
        )


def _repo() -> str:
    return os.environ.get("ENCODER_ZOO_FLAGS_REPO", "") if os.environ.get("HF_TOKEN") else ""
