"""What a visitor chooses in the Explore tab."""

import json
from dataclasses import dataclass
from urllib.parse import parse_qs

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


def read_form(link: str) -> Form:
    """Return what the part of an address after "#" chooses; what is not a choice of this tab is left open."""
    asked = {name: values[-1] for name, values in parse_qs(link.lstrip("#")).items()}
    seed = asked.get("seed", "")
    return Form(
        task=asked.get("explore"),
        a=read_identity(asked.get("a")),
        b=read_identity(asked.get("b")),
        seed=int(seed) if seed.isdecimal() else None,
        view=asked["view"] if asked.get("view") in VIEWS else Form.view,
        judged=asked.get("judged"),
        outcome=asked["outcome"] if asked.get("outcome") in OUTCOMES else Form.outcome,
        gold=asked.get("gold"),
        whose=asked["whose"] if asked.get("whose") in ("a", "b") else Form.whose,
    )


def read_identity(text: str | None) -> Identity | None:
    """Return the encoder and the variant that a choice's value is, as JSON; None where it is none."""
    try:
        found = json.loads(text or "null")
    except ValueError:
        return None
    is_one = isinstance(found, list) and len(found) == 2 and all(isinstance(each, str) for each in found)
    return (found[0], found[1]) if is_one else None
