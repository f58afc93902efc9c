"""The exception for a user's mistake, a lookup that suggests the nearest name, and the one line that a command line
shows."""

import errno
import sys
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

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


_NEXT = {
    errno.ENOSPC: "make room, and run it again",
    errno.EDQUOT: "make room, and run it again",
    errno.EROFS: "make it writable, or give another folder",
    errno.EACCES: "get access to it, or give another folder",
}


def first_line(error: BaseException) -> str:
    """Return an error in one line. A folder that cannot be written to is named, and not the hidden file in it."""
    if isinstance(error, OSError) and error.errno in _NEXT:
        path = Path(error.filename or "")
        place = path.parent if path.name.startswith(".") else path
        return f"{error.strerror}{f': {place}' if error.filename else ''}; {_NEXT[error.errno]}"
    return str(error).strip().partition("\n")[0] or type(error).__name__


def run_command_line(app: Callable[[], object], when_stopped: str) -> None:
    """Run a command line.

    A user's mistake, or a file that the system refuses, ends in one line on stderr and exit code 1. An interrupt ends
    in "Stopped" and `when_stopped`.
    """
    try:
        app()
    except (UserError, OSError, SafetensorError) as error:  # safetensors' own where a disk is full
        sys.stdout.flush()
        sys.stderr.write(f"Error: {first_line(error)}\n")
        sys.exit(1)
    except RuntimeError as error:
        if "inline_container.cc" not in str(error):  # torch's writer, whose message is that of a failed check
            raise
        sys.stderr.write("Error: torch could not write a file whole; if the disk is full, make room and run it again\n")
        sys.exit(1)
    except SystemExit as ended:
        if ended.code == 130:  # what typer makes of an interrupt
            sys.stderr.write(f"Stopped; {when_stopped}.\n")
        raise
