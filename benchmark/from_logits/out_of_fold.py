"""What a probe says of train rows that it was not trained on, for an audit of their labels: out-of-fold predictions."""

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from benchmark.from_logits.label_errors import Evidence
from benchmark.statistics.fit_decision import fit_decision
from benchmark.tasks.registry import Task
from benchmark.tasks.row_facts import normalized
from benchmark.tasks.rows import Rows, Split, take
from benchmark.tasks.splits import joined, stratify
from benchmark.training.probe import fit_linear, load_states
from benchmark.training.recipes import ProbeRecipe
from zoo.encoders.encoder import Encoder
from zoo.encoders.weights import fetch_weights
from zoo.hub import Say

FOLDS = 5


def out_of_fold(task: Task, rows: Rows, encoder: Encoder, say: Say = lambda line: None) -> Evidence:
    """Return what a probe of `encoder` says of every train row, when it was trained on the folds without it.

    The decision is fitted on these logits of the train rows.
    """
    train, recipe = rows.train, ProbeRecipe()
    states = load_states(fetch_weights(encoder, say), task)
    features, validation = (states(part.texts, recipe.max_length) for part in (train, rows.validation))
    fold, logits = folds(train), np.zeros(train.y_true.shape, np.float32)
    for number in range(FOLDS):
        inside = np.flatnonzero(fold != number)
        others = replace(rows, train=take(train, inside))
        linear = fit_linear(task, others, recipe, features[inside], validation)
        logits[fold == number] = linear(features[fold == number])
        say(f"fold {number + 1} of {FOLDS}")
    decision = fit_decision(task.problem_type, logits, train.y_true, task.rule, task.average)
    y_score = decision.scores(logits)
    return Evidence("train", train.y_true, y_score, decision.decide(y_score), 1)


def folds(train: Split) -> np.ndarray:
    """Return the fold of every row, shape (n,). Rows of the same text or of the same group are in one fold, so that no
    label is judged by a copy of its text or by its own thread."""
    together = np.unique(list(map(normalized, train.texts)), return_inverse=True)[1]
    if train.groups is not None:
        together = joined(together, np.unique(train.groups, return_inverse=True)[1])
    return stratify(csr_array(train.y_true), together, [1 / FOLDS] * FOLDS, seed=0)
