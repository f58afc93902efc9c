"""What the Explore tab shows of two models, as the tests read it."""

import json
from pathlib import Path
from typing import Any

from demo.explore.form import Form
from demo.explore.pairs import Pair, find, pair_of
from demo.explore.view import show

GOLD, ABOUT, PLOT, TABLE = 6, -3, -2, -1  # of what `show` returns
GRANITE, MINILM = ["granite-30m", ""], ["minilm-l6", ""]
CHOICES = {"task": 0, "a": 1, "b": 2, "seed": 3}


def pair_in(folder: Path, task: str, a: str = "granite-30m", b: str = "minilm-l6", seed: int | None = None) -> Pair:
    return pair_of(find(folder), task, (a, ""), (b, ""), seed)


def table_of(shown: tuple[Any, ...]) -> dict[str, Any]:
    """The table that `packed` has made a text of."""
    found: dict[str, Any] = json.loads(shown[TABLE])[0]
    return found


def said(form: Form, results: Path) -> list[str]:
    return show(form, results, "en")[ABOUT]["lines"]


def problem(form: Form, results: Path) -> str:
    shown = show(form, results, "en")
    assert not shown[PLOT].visible
    assert shown[TABLE] is None
    return shown[ABOUT]["problem"]


def values(shown: tuple[object, ...]) -> dict[str, object]:
    found = {name: shown[at].value for name, at in CHOICES.items()}  # type: ignore[attr-defined]
    return found | {side: json.loads(found[side]) for side in ("a", "b")}
