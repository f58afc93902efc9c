"""Thresholds under a policy, against brute force over every cut, and what each policy makes of a text."""

from typing import Any

import numpy as np
import pytest
from scipy.special import logit

from benchmark.statistics.fit_decision import best_threshold, fit_decision, global_threshold
from zoo.errors import UserError
from zoo.policy import F1, Goal, Policy, parse_policy

MULTI, SINGLE = "multi_label_classification", "single_label_classification"
GOALS = [Goal(f_beta=0.5), Goal(f_beta=2), Goal(precision=0.7), Goal(recall=0.8), Goal(cost=(1, 1)), Goal(cost=(1, 6))]


def _worth(goal: Goal, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[float, ...]:
    """What a policy wants as much of as it can get, the most wanted first, from the definitions."""
    hits, decided, gold = int((y_true & y_pred).sum()), int(y_pred.sum()), int(y_true.sum())
    precision, recall = hits / decided if decided else 0.0, hits / gold
    if goal.f_beta:
        square = goal.f_beta**2
        return (hits and (1 + square) * precision * recall / (square * precision + recall),)
    if goal.cost:
        return (-(goal.cost[0] * (decided - hits) + goal.cost[1] * (gold - hits)),)
    if goal.precision:
        return (1, recall, precision) if precision >= goal.precision else (0, precision, recall)
    assert goal.recall
    return (1, precision, recall) if recall >= goal.recall else (0, recall, precision)


def _best(goal: Goal, y_score: np.ndarray, y_true: np.ndarray) -> tuple[float, ...]:
    cuts = [*y_score[y_score >= 0].tolist(), 1.0]
    return max(_worth(goal, y_true, y_score >= cut) for cut in cuts)


def _random_case(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Scores with many ties, of which some can never be decided, and at least one positive."""
    n = int(rng.integers(1, 30))
    y_score = rng.choice([rng.random(n), rng.integers(0, 5, n) / 4, rng.integers(0, 21, n) / 20])
    y_score = np.where(rng.random(n) < 0.1, -1.0, y_score)
    y_true = rng.random(n) < np.clip(y_score, 0.05, 0.9)
    y_true[rng.integers(n)] = True
    return y_score, y_true


def test_thresholds_of_a_thousand_random_cases_are_brute_force_over_all_cuts() -> None:
    rng = np.random.default_rng(0)
    for case in range(1000):
        y_score, y_true = _random_case(rng)
        for goal in GOALS if (y_score >= 0).any() else []:
            threshold = best_threshold(y_score, y_true.astype(np.int8), goal)
            assert 0 <= threshold <= 1
            found = _worth(goal, y_true, y_score >= threshold)
            assert found == pytest.approx(_best(goal, y_score, y_true)), (case, goal, threshold)


@pytest.mark.parametrize("goal", [Goal(f_beta=2), Goal(precision=0.6), Goal(recall=0.9), Goal(cost=(1, 3))], ids=str)
def test_a_shared_threshold_is_brute_force_over_all_pairs_or_the_mean_of_the_labels(goal: Goal) -> None:
    rng = np.random.default_rng(1)
    for _ in range(60):
        y_score = rng.integers(0, 12, (15, 3)) / 11
        y_true = rng.random((15, 3)) < y_score
        y_true[0] = True
        threshold = global_threshold(y_score, y_true.astype(np.int8), "macro", goal)
        if goal.f_beta:
            means = [np.mean([_worth(goal, t, s >= cut) for t, s in zip(y_true.T, y_score.T, strict=True)])
                     for cut in (threshold, *y_score.ravel().tolist())]  # fmt: skip
            assert means[0] == pytest.approx(max(means))
        else:
            found = _worth(goal, y_true, y_score >= threshold)
            assert found == pytest.approx(_best(goal, y_score.ravel(), y_true.ravel()))


def test_precision_that_no_threshold_reaches_gives_the_one_that_comes_nearest() -> None:
    y_score, y_true = np.array([0.9, 0.8, 0.6, 0.2]), np.array([0, 1, 1, 0], np.int8)
    assert best_threshold(y_score, y_true, Goal(precision=0.9)) == pytest.approx(0.4)  # 2 of 3, the highest there is


def test_a_cost_can_be_lowest_where_nothing_is_decided() -> None:
    y_score, y_true = np.array([0.9, 0.8, 0.6]), np.array([0, 0, 1], np.int8)
    assert best_threshold(y_score, y_true, Goal(cost=(1, 1))) == pytest.approx(0.95)
    assert best_threshold(y_score, y_true, Goal(cost=(1, 9))) == pytest.approx(0.3)


def _rows(seed: int = 3, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n, 4)) < [0.4, 0.3, 0.2, 0.01]).astype(np.int8)
    return rng.normal(size=y_true.shape) + 2 * y_true - 1, y_true


def _fit(policy: Policy, rule: Any = "per_label", labels: Any = ("a", "b", "c", "rare")) -> Any:
    logits, y_true = _rows()
    return fit_decision(MULTI, logits, y_true, rule, policy=policy, labels=labels)


def test_labels_have_their_own_goals_and_rare_ones_share_a_threshold() -> None:
    logits, y_true = _rows()
    assert y_true[:, 3].sum() < 10
    found = _fit(parse_policy(["recall=0.9", "b:precision=0.9"]))
    y_score = found.scores(logits)
    assert found.thresholds[0] == best_threshold(y_score[:, 0], y_true[:, 0], Goal(recall=0.9))
    assert found.thresholds[1] == best_threshold(y_score[:, 1], y_true[:, 1], Goal(precision=0.9))
    assert found.thresholds[3] == global_threshold(y_score, y_true, "micro", Goal(recall=0.9))
    one = _fit(parse_policy(["recall=0.9", "b:precision=0.9"]), "global")
    assert one.thresholds == (found.thresholds[3], found.thresholds[1], found.thresholds[3], found.thresholds[3])
    with pytest.raises(UserError, match=r"Unknown label 'B'"):
        _fit(parse_policy(["B:recall=0.9"]))


def test_precision_with_recall_gives_two_thresholds_and_one_where_one_reaches_both() -> None:
    logits, y_true = _rows()
    found = _fit(parse_policy(["precision=0.95,recall=0.95"]))
    y_score = found.scores(logits)
    for label, (low, high) in enumerate(found.unsure[:3]):
        gold, score = y_true[:, label], y_score[:, label]
        assert low < high == found.thresholds[label]
        assert gold[score >= high].mean() >= 0.95
        assert (score[gold == 1] >= low).mean() >= 0.95
    easy = _fit(parse_policy(["precision=0.3,recall=0.3"]))
    assert all(low == high for low, high in easy.unsure)
    assert not easy.hand_over(y_score).any()


@pytest.mark.parametrize("share", [0.001, 0.05, 0.3, 0.9])
@pytest.mark.parametrize("kind", [MULTI, SINGLE])
def test_abstaining_hands_over_the_least_sure_texts_up_to_the_share(kind: Any, share: float) -> None:
    rng = np.random.default_rng(5)
    for case in range(125):
        logits, y_true = _rows(case, 60)
        logits = logits.round(1) if case % 2 else logits  # with ties
        if kind == SINGLE:
            y_true = np.eye(4, dtype=np.int8)[(logits + rng.normal(size=logits.shape)).argmax(axis=1)]
        plain = fit_decision(kind, logits, y_true, "per_label", temperature=1.0)
        found = fit_decision(kind, logits, y_true, "per_label", temperature=1.0, policy=Policy(abstain=share))
        y_score = found.scores(logits)
        sure = y_score.max(axis=1) if kind == SINGLE else np.abs(logit(y_score) - logit(found.thresholds)).min(axis=1)
        sure = sure.round(9)
        handed = found.hand_over(y_score)
        best = max(int((sure < bound).sum()) for bound in sure if (sure < bound).sum() <= share * 60)
        assert handed.sum() == best
        assert best == 0 or sure[handed].max() < sure[~handed].min()
        assert (found.decide(y_score) == plain.decide(y_score)).all()


def test_a_share_of_whole_texts_is_handed_over_whole() -> None:
    """In floating point, 0.29 times 100 is a little under 29."""
    logits, y_true = _rows(0, 100)
    found = fit_decision(MULTI, logits, y_true, "per_label", policy=Policy(abstain=0.29))
    assert found.hand_over(found.scores(logits)).sum() == 29


def test_a_single_label_problem_leaves_texts_undecided_where_precision_asks_for_it() -> None:
    rng = np.random.default_rng(7)
    logits = rng.normal(size=(300, 3)) * 2
    y_true = np.eye(3, dtype=np.int8)[(logits + 2 * rng.normal(size=logits.shape)).argmax(axis=1)]
    plain = fit_decision(SINGLE, logits, y_true, "argmax")
    found = fit_decision(SINGLE, logits, y_true, "argmax", policy=Policy(goal=Goal(precision=0.8)))
    assert plain.thresholds == (0, 0, 0)
    y_score = found.scores(logits)
    y_pred = found.decide(y_score)
    decided = y_pred.sum(axis=0)
    assert ((y_pred & y_true).sum(axis=0) / decided >= 0.8).all()
    best = y_score.argmax(axis=1)
    for label in range(3):
        own = np.where(best == label, y_score[:, label], -1.0)
        assert _worth(Goal(precision=0.8), y_true[:, label] == 1, y_pred[:, label] == 1) == pytest.approx(
            _best(Goal(precision=0.8), own, y_true[:, label] == 1)
        )


@pytest.mark.parametrize("rule", ["fixed", "global", "per_label"])
def test_the_default_policy_is_f1_to_the_last_digit(rule: Any) -> None:
    logits, y_true = _rows()
    asked = fit_decision(MULTI, logits, y_true, rule, policy=parse_policy(["f-beta=1"]))
    assert asked == fit_decision(MULTI, logits, y_true, rule)
    assert asked.policy.goal == F1
