"""One text, several checkpoints: the handlers behind the Compare tab, free of widgets."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs

import numpy as np
from scipy.special import expit, logit

from benchmark.tasks.registry import TASKS
from demo.compare.examples import examples_for, is_example
from demo.shared.gpu import on_gpu
from demo.shared.models import catalogue, computing, load
from demo.shared.texts import PageError
from zoo.decision import Decision, ProblemType, limit
from zoo.errors import UserError, lookup

MAX_CHARACTERS = 10_000
SHOWN_AT_FIRST = 3
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What one checkpoint decides on a text.

    The calibrated `scores` and the fitted `thresholds` are in the order of the comparison's labels; `raw_scores` and
    `raw_thresholds` are the same before the temperature. `at_least_one` and `at_most` are the policy's; `unsure` are
    the decision's, on calibrated scores, and `to_person` says whether one of the scores is.
    """

    name: str
    scores: tuple[float, ...]
    thresholds: tuple[float, ...]
    raw_scores: tuple[float, ...]
    raw_thresholds: tuple[float, ...]
    tokens: int
    capacity: int
    truncated: bool
    milliseconds: float
    at_least_one: bool = False
    at_most: int | None = None
    unsure: tuple[tuple[float, float], ...] | None = None
    to_person: bool = False


@dataclass(frozen=True)
class Failure:
    """A checkpoint that could not answer, and the reason in one line."""

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

    def decided(self, answer: Answer, by_hand: Mapping[str, float] | None = None, calibrated: bool = True) -> list[str]:
        """Return the labels decided at the answer's fitted thresholds, or at the thresholds `by_hand`, by label. These
        are thresholds of raw scores unless `calibrated`.

        Raises:
            UserError: a label is unknown, or its threshold is not a number from 0 to 1.
        """
        by_hand = by_hand or {}
        for label, threshold in by_hand.items():
            lookup(dict.fromkeys(self.labels), label, "label")
            if not 0 <= threshold <= 1:
                raise UserError(f"A threshold is a number from 0 to 1, not {threshold}")
        scores, thresholds = list(answer.scores), list(answer.thresholds)
        single = self.problem_type == "single_label_classification"
        for i, label in enumerate(self.labels):
            # With several labels, a fitted threshold decides the same on either kind of score, except for rounding.
            if not calibrated and (single or label in by_hand):
                scores[i], thresholds[i] = answer.raw_scores[i], answer.raw_thresholds[i]
            thresholds[i] = by_hand.get(label, thresholds[i])
        decision = Decision(problem_type=self.problem_type, rule="fixed", thresholds=tuple(thresholds))
        ranked = np.asarray([scores if single else answer.scores])
        row = limit(decision.decide(np.asarray([scores])) == 1, ranked, answer.at_least_one, answer.at_most)[0]
        return [label for label, on in zip(self.labels, row, strict=True) if on]


def classify(text: str, task: str, names: Sequence[str], root: Path | None = None) -> Comparison:
    """Return the answer of each of the task's checkpoints `names` to `text`; a damaged checkpoint becomes a Failure.

    Raises:
        UserError: the text is empty or too long, or the task or a checkpoint is unknown.
    """
    check_text(text)
    folders = lookup(_catalogue(root), task, "task")
    if not names:
        raise PageError("no_checkpoint_chosen")
    chosen = {name: lookup(folders, name, "checkpoint") for name in names}
    return _join(task, _answers(chosen, text))


def check_text(text: str) -> None:
    """Raise UserError if `text` is empty, longer than MAX_CHARACTERS, or holds half a character."""
    if not text.strip():
        raise PageError("no_text")
    if len(text) > MAX_CHARACTERS:
        raise PageError("long_text", characters=f"{len(text):,}", most=f"{MAX_CHARACTERS:,}")
    if (half := half_character(text)) is not None:
        raise PageError("half_character", value=repr(half))


def half_character(text: str) -> str | None:
    """Return the first lone half of a surrogate pair in `text`, which no tokenizer takes; None if there is none."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return text[error.start]
    return None


@dataclass(frozen=True)
class View:
    """What the tab shows when it opens."""

    task: str
    text: str
    names: tuple[str, ...]


def shown_at_first(names: Iterable[str]) -> list[str]:
    """Return the checkpoints of a task that are chosen at the start: those on the encoders that the project pretrained
    to be compared, and others only if these are too few."""
    return sorted(names, key=lambda name: not name.startswith("zoo-"))[:SHOWN_AT_FIRST]


def first_task(tasks: Iterable[str], language: str) -> str | None:
    """Return the task that is open at the start: the first one in the page's language, else the first."""
    names = list(tasks)
    own = (name for name in names if name in TASKS and TASKS[name].language == language)
    return next(own, next(iter(names), None))


def read_link(link: str, root: Path | None = None, language: str = "en") -> View:
    """Return the view that the part of a link after "#" asks for. The app chooses what the link leaves open: a task in
    the page's `language` if there is one.

    Raises:
        UserError: there are no checkpoints, or the link asks for an unknown task or checkpoint.
    """
    asked, found = parse_qs(link.lstrip("#")), _catalogue(root)
    task = asked.get("task", [str(first_task(found, language))])[-1]
    folders = lookup(found, task, "task")
    names = asked.get("checkpoint", shown_at_first(folders))
    for name in names:
        lookup(folders, name, "checkpoint")
    return View(task, own_text(asked.get("draft", asked.get("text", [""]))[-1], task), tuple(dict.fromkeys(names)))


def own_text(text: str, task: str) -> str:
    """Return a visitor's own text, or an example of the task; in place of another task's or no text, the first one."""
    other = is_example(text) and text not in examples_for(task)
    return examples_for(task)[0] if other or not text.strip() else text


def looks_other(text: str, task: str, found: Mapping[str, object]) -> dict[str, str] | None:
    """Return the language that a text looks to be in where the task is in the other one, "en" or "zh", with a task of
    that language among `found`, "" where there is none; else None.

    A text looks Chinese when three in ten of its letters are Chinese characters, and English when hardly any are.
    """
    language = TASKS[task].language if task in TASKS else "any"
    chinese = sum("\u4e00" <= character <= "\u9fff" for character in text)
    letters = chinese + sum(character.isascii() and character.isalpha() for character in text)
    share = chinese / letters if letters else -1
    other = {"en": "zh", "zh": "en"}.get(language)
    if other is None or not (share >= 0.3 if other == "zh" else 0 <= share < 0.05):
        return None
    tasks = [name for name in found if name in TASKS and TASKS[name].language == other]
    like = [name for name in tasks if TASKS[name].labels == TASKS[task].labels]
    return {"language": other, "task": next(iter([*like, *tasks]), "")}


def as_json(
    comparison: Comparison, by_hand: Mapping[str, float] | None = None, calibrated: bool = True
) -> dict[str, Any]:
    """Return the comparison as plain values; each answer has its decided labels."""
    found = asdict(comparison)
    for answer, shown in zip(comparison.answers, found["answers"], strict=True):
        shown["decided"] = comparison.decided(answer, by_hand, calibrated)
    return found


def _catalogue(root: Path | None) -> dict[str, dict[str, Path]]:
    found = catalogue(root)
    if not found:
        raise UserError("There are no checkpoints yet; make some: encoder-zoo run --help, encoder-zoo ship --help")
    return found


@dataclass(frozen=True)
class _Answered:
    problem_type: ProblemType
    labels: tuple[str, ...]
    answer: Answer


@on_gpu
def _answers(folders: dict[str, Path], text: str) -> list[_Answered | Failure]:
    with computing:
        return [_answer(name, folder, text) for name, folder in folders.items()]


def _answer(name: str, folder: Path, text: str) -> _Answered | Failure:
    """Whatever a checkpoint raises is its failure: its files come from outside and can be damaged in any way."""
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
    y_score = decision.scores(logits)
    answer = Answer(
        name=name,
        scores=tuple(y_score[0].tolist()),
        thresholds=decision.thresholds,
        raw_scores=tuple(decision.uncalibrated().scores(logits)[0].tolist()),
        raw_thresholds=raw_thresholds(decision),
        at_least_one=decision.policy.at_least_one,
        at_most=decision.policy.at_most,
        unsure=decision.unsure,
        to_person=bool(decision.hand_over(y_score)[0]),
        tokens=tokens,
        capacity=classifier.capacity,
        truncated=tokens > classifier.capacity,
        milliseconds=milliseconds,
    )
    return _Answered(info.problem_type, info.labels, answer)


def raw_thresholds(decision: Decision) -> tuple[float, ...]:
    """Return a decision's thresholds on raw scores; with a sigmoid, they move with the temperature."""
    if decision.problem_type == "single_label_classification":
        return decision.thresholds
    return tuple(expit(decision.temperature * logit(np.asarray(decision.thresholds))).tolist())


def _join(task: str, results: Sequence[_Answered | Failure]) -> Comparison:
    """Join the answers that have the labels of the first one; the others become failures."""
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
