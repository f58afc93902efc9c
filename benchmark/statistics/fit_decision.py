"""Fit a Decision on validation: the temperature by likelihood, the thresholds by an exact sweep over the scores."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, logit

from zoo.decision import Decision, ProblemType, Rule, highest
from zoo.policy import DEFAULT, F1, Goal, Policy

Average = Literal["macro", "micro"]
MIN_POSITIVES = 10
_EQUAL = 9  # digits: texts whose log odds differ by less, as by rounding, are equally sure


def fit_decision(
    problem_type: ProblemType,
    logits: np.ndarray,
    y_true: np.ndarray,
    rule: Rule,
    average: Average = "macro",
    temperature: float | None = None,
    policy: Policy = DEFAULT,
    labels: Sequence[str] = (),
) -> Decision:
    """Fit temperature and thresholds on the validation rows.

    Args:
        problem_type: single-label takes the rule "argmax", multi-label one of the others.
        logits: shape (n, num_labels).
        y_true: shape (n, num_labels).
        rule: "fixed" keeps 0.5; "global" takes the one threshold that is best for the policy's goal; "per_label" takes
            each label's own best threshold, or the global one for a label with under MIN_POSITIVES positive rows, too
            few to tell a threshold from luck. A single-label problem keeps the thresholds 0, unless the policy has
            another goal than F1: then each label with enough positives has its own.
        average: which average of F-beta the global threshold is best for. Any other goal takes all pairs together.
        temperature: if it is known already.
        policy: what the thresholds are best for. A label with a goal of its own has its own threshold under any rule
            but "fixed".
        labels: the labels' names, which a policy with goals of its own for some labels needs.

    Raises:
        UserError: the policy names a label that there is not.
    """
    num_labels = y_true.shape[1]
    temperature = temperature or fit_temperature(problem_type, logits, y_true)
    single, start = problem_type == "single_label_classification", 0.5
    if single:
        rule, start = "argmax", 0.0
    plain = Decision(
        problem_type=problem_type, rule=rule, temperature=temperature, thresholds=(start,) * num_labels, policy=policy
    )
    goals = policy.goals(labels) if policy.of_label else [policy.goal] * num_labels
    if rule == "fixed" or (single and set(goals) == {F1}):
        return with_abstention(plain, logits) if policy.abstain else plain
    y_score = candidates(plain, plain.scores(logits))
    own = (y_true.sum(axis=0) >= MIN_POSITIVES) & (rule != "global" or np.array([g != policy.goal for g in goals]))
    shared = {goal: _thresholds(y_score, y_true, goal, average) for goal in dict.fromkeys(goals)}
    found = [
        _thresholds(y_score[:, label], y_true[:, label], goal) if own[label] else shared[goal]
        for label, goal in enumerate(goals)
    ]
    bands = tuple(found) if any(goal.precision and goal.recall for goal in goals) else None
    fitted = plain.model_copy(update={"thresholds": tuple(high for _, high in found), "unsure": bands})
    return with_abstention(fitted, logits) if policy.abstain else fitted


def candidates(decision: Decision, y_score: np.ndarray) -> np.ndarray:
    """Return the scores that a threshold can decide by, shape (n, num_labels); in a single-label problem every score
    but a text's highest is -1."""
    if decision.problem_type == "multi_label_classification":
        return y_score
    return np.where(highest(y_score, 1), y_score, -1.0)


def _thresholds(y_score: np.ndarray, y_true: np.ndarray, goal: Goal, average: Average = "micro") -> tuple[float, float]:
    """Return the low and the high threshold of a goal, shapes (n,) or (n, num_labels). They differ where precision and
    recall are asked for and no single threshold reaches both."""
    if goal.precision and goal.recall:
        high = global_threshold(y_score, y_true, average, Goal(precision=goal.precision))
        return min(global_threshold(y_score, y_true, average, Goal(recall=goal.recall)), high), high
    found = global_threshold(y_score, y_true, average, goal)
    return found, found


def with_abstention(decision: Decision, logits: np.ndarray) -> Decision:
    """Return the decision with its unsure scores: those that are nearest to their thresholds.

    A text is as sure as its least sure label. That is the distance of score and threshold in log odds, or for a
    single-label problem the highest score itself. As many texts are unsure as can be, up to the policy's share of
    these validation texts; texts that are equally sure go together.

    Args:
        decision: with thresholds, and a policy with a share to abstain from.
        logits: shape (n, num_labels).
    """
    y_score, thresholds = decision.scores(logits), np.array(decision.thresholds)
    most = int(Fraction(str(decision.policy.abstain)) * len(logits))  # in floating point, 0.29 * 100 is under 29
    if decision.problem_type == "single_label_classification":
        low, high = np.zeros(len(thresholds)), np.full(len(thresholds), _nearest(y_score.max(axis=1), most))
    else:
        with np.errstate(invalid="ignore"):  # infinite log odds
            distance = np.abs(logit(y_score) - logit(thresholds))
        least = _nearest(np.nan_to_num(distance, nan=np.inf, posinf=np.inf).min(axis=1).round(_EQUAL), most)
        low, high = expit(logit(thresholds) - least), expit(logit(thresholds) + least)
    return decision.model_copy(update={"unsure": tuple(zip(low.tolist(), high.tolist(), strict=True))})


def _nearest(sureness: np.ndarray, most: int) -> float:
    """Return a bound that at most so many values, of shape (n,), lie under, and as many as possible."""
    ordered = np.sort(sureness)
    under = ordered[ordered < ordered[most]]
    return float(between(ordered[most], under[-1])) if len(under) else 0.0


def fit_temperature(problem_type: ProblemType, logits: np.ndarray, y_true: np.ndarray) -> float:
    """Return the temperature in [0.05, 20] with the lowest negative log-likelihood (Guo et al. 2017)."""
    logits, y_true = np.asarray(logits, dtype=np.float64), np.asarray(y_true)
    towards_truth = np.where(y_true, logits, -logits)

    def loss(log_temperature: float) -> float:
        if problem_type == "single_label_classification":
            return float(-np.mean(np.sum(y_true * log_softmax(logits / np.exp(log_temperature), axis=1), axis=1)))
        return float(-np.mean(log_expit(towards_truth / np.exp(log_temperature))))

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded").x))


def best_threshold(y_score: np.ndarray, y_true: np.ndarray, goal: Goal = F1) -> float:
    """Return the best threshold of one label for a goal: an exact sweep over every cut between distinct scores.

    Where no cut reaches the precision or the recall that is asked for, it is the one that comes nearest.

    Args:
        y_score: shape (n,); -1 for a row that no threshold can decide.
        y_true: shape (n,), with at least one positive.
        goal: one of F-beta, precision, recall and cost.
    """
    order = np.argsort(-y_score, kind="stable")
    score, hits = y_score[order], np.cumsum(y_true[order])
    if score[0] < 0:
        return 0.0
    decided, positives = np.arange(1, len(score) + 1), hits[-1]
    if goal.f_beta:
        return _cut_after(score, _f_beta(goal.f_beta, hits, decided, positives))
    if goal.cost:
        false, missed = goal.cost
        cost = false * (decided - hits) + missed * (positives - hits)
        if score[0] < 1 and missed * positives <= cost[_possible(score)].min(initial=np.inf):
            return float(between(1.0, score[0]))  # nothing is decided
        return _cut_after(score, -cost)
    precision, recall = hits / decided, hits / positives
    asked, other = (precision, recall) if goal.precision else (recall, precision)
    floor = goal.precision or goal.recall
    assert floor
    reached = asked >= floor
    if reached[_possible(score)].any():
        asked, other = np.where(reached, other, -np.inf), asked
    return _cut_after(score, np.lexsort((other, asked)).argsort())  # ranks by the one, then by the other


def _f_beta(beta: float, hits: np.ndarray, decided: np.ndarray, positives: np.ndarray) -> np.ndarray:
    return (1 + beta**2) * hits / (decided + beta**2 * positives)


def global_threshold(y_score: np.ndarray, y_true: np.ndarray, average: Average, goal: Goal = F1) -> float:
    """Return the one threshold for all labels that is best for a goal, by an exact sweep.

    For the macro average: going down the scores of all labels together, each score changes the F-beta of its own label
    alone, so that the sum over the labels is a running sum of those changes. A label without positives has an F-beta
    of 0 at every cut: its scores do not decide where the cut is. (In a micro average its false positives count.)

    Args:
        y_score: shape (n, num_labels).
        y_true: shape (n, num_labels).
        average: "micro" pools all (text, label) pairs, "macro" averages over the labels. Precision, recall and cost
            are always those of all pairs.
        goal: as in `best_threshold`.
    """
    if average == "micro" or not goal.f_beta:
        return best_threshold(y_score.ravel(), y_true.ravel(), goal)
    known = y_true.any(axis=0) | ~y_true.any()
    y_score, y_true = y_score[:, known], y_true[:, known]
    order = np.argsort(-y_score, axis=0, kind="stable")
    score = np.take_along_axis(y_score, order, axis=0)
    hits = np.cumsum(np.take_along_axis(y_true, order, axis=0), axis=0)
    f_beta = _f_beta(goal.f_beta, hits, np.arange(1, len(score) + 1)[:, None], hits[-1])
    change = np.diff(f_beta, axis=0, prepend=0.0)
    together = np.argsort(-score.ravel(), kind="stable")
    return _cut_after(score.ravel()[together], np.cumsum(change.ravel()[together]))


def _cut_after(score: np.ndarray, quality: np.ndarray) -> float:
    """Return the middle between the scores around the best cut; `quality[i]` is that of deciding `score[: i + 1]`."""
    best = int(np.argmax(np.where(_possible(score), quality, -np.inf)))
    below = max(score[best + 1], 0.0) if best + 1 < len(score) else 0.0
    return float(between(score[best], below))


def _possible(score: np.ndarray) -> np.ndarray:
    """Return after which of the sorted scores, shape (n,), a cut can be: not between equals, nor among those of -1."""
    return np.append(score[:-1] > score[1:], True) & (score >= 0)


def between(lowest: np.ndarray | float, below: np.ndarray | float) -> np.ndarray:
    """Return the middle between the lowest decided score and the next one below it; the former, where floating point
    has nothing between them."""
    middle = (lowest + below) / 2
    return np.where(middle > below, middle, lowest)
