"""A run that was not trained here: the predictions of any model, kept beside the runs that were."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import logit

from benchmark.board.tables import LENGTH
from benchmark.imported.answers import Given, Kind
from benchmark.statistics.seeds import Predictions
from benchmark.tasks.registry import Task
from benchmark.tasks.row_facts import find_row_facts, keep_row_facts
from benchmark.tasks.rows import Rows
from benchmark.training.recipes import IMPORTED, SEEDS, ImportedRecipe
from benchmark.training.runs import PROTOCOL, Latency, RunInfo, read_run, run_folder, write_run
from zoo.encoders.registry import ENCODERS, USED
from zoo.errors import UserError

_NAME = re.compile(r"\w[\w.:+/-]*")
_LEAST = 1e-7  # a probability of 0 or 1 has no finite logit
_SURE = 8.0  # the logit of a bare label; its opposite where the label is not given
COSTS = {"parameters": "weights", "ms": f"milliseconds for a text of {LENGTH} tokens", "minutes": "of training"}


@dataclass(frozen=True)
class Costs:
    """What is told of a model's costs: numbers for the board's columns, 0 where nothing is told, and other words."""

    parameters: float = 0.0
    ms: float = 0.0
    minutes: float = 0.0
    words: str = ""


def parse_costs(texts: Sequence[str]) -> Costs:
    """Return the costs that a user's words tell: such as "ms=350", "parameters=7e9", "minutes=12", or any words.

    Raises:
        UserError: a NAME=VALUE has a name that is not in COSTS, or no positive number.
    """
    found: dict[str, float] = {}
    words = []
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            words.append(text.strip())
            continue
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if name not in COSTS or not 0 < number < float("inf"):
            told = ", ".join(f"{known}=NUMBER ({what})" for known, what in COSTS.items())
            raise UserError(f"--cost {text!r} is none that is known; it takes {told}, or words without '='")
        found[name] = number
    return Costs(**found, words="; ".join(words))


def check_name(name: str) -> None:
    """Raise UserError unless predictions can have this name."""
    if not _NAME.fullmatch(name):
        raise UserError(f"--name {name!r} cannot name a run; use letters, digits and . : + / - _")
    if name in ENCODERS or USED.fullmatch(name):
        raise UserError(f"--name '{name}' is an encoder of the project; give the predictions another name")


def import_run(given: Given, task: Task, rows: Rows, name: str, seed: int, costs: Costs, results: Path) -> Path:
    """Write a run of predictions from elsewhere; return its folder.

    Args:
        given: the predictions, in the order of the rows.
        task: whose rows they are of.
        rows: with the gold labels.
        name: how the model is called; it stands in the column of the encoders.
        seed: tells several sets of predictions of one model apart.
        costs: what is told of them.
        results: the folder of the runs.

    Raises:
        UserError: the folder has runs of this name and seed, of other rows, or of another kind.
    """
    check_place(given.kind, task, rows, name, [seed], results)
    predictions = _predictions(given, task, rows)
    recipe = ImportedRecipe(imported=given.kind, cost=costs.words, seed=seed)
    identity = json.dumps([task.name, task.labels, rows.fingerprint, name, recipe.model_dump()]).encode()
    arrays = (predictions.validation_logits, predictions.test_logits)
    identifier = hashlib.sha256(identity + b"".join(map(np.ndarray.tobytes, arrays))).hexdigest()[:12]
    folder = run_folder(results, task.name, name, seed, identifier)
    info = RunInfo(
        id=identifier,
        task=task.name,
        problem_type=task.problem_type,
        labels=task.labels,
        reported=task.reported,
        split_seed=task.split_seed,
        fingerprint=rows.fingerprint,
        encoder=name,
        family=IMPORTED,
        revision="",
        recipe=recipe,
        runtime="elsewhere",
        protocol=PROTOCOL,
        epochs=(),
        best_epoch=0,
        parameters=round(costs.parameters),
        embedding_parameters=0,
        trained_parameters=0,
        truncated=0.0,
        train_seconds=60 * costs.minutes,
        train_examples_per_second=0.0,
        inference_examples_per_second=0.0,
        peak_memory_mib=0.0,
        latency=(Latency(length=LENGTH, p50_ms=costs.ms, p95_ms=0.0, texts_per_second=0.0),) if costs.ms else (),
        hardware={},
        versions={},
        commit="",
    )
    write_run(folder, info, predictions)
    keep_row_facts(results, task, rows)
    return folder


def check_place(kind: Kind, task: Task, rows: Rows, name: str, seeds: Sequence[int], results: Path) -> None:
    """Raise UserError where `import_run` would refuse one of these seeds, so that of several none is written."""
    if seeds[-1] not in SEEDS:
        raise UserError(
            f"The last file would get the seed {seeds[-1]:,}, and seeds end at {SEEDS[-1]:,}; give a lower --first-seed"
        )
    facts = find_row_facts(results, task.name)
    if facts and rows.fingerprint not in facts:
        raise UserError(f"{results / task.name} holds runs of other rows of '{task.name}'; give another --results")
    _check_neighbours(run_folder(results, task.name, name, seeds[0], "").parent, name, kind, seeds)


def _predictions(given: Given, task: Task, rows: Rows) -> Predictions:
    logits = {part: _logits(given.kind, values, task.multi_label) for part, values in given.values.items()}
    unknown = np.zeros(rows.validation.y_true.shape, np.float32)
    return Predictions(logits.get("validation", unknown), rows.validation.y_true, logits["test"], rows.test.y_true)


def _logits(kind: Kind, values: np.ndarray, multi_label: bool) -> np.ndarray:
    if kind == "labels":
        found = np.where(values == 1, _SURE, -_SURE)
    elif kind == "logits":
        found = values
    elif multi_label:
        found = logit(np.clip(values, _LEAST, 1 - _LEAST))
    else:
        found = np.log(np.maximum(values, _LEAST))
    return np.asarray(found, np.float32)


def _check_neighbours(folder: Path, name: str, kind: Kind, seeds: Sequence[int]) -> None:
    """Raise UserError where the folder has runs of the name that these cannot stand beside."""
    for path in sorted(folder.glob("[!.]*/run.json")):
        info, remedy = read_run(path.parent).info, "give another --name, or delete that folder"
        recipe = info.recipe
        if info.encoder != name:  # "a/b" and "a--b" share a folder
            continue
        if not isinstance(recipe, ImportedRecipe):
            raise UserError(f"{folder} holds runs of an encoder '{name}' that was trained here; {remedy}")
        if recipe.imported != kind:
            raise UserError(f"{folder} holds {recipe.imported} of '{name}', and these are {kind}; {remedy}")
        if recipe.seed in seeds:
            raise UserError(
                f"{path.parent} is there already; delete it, or give --first-seed {recipe.seed + 1} for another set of "
                "predictions of the same model"
            )
