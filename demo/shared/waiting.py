"""Answers that a button waits for: a click during one of them counts once it is on the page (see `waiting.js`)."""

from typing import Any

from gradio.events import Dependency

_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}


def begins(name: str, js: str = "(...values) => values") -> str:
    """Return the script `js` of an event whose answer the buttons of `name` wait for."""
    return f"(...values) => (zooBegins({name!r}), ({js})(...values))"


def ends(name: str, first: Dependency, last: Dependency | None = None) -> None:
    """Note the end of the answer to the event `first`, and to `last` where others follow it."""
    js = f"() => void zooEnds({name!r})"
    (last or first).then(None, js=js, **_QUIET)
    first.failure(None, js=js, **_QUIET)  # gradio (6.31) leaves out what follows an event that fails
