"""`on_gpu` marks a function that computes with models. On a Space with ZeroGPU the function has a GPU while it runs;
anywhere else nothing changes.

ZeroGPU runs the function in another process: its arguments and its result are pickled, the models that it loads stay in
that process, and an exception arrives without its message. So every function that loads a model is `on_gpu`, and
returns a user's mistake instead of raising it.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import TypeVar

Function = TypeVar("Function", bound=Callable)


def on_gpu(function: Function) -> Function:
    """Return `function` as ZeroGPU calls it if the package `spaces` is installed, else `function` itself."""
    return import_module("spaces").GPU(function) if find_spec("spaces") else function
