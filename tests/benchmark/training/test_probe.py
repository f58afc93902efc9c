"""The linear probe against transformers and scikit-learn put together here."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import AutoModel, AutoTokenizer

from benchmark.board.entries import make_entries
from benchmark.tasks.registry import TASKS, Task
from benchmark.tasks.rows import Rows, Split, write_splits
from benchmark.training import probe
from benchmark.training.grid import plan, run_grid
from benchmark.training.probe import predict_by_names, train_probe
from benchmark.training.recipes import ProbeRecipe, ZeroShotRecipe
from benchmark.training.runs import read_runs
from benchmark.training.stopwatch import Stopwatch
from encoder_zoo import main
from zoo.encoders.registry import get_encoder
from zoo.encoders.weights import Weights
from zoo.errors import UserError

ToyRows = Callable[..., Rows]


def _means(folder: Path, texts: list[str]) -> np.ndarray:
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        return np.stack(
            [model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(dim=0) for text in texts]
        )


def test_it_is_a_regression_on_mean_states_and_validation_chooses_c(
    tiny_bert: Path, toy_task: Task, toy_rows: ToyRows
) -> None:
    rows, said = toy_rows(toy_task), list[str]()
    found = train_probe(Weights(tiny_bert, "1"), toy_task, rows, ProbeRecipe(candidates=(1e-6, 0.5)), said.append)
    values = {line.split(":")[0]: float(line.split()[-1]) for line in said if line.startswith("C=")}
    assert list(values) == ["C=1e-06", "C=0.5"]
    inverse = 0.5 if values["C=0.5"] > values["C=1e-06"] else 1e-6
    train, test = (_means(tiny_bert, split.texts) for split in (rows.train, rows.test))
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=inverse, max_iter=1000))
    expected = pipeline.fit(train, rows.train.y_true[:, 0]).predict_proba(test)[:, 1]
    np.testing.assert_allclose(expit(found.predictions.test_logits[:, 0]), expected, atol=1e-3)


def test_a_probe_is_an_encoder_of_the_grid(tiny_bert: Path, toy_task: Task, toy_rows: ToyRows, tmp_path: Path) -> None:
    encoder = get_encoder(f"probe:{tiny_bert}")
    assert (encoder.family, encoder.fine_tuned) == ("linear", False)
    cells = plan({toy_task: toy_rows(toy_task)}, [encoder], [0], tmp_path)
    assert run_grid(cells, lambda now: None) == {}
    (run,) = read_runs(tmp_path)
    assert run.info.recipe == ProbeRecipe()
    assert run.info.trained_parameters < run.info.parameters
    (entry,) = make_entries([run], {toy_task.name: toy_task})
    assert (entry.encoder, entry.variant, entry.random) == (encoder.name, "", False)
    with pytest.raises(UserError, match=r"Recipe: epochs does not apply"):
        plan({toy_task: toy_rows(toy_task)}, [encoder], [0], tmp_path / "other", epochs=2)


def test_zero_shot_is_the_scaled_cosine_with_each_name(toy_task: Task, toy_rows: ToyRows, tiny_bert: Path) -> None:
    rows = toy_rows(toy_task)
    found = predict_by_names(Weights(tiny_bert, "1"), toy_task, rows, ZeroShotRecipe(template="it was {}"))
    names = _means(tiny_bert, [f"it was {label}" for label in toy_task.labels])
    train, test = (cosine_similarity(_means(tiny_bert, each.texts), names) for each in (rows.train, rows.test))
    expected = (test - train.mean(axis=0)) / train.std(axis=0)
    np.testing.assert_allclose(found.predictions.test_logits, expected, atol=2e-3)


def test_the_peak_of_zero_shot_is_measured_where_that_of_the_others_is(
    toy_task: Task, toy_rows: ToyRows, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU, whose memory counts there; torch calls the processor cpu:0, too."""
    asked: list[str] = []

    class Told(Stopwatch):
        def __init__(self, device: str = "cpu") -> None:
            asked.append(device)
            super().__init__(device)

    monkeypatch.setattr(probe, "device", lambda: "cpu:0")
    monkeypatch.setattr(probe, "Stopwatch", Told)
    weights, rows = Weights(tiny_bert, "1"), toy_rows(toy_task)
    train_probe(weights, toy_task, rows, ProbeRecipe(candidates=(1.0,)))
    predict_by_names(weights, toy_task, rows, ZeroShotRecipe())
    assert asked == ["cpu:0", "cpu:0"]


@pytest.mark.slow
def test_zero_shot_learns_nothing_from_the_labels_of_train(
    toy_task: Task, toy_rows: ToyRows, tiny_bert: Path, tmp_path: Path
) -> None:
    encoder, rows = get_encoder(f"zero-shot:{tiny_bert}"), toy_rows(toy_task)
    assert encoder.name.startswith("zero-shot:tiny-bert@")
    other = replace(rows, train=Split(rows.train.texts, 1 - rows.train.y_true), fingerprint="other")
    logits = []
    for number, each in enumerate((rows, other)):
        cells = plan({toy_task: each}, [encoder], [0], tmp_path / str(number))
        assert run_grid(cells, lambda now: None) == {}
        (run,) = read_runs(tmp_path / str(number))
        assert run.info.recipe == ZeroShotRecipe()
        logits.append(run.predictions.test_logits)
    np.testing.assert_array_equal(*logits)


def test_a_run_can_begin_with_probes_and_their_board(
    toy_task: Task,
    toy_rows: ToyRows,
    tiny_bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(TASKS, toy_task.name, toy_task)
    data, results = write_splits(toy_task, toy_rows(toy_task), tmp_path / "data").parent, tmp_path / "results"
    recipe = '{"epochs": 1, "max_length": 16}'
    arguments = ["--tasks", "toy", "--encoders", str(tiny_bert), "--seeds", "1", "--recipe", recipe, "--probe-first"]
    arguments += ["--data-dir", str(data), "--results", str(results)]
    monkeypatch.setattr("sys.argv", ["encoder-zoo", "run", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    shown = capsys.readouterr().out
    steps = ("toy / probe:tiny-bert@", "before they are fine-tuned", "epoch 1:")
    assert sorted(steps, key=shown.index) == list(steps)
    runs = {run.info.encoder.partition("@")[0]: run for run in read_runs(results)}
    assert sorted(runs) == ["probe:tiny-bert", "tiny-bert"]
    assert runs["probe:tiny-bert"].info.recipe == ProbeRecipe(max_length=16)
    assert (results / "toy" / "README.md").is_file()


def test_what_has_no_states_is_no_probe() -> None:
    for use in ("probe", "zero-shot"):
        for name in ("tfidf-lr", "probe:minilm-l6"):
            with pytest.raises(UserError, match=f"'{use}:' stands before a pretrained encoder, and '{name}' is none"):
                get_encoder(f"{use}:{name}")
    with pytest.raises(UserError, match="Did you mean 'minilm-l6'"):
        get_encoder("probe:minilm")


def test_probes_first_without_an_encoder_to_fine_tune_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--tasks", "feedback", "--encoders", "tfidf-lr", "--results", str(tmp_path), "--probe-first"]
    monkeypatch.setattr("sys.argv", ["encoder-zoo", "run", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "--probe-first does not apply" in capsys.readouterr().err
