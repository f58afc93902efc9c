"""Checks the arguments of the API's endpoints. A wrong type or another mistake of the client is refused in one line."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import signature
from types import NoneType
from typing import Any, ParamSpec, TypeVar, get_type_hints

import gradio as gr

from zoo.errors import UserError

P = ParamSpec("P")
R = TypeVar("R")
_QUOTED = 80  # characters of a value that a message quotes
# For each annotation: its name in words, the types that the argument may have, and the types that its items may have.
# Types are compared exactly: True is an int, and not a number here.
_KINDS: dict[Any, tuple[str, tuple[type, ...], tuple[type, ...]]] = {
    str: ("a string", (str,), ()),
    bool: ("true or false", (bool,), ()),
    list[str]: ("a list of strings", (list,), (str,)),
    dict[str, float] | None: ("an object of numbers by label, or null", (dict, NoneType), (int, float)),
}


def endpoint(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function` for `gr.api`. Gradio passes on whatever the client sent, so each argument is checked against
    its annotation (one of _KINDS). A refusal, also one by `function`, reaches the client in one line."""
    parameters = signature(function)

    @wraps(function)
    def checked(*args: P.args, **named: P.kwargs) -> R:
        try:
            check_arguments(function, parameters.bind(*args, **named).arguments)
            return function(*args, **named)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return checked


def check_arguments(function: Callable[..., Any], given: Mapping[str, object]) -> None:
    """Raise UserError unless `given` are arguments of `function`: by name, each of its annotation's type, and all that
    have no default."""
    kinds, parameters = get_type_hints(function), signature(function).parameters
    for name, value in given.items():
        if name not in parameters:
            raise UserError(f"There is no argument '{name[:_QUOTED]}'; there are: {', '.join(parameters) or 'none'}")
        _check(name, value, *_KINDS[kinds[name]])
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in given:
            raise UserError(f"'{name}' is missing; it must be {_KINDS[kinds[name]][0]}")


def _check(name: str, value: object, words: str, own: tuple[type, ...], held: tuple[type, ...]) -> None:
    if type(value) not in own:
        raise UserError(f"'{name}' must be {words}; it is {_quote(value)}")
    for place, each in _held(value):
        if type(each) not in held:
            raise UserError(f"'{name}' must be {words}; {name}[{_quote(place)}] is {_quote(each)}")


def _held(value: object) -> Iterable[tuple[object, object]]:
    """The items of a list or an object, each with its place; a string has none."""
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _quote(value: object) -> str:
    """The value as JSON, as it was sent, and cut."""
    return json.dumps(value, default=str)[:_QUOTED]
