"""What the seeds of one entry predicted on the same rows, and what that says under each decision rule."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmark.statistics.fit_decision import fit_decision, fit_temperature
from benchmark.statistics.resampling import Scored
from benchmark.tasks.registry import Task
from zoo.decision import Decision, Rule
from zoo.policy import DEFAULT, Policy


@dataclass(frozen=True)
class Predictions:
    """Logits (float32) and gold labels (int8) of the validation and the test rows, each (n, num_labels)."""

    validation_logits: np.ndarray
    validation_y_true: np.ndarray
    test_logits: np.ndarray
    test_y_true: np.ndarray


@dataclass(frozen=True, eq=False)
class Seeds:
    """The predictions of every seed for one task: one encoder, one recipe, the same rows.

    Decisions are fitted on validation, and applied to the test rows. Where `bare`, the logits say which labels were
    given and nothing else: they are decided at 0 under every rule, and nothing is fitted.
    """

    task: Task
    predictions: dict[int, Predictions]
    bare: bool = False

    @cached_property
    def y_true(self) -> np.ndarray:
        """Gold labels of the test rows, shape (n, num_labels)."""
        return next(iter(self.predictions.values())).test_y_true

    @cached_property
    def validation_y_true(self) -> np.ndarray:
        """Gold labels of the validation rows, shape (m, num_labels)."""
        return next(iter(self.predictions.values())).validation_y_true

    @cached_property
    def temperatures(self) -> dict[int, float]:
        """The temperature of every seed, fitted on validation."""
        if self.bare:
            return dict.fromkeys(self.predictions, 1.0)
        return {
            seed: fit_temperature(self.task.problem_type, each.validation_logits, each.validation_y_true)
            for seed, each in self.predictions.items()
        }

    @cached_property
    def _decisions(self) -> dict[Rule, dict[int, Decision]]:
        return {}

    def decisions(self, rule: Rule) -> dict[int, Decision]:
        """Return the decision of every seed, fitted on validation."""
        if rule not in self._decisions:
            self._decisions[rule] = {seed: self._fit(seed, rule) for seed in self.predictions}
        return self._decisions[rule]

    def take(self, rule: Rule, decisions: dict[int, Decision]) -> None:
        """Use the decisions of every seed that were fitted before, instead of fitting them again."""
        self._decisions[rule] = decisions

    def _fit(self, seed: int, rule: Rule) -> Decision:
        return decision_for(self.task, self.predictions[seed], "fixed" if self.bare else rule, self.temperatures[seed])

    def scored(self, rule: Rule) -> dict[int, Scored]:
        """Return what every seed says about the test rows under its decision."""
        return {
            seed: score(decision, self.predictions[seed].test_logits, self.y_true)
            for seed, decision in self.decisions(rule).items()
        }


def decision_for(
    task: Task,
    found: Predictions,
    rule: Rule | None = None,
    temperature: float | None = None,
    policy: Policy = DEFAULT,
) -> Decision:
    """Return the decision that is fitted on validation, by the task's rule if no other is given."""
    logits, y_true = found.validation_logits, found.validation_y_true
    return fit_decision(
        task.problem_type, logits, y_true, rule or task.rule, task.average, temperature, policy, task.labels
    )


def scored_on_test(task: Task, found: Predictions) -> Scored:
    """Return what predictions say about the test rows under their own decision."""
    return score(decision_for(task, found), found.test_logits, found.test_y_true)


def score(decision: Decision, logits: np.ndarray, y_true: np.ndarray) -> Scored:
    """Return what logits of shape (n, num_labels) say under a decision."""
    y_score = decision.scores(logits)
    return Scored(decision.problem_type, y_true, y_score, decision.decide(y_score))
