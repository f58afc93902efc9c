"""A pretrained encoder as it is, read by the mean of its states. A linear probe puts one logistic regression a label on
it; zero-shot compares it with that of each label's name."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler, normalize

from benchmark.statistics.fit_decision import fit_decision
from benchmark.statistics.resampling import points
from benchmark.statistics.seeds import score
from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from benchmark.training.baseline import logits_of, modelled, size_of_model, train_label
from benchmark.training.latency import measure_latency
from benchmark.training.recipes import ProbeRecipe, ZeroShotRecipe
from benchmark.training.runs import Predictions
from benchmark.training.stopwatch import Measured, Stopwatch
from zoo.checkpoints.pretrained import count_positions, load_pretrained, read_config
from zoo.classifier import predict_logits
from zoo.encoders.weights import Weights
from zoo.hardware import device
from zoo.long_text import encode
from zoo.pooling import summarise
from zoo.tokenizer import load_tokenizer


class _Pooled(torch.nn.Module):
    """The encoder as `predict_logits` takes a model: its "logits" are the means of its states."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder, self.device = encoder, encoder.device
        self.config = SimpleNamespace(num_labels=encoder.config.hidden_size)

    def forward(self, **batch: Any) -> Any:
        states = self.encoder(**batch).last_hidden_state
        return SimpleNamespace(logits=summarise(states, batch["attention_mask"], "mean"))


@dataclass(frozen=True)
class States:
    """A pretrained encoder that gives the mean of its last states: `states(texts, max_length)`, (n, hidden_size)."""

    encoder: Any
    tokenizer: Any
    positions: int | None

    def __call__(self, texts: list[str], max_length: int) -> np.ndarray:
        pooled: Any = _Pooled(self.encoder)
        return predict_logits(pooled, self.tokenizer, encode(self.tokenizer, texts, max_length))


def load_states(weights: Weights, task: Task) -> States:
    """Load an encoder, onto the GPU where there is one. Any task will do: its head is not used."""
    model = load_pretrained(weights.folder, read_config(weights.folder, task.problem_type, task.labels))[0]
    return States(model.base_model.to(torch.device(device())), load_tokenizer(weights.folder), count_positions(model))


@dataclass(frozen=True)
class Probe:
    """What a probe predicts and what it cost. It leaves no checkpoint."""

    predictions: Predictions
    measured: Measured


def train_probe(
    weights: Weights, task: Task, rows: Rows, recipe: ProbeRecipe, say: Callable[[str], object] = lambda line: None
) -> Probe:
    """Train on `rows.train`, choose the regularisation by `rows.validation`, predict validation and test.

    The states are scaled to mean 0 and variance 1 over the train texts. The predictions do not depend on the seed.
    """
    watch, length = Stopwatch(device()), recipe.max_length
    states = load_states(weights, task)
    with watch.time("training"):
        validation = states(rows.validation.texts, length)
        linear = fit_linear(task, rows, recipe, states(rows.train.texts, length), validation, say)
    with watch.time("inference"):
        test_logits = linear(states(rows.test.texts, length))
    predictions = Predictions(linear(validation), rows.validation.y_true, test_logits, rows.test.y_true)

    def answer(texts: list[str], length: int) -> np.ndarray:
        return linear(states(texts, length))

    return Probe(predictions, measured(watch, states, rows, len(rows.train), length, linear.size, answer, say))


def predict_by_names(
    weights: Weights, task: Task, rows: Rows, recipe: ZeroShotRecipe, say: Callable[[str], object] = lambda line: None
) -> Probe:
    """Predict validation and test without a label of train: how near a text's state is to that of a label's name.

    A logit is the cosine of the two, scaled to mean 0 and variance 1 over the train texts. Only the decision, which is
    fitted later, takes labels, those of validation. The predictions do not depend on the seed.
    """
    watch, length = Stopwatch(device()), recipe.max_length
    states = load_states(weights, task)
    names = [recipe.template.replace("{}", re.sub("[_-]+", " ", label)) for label in task.labels]
    of_names = normalize(states(names, length))

    def cosines(texts: list[str], length: int) -> np.ndarray:
        return normalize(states(texts, length)) @ of_names.T

    with watch.time("training"):
        scaler = StandardScaler().fit(cosines(rows.train.texts, length))
        validation = scaler.transform(cosines(rows.validation.texts, length))
    with watch.time("inference"):
        test = scaler.transform(cosines(rows.test.texts, length))
    predictions = Predictions(validation, rows.validation.y_true, test, rows.test.y_true)
    own = of_names.size + 2 * len(names)
    return Probe(
        predictions,
        measured(watch, states, rows, len(rows.train), length, own, lambda *of: scaler.transform(cosines(*of)), say),
    )


def measured(
    watch: Stopwatch,
    states: States,
    rows: Rows,
    read: int,
    length: int,
    own: int,
    answer: Callable[[list[str], int], np.ndarray],
    say: Callable[[str], object],
) -> Measured:
    """Return what a run cost, of which `own` numbers were computed from the `read` train rows that it used."""
    return watch.measured(
        train_examples=read,
        test_examples=len(rows.test),
        parameters=sum(p.numel() for p in states.encoder.parameters()) + own,
        embedding_parameters=sum(p.numel() for p in states.encoder.get_input_embeddings().parameters()),
        trained_parameters=own,
        truncated=float(np.mean([len(ids) > length for ids in _ids(states.tokenizer, rows.test.texts)])),
        latency=measure_latency(answer, rows.test.texts, states.positions, say),
        hardware={"precision": "fp32", "threads": torch.get_num_threads()},
    )


def _ids(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    return tokenizer(texts, return_attention_mask=False, verbose=False)["input_ids"]


@dataclass(frozen=True)
class Linear:
    """A fitted linear model: states, shape (n, hidden_size), become logits, shape (n, num_labels)."""

    task: Task
    scaler: StandardScaler
    models: list[LogisticRegression | float]

    def __call__(self, states: np.ndarray) -> np.ndarray:
        return logits_of(self.models, self.scaler.transform(states), self.task)

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return sum(map(size_of_model, self.models)) + 2 * len(self.scaler.mean_)


def fit_linear(
    task: Task,
    rows: Rows,
    recipe: ProbeRecipe,
    train: np.ndarray,
    validation: np.ndarray,
    say: Callable[[str], object] = lambda line: None,
) -> Linear:
    """Return the linear model with the C that is best by the main metric on validation, the first of equals.

    `train` and `validation` are the states of these rows, shape (n, hidden_size).
    """
    scaler = StandardScaler().fit(train)
    scaled, best = scaler.transform(train), None
    for inverse in recipe.candidates:
        models = [
            train_label(scaled, rows.train.y_true[:, label], LogisticRegression(C=inverse, max_iter=1000))
            for label in modelled(task)
        ]
        linear = Linear(task, scaler, models)
        logits = linear(validation)
        decision = fit_decision(task.problem_type, logits, rows.validation.y_true, task.rule, task.average)
        worth = float(points([score(decision, logits, rows.validation.y_true)], task.main_metric)[0])
        say(f"C={inverse:g}: validation {worth:.4f}")
        if best is None or worth > best[0]:
            best = worth, linear
    assert best is not None
    return best[1]
