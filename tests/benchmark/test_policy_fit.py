"""A policy for a checkpoint: fitted on validation alone, judged on test, kept in the checkpoint, used by predict."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score, fbeta_score, precision_score, recall_score

from benchmark.from_logits.policy_fit import PolicyFit, fit_policy, of_labels, of_texts
from benchmark.training.runs import RESULTS
from encoder_zoo import main
from zoo.checkpoints.checkpoint import CHECKPOINTS, read_checkpoint
from zoo.decision import read_decision
from zoo.errors import UserError
from zoo.policy import parse_policy

OWN = CHECKPOINTS / "feedback" / "zoo-bert-en"
INFO = read_checkpoint(OWN).info


def _fit(*words: str) -> PolicyFit:
    return fit_policy(INFO, RESULTS, parse_policy(words))


def test_the_default_policy_is_the_checkpoints_decision() -> None:
    """Of a checkpoint that was not made smaller: such a one has its decision fitted again."""
    whole = read_checkpoint(CHECKPOINTS / "go_emotions" / "minilm-l6")
    assert whole.info.reduction is None
    assert fit_policy(whole.info, RESULTS, parse_policy(["f-beta=1"])).decision == whole.decision


def test_figures_are_scikit_learns() -> None:
    fit = _fit("precision=0.9", "refund:recall=0.95", "price:f-beta=2", "quality:cost=1/4")
    table = of_labels(fit).set_index(["label", "metric"])
    scored = fit.test(fit.decision)
    gold, decided = scored.y_true, scored.y_pred
    precision, recall = (f(gold, decided, average=None, zero_division=0) for f in (precision_score, recall_score))
    assert table.loc[("delivery", "precision"), "test"] == pytest.approx(precision[0])
    assert table.loc[("refund", "recall"), "test"] == pytest.approx(recall[4])
    assert table.loc[("price", "f-beta"), "test"] == pytest.approx(fbeta_score(gold[:, 1], decided[:, 1], beta=2))
    false, missed = ((decided[:, 2] > gold[:, 2]).sum(), (decided[:, 2] < gold[:, 2]).sum())
    assert table.loc[("quality", "cost"), "test"] == false + 4 * missed
    assert table.loc[("all labels", "precision"), "test"] == pytest.approx(
        precision_score(gold, decided, average="micro")
    )
    assert ((table["low_95"] <= table["test"]) & (table["test"] <= table["high_95"])).all()
    asked = table[table["asked"].notna() & (table.index.get_level_values("label") != "all labels")]
    assert (asked["validation"] >= asked["asked"]).all()
    assert table.loc[("delivery", "recall"), "default"] > table.loc[("delivery", "recall"), "test"]


def test_a_policy_is_fitted_without_the_test_rows() -> None:
    fit = _fit("precision=0.9,recall=0.95")
    found = fit.run.predictions
    nonsense = replace(found, test_logits=-found.test_logits, test_y_true=1 - found.test_y_true)
    again = PolicyFit(fit.task, replace(fit.run, predictions=nonsense), fit.policy)
    assert again.decision == fit.decision


def test_what_no_threshold_reaches_is_told() -> None:
    fit = _fit("precision=1")
    found = fit.run.predictions
    y_true = found.validation_y_true.copy()
    y_true[found.validation_logits[:, 0].argmax(), 0] = 0  # the highest score is wrong, so every cut is
    changed = replace(fit.run, predictions=replace(found, validation_y_true=y_true))
    table = of_labels(PolicyFit(fit.task, changed, fit.policy)).set_index(["label", "metric"])
    told = table.xs("precision", level="metric")["verdict"].str.contains("no threshold reached it on validation")
    assert told[told].index.tolist() == ["delivery"]
    assert table.loc[("delivery", "precision"), "validation"] < 1


def test_two_thresholds_hand_texts_to_a_person_and_find_the_labels_that_one_alone_misses() -> None:
    fit = _fit("precision=0.9,recall=0.95")
    table, texts = of_labels(fit).set_index(["label", "metric"]), of_texts(fit)
    scored = fit.test(fit.decision)
    low = np.array(fit.decision.unsure)[:, 0]
    found = (scored.y_score >= low) & (scored.y_true == 1)
    assert table.loc[("all labels", "recall"), "test"] == pytest.approx(found.sum() / scored.y_true.sum())
    handed = texts.loc["share of texts handed to a person"]
    assert handed["policy"] == pytest.approx(fit.decision.hand_over(scored.y_score).mean())
    assert handed["policy"] > 0
    assert handed["default"] == 0
    kept = ~fit.decision.hand_over(scored.y_score)
    f1 = f1_score(scored.y_true[kept], scored.y_pred[kept], average="micro")
    assert texts.loc["f1_micro of the other texts", "policy"] == pytest.approx(f1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["precision=1.5"], "less than or equal to 1"),
        (["precison=0.5"], "is no policy"),
        (["cost=3"], "cost"),
        (["refund:at-most=2"], "a label can have"),
        (["f-beta=1,cost=1/2"], "a goal is one of"),
        (["precision=0.9,recall=0.9,abstain=0.1"], "leave abstain out"),
        (["at-most=0"], "at_most"),
        (["refnd:recall=0.9"], "Did you mean 'refund'"),
    ],
)
def test_a_wrong_policy_is_refused_in_one_line(words: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        _fit(*words)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_policy_is_kept_and_predict_goes_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint, texts = tmp_path / "model", tmp_path / "texts.csv"
    shutil.copytree(OWN, checkpoint)
    texts.write_text("text\nthe parcel is late and I want my money back\nhello there\n")
    words = ["--policy", "recall=0.9,at-most=1,at-least-one,abstain=0.2"]

    def run(*arguments: str) -> None:
        monkeypatch.setattr("sys.argv", ["encoder-zoo", *arguments, "--results", str(RESULTS)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0

    given = ["predict", str(checkpoint), "--input", str(texts), "--output"]
    run(*given, str(tmp_path / "asked.csv"), *words)
    run("decide", str(checkpoint), *words, "--write")
    assert str(read_decision(checkpoint / "decision.json").policy) == "recall=0.9, at-least-one, at-most=1, abstain=0.2"
    card = (checkpoint / "README.md").read_text()
    assert "for the policy `recall=0.9, at-least-one, at-most=1, abstain=0.2`" in card
    table = of_labels(fit_policy(INFO, RESULTS, parse_policy(["recall=0.9,at-most=1,at-least-one,abstain=0.2"])))
    for row in table.to_dict("records"):
        assert f"{row['test']:.3f} [{row['low_95']:.3f}, {row['high_95']:.3f}]" in card
    run(*given, str(tmp_path / "kept.csv"))
    assert (tmp_path / "asked.csv").read_bytes() == (tmp_path / "kept.csv").read_bytes()
    rows = list(csv.DictReader((tmp_path / "kept.csv").open()))
    assert [len(json.loads(row["labels"])) for row in rows] == [1, 1]
    assert {row["to_person"] for row in rows} <= {"true", "false"}


def test_rows_of_one_group_are_drawn_together() -> None:
    """Rows that stand ten times each say as much as once: the intervals are those of the rows that stand once."""
    fit = _fit("precision=0.9", "price:cost=1/4")
    found = fit.run.predictions
    tenfold = replace(
        found,
        test_logits=np.repeat(found.test_logits, 10, axis=0),
        test_y_true=np.repeat(found.test_y_true, 10, axis=0),
    )
    groups = np.repeat(np.arange(len(found.test_y_true)), 10)
    run = replace(fit.run, predictions=tenfold)
    once, alone, kept = (of_labels(each).set_index(["label", "metric"]) for each in (
        fit, PolicyFit(fit.task, run, fit.policy), PolicyFit(fit.task, run, fit.policy, groups)))  # fmt: skip
    for key in (("all labels", "precision"), ("delivery", "precision")):
        wide, narrow, expected = (t.loc[key, "high_95"] - t.loc[key, "low_95"] for t in (kept, alone, once))
        assert narrow < 0.5 * expected < 0.75 * wide
