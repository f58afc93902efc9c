"""Decision: the one place that turns scores into labels. `demo/compare/decide.js` is its twin in the browser.

`benchmark.statistics.fit_decision` fits a Decision, which needs gold labels. Applying one needs none and is done here.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from zoo.errors import UserError, first_fault
from zoo.policy import DEFAULT, Policy

ProblemType = Literal["single_label_classification", "multi_label_classification"]
Rule = Literal["argmax", "fixed", "global", "per_label"]
Threshold = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Decision(BaseModel):
    """Temperature, thresholds, and the rule and the policy that they were fitted by, for one checkpoint.

    A label is decided when its score reaches its threshold. In a single-label problem, only the label with the highest
    score (the first of equals) can be decided. The thresholds there are 0 unless a person or a policy raises them to
    leave unsure texts undecided. The policy may then give a text at least one label, or at most k.

    `unsure` has two thresholds a label, low and high: a score of at least low and under high is unsure. It is None
    where nothing is left to a person.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    problem_type: ProblemType
    rule: Rule
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    thresholds: tuple[Threshold, ...]
    unsure: tuple[tuple[Threshold, Threshold], ...] | None = None
    policy: Policy = DEFAULT

    @model_validator(mode="after")
    def _one_pair_a_label(self) -> Self:
        if self.unsure is not None and len(self.unsure) != len(self.thresholds):
            raise ValueError(f"unsure has {len(self.unsure)} pairs for {len(self.thresholds)} thresholds")
        return self

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
        reached = (y_score >= np.asarray(self.thresholds)) & self._possible(y_score)
        return limit(reached, y_score, self.policy.at_least_one, self.policy.at_most).astype(np.int8)

    def hand_over(self, y_score: np.ndarray) -> np.ndarray:
        """Return which texts to hand to a person, bool of shape (n,), for scores of shape (n, num_labels): those with
        an unsure score, in a single-label problem that of the highest label."""
        y_score = np.asarray(y_score)
        if self.unsure is None:
            return np.zeros(len(y_score), bool)
        low, high = np.array(self.unsure).T
        return ((y_score >= low) & (y_score < high) & self._possible(y_score)).any(axis=1)

    def as_json(self) -> str:
        """Return the content of a decision.json, for `read_decision`."""
        return self.model_dump_json(indent=1, exclude_none=True) + "\n"

    def _possible(self, y_score: np.ndarray) -> np.ndarray:
        """Return which labels can be decided at all, bool of y_score's shape."""
        if self.problem_type == "multi_label_classification":
            return np.ones(y_score.shape, bool)
        return highest(y_score, 1)


def highest(y_score: np.ndarray, k: int) -> np.ndarray:
    """Return the k highest labels of every row (the first of equals), bool of y_score's shape."""
    found = np.zeros(y_score.shape, bool)
    np.put_along_axis(found, np.argsort(-y_score, axis=1, kind="stable")[:, :k], True, axis=1)
    return found


def limit(reached: np.ndarray, y_score: np.ndarray, at_least_one: bool, at_most: int | None) -> np.ndarray:
    """Return what a policy makes of the labels that reached their thresholds, bool of shape (n, num_labels).

    A text without any gets the label with the highest score, if `at_least_one`. Of more than `at_most`, the highest
    scores are kept. The first of equals counts as the highest.
    """
    if at_least_one:
        reached = reached | (~reached.any(axis=1, keepdims=True) & highest(y_score, 1))
    if at_most:
        reached = reached & highest(np.where(reached, y_score, -1.0), at_most)
    return reached


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
