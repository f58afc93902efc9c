"""The checkpoints that come with the project: each loads, and scores what its run scored, or what its card says."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmark.statistics.metrics import get_metric
from benchmark.tasks.registry import TASKS
from benchmark.tasks.rows import read_rows
from benchmark.training.runs import RESULTS, read_run
from tests.checkpoints import SHIPPED
from zoo.checkpoints.checkpoint import CHECKPOINTS, find_checkpoints, read_checkpoint
from zoo.encoders.packed import PRETRAINED
from zoo.encoders.registry import ENCODERS
from zoo.serving import load_classifier

MOST_ROWS = 1500
LIMIT = 32 * 2**20


@pytest.mark.parametrize("folder", SHIPPED)
def test_a_shipped_checkpoint_scores_what_its_run_or_its_card_says(folder: Path) -> None:
    info = read_checkpoint(folder).info
    task = TASKS[info.task]
    data = os.environ.get("ENCODER_ZOO_DATA")
    if not task.embedded and not data:
        pytest.skip(f"the rows of {task.name} are not at hand: set ENCODER_ZOO_DATA to their folder")
    runs = list(RESULTS.glob(f"{info.task}/*/*-{info.run}"))
    assert len(runs) == 1, f"no run {info.run} in {RESULTS}"
    run, rows = read_run(runs[0]), read_rows(task, Path(data) if data else None)
    assert run.info.fingerprint == rows.fingerprint
    assert info.labels == task.labels

    classifier = load_classifier(folder)
    if info.reduction:
        y_score, y_true = classifier.predict_scores(rows.validation.texts), rows.validation.y_true
        found = get_metric(task.problem_type, task.main_metric)(y_true, y_score, classifier.decide(y_score))
        assert found == pytest.approx(info.reduction.after, abs=0.001)
        return
    chosen = np.sort(np.random.default_rng(0).permutation(len(rows.test))[:MOST_ROWS])
    y_true = rows.test.y_true[chosen]
    metric = get_metric(task.problem_type, task.main_metric)

    def score(logits: np.ndarray) -> float:
        y_score = classifier.decision.scores(logits)
        return metric(y_true, y_score, classifier.decide(y_score))

    now = score(classifier.predict_logits([rows.test.texts[row] for row in chosen]))
    then = score(run.predictions.test_logits[chosen])
    assert now == pytest.approx(then, abs=0.002)


@pytest.mark.parametrize("folder", SHIPPED)
def test_a_shipped_checkpoint_classifies_a_text(folder: Path) -> None:
    classifier = load_classifier(folder)
    y_score = classifier.predict_scores(["A text like any other.", ""])
    assert y_score.shape == (2, len(classifier.info.labels))
    assert ((y_score >= 0) & (y_score <= 1)).all()
    assert (folder / "README.md").read_text(encoding="utf-8").startswith("---")


def test_the_checkpoints_of_the_packaged_encoders_are_small_together() -> None:
    packaged = [
        each
        for each in find_checkpoints(CHECKPOINTS)
        if ENCODERS[read_checkpoint(each).info.encoder].source == "package"
    ]
    sizes = {path: path.stat().st_size for folder in packaged for path in folder.iterdir()}
    assert sizes
    assert sum(sizes.values()) < LIMIT, sorted(sizes.items(), key=lambda item: -item[1])[:5]


def test_all_weights_in_the_repository_are_small_together() -> None:
    sizes = [path.stat().st_size for root in (CHECKPOINTS, PRETRAINED) for path in root.rglob("*.safetensors")]
    assert sum(sizes) < 96 * 2**20
