"""One text, several checkpoints: the handlers behind the Compare tab, free of widgets."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from demo.examples import examples_for
from demo.models import catalogue, load
from zoo.decision import Decision, ProblemType
from zoo.errors import UserError, lookup

MAX_CHARACTERS = 10_000
SHOWN_AT_FIRST = 3
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What one checkpoint says of a text. `scores` and its fitted `thresholds` go by the comparison's labels."""

    name: str
    scores: tuple[float, ...]
    thresholds: tuple[float, ...]
    tokens: int
    max_length: int
    truncated: bool
    milliseconds: float


@dataclass(frozen=True)
class Failure:
    """A checkpoint that could not answer, and why, in one line."""

    name: str
    error: str


@dataclass(frozen=True)
class Comparison:
    """The answers of several checkpoints to one text, and the checkpoints that gave none."""

    task: str
    problem_type: ProblemType
    labels: tuple[str, ...]
    answers: tuple[Answer, ...]
    failures: tuple[Failure, ...]

    def decided(self, answer: Answer, threshold: float | None = None) -> list[str]:
        """Return the labels decided at the answer's fitted thresholds, or at one `threshold` for all.

        Raises:
            UserError: the threshold is not a number from 0 to 1.
        """
        if threshold is not None and not (isfinite(threshold) and 0 <= threshold <= 1):
            raise UserError(f"A threshold is a number from 0 to 1, not {threshold}")
        thresholds = answer.thresholds if threshold is None else (threshold,) * len(self.labels)
        decision = Decision(problem_type=self.problem_type, rule="fixed", thresholds=thresholds)
        row = decision.decide(np.asarray([answer.scores]))[0]
        return [label for label, on in zip(self.labels, row, strict=True) if on]


def classify(text: str, task: str, names: Sequence[str], root: Path | None = None) -> Comparison:
    """Return what each of the task's checkpoints `names` says of `text`; a damaged one is a Failure beside the others.

    Raises:
        UserError: the text is empty or too long, or the task or a checkpoint is unknown.
    """
    check_text(text)
    folders = lookup(_catalogue(root), task, "task")
    if not names:
        raise UserError("No checkpoint is chosen; choose one or more")
    chosen = {name: lookup(folders, name, "checkpoint") for name in names}
    results = [_answer(name, folder, text) for name, folder in chosen.items()]
    return _join(task, results)


def check_text(text: str) -> None:
    """Raise UserError where `text` is empty or longer than MAX_CHARACTERS."""
    if not text.strip():
        raise UserError("There is no text; write one, or choose an example")
    if len(text) > MAX_CHARACTERS:
        raise UserError(f"The text has {len(text):,} characters, {MAX_CHARACTERS:,} are allowed; shorten it")


def open_comparison(root: Path | None = None) -> Comparison:
    """Return the comparison that the app opens on: the first task's first example and checkpoints.

    Raises:
        UserError: there are no checkpoints.
    """
    task, folders = next(iter(_catalogue(root).items()))
    return classify(examples_for(task)[0], task, list(folders)[:SHOWN_AT_FIRST], root)


def as_json(comparison: Comparison, threshold: float | None = None) -> dict[str, Any]:
    """Return the comparison as plain values, each answer with the labels that it decides."""
    found = asdict(comparison)
    for answer, shown in zip(comparison.answers, found["answers"], strict=True):
        shown["decided"] = comparison.decided(answer, threshold)
    return found


def _catalogue(root: Path | None) -> dict[str, dict[str, Path]]:
    found = catalogue(root)
    if not found:
        raise UserError(
            "There are no checkpoints yet; make some: python -m benchmark run --help, python -m benchmark ship --help"
        )
    return found


@dataclass(frozen=True)
class _Answered:
    problem_type: ProblemType
    labels: tuple[str, ...]
    answer: Answer


def _answer(name: str, folder: Path, text: str) -> _Answered | Failure:
    """A checkpoint's files come from outside and can be damaged in any way: whatever it raises is its failure."""
    try:
        return _predict(name, folder, text)
    except UserError as error:
        return Failure(name, str(error))
    except Exception as error:
        log.exception("checkpoint %s failed", folder)
        line = next(iter(str(error).splitlines()), "")
        return Failure(name, f"It cannot be used ({type(error).__name__}: {line[:200]}); copy or train it again")


def _predict(name: str, folder: Path, text: str) -> _Answered:
    classifier = load(folder)
    start = perf_counter()
    logits = classifier.predict_logits([text])
    milliseconds = (perf_counter() - start) * 1000
    if not np.isfinite(logits).all():
        raise UserError("Its scores are not numbers; its weights are damaged: copy or train it again")
    info, decision, tokens = classifier.info, classifier.decision, classifier.count_tokens(text)
    scores = tuple(map(float, decision.scores(logits)[0]))
    truncated = tokens > info.max_length
    answer = Answer(name, scores, decision.thresholds, tokens, info.max_length, truncated, milliseconds)
    return _Answered(info.problem_type, info.labels, answer)


def _join(task: str, results: Sequence[_Answered | Failure]) -> Comparison:
    """Answers stand side by side where they are about the same labels; the first one sets which."""
    first = next((result for result in results if isinstance(result, _Answered)), None)
    failures = [result for result in results if isinstance(result, Failure)]
    answers: list[Answer] = []
    for result in results:
        if first is None or isinstance(result, Failure):
            continue
        if (result.labels, result.problem_type) == (first.labels, first.problem_type):
            answers.append(result.answer)
        else:
            failures.append(Failure(result.answer.name, f"Its labels are not those of {first.answer.name}"))
    problem_type = first.problem_type if first else "multi_label_classification"
    return Comparison(task, problem_type, first.labels if first else (), tuple(answers), tuple(failures))
