"""Policy: what the thresholds of a Decision are fitted for, and how many labels a text may get."""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from zoo.errors import UserError, first_fault, lookup

Floor = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
FORMS = (
    "f-beta=2, precision=0.9, recall=0.9, cost=FALSE/MISSED, at-least-one, at-most=3 or abstain=0.1, with commas "
    "between several; LABEL:precision=0.9 for one label"
)


class Goal(BaseModel):
    """What one threshold is fitted for: exactly one of the four, or precision and recall together.

    f_beta: the highest F-beta. precision: at least so high, and recall as high as it then can be. recall: the same
    the other way round. precision and recall: two thresholds, and between them nobody is sure. cost: the lowest sum,
    where a false label costs the first number and a missed label the second.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    f_beta: Weight | None = None
    precision: Floor | None = None
    recall: Floor | None = None
    cost: tuple[Weight, Weight] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = {name for name, value in self if value is not None}
        if len(given) != 1 and given != {"precision", "recall"}:
            raise ValueError("a goal is one of f-beta, precision, recall and cost, or precision with recall")
        return self

    def __str__(self) -> str:
        parts = {"f-beta": self.f_beta, "precision": self.precision, "recall": self.recall}
        parts["cost"] = "/".join(f"{each:g}" for each in self.cost) if self.cost else None  # type: ignore[assignment]
        return ",".join(f"{name}={v if isinstance(v, str) else f'{v:g}'}" for name, v in parts.items() if v is not None)


F1 = Goal(f_beta=1)


class Policy(BaseModel):
    """A goal for every label, other goals for some labels, and rules for a whole text.

    at_least_one: a text whose scores reach no threshold gets the label with the highest score. at_most: of the labels
    that a text would get, the so many highest scores are kept. abstain: the share of the validation texts, the least
    sure ones, to hand to a person.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    goal: Goal = F1
    of_label: tuple[tuple[str, Goal], ...] = ()
    at_least_one: bool = False
    at_most: Annotated[int, Field(ge=1)] | None = None
    abstain: Annotated[float, Field(gt=0, lt=1)] | None = None

    @model_validator(mode="after")
    def _one_way_to_abstain(self) -> Self:
        both = any(goal.precision and goal.recall for goal in (self.goal, *dict(self.of_label).values()))
        if self.abstain and both:
            raise ValueError("precision with recall already leaves texts to a person; leave abstain out")
        return self

    def goals(self, labels: Sequence[str]) -> list[Goal]:
        """Return the goal of each label.

        Raises:
            UserError: a label that has a goal of its own is not among them.
        """
        own = {lookup({label: label for label in labels}, name, "label"): goal for name, goal in self.of_label}
        return [own.get(label, self.goal) for label in labels]

    def __str__(self) -> str:
        parts = [str(self.goal), *(f"{label}:{goal}" for label, goal in self.of_label)]
        parts += ["at-least-one"] * self.at_least_one
        parts += [f"at-most={self.at_most}"] if self.at_most else []
        parts += [f"abstain={self.abstain:g}"] if self.abstain else []
        return ", ".join(parts)


DEFAULT = Policy()
_GOALS = {"f-beta": "f_beta", "precision": "precision", "recall": "recall", "cost": "cost"}


def parse_policy(texts: Sequence[str]) -> Policy:
    """Return the policy that a user's words ask for, such as "precision=0.9,at-most=3" or "refund:recall=0.95".

    Raises:
        UserError: a part is of no known form, or has a value out of range.
    """
    found: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for text in texts:
        label, colon, rest = text.rpartition(":")
        parts = dict(_part(text, part.strip()) for part in rest.split(","))
        goal = {_GOALS[name]: value for name, value in parts.items() if name in _GOALS}
        others = {name.replace("-", "_"): value for name, value in parts.items() if name not in _GOALS}
        if colon and (others or not goal):
            raise UserError(f"--policy {text!r}: a label can have f-beta, precision, recall or cost")
        if colon:
            own[label] = goal
        else:
            found |= others | ({"goal": goal} if goal else {})
    try:
        return Policy.model_validate(found | {"of_label": tuple(own.items())})
    except ValidationError as error:
        raise UserError(f"--policy {' '.join(texts)!r}: {first_fault(error)}. It takes {FORMS}") from error


def _part(text: str, part: str) -> tuple[str, Any]:
    name, equals, value = part.partition("=")
    if name == "at-least-one" and not equals:
        return name, True
    if name == "cost":
        return name, value.split("/")
    if name in _GOALS or name in ("at-most", "abstain"):
        return name, value
    raise UserError(f"--policy {text!r}: {part!r} is no policy; it takes {FORMS}")
