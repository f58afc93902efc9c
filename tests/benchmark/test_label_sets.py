"""Sets of labels with a guarantee: against the definition, and whether the guarantee holds for new texts."""

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmark.from_logits.label_sets import GRID, guaranteed_threshold, label_sets
from benchmark.from_logits.policy_fit import PolicyFit
from benchmark.tasks.registry import TASKS
from benchmark.training.runs import RESULTS, read_run
from encoder_zoo import commands
from zoo.checkpoints.checkpoint import CHECKPOINTS
from zoo.errors import UserError
from zoo.policy import DEFAULT


def _texts(rng: np.random.Generator, n: int, single: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Scores with gold labels that they tell, but not surely."""
    y_score = rng.dirichlet(np.ones(4), n) if single else rng.random((n, 4)) ** 2
    y_true = (y_score > rng.random((n, 4))).astype(np.int8)
    if single:
        y_true = np.eye(4, dtype=np.int8)[[rng.choice(4, p=row) for row in y_score]]
    kept = y_true.any(axis=1)
    return y_score[kept], y_true[kept]


def _recall(y_score: np.ndarray, y_true: np.ndarray, threshold: float) -> float:
    return float((((y_score > threshold) & (y_true == 1)).sum(axis=1) / y_true.sum(axis=1)).mean())


@pytest.mark.parametrize("single", [False, True])
def test_the_threshold_is_the_highest_that_the_definition_allows(single: bool) -> None:
    """Angelopoulos et al. 2022, equation 4: n / (n + 1) of the mean loss and 1 / (n + 1) are at most 1 - level."""
    y_score, y_true = _texts(np.random.default_rng(1), 120, single)
    n = len(y_true)
    losses = np.array([1 - _recall(y_score, y_true, threshold) for threshold in GRID])
    for level in (0.51, 0.83, 0.96):  # no mean loss is exactly 1 - level, where MAPIE takes the next lower threshold
        allowed = GRID[n / (n + 1) * losses + 1 / (n + 1) <= 1 - level]
        assert guaranteed_threshold(y_score, y_true, level) == pytest.approx(allowed.max())


@pytest.mark.slow
def test_new_texts_have_what_is_guaranteed_on_average() -> None:
    rng, recalls = np.random.default_rng(2), []
    for _ in range(40):
        threshold = guaranteed_threshold(*_texts(rng, 60), 0.8)
        recalls.append(_recall(*_texts(rng, 2000), threshold))
    assert np.mean(recalls) > 0.8 - 2 * np.std(recalls) / np.sqrt(len(recalls))
    assert np.mean(recalls) < 0.9


def test_too_few_texts_guarantee_nothing_so_high() -> None:
    y_score, y_true = _texts(np.random.default_rng(3), 12)
    with pytest.raises(UserError, match=r"validation texts guarantee at most 0\.9\d+, got 0\.99"):
        guaranteed_threshold(y_score, y_true, 0.99)


@pytest.mark.parametrize(("recall", "said"), [("0.9", "90%"), ("0.995", "99.5%")])
def test_no_more_is_said_to_be_guaranteed_than_is(recall: str, said: str) -> None:
    asked = ["label-sets", str(CHECKPOINTS / "sst2" / "minilm-l6"), "--recall", recall, "--results", str(RESULTS)]
    ended = CliRunner().invoke(commands, asked)
    assert ended.exit_code == 0, ended.output
    assert f"Then {said} of a new text's right labels are given" in ended.output


def test_the_sets_of_a_run_are_judged_on_test() -> None:
    run = read_run(next(iter(sorted(RESULTS.glob("feedback/minilm-l6/*/run.json")))).parent)
    fit = PolicyFit(TASKS["feedback"], run, DEFAULT)
    found, test = label_sets(fit, 0.9), fit.test(fit.default)
    gold = test.y_true.any(axis=1)
    assert found.recall == pytest.approx(_recall(test.y_score[gold], test.y_true[gold], found.threshold))
    assert found.low < found.recall < found.high
    assert 0.85 < found.recall <= 1
    assert found.size == pytest.approx((test.y_score > found.threshold).sum() / len(gold))
