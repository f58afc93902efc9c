"""A linear probe: a pretrained encoder as it is, and one logistic regression a label on the mean of its states."""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from benchmark.statistics.fit_decision import fit_decision
from benchmark.statistics.resampling import points
from benchmark.statistics.seeds import score
from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows
from benchmark.training.baseline import logits_of, modelled, size_of_model, train_label
from benchmark.training.latency import measure_latency
from benchmark.training.recipes import ProbeRecipe
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
    watch = Stopwatch(device())
    tokenizer = load_tokenizer(weights.folder)
    model = load_pretrained(weights.folder, read_config(weights.folder, task.problem_type, task.labels))[0]
    encoder = _Pooled(model.base_model.to(torch.device(device())))

    def states(texts: list[str], length: int = recipe.max_length) -> np.ndarray:
        return predict_logits(encoder, tokenizer, encode(tokenizer, texts, length))  # type: ignore[arg-type]

    with watch.time("training"):
        scaler = StandardScaler()
        train, validation = scaler.fit_transform(states(rows.train.texts)), states(rows.validation.texts)
        models, validation_logits = _best(task, rows, recipe, train, scaler.transform(validation), say)
    with watch.time("inference"):
        test_logits = logits_of(models, scaler.transform(states(rows.test.texts)), task)
    own = sum(map(size_of_model, models)) + 2 * train.shape[1]
    measured = watch.measured(
        train_examples=len(rows.train),
        test_examples=len(rows.test),
        parameters=sum(p.numel() for p in encoder.parameters()) + own,
        embedding_parameters=sum(p.numel() for p in model.get_input_embeddings().parameters()),
        trained_parameters=own,
        truncated=float(np.mean([len(ids) > recipe.max_length for ids in _ids(tokenizer, rows.test.texts)])),
        latency=measure_latency(
            lambda texts, length: logits_of(models, scaler.transform(states(texts, length)), task),
            rows.test.texts,
            count_positions(model),
            say,
        ),
        hardware={"precision": "fp32", "threads": torch.get_num_threads()},
    )
    return Probe(Predictions(validation_logits, rows.validation.y_true, test_logits, rows.test.y_true), measured)


def _ids(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    return tokenizer(texts, return_attention_mask=False, verbose=False)["input_ids"]


def _best(
    task: Task,
    rows: Rows,
    recipe: ProbeRecipe,
    train: np.ndarray,
    validation: np.ndarray,
    say: Callable[[str], object],
) -> tuple[list[LogisticRegression | float], np.ndarray]:
    """Return the models of the best C by the main metric on validation (the first of equals), and their validation
    logits."""
    best: tuple[float, list[LogisticRegression | float], np.ndarray] | None = None
    for inverse in recipe.candidates:
        models = [
            train_label(train, rows.train.y_true[:, label], LogisticRegression(C=inverse, max_iter=1000))
            for label in modelled(task)
        ]
        logits = logits_of(models, validation, task)
        decision = fit_decision(task.problem_type, logits, rows.validation.y_true, task.rule, task.average)
        worth = float(points([score(decision, logits, rows.validation.y_true)], task.main_metric)[0])
        say(f"C={inverse:g}: validation {worth:.4f}")
        if best is None or worth > best[0]:
            best = worth, models, logits
    assert best is not None
    return best[1:]
