"""What a visitor chooses in the Explore tab."""

from dataclasses import dataclass

VIEWS = ("parts", "labels", "rows", "confusion", "reliability", "gains")
OUTCOMES = ("both", "only_a", "only_b", "neither")
Identity = tuple[str, str]  # an entry's encoder and variant


@dataclass(frozen=True)
class Form:
    """What is chosen; None is not chosen yet. `judged` and `gold` are labels, "" for any or all of them."""

    task: str | None = None
    a: Identity | None = None
    b: Identity | None = None
    seed: int | None = None
    view: str = "parts"
    judged: str | None = None
    outcome: str = "only_a"
    gold: str | None = None
    whose: str = "a"
