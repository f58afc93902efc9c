"""A comparison under another policy: its thresholds against scikit-learn's figures on the same validation rows."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sklearn.metrics import fbeta_score, precision_score

from benchmark.tasks.registry import TASKS
from benchmark.training.runs import RESULTS, read_run
from demo.compare.handlers import Answer, Comparison
from demo.compare.policies import fitted, read_policy, under
from tests.demo.compare_steps import decided
from zoo.checkpoints.checkpoint import CHECKPOINTS, find_checkpoints, read_checkpoint
from zoo.decision import Decision
from zoo.errors import UserError

FEEDBACK = TASKS["feedback"].labels
OWN = next(folder for folder in find_checkpoints(CHECKPOINTS) if folder.parent.name == "feedback")
SCORES = tuple(np.linspace(0.1, 0.9, len(FEEDBACK)).tolist())


def comparison(name: str) -> Comparison:
    """One checkpoint's answer, made up, so that no model is loaded."""
    fixed = (0.5,) * len(FEEDBACK)
    answer = Answer(name, SCORES, fixed, SCORES, fixed, tokens=3, capacity=9, truncated=False, milliseconds=1.0)
    return Comparison("feedback", "multi_label_classification", FEEDBACK, (answer,), ())


def validation_of(decision: Decision) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = read_run(next(RESULTS.glob(f"feedback/*/*-{read_checkpoint(OWN).info.run}"))).predictions
    y_score = decision.scores(found.validation_logits)
    return found.validation_y_true, y_score, decision.decide(y_score)


def test_thresholds_reach_the_precision_that_is_asked_for_on_validation() -> None:
    decision = fitted(read_checkpoint(OWN), read_policy("precision=0.9"))
    assert decision.temperature == read_checkpoint(OWN).decision.temperature
    y_true, _, y_pred = validation_of(decision)
    frequent = y_true.sum(axis=0) >= 10
    reached = precision_score(y_true, y_pred, average=None, zero_division=1)
    assert frequent.any()
    assert (reached[frequent] >= 0.9).all()


def test_no_other_threshold_has_a_higher_f_beta() -> None:
    decision = fitted(read_checkpoint(OWN), read_policy("f-beta=2"))
    y_true, y_score, y_pred = validation_of(decision)
    for label in np.flatnonzero(y_true.sum(axis=0) >= 10):
        gold, score = y_true[:, label], y_score[:, label]
        decided = score[:, None] >= np.unique(score)  # a column for each threshold
        of_each = fbeta_score(np.broadcast_to(gold[:, None], decided.shape), decided, beta=2, average=None)
        assert fbeta_score(gold, y_pred[:, label], beta=2) == pytest.approx(of_each.max())


def test_a_comparison_under_a_policy_has_its_thresholds_and_the_same_scores() -> None:
    plain, own = under(comparison(OWN.name), "", "en", None)
    assert plain == comparison(OWN.name)
    assert own[OWN.name] == read_checkpoint(OWN).decision
    found, decisions = under(comparison(OWN.name), "recall=0.9", "en", None)
    (answer,) = found.answers
    assert answer.scores == SCORES
    assert answer.thresholds == decisions[OWN.name].thresholds != own[OWN.name].thresholds
    assert answer.raw_thresholds != answer.thresholds


def test_what_cannot_be_fitted_is_told(checkpoints: Path) -> None:
    found, decisions = under(comparison("alpha"), "precision=0.9", "en", checkpoints)
    assert (found.answers, decisions) == ((), {})
    assert "do not hold the run that trained it" in found.failures[0].error
    more = ("at-most=2", "at-least-one", "abstain=0.1", "price:recall=0.9", "precision=0.9,recall=0.8")  # command line
    for text in ("precision=7", "cost=1", "prec", "x" * 999, *more):
        with pytest.raises(UserError, match="is no policy; use one such as") as raised:
            read_policy(text)
        assert len(str(raised.value)) < 250


@pytest.fixture
def fast(make_checkpoint: object, tmp_path: Path, browser: BrowserContext) -> Iterator[str]:
    """The address of an app with one tiny checkpoint, which has the run of one of the project's own."""
    from app import build
    from zoo.files import write_text

    folder = make_checkpoint(tmp_path / "feedback" / "tiny", FEEDBACK, "multi_label_classification", 0, (0.5,) * 8)  # type: ignore[operator]
    info = read_checkpoint(folder).info.model_copy(update={"run": read_checkpoint(OWN).info.run})
    write_text(folder / "checkpoint.json", info.model_dump_json())
    demo, arguments = build(tmp_path, None)
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **arguments)
    yield address
    demo.close()


@pytest.mark.parametrize("policy", ["prec=1", "at-most=2"])
def test_a_link_with_a_policy_that_is_none_says_so_once(blank: Page, address: str, policy: str) -> None:
    blank.goto(f"{address}#tab=compare&task=feedback&policy={policy}")
    blank.wait_for_selector("#compare .zoo-notice")
    expect(blank.locator("#compare .zoo-notice")).to_contain_text(f"'{policy}' is no policy; use one such as")
    blank.locator("#classify").click()
    blank.wait_for_selector(".zoo-table")
    assert "policy" not in blank.url


@pytest.mark.slow
def test_a_visitor_chooses_a_policy_and_the_address_keeps_it(blank: Page, fast: str) -> None:
    blank.goto(f"{fast}#tab=compare")
    blank.wait_for_selector(".zoo-table")
    policy, mode = blank.get_by_label("What the thresholds are fitted for"), blank.locator(".zoo-mode")
    before = decided(blank)
    policy.select_option("precision")
    expect(mode).to_contain_text("fitted on validation data for a precision of at least 0.9")
    value = blank.get_by_label("precision of at least")
    value.fill("7")
    value.press("Enter")
    expect(mode).to_have_text("A precision is a number over 0, up to 1, not 7")
    value.fill("0.99")
    value.press("Enter")
    expect(mode).to_contain_text("of at least 0.99")
    high = decided(blank)
    blank.reload()
    expect(mode).to_contain_text("of at least 0.99")
    assert decided(blank) == high
    assert "policy=precision%3D0.99" in blank.url
    assert "thresholds=thresholds[name]" in blank.locator(".zoo-sharing code").text_content()
    blank.get_by_role("button", name="Fitted thresholds").click()
    expect(mode).to_contain_text("each model uses its own, chosen on validation data")
    assert decided(blank) == before
