"""What a tiny checkpoint of the tests says of itself; and the checkpoints that come with the project, as parameters."""

from pathlib import Path
from typing import Any

import pytest

from zoo.checkpoints.checkpoint import CHECKPOINTS, TFIDF, CheckpointInfo, find_checkpoints
from zoo.decision import Decision
from zoo.files import sha256
from zoo.tfidf import UNLIMITED, TfidfModel, write_tfidf

QUICK = CHECKPOINTS / "feedback" / "zoo-bert-en"


def _parameter(folder: Path) -> Any:
    marks = () if folder == QUICK else pytest.mark.slow
    return pytest.param(folder, id=f"{folder.parent.name}/{folder.name}", marks=marks)


# One of them is in the quick tests, the others are in the slow ones.
SHIPPED = [_parameter(folder) for folder in find_checkpoints(CHECKPOINTS)]


MULTI, SINGLE = "multi_label_classification", "single_label_classification"
TINY_MODELS = pytest.mark.parametrize(
    ("kind", "problem_type"),
    [
        ("tiny_bert", MULTI),
        pytest.param("tiny_bert", SINGLE, marks=pytest.mark.slow),
        pytest.param("tiny_roberta", MULTI, marks=pytest.mark.slow),
        pytest.param("tiny_roberta", SINGLE, marks=pytest.mark.slow),
    ],
)


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


def write_toy_tfidf(folder: Path, model: TfidfModel, **changes: Any) -> Path:
    """Write a checkpoint of a linear model with `changes` laid over its description; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tfidf(folder / TFIDF, model)
    info = toy_info(max_length=UNLIMITED, weights_sha256=sha256(folder / TFIDF), **changes)
    decision = Decision(problem_type=info.problem_type, rule="fixed", thresholds=(0.5,) * len(info.labels))
    (folder / "checkpoint.json").write_text(info.model_dump_json())
    (folder / "decision.json").write_text(decision.model_dump_json())
    return folder
