"""`on_gpu`: a function that computes with models. On a Space with ZeroGPU it has a GPU while it runs; anywhere else it
is the function itself.

There it runs in another process: its arguments and its result are pickled, what it loads stays in that process, and
what it raises arrives without its message. So whatever loads a model is `on_gpu`, and a user's mistake is returned.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import TypeVar

Function = TypeVar("Function", bound=Callable)


def on_gpu(function: Function) -> Function:
    """Return `function` as ZeroGPU calls it, where the package `spaces` is installed."""
    return import_module("spaces").GPU(function) if find_spec("spaces") else function
