"""Sets of labels with a guarantee: of a new text's right labels, so many are in its set, on average.

Conformal risk control (Angelopoulos et al. 2022, "Conformal Risk Control"), by the library MAPIE. If each text has one
label, it is split conformal prediction: the right label is in so many of the sets. docs/decisions.md says what is
guaranteed, and what is not.
"""

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from benchmark.from_logits.policy_fit import PolicyFit
from benchmark.statistics.intervals import RESAMPLES, interval
from benchmark.statistics.resampling import draw, weighted_sums
from zoo.errors import UserError

GRID = np.arange(0, 1, 0.01)  # the thresholds that are tried


@dataclass(frozen=True)
class LabelSets:
    """A text's set has the labels whose scores are over `threshold`; and what such sets are like on the test rows.

    `fitted_on` counts the validation rows. `recall` is the share of a text's right labels that are in its set, the mean
    over texts that have any, with its 95 % interval `low`, `high`. `size` is the mean number of labels in a set.
    """

    threshold: float
    fitted_on: int
    recall: float
    low: float
    high: float
    size: float


def guaranteed_threshold(y_score: np.ndarray, y_true: np.ndarray, level: float) -> float:
    """Return the highest threshold of GRID over which, on average, at least `level` of a new text's right labels are.

    Args:
        y_score: scores of texts that were not trained on, shape (n, num_labels).
        y_true: gold labels in the same shape, each text with at least one.
        level: over 0 and under 1.

    Raises:
        UserError: MAPIE is not installed, or the texts are too few for any guarantee of that level.
    """
    if find_spec("mapie") is None:
        raise UserError("Label sets need MAPIE; install it: pip install -r requirements-mapie.txt")
    if 1 / (len(y_true) + 1) > 1 - level:
        raise UserError(
            f"{len(y_true)} validation texts guarantee at most {1 - 1 / (len(y_true) + 1):.4f}, got {level:g}"
        )
    from mapie.risk_control import MultiLabelClassificationController

    controller = MultiLabelClassificationController(lambda scores: scores, target_level=level, predict_params=GRID)
    return float(controller.calibrate(y_score, y_true).best_predict_param[0])


def label_sets(fit: PolicyFit, level: float) -> LabelSets:
    """Return the sets of a model's run: fitted on its validation rows, judged on its test rows."""
    validation, test = fit.validation(fit.default), fit.test(fit.default)
    labelled = validation.y_true.any(axis=1)
    threshold = guaranteed_threshold(validation.y_score[labelled], validation.y_true[labelled], level)
    chosen, gold = test.y_score > threshold, test.y_true.sum(axis=1)
    found = np.divide((chosen & (test.y_true == 1)).sum(axis=1), gold, out=np.zeros(len(gold)), where=gold > 0)
    counted = np.column_stack([found, gold > 0])
    draws = draw(len(gold), RESAMPLES, groups=fit.groups)
    sums = weighted_sums(draws.counts, counted)
    recall = np.array([found.sum() / (gold > 0).sum()])
    around = interval(recall, (sums[:, 0] / sums[:, 1])[:, None], draws.rng, (0.0, 1.0))
    size = float(chosen.sum(axis=1).mean())
    return LabelSets(threshold, int(labelled.sum()), around.value, around.low, around.high, size)
