"""The shapes of the API's answers, as both of its forms describe them."""

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from zoo.decision import ProblemType, Rule


class FailureShape(TypedDict):
    """A checkpoint that cannot answer."""

    name: str
    error: Annotated[str, Field(description="the reason in one line")]


class DecisionShape(TypedDict):
    """How a checkpoint's scores become labels."""

    rule: Annotated[Rule, Field(description="how the thresholds were fitted")]
    temperature: Annotated[float, Field(description="logits are divided by it")]
    thresholds: Annotated[list[float], Field(description="on calibrated scores, by label")]
    unsure: Annotated[
        list[tuple[float, float]] | None, Field(description="by label: a score from the first to the second is unsure")
    ]
    policy: Annotated[dict[str, Any], Field(description="what the thresholds are best for")]


class CheckpointShape(TypedDict):
    """A model of a task."""

    name: str
    encoder: str
    max_length: Annotated[int | None, Field(description="tokens that it reads at once; null for whole texts")]
    decision: DecisionShape


class TaskShape(TypedDict):
    """A task, with the models that can be asked."""

    name: str
    language: Annotated[Literal["en", "zh", "any"] | None, Field(description="null where every checkpoint is damaged")]
    problem_type: ProblemType | None
    labels: list[str]
    on_board: Annotated[bool, Field(description="whether /board has it")]
    checkpoints: list[CheckpointShape]
    failures: list[FailureShape]


class AnswerShape(TypedDict):
    """What one checkpoint decides on a text. Lists are in the order of the task's labels."""

    name: str
    decided: Annotated[list[str], Field(description="the labels that the text gets")]
    scores: Annotated[list[float], Field(description="calibrated, from 0 to 1")]
    thresholds: Annotated[list[float], Field(description="the fitted ones, on calibrated scores")]
    raw_scores: Annotated[list[float], Field(description="before calibration")]
    raw_thresholds: list[float]
    tokens: Annotated[int, Field(description="of the whole text")]
    capacity: Annotated[int, Field(description="tokens that are read at most")]
    truncated: bool
    milliseconds: Annotated[float, Field(description="of the pass that answered it, with other texts where many ask")]
    at_least_one: Annotated[bool, Field(description="whether each text gets a label")]
    at_most: Annotated[int | None, Field(description="labels that a text may get")]
    unsure: list[tuple[float, float]] | None
    to_person: Annotated[bool, Field(description="whether a person should look at the text")]


class ComparisonShape(TypedDict):
    """The answers of several checkpoints to one text."""

    task: str
    problem_type: ProblemType
    labels: list[str]
    answers: list[AnswerShape]
    failures: list[FailureShape]


class BatchAnswerShape(TypedDict):
    """What one checkpoint decides on many texts, in the order of the texts."""

    scores: Annotated[list[list[float]], Field(description="calibrated, for each text in the order of the labels")]
    decided: Annotated[list[list[str]], Field(description="the labels that each text gets")]


class BatchShape(TypedDict):
    """The answers of several checkpoints to many texts."""

    labels: list[str]
    checkpoints: Annotated[dict[str, BatchAnswerShape], Field(description="by name")]


class EntryShape(TypedDict, total=False):
    """An entry of the board: its main metric, ranks and costs. A cost is null where it was not measured."""

    task: str
    encoder: str
    family: str
    variant: Annotated[str, Field(description="in what its recipe differs from the task's default")]
    rule: str
    metric: str
    value: Annotated[float, Field(description="the mean over seeds, from 0 to 1")]
    low: Annotated[float | None, Field(description="of the 95 % interval")]
    high: float | None
    rank_low: Annotated[int | None, Field(description="the best rank that it may have; null without a rank")]
    rank_high: int | None
    seeds: int
    n: Annotated[int, Field(description="test rows")]
    parameters: float | None
    train_seconds: float | None
    p50_ms: Annotated[float | None, Field(description="one text of 64 tokens")]
    p95_ms: float | None
    texts_per_second: float | None
    runs: Annotated[str, Field(description="ids, separated by blanks")]
