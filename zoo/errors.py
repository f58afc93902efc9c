"""The one exception that a user's mistake ends in, and the did-you-mean lookup behind most of them."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")


class UserError(Exception):
    """Something that the user can mend; its message is one line that says what is wrong and what to do next."""


def lookup(registry: Mapping[str, T], name: str, noun: str) -> T:
    """Return `registry[name]`.

    Raises:
        UserError: `name` is not there; the message names the nearest entry and lists all of them.
    """
    if name in registry:
        return registry[name]
    near = get_close_matches(name, registry, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise UserError(f"Unknown {noun} '{name}'.{hint} All: {', '.join(registry)}")
