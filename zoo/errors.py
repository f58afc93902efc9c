"""The exception for a user's mistake, a lookup that suggests the nearest name, and the one line that a command line
shows."""

import errno
import sys
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

from safetensors import SafetensorError

if TYPE_CHECKING:
    from pydantic import ValidationError

T = TypeVar("T")


class UserError(Exception):
    """Something that the user can mend; its message is one line that says what is wrong and what to do next. Line
    breaks, as a quoted value may have, become blanks."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))


class UnreachableError(UserError):
    """The hub could not be asked: there is no network, or its use is forbidden."""


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


def first_fault(error: "ValidationError") -> str:
    """Return what pydantic refuses first: the field, the reason and the value."""
    fault = error.errors()[0]
    return f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}, got {str(fault['input'])[:80]!r}"


_FULL = dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make room, and run it again")
_CLOSED = dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "give a place that you may read and write")
_STEPS = _FULL | _CLOSED


def first_line(error: BaseException) -> str:
    """Return an error in one line. What the system refused has the path, the reason and the next step; a temporary file
    or folder, whose name begins with a dot, is told as the folder that it was to stand in."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error).strip().partition("\n")[0] or type(error).__name__
    step = _STEPS.get(error.errno or 0, "give another path")
    if error.filename is None:
        return f"{error.strerror}; {step}"
    path = Path(str(error.filename2 or error.filename))
    where = path.parent if path.name.startswith(".") else path
    return f"{where}: {error.strerror}; {step}"


def reason(error: Exception) -> str:
    """Return an error of another library in one line: its kind and the start of its message."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


def run_command_line(app: Callable[[], object], when_stopped: str) -> None:
    """Run a command line.

    A user's mistake, or a file that the system refuses, ends in one line on stderr and exit code 1. An interrupt ends
    in "Stopped" and `when_stopped`.
    """
    try:
        app()
    except (UserError, OSError, SafetensorError) as error:  # safetensors' own where a disk is full
        _end(first_line(error))
    except RuntimeError as error:
        if "inline_container.cc" not in str(error):  # torch's writer, whose message is that of a failed check
            raise
        _end("torch could not write a file whole; if the disk is full, make room and run it again")
    except SystemExit as ended:
        if ended.code == 130:  # what typer makes of an interrupt
            sys.stderr.write(f"Stopped; {when_stopped}.\n")
        raise


def _end(line: str) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.write(f"Error: {line}\n")
    sys.exit(1)
