"""Decision: the one place that turns scores into labels. `demo/compare/decide.js` is its twin in the browser.

`benchmark.statistics.fit_decision` fits a Decision, which needs gold labels. Applying one needs none and is done here.
"""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zoo.errors import UserError, first_fault

ProblemType = Literal["single_label_classification", "multi_label_classification"]
Rule = Literal["argmax", "fixed", "global", "per_label"]
Threshold = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Decision(BaseModel):
    """Temperature, thresholds and the rule that they were fitted by, for one checkpoint.

    A label is decided when its score reaches its threshold. In a single-label problem, only the label with the highest
    score (the first of equals) can be decided. The thresholds there are 0 unless a person raises them to leave unsure
    texts undecided.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    problem_type: ProblemType
    rule: Rule
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    thresholds: tuple[Threshold, ...]

    def scores(self, logits: np.ndarray) -> np.ndarray:
        """Return calibrated scores in [0, 1], shape (n, num_labels), for logits of that shape.

        Logits are divided by the temperature (Guo et al. 2017, "On Calibration of Modern Neural Networks"). Then
        softmax (single-label) or sigmoid (multi-label) turns them into scores.
        """
        from scipy.special import expit, log_softmax  # half of the time that `encoder-zoo --help` takes, imported above

        scaled = np.asarray(logits, dtype=np.float64) / self.temperature
        return (
            np.exp(log_softmax(scaled, axis=1)) if self.problem_type == "single_label_classification" else expit(scaled)
        )

    def uncalibrated(self) -> "Decision":
        """Return the same decision with temperature 1, so that the logits alone give the scores."""
        return self.model_copy(update={"temperature": 1.0})

    def decide(self, y_score: np.ndarray) -> np.ndarray:
        """Return y_pred, int8 of shape (n, num_labels), for scores of that shape."""
        y_score = np.asarray(y_score)
        reached = y_score >= np.asarray(self.thresholds)
        if self.problem_type == "single_label_classification":
            best = y_score.argmax(axis=1)[:, None]
            reached &= np.arange(y_score.shape[1]) == best
        return reached.astype(np.int8)


def read_decision(path: Path) -> Decision:
    """Read a decision.json.

    Raises:
        UserError: the file is missing, is not JSON, or holds a value out of range.
    """
    try:
        return Decision.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        reason = first_fault(error) if isinstance(error, ValidationError) else str(error).splitlines()[0]
        raise UserError(f"{path} is not a readable decision ({reason}); write the checkpoint again") from error
