"""Other thresholds for a comparison: those that a policy asks for, fitted on the validation logits of each checkpoint's
run."""

import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from demo.compare.asking import Answer, raw_thresholds
from demo.compare.handlers import Comparison, Failure
from demo.shared.models import catalogue, read
from demo.shared.texts import Language, PageError, in_language
from zoo.checkpoints.checkpoint import Checkpoint, CheckpointInfo
from zoo.decision import Decision
from zoo.errors import UserError
from zoo.policy import Policy, parse_policy

_OFFERED = re.compile(r"(f-beta|precision|recall|cost)=[^=,:]+")


def read_policy(text: str) -> Policy:
    """Return the policy that a text such as "precision=0.9" names: one of the four that the page offers.

    Raises:
        PageError: it names none of them, or has no proper value.
    """
    if not _OFFERED.fullmatch(text):
        raise PageError("policy_unknown", value=text[:80])
    try:
        return parse_policy([text])
    except UserError as error:
        raise PageError("policy_unknown", value=text[:80]) from error


def fitted(checkpoint: Checkpoint, policy: Policy, results: Path | None = None) -> Decision:
    """Return a checkpoint's decision under a policy: with other thresholds, on the same calibrated scores.

    Raises:
        UserError: the run that left it is not in `results` (None: the project's own runs), or is damaged.
    """
    from benchmark.training.runs import RESULTS

    return _fitted(checkpoint.info, checkpoint.decision.temperature, policy, results or RESULTS)


@lru_cache(maxsize=128)
def _fitted(info: CheckpointInfo, temperature: float, policy: Policy, results: Path) -> Decision:
    from benchmark.from_logits.policy_fit import find_run
    from benchmark.statistics.fit_decision import fit_decision
    from benchmark.tasks.registry import known_tasks

    task = known_tasks(results).get(info.task)
    if task is None or not any(results.glob(f"{info.task}/*/*-{info.run}")):
        raise PageError("policy_no_run")
    known = find_run(info, results).predictions
    return fit_decision(
        task.problem_type,
        known.validation_logits,
        known.validation_y_true,
        task.rule,
        task.average,
        temperature,
        policy,
        task.labels,
    )


def under(
    comparison: Comparison, text: str, language: Language, root: Path | None, results: Path | None = None
) -> tuple[Comparison, dict[str, Decision]]:
    """Return a comparison with the thresholds that the policy `text` asks for, and each checkpoint's decision. A
    checkpoint without the validation logits of its run becomes a Failure. Without a `text`, nothing changes.

    Raises:
        PageError: `text` names no policy.
    """
    folders = catalogue(root).get(comparison.task, {})
    own = {answer.name: read(folders[answer.name]) for answer in comparison.answers}
    if not text:
        return comparison, {name: checkpoint.decision for name, checkpoint in own.items()}
    policy, answers, failures = read_policy(text), list[Answer](), list(comparison.failures)
    decisions: dict[str, Decision] = {}
    for answer in comparison.answers:
        checkpoint = own[answer.name]
        try:
            decision = fitted(checkpoint, policy, results)
        except UserError as error:
            failures.append(Failure(answer.name, in_language(error, language)))
            continue
        decisions[answer.name] = decision
        answers.append(_decided(answer, decision))
    return replace(comparison, answers=tuple(answers), failures=tuple(failures)), decisions


def _decided(answer: Answer, decision: Decision) -> Answer:
    return replace(
        answer,
        thresholds=decision.thresholds,
        raw_thresholds=raw_thresholds(decision),
        at_least_one=decision.policy.at_least_one,
        at_most=decision.policy.at_most,
        unsure=decision.unsure,
        to_person=bool(decision.hand_over(np.asarray([answer.scores]))[0]),
    )
