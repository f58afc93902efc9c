"""What a threshold is worth on validation, against scikit-learn and against the decision itself."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from demo.compare.validation import THRESHOLDS, count, validation
from zoo.checkpoints.checkpoint import CHECKPOINTS, find_checkpoints, read_checkpoint
from zoo.decision import Decision, ProblemType

MULTI, SINGLE = "multi_label_classification", "single_label_classification"


@pytest.mark.parametrize("problem_type", [MULTI, SINGLE])
@given(seed=st.integers(0, 10_000), temperature=st.sampled_from([0.5, 1.0, 2.0]))
def test_counts_are_those_of_the_decision_at_every_threshold(
    problem_type: ProblemType, seed: int, temperature: float
) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (30, 3)).round(1)
    y_true = (rng.random((30, 3)) < 0.4).astype(np.int8)
    fitted = Decision(problem_type=problem_type, rule="fixed", temperature=2.0, thresholds=(0.3, 0.5, 0.0))
    counts = count(temperature, fitted, logits, y_true)
    for position in range(0, 101, 20):
        shared = {"temperature": temperature, "thresholds": (float(THRESHOLDS[position]),) * 3}
        decision = fitted.model_copy(update=shared)
        y_pred = decision.decide(decision.scores(logits))
        assert [label[position] for label in counts.predicted] == y_pred.sum(axis=0).tolist()
        assert [label[position] for label in counts.right] == (y_pred & y_true).sum(axis=0).tolist()
    y_pred = fitted.decide(fitted.scores(logits))
    assert [label[-1] for label in counts.predicted] == y_pred.sum(axis=0).tolist()
    assert [label[-1] for label in counts.right] == (y_pred & y_true).sum(axis=0).tolist()


def test_the_shipped_checkpoints_have_the_runs_that_made_them() -> None:
    for folder in find_checkpoints(CHECKPOINTS):
        checkpoint = read_checkpoint(folder)
        found = validation(checkpoint.info, checkpoint.decision)
        assert found is not None, folder
        assert len(found.positives) == len(checkpoint.info.labels)
        # What is decided at the fitted thresholds is one thing, whichever scores are shown.
        assert [label[-1] for label in found.raw.right] == [label[-1] for label in found.calibrated.right]


def test_precision_and_recall_at_the_fitted_thresholds_are_scikit_learns() -> None:
    from benchmark.training.runs import RESULTS, read_run

    folder = next(path for path in find_checkpoints(CHECKPOINTS) if path.parent.name == "feedback")
    checkpoint = read_checkpoint(folder)
    found = validation(checkpoint.info, checkpoint.decision)
    run = read_run(next(RESULTS.glob(f"feedback/*/*-{checkpoint.info.run}"))).predictions
    y_pred = checkpoint.decision.decide(checkpoint.decision.scores(run.validation_logits))
    precision, recall, _, support = precision_recall_fscore_support(run.validation_y_true, y_pred, zero_division=0)
    assert found is not None
    assert found.positives == support.tolist()
    for label, (predicted, right) in enumerate(zip(found.calibrated.predicted, found.calibrated.right, strict=True)):
        assert right[-1] / predicted[-1] == pytest.approx(precision[label])
        assert right[-1] / found.positives[label] == pytest.approx(recall[label])


def test_a_checkpoint_without_its_run_has_no_figures(tmp_path: Path) -> None:
    checkpoint = read_checkpoint(find_checkpoints(CHECKPOINTS)[0])
    assert validation(checkpoint.info, checkpoint.decision, tmp_path) is None
