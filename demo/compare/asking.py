"""The answers of checkpoints to texts. Texts that are asked at the same time are read together."""

import logging
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from demo.shared.batching import Batcher
from demo.shared.gpu import on_gpu
from demo.shared.models import computing, load
from zoo.decision import Decision, ProblemType
from zoo.errors import UserError

if TYPE_CHECKING:
    from zoo.serving import AnyClassifier

TOGETHER = 16  # texts of several visitors; more gain no time, and the next visitor waits for them
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What one checkpoint decides on a text.

    The calibrated `scores` and the fitted `thresholds` are in the order of the comparison's labels; `raw_scores` and
    `raw_thresholds` are the same before the temperature. `at_least_one` and `at_most` are the policy's; `unsure` are
    the decision's, on calibrated scores, and `to_person` says whether one of the scores is. `milliseconds` are those of
    the pass that read the text, with the texts of others who asked at the same time.
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
class Answered:
    """An answer, with what it must share with the others to be compared with them."""

    problem_type: ProblemType
    labels: tuple[str, ...]
    answer: Answer


Asked = tuple[dict[str, Path], str]  # the checkpoints by name, and the text
Found = Answered | Failure


@on_gpu
def answers_to(asked: list[Asked]) -> list[list[Found]]:
    """Return the answers to several visitors' texts. Each checkpoint reads at once all texts that ask for it."""
    places: dict[tuple[str, Path], list[int]] = {}
    for place, (folders, _) in enumerate(asked):
        for key in folders.items():
            places.setdefault(key, []).append(place)
    found: dict[tuple[int, str], Found] = {}
    with computing:
        for (name, folder), those in places.items():
            answers = _answer(name, folder, [asked[place][1] for place in those])
            found |= {(place, name): answer for place, answer in zip(those, answers, strict=True)}
    return [[found[place, name] for name in folders] for place, (folders, _) in enumerate(asked)]


ask: Batcher[Asked, list[Found]] = Batcher(answers_to, TOGETHER)


def _answer(name: str, folder: Path, texts: list[str]) -> list[Found]:
    """Whatever a checkpoint raises is its failure: its files come from outside and can be damaged in any way. Texts
    among which one is at fault are read one by one."""
    try:
        classifier = load(folder)
    except Exception as error:
        return [_failure(name, folder, error)] * len(texts)
    try:
        return _predict(name, classifier, texts)
    except Exception as error:
        if len(texts) == 1:
            return [_failure(name, folder, error)]
    return [answer for text in texts for answer in _answer(name, folder, [text])]


def _failure(name: str, folder: Path, error: Exception) -> Failure:
    if isinstance(error, UserError):
        return Failure(name, str(error))
    log.error("checkpoint %s failed", folder, exc_info=error)
    line = next(iter(str(error).splitlines()), "")
    return Failure(name, f"It cannot be used ({type(error).__name__}: {line[:200]}); copy or train it again")


def _predict(name: str, classifier: "AnyClassifier", texts: list[str]) -> list[Found]:
    start = perf_counter()
    logits = classifier.predict_logits(texts)
    milliseconds = (perf_counter() - start) * 1000
    rows = zip(texts, logits[:, None], strict=True)
    return [_one_answer(name, classifier, text, row, milliseconds) for text, row in rows]


def _one_answer(name: str, classifier: "AnyClassifier", text: str, logits: np.ndarray, milliseconds: float) -> Found:
    """The answer to a text from its logits, shape (1, num_labels)."""
    if not np.isfinite(logits).all():
        return Failure(name, "Its scores are not numbers; its weights are damaged: copy or train it again")
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
    return Answered(info.problem_type, info.labels, answer)


def raw_thresholds(decision: Decision) -> tuple[float, ...]:
    """Return a decision's thresholds on raw scores; with a sigmoid, they move with the temperature."""
    if decision.problem_type == "single_label_classification":
        return decision.thresholds
    return tuple(expit(decision.temperature * logit(np.asarray(decision.thresholds))).tolist())
