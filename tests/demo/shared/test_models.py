"""The app's catalogue with checkpoints from the hub: fetched, checked, beside those that are here."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from demo.attribution.handlers import explain
from demo.compare.handlers import classify
from demo.shared.models import add_from_hub, catalogue, labels_of
from tests.checkpoints import write_toy_tfidf
from tests.demo.conftest import FEEDBACK
from tests.hub_server import Hub
from zoo.classifier import Classifier
from zoo.errors import UserError
from zoo.tfidf import TfidfModel, Vocabulary


def test_a_model_of_the_hub_stands_beside_the_local_ones(checkpoints: Path, hub: Hub, tmp_path: Path) -> None:
    alpha = checkpoints / "feedback" / "alpha"
    hub.add("ann/mine", {path.name: path.read_bytes() for path in alpha.iterdir()}, private=False)
    (tmp_path / "links").mkdir()
    root = add_from_hub(" ann/mine ,", checkpoints, tmp_path / "links")
    found = catalogue(root)
    assert list(found["feedback"]) == ["alpha", "ann--mine", "beta", "gamma"]
    assert {task: list(names) for task, names in found.items() if task != "feedback"} == {
        task: list(names) for task, names in catalogue(checkpoints).items() if task != "feedback"
    }
    comparison = classify("a good thing", "feedback", ["ann--mine"], root)
    assert [answer.name for answer in comparison.answers] == ["ann--mine"]
    fetched, local = (
        Classifier.load(each).predict_scores(["a good thing"]) for each in (found["feedback"]["ann--mine"], alpha)
    )
    assert (fetched == local).all()


def test_two_revisions_of_one_repository_are_two_checkpoints(checkpoints: Path, hub: Hub, tmp_path: Path) -> None:
    first, second = (
        {path.name: path.read_bytes() for path in (checkpoints / "feedback" / name).iterdir()}
        for name in ("alpha", "beta")
    )
    repo = hub.add("ann/mine", first, private=False)
    old = repo.commits[-1][0]
    new = repo.commit(second)
    (tmp_path / "links").mkdir()
    root = add_from_hub(f"ann/mine@{old},ann/mine@{new},ann/mine@{new}", checkpoints, tmp_path / "links")
    found = catalogue(root)["feedback"]
    assert set(found) == {"alpha", "beta", "gamma", f"ann--mine@{old}", f"ann--mine@{new}"}
    for revision, local in ((old, "alpha"), (new, "beta")):
        weights = (found[f"ann--mine@{revision}"] / "model.safetensors").read_bytes()
        assert weights == (checkpoints / "feedback" / local / "model.safetensors").read_bytes()


def test_labels_are_those_of_the_first_checkpoint_that_can_be_read(checkpoints: Path, tmp_path: Path) -> None:
    for name in ("alpha", "beta"):
        shutil.copytree(checkpoints / "feedback" / name, tmp_path / "feedback" / name)
    (tmp_path / "feedback" / "alpha" / "checkpoint.json").write_text("not JSON")
    assert labels_of("feedback", tmp_path) == FEEDBACK
    assert labels_of("sst2", tmp_path) == ()


def test_a_name_that_the_hub_has_not_is_told(checkpoints: Path, hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="hub:ann/nothing is not loaded"):
        add_from_hub("ann/nothing", checkpoints, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_linear_model_answers_and_says_why_it_shows_no_words(tmp_path: Path) -> None:
    vocabulary = Vocabulary(analyzer="word", ngrams=(1, 1), terms=("bad", "good"))
    model = TfidfModel(vocabulary, np.ones(2), csr_matrix([[0.0, 2.0], [3.0, 0.0]]), np.array([-1.0, 0.0]))
    write_toy_tfidf(tmp_path / "toy" / "tfidf-lr", model, labels=("a", "b"))
    (answer,) = classify("a good thing", "toy", ["tfidf-lr"], tmp_path).answers
    np.testing.assert_allclose(
        answer.scores, [1 / (1 + np.exp(-2)), 0.5], rtol=1e-3
    )  # one known term, so its value is 1
    assert (answer.tokens, answer.truncated) == (2, False)
    with pytest.raises(UserError, match="linear"):
        explain("a good thing", "toy", "tfidf-lr", "a", tmp_path)
