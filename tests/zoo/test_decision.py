"""Decision against scipy, brute force and hand-worked examples."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.special import expit, softmax

from zoo.decision import Decision, read_decision
from zoo.errors import UserError

MULTI, SINGLE = "multi_label_classification", "single_label_classification"


def _decision(problem_type: Any, thresholds: tuple[float, ...], temperature: float = 1.0) -> Decision:
    rule: Any = "argmax" if problem_type == SINGLE else "per_label"
    return Decision(problem_type=problem_type, rule=rule, temperature=temperature, thresholds=thresholds)


LOGITS = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.floats(-60, 60))


@given(LOGITS, st.floats(0.05, 20))
def test_scores_are_scipys_softmax_or_expit_of_the_scaled_logits(logits: np.ndarray, temperature: float) -> None:
    thresholds = (0.5,) * logits.shape[1]
    single = _decision(SINGLE, thresholds, temperature).scores(logits)
    np.testing.assert_allclose(single, softmax(logits / temperature, axis=1), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(single.sum(axis=1), 1)
    multi = _decision(MULTI, thresholds, temperature).scores(logits)
    np.testing.assert_allclose(multi, expit(logits / temperature), rtol=1e-12)


def test_scores_of_extreme_and_half_precision_logits_are_finite_probabilities() -> None:
    logits = np.array([[60000, -60000], [0, 0]], np.float16)
    for problem_type in (SINGLE, MULTI):
        scores = _decision(problem_type, (0.5, 0.5), 0.05).scores(logits)
        assert np.isfinite(scores).all()
        np.testing.assert_array_equal(scores, [[1, 0], [0.5, 0.5]])


@given(
    arrays(np.float64, (5, 3), elements=st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0])),
    st.tuples(*[st.sampled_from([0.0, 0.2, 0.5, 0.70000001, 1.0])] * 3),
)
def test_decide_is_brute_force(y_score: np.ndarray, thresholds: tuple[float, ...]) -> None:
    multi = [[int(score >= t) for score, t in zip(row, thresholds, strict=True)] for row in y_score]
    np.testing.assert_array_equal(_decision(MULTI, thresholds).decide(y_score), multi)
    single = []
    for row in y_score.tolist():
        best = row.index(max(row))
        single.append([int(label == best and row[label] >= thresholds[label]) for label in range(3)])
    np.testing.assert_array_equal(_decision(SINGLE, thresholds).decide(y_score), single)


def test_a_score_at_its_threshold_is_decided_and_one_just_below_is_not() -> None:
    y_score = np.array([[0.3, np.nextafter(0.3, 0)]])
    assert _decision(MULTI, (0.3, 0.3)).decide(y_score).tolist() == [[1, 0]]


def test_the_first_of_equals_wins_a_single_label_tie() -> None:
    assert _decision(SINGLE, (0.0, 0.0, 0.0)).decide(np.array([[0.2, 0.4, 0.4]])).tolist() == [[0, 1, 0]]


def test_a_raised_threshold_leaves_unsure_single_label_texts_undecided() -> None:
    y_score = np.array([[0.55, 0.45], [0.95, 0.05]])
    assert _decision(SINGLE, (0.9, 0.0)).decide(y_score).tolist() == [[0, 0], [1, 0]]


@pytest.mark.parametrize("problem_type", [SINGLE, MULTI])
def test_no_rows_give_no_decisions(problem_type: str) -> None:
    decision = _decision(problem_type, (0.5, 0.5))
    y_pred = decision.decide(decision.scores(np.zeros((0, 2))))
    assert y_pred.shape == (0, 2)
    assert y_pred.dtype == np.int8


@given(st.floats(0.05, 20), st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_json_round_trip_is_exact(temperature: float, thresholds: list[float]) -> None:
    decision = _decision(MULTI, tuple(thresholds), temperature)
    assert Decision.model_validate_json(decision.model_dump_json()) == decision


GOOD: dict[str, Any] = {"problem_type": MULTI, "rule": "global", "temperature": 1.5, "thresholds": [0.25, 1]}


def test_read_decision_reads_what_stands_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "decision.json").write_text(json.dumps(GOOD))
    decision = read_decision(tmp_path / "decision.json")
    assert decision.thresholds == (0.25, 1.0)
    assert (decision.rule, decision.temperature) == ("global", 1.5)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"temperature": float("nan")}, "nan"),
        ({"temperature": float("inf")}, "inf"),
        ({"temperature": 0}, "temperature"),
        ({"temperature": -1.5}, "-1.5"),
        ({"thresholds": [0.5, float("nan")]}, "thresholds.1"),
        ({"thresholds": [0.5, 1.01]}, "1.01"),
        ({"thresholds": [-0.01, 0.5]}, "-0.01"),
        ({"thresholds": "0.5"}, "thresholds"),
        ({"rule": "best"}, "best"),
        ({"problem_type": "regression"}, "regression"),
        ({"cutoffs": [0.5]}, "cutoffs"),
    ],
)
def test_read_decision_refuses_what_is_out_of_range_in_one_line(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    path = tmp_path / "decision.json"
    path.write_text(json.dumps(GOOD | change))
    with pytest.raises(UserError) as caught:
        read_decision(path)
    assert named in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'"x"', b"\xff\xfe{}", b"{}"])
def test_read_decision_refuses_unreadable_files_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "decision.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="not a readable decision") as caught:
        read_decision(path)
    assert "\n" not in str(caught.value)
