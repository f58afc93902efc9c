"""Few-shot training by contrast, with SetFit: a few rows a label move the encoder's states, a linear model reads them.

Tunstall et al. 2022, "Efficient Few-Shot Learning Without Prompts". The library setfit draws the pairs of texts and
trains on them; the states are then read as a probe reads them, with scikit-learn's default regularisation.
"""

import tempfile
import warnings
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from transformers import PrinterCallback, TrainerCallback

from benchmark.tasks.registry import Task
from benchmark.tasks.rows import Rows, Split, take
from benchmark.training.baseline import logits_of, modelled, size_of_model, train_label
from benchmark.training.probe import Probe, States, load_states, measured
from benchmark.training.recipes import SetFitRecipe
from benchmark.training.runs import Predictions, RunReport
from benchmark.training.stopwatch import Stopwatch
from zoo.checkpoints.loading import quiet
from zoo.encoders.weights import Weights
from zoo.errors import UserError
from zoo.hardware import device


def find_setfit() -> None:
    """Raise UserError where setfit is not installed."""
    if find_spec("setfit") is None:
        raise UserError("'setfit-…:' needs setfit; install it: pip install -r requirements-setfit.txt")


def draw_shots(y_true: np.ndarray, shots: int, seed: int) -> np.ndarray:
    """Return the numbers of some rows, ascending: at random, `shots` of each label, and `shots` without any label.

    The labels with the fewest rows come first, and a row counts for all of its labels. A label with fewer rows gives
    all that it has.

    Args:
        y_true: gold labels, shape (n, num_labels).
        shots: how many rows each label gets at least.
        seed: fixes the draw.
    """
    kinds = np.column_stack([y_true, y_true.sum(axis=1) == 0]).astype(bool)
    order, chosen = np.random.default_rng(seed).permutation(len(kinds)), np.zeros(len(kinds), bool)
    for kind in np.argsort(kinds.sum(axis=0), kind="stable"):
        missing = shots - int(kinds[chosen, kind].sum())
        free = order[kinds[order, kind] & ~chosen[order]]
        chosen[free[: max(missing, 0)]] = True
    return np.flatnonzero(chosen)


def train_few_shot(
    weights: Weights,
    task: Task,
    rows: Rows,
    recipe: SetFitRecipe,
    shots: int,
    report: RunReport = lambda share, line: None,
) -> Probe:
    """Train on `shots` rows a label of `rows.train`, predict validation and test.

    Raises:
        UserError: setfit is not installed, or the labels of the drawn rows contrast nothing.
    """
    find_setfit()
    watch, length = Stopwatch(device()), recipe.max_length
    few = take(rows.train, draw_shots(rows.train.y_true, shots, recipe.seed))
    common = few.y_true @ few.y_true.T > 0
    if common.all() or not common.any():
        which = "have a label in common" if common.all() else "have no label"
        raise UserError(f"All of the {len(few)} train rows that were drawn {which}, so SetFit has nothing to contrast")
    report(0.0, f"{len(few)} of {len(rows.train):,} train rows, {shots} a label")
    states = load_states(weights, task)
    with watch.time("training"):
        _contrast(weights, states, task, few, recipe, report)
        features = states(few.texts, length)
        models = [
            train_label(features, few.y_true[:, label], LogisticRegression(C=recipe.inverse_regularisation))
            for label in modelled(task)
        ]

    def answer(texts: list[str], length: int) -> np.ndarray:
        return logits_of(models, states(texts, length), task)

    validation_logits = answer(rows.validation.texts, length)
    with watch.time("inference"):
        test_logits = answer(rows.test.texts, length)
    predictions = Predictions(validation_logits, rows.validation.y_true, test_logits, rows.test.y_true)
    own = sum(map(size_of_model, models))
    cost = measured(watch, states, rows, len(few), length, own, answer, lambda line: report(1.0, line))
    return Probe(predictions, replace(cost, trained_parameters=cost.parameters))


class _Share(TrainerCallback):
    """Reports how far the training is."""

    def __init__(self, report: RunReport) -> None:
        self._report = report

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._report(state.global_step / state.max_steps, "")


def _contrast(
    weights: Weights, states: States, task: Task, few: Split, recipe: SetFitRecipe, report: RunReport
) -> None:
    """Train the encoder of `states`, in place, so that texts with a label in common have similar states."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from setfit import SetFitModel, Trainer, TrainingArguments, logging

    logging.set_verbosity_error()
    labels = few.y_true.tolist() if task.multi_label else few.y_true.argmax(axis=1).tolist()
    with quiet(), warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.filterwarnings("ignore", "'pin_memory'")  # setfit asks for it on a CPU, too
        transformer = Transformer(
            str(weights.folder), max_seq_length=recipe.max_length, processor_kwargs={"split_special_tokens": True}
        )
        transformer.model = states.encoder
        body = SentenceTransformer(modules=[transformer, Pooling(states.encoder.config.hidden_size, "mean")])
        arguments = TrainingArguments(
            output_dir=folder,
            batch_size=recipe.batch_size,
            num_epochs=1,
            num_iterations=recipe.iterations,
            body_learning_rate=recipe.learning_rate,
            max_length=recipe.max_length,
            seed=recipe.seed,
            report_to="none",
            save_strategy="no",
            logging_strategy="no",
            show_progress_bar=False,
        )
        model = SetFitModel(body, None, multi_target_strategy="one-vs-rest" if task.multi_label else None)
        trainer = Trainer(model, arguments, callbacks=[_Share(report)])
        trainer.remove_callback(PrinterCallback)  # our own report takes its place
        trainer.train_embeddings(few.texts, labels, args=arguments)
    states.encoder.eval()
