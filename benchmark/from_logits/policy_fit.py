"""A checkpoint's decision under another policy: fitted on its run's validation logits, judged on its test logits."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from benchmark.statistics.fit_decision import MIN_POSITIVES
from benchmark.statistics.intervals import RESAMPLES, interval
from benchmark.statistics.policies_reached import value_of, verdict
from benchmark.statistics.resampling import Draws, Scored, draw, pooled_counts, weighted_sums
from benchmark.statistics.seeds import decision_for, score
from benchmark.tasks.registry import Task, known_tasks
from benchmark.training.runs import Run, groups_of_run, read_run
from zoo.checkpoints.checkpoint import CheckpointInfo
from zoo.decision import Decision
from zoo.errors import UserError
from zoo.policy import Goal, Policy


@dataclass(frozen=True, eq=False)
class PolicyFit:
    """The decision of a run under a policy, and beside it the default one. `groups` are those of the test rows, shape
    (n,), where rows belong together."""

    task: Task
    run: Run
    policy: Policy
    groups: np.ndarray | None = None

    @cached_property
    def decision(self) -> Decision:
        return decision_for(self.task, self.run.predictions, policy=self.policy)

    @cached_property
    def default(self) -> Decision:
        """The decision under the default policy."""
        return decision_for(self.task, self.run.predictions)

    def validation(self, decision: Decision) -> Scored:
        """Return what a decision says of the validation rows."""
        return score(decision, self.run.predictions.validation_logits, self.run.predictions.validation_y_true)

    def test(self, decision: Decision) -> Scored:
        """Return what a decision says of the test rows."""
        return score(decision, self.run.predictions.test_logits, self.run.predictions.test_y_true)


def folder_of_run(info: CheckpointInfo, results: Path) -> Path | None:
    """Return the folder of the run that left a checkpoint; None if it is not in `results`."""
    return min(results.glob(f"{info.task}/*/*-{info.run}"), default=None)


def find_run(info: CheckpointInfo, results: Path) -> Run:
    """Return the run that left a checkpoint. No other run is read.

    Raises:
        UserError: it is not in `results`, or is damaged.
    """
    folder = folder_of_run(info, results)
    if folder is None:
        raise UserError(
            f"The run {info.run} of '{info.encoder}' on '{info.task}' is not in {results}; give the folder of runs "
            "that has it, with --results"
        )
    return read_run(folder)


def fit_policy(info: CheckpointInfo, results: Path, policy: Policy) -> PolicyFit:
    """Return a checkpoint's decision under a policy, from its run in `results`.

    Raises:
        UserError: the run is not there or damaged, its task is unknown, or the policy names an unknown label.
    """
    run, tasks = find_run(info, results), known_tasks(results)
    if info.task not in tasks:
        raise UserError(f"The task '{info.task}' is not known in {results}; its task.json is missing there")
    policy.goals(info.labels)
    return PolicyFit(tasks[info.task], run, policy, groups_of_run(run))


def of_labels(fit: PolicyFit) -> pd.DataFrame:
    """Return what the policy brings to all labels together, and to each label.

    Columns: label, goal, low and high (the thresholds; nan where labels differ), metric, asked (at least so much,
    or nan), validation, test, low_95 and high_95 (of test), default (the default decision on test), verdict. A goal
    of precision or recall has a row for each of the two. The interval of one label's precision or recall is
    Wilson's, and any other a bootstrap of the test rows; where these have groups, each is a bootstrap of the
    groups. With two thresholds, recall counts unsure labels as found.
    """
    draws = draw(len(fit.run.predictions.test_y_true), RESAMPLES, groups=fit.groups)
    fitted = (fit.validation(fit.decision), fit.test(fit.decision))
    parts: list[tuple[int | None, Goal]] = [(None, fit.policy.goal), *enumerate(fit.policy.goals(fit.task.labels))]
    rows = []
    for label, goal in parts:
        for metric, asked in _metrics(goal).items():
            unsure = metric == "recall" and bool(goal.precision and goal.recall)
            validation, test = (_counts(each, label, fit.decision if unsure else None) for each in fitted)
            known = value_of(validation.sum(axis=0), goal, metric)
            value, least, most = _with_interval(test, goal, metric, label is not None, draws)
            low, high = _thresholds(fit.decision, label)
            row: dict[str, object] = {
                "label": "all labels" if label is None else fit.task.labels[label],
                "goal": str(goal),
            }
            row |= {"low": low, "high": high, "metric": metric, "asked": asked, "validation": float(known)}
            row |= {"test": value, "low_95": least, "high_95": most}
            row["default"] = float(value_of(_counts(fit.test(fit.default), label).sum(axis=0), goal, metric))
            rows.append(row | {"verdict": _verdict(fit, label, asked, float(known), least, most)})
    return pd.DataFrame(rows)


def _metrics(goal: Goal) -> dict[str, float | None]:
    if goal.precision or goal.recall:
        return {"precision": goal.precision, "recall": goal.recall}
    return {"f-beta" if goal.f_beta else "cost": None}


def _thresholds(decision: Decision, label: int | None) -> tuple[float, float]:
    pairs = decision.unsure or tuple((each, each) for each in decision.thresholds)
    chosen = set(pairs) if label is None else {pairs[label]}
    return chosen.pop() if len(chosen) == 1 else (float("nan"), float("nan"))


def _counts(scored: Scored, label: int | None, unsure: Decision | None = None) -> np.ndarray:
    """Return hits, decided and gold of each row, shape (n, 3), of one label or all; with `unsure`, the labels whose
    scores are unsure count as decided."""
    if unsure is not None and unsure.unsure is not None:
        scored = replace(scored, y_pred=scored.y_pred | (scored.y_score >= np.array(unsure.unsure)[:, 0]))
    return pooled_counts(scored, slice(None) if label is None else [label])


def _with_interval(
    counts: np.ndarray, goal: Goal, metric: str, one_label: bool, draws: Draws
) -> tuple[float, float, float]:
    sums = counts.sum(axis=0)
    value = float(value_of(sums, goal, metric))
    alone = draws.units is None  # Wilson's interval knows of no groups
    if (
        alone and one_label and metric in ("precision", "recall")
    ):  # a row is one trial, and a bootstrap of few trials is too sure
        trials = int(sums[1 if metric == "precision" else 2])
        found = binomtest(int(sums[0]), trials).proportion_ci(method="wilson") if trials else None
        return (value, float(found.low), float(found.high)) if found else (value, 0.0, 1.0)
    resampled = value_of(weighted_sums(draws.counts, counts), goal, metric)
    bounds = (0.0, float("inf") if metric == "cost" else 1.0)
    around = interval(np.array([value]), resampled[:, None], draws.rng, bounds)
    return value, around.low, around.high


def _verdict(fit: PolicyFit, label: int | None, asked: float | None, known: float, low: float, high: float) -> str:
    """Return whether the test rows have what was asked for, and what was known before."""
    if asked is None:
        return ""
    found = verdict(asked, low, high)
    if label is None and fit.task.rule == "per_label":
        return found
    if label is not None and fit.run.predictions.validation_y_true[:, label].sum() < MIN_POSITIVES:
        return f"{found}; too few positives for a threshold of its own"
    return f"{found}; no threshold reached it on validation" if known < asked else found


def readable(labels: pd.DataFrame) -> pd.DataFrame:
    """Return `of_labels` as text, for the screen and for a model's card."""
    asked = [f" >= {floor:g}" if floor == floor else "" for floor in labels["asked"].astype(float)]
    values = zip(labels["test"], labels["low_95"], labels["high_95"], strict=True)
    return pd.DataFrame(
        {
            "label": labels["label"],
            "threshold": list(map(_threshold, labels["low"], labels["high"])),
            "what": labels["metric"] + asked,
            "validation": labels["validation"].map("{:.3f}".format),
            "test [95 %]": ["{:.3f} [{:.3f}, {:.3f}]".format(*each) for each in values],
            "default": labels["default"].map("{:.3f}".format),
            "on test": labels["verdict"],
        }
    )


def _threshold(low: float, high: float) -> str:
    if low != low:
        return ""
    return f"{high:.3f}" if low == high else f"{low:.3f} to {high:.3f}"


def of_texts(fit: PolicyFit) -> pd.DataFrame:
    """Return what the policy brings to the test texts as a whole, under the policy and by default.

    Columns: what, policy, default. The rows: labels a text, texts without a label, texts handed to a person and, where
    some are, the micro-averaged F1 of those that are not.
    """
    by = {"policy": fit.decision, "default": fit.default}
    return pd.DataFrame({name: _of_texts(fit.test(each), each) for name, each in by.items()}).rename_axis("what")


def _of_texts(scored: Scored, decision: Decision) -> dict[str, float]:
    handed, number = decision.hand_over(scored.y_score), scored.y_pred.sum(axis=1)
    kept = _counts(scored.take(np.flatnonzero(~handed)), None).sum(axis=0)
    return {
        "labels a text": float(number.mean()),
        "share of texts without a label": float((number == 0).mean()),
        "share of texts handed to a person": float(handed.mean()),
        "f1_micro of the other texts": float(value_of(kept, Goal(f_beta=1), "f-beta")),
    }
