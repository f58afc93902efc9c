"""One text, several checkpoints: the handlers behind the Compare tab, free of widgets."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np

from benchmark.tasks.registry import TASKS
from demo.compare.asking import Answer, Answered, Failure, Found, ask
from demo.compare.examples import examples_for, is_example
from demo.shared.models import catalogue
from demo.shared.texts import PageError
from zoo.decision import Decision, ProblemType, limit
from zoo.errors import UserError, lookup

MAX_CHARACTERS = 10_000
SHOWN_AT_FIRST = 3


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
    return _join(task, ask((chosen, text)))


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


def first_task(tasks: Mapping[str, Collection[object]], language: str) -> str | None:
    """Return the task that is open at the start, of tasks with what each has to compare: the first one in the page's
    language that has two or more, else the first one in this language, else the first with two or more."""

    def fits(task: str) -> tuple[bool, bool]:
        return task in TASKS and TASKS[task].language == language, len(tasks[task]) > 1

    return max(tasks, key=fits, default=None)  # the first of equals


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


def _join(task: str, results: Sequence[Found]) -> Comparison:
    """Join the answers that have the labels of the first one; the others become failures."""
    first = next((result for result in results if isinstance(result, Answered)), None)
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
