"""Texts to label first: against entropies and layers computed here by hand."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from benchmark.more_labels.suggest import choose, look, suggest, uncertainty
from encoder_zoo import main
from tests.checkpoints import QUICK
from zoo.checkpoints.checkpoint import CHECKPOINTS
from zoo.classifier import Classifier
from zoo.errors import UserError
from zoo.serving import load_classifier

TFIDF = CHECKPOINTS / "feedback" / "tfidf-lr"
TEXTS = ["late parcel", "", "Late  Parcel", "great price", "I want a refund", "when does it arrive?", "awful quality"]


def test_uncertainty_is_the_entropy() -> None:
    y_score = np.array([[0.5, 0.5], [0.9, 0.1], [1.0, 0.0]])
    single, several = (uncertainty(f"{kind}_label_classification", y_score) for kind in ("single", "multi"))  # type: ignore[arg-type]
    np.testing.assert_allclose(single, entropy(y_score, axis=1))
    np.testing.assert_allclose(several, 2 * entropy(y_score, axis=1))


def test_the_scores_are_the_classifiers_and_the_features_give_its_logits() -> None:
    classifier = Classifier.load(QUICK)
    texts = [text for text in TEXTS if text]
    y_score, features = look(classifier, texts)
    np.testing.assert_allclose(y_score, classifier.predict_scores(texts), atol=1e-5)
    head = classifier.model.classifier  # type: ignore[attr-defined]
    with torch.no_grad():
        logits = head(torch.from_numpy(np.asarray(features)))
    np.testing.assert_allclose(classifier.decision.scores(logits.numpy()), y_score, atol=1e-5)


def test_chosen_texts_are_unsure_and_of_different_kinds() -> None:
    """Three heaps of texts: two of unsure texts, and a large one of texts that are sure."""
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]]).repeat([4, 2, 200], axis=0)
    features = centres + rng.normal(size=centres.shape)
    weights = np.array([2.0, 1.9, 0.001]).repeat([4, 2, 200]) + rng.random(206) / 1000
    chosen = choose(features, weights, 2)  # the two texts that are most unsure are of one kind
    assert chosen[0] < 4 <= chosen[1] < 6
    assert weights[chosen[0]] > weights[chosen[1]]
    assert len(set(choose(features, weights, 60))) == 60


@pytest.mark.parametrize("folder", [TFIDF, QUICK], ids=["tfidf", "encoder"])
def test_empty_and_repeated_texts_are_not_suggested(folder: Path) -> None:
    classifier = load_classifier(folder)
    found = suggest(classifier, TEXTS, 5)
    assert sorted(found["row"]) == [1, 4, 5, 6, 7]
    assert found["text"].tolist() == [TEXTS[row - 1] for row in found["row"]]
    assert found["uncertainty"].is_monotonic_decreasing
    decided = classifier.decide(classifier.predict_scores(found["text"].tolist()))
    names = ["|".join(np.array(classifier.info.labels)[row == 1]) for row in decided]
    assert found["labels"].tolist() == names
    with pytest.raises(UserError, match="There are 5 different texts, and 6 are asked for"):
        suggest(classifier, TEXTS, 6)


def test_the_command_writes_a_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "first.csv"
    with source.open("w", newline="") as file:
        csv.writer(file).writerows([["id", "text"], *enumerate(TEXTS)])
    arguments = ["suggest", str(source), "--checkpoint", str(TFIDF), "-n", "3", "--to", str(target)]
    monkeypatch.setattr("sys.argv", ["encoder-zoo", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["row", "text", "labels", "uncertainty"]
    assert [row["text"] for row in rows] == [TEXTS[int(row["row"]) - 1] for row in rows]
