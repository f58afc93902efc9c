"""A claim on a run says which process is at it, so that several processes on one folder of results share the work.

A claim is a hidden folder beside the run's, renamed into place in one step, with its owner inside. The owner touches it
every BEAT seconds. A claim is stale when its process has ended on this machine, or when another machine has not touched
it for STALE seconds. Ages are read from the file system alone, so that the clocks of two machines need not agree.
"""

import os
import shutil
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
from pydantic import BaseModel, ValidationError

from zoo.files import write_text

BEAT = 30.0  # seconds
STALE = 600.0  # seconds
_OWNER = "owner.json"


class Owner(BaseModel):
    """The process that has a claim. `place` is where its `pid` means something; `started` tells it from a later process
    with the same pid; `token` tells one claim from the next."""

    host: str
    place: str
    pid: int
    started: str
    token: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}" if self.pid else self.host


class Claim:
    """A claim of this process. It is touched until it is released."""

    def __init__(self, path: Path, token: str) -> None:
        self.path, self.token, self._released = path, token, threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self) -> None:
        while not self._released.wait(BEAT):
            with suppress(OSError):  # the next beat may reach a server that this one did not
                os.utime(self.path / _OWNER)

    def release(self) -> None:
        """Give the claim up. Where another process has taken it over, that one's stays."""
        self._released.set()
        with suppress(OSError):  # on a full or read-only disk it stays, and is stale when this process has ended
            _remove(self.path, self.token)


def take(folder: Path, say: Callable[[str], object]) -> Claim | None:
    """Claim the run whose folder this will be; return None while another process has it.

    `say` is called with a line if a stale claim was taken over.

    Raises:
        OSError: the folder cannot be written to.
    """
    path = _path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    mine = Owner(host=socket.gethostname(), place=_place(), pid=os.getpid(), started=_start_of(os.getpid()),
                 token=uuid.uuid4().hex)  # fmt: skip
    if (owner := owner_of(folder)) is not None:
        if not (reason := _why_stale(path, owner)) or not _replace(path, owner, mine):
            return None
        say(f"taken over from {owner}: {reason}")
        return Claim(path, mine.token)
    try:
        return Claim(path, mine.token) if _rename_into_place(path, mine) else None
    except BaseException:  # stopped in between
        with suppress(OSError):  # such as the one that is raised
            _remove(path, mine.token)
        raise


def owner_of(folder: Path) -> Owner | None:
    """Return who has claimed the run whose folder this is or will be; None if nobody has."""
    path = _path(folder)
    return _read(path) if path.is_dir() else None


def _path(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.claim")


def _read(path: Path) -> Owner:
    try:
        return Owner.model_validate_json((path / _OWNER).read_bytes())
    except (OSError, ValidationError):  # after a crash of the machine a file can be empty
        return Owner(host="an unknown machine", place="", pid=0, started="", token="")


def _rename_into_place(path: Path, owner: Owner) -> bool:
    """Write a claim in one step; return False if another process was faster."""
    temporary = Path(tempfile.mkdtemp(prefix=f"{path.name}-", dir=path.parent))
    try:
        (temporary / _OWNER).write_text(owner.model_dump_json())
        temporary.chmod(0o755)
        temporary.rename(path)
    except OSError:
        if not path.is_dir():
            raise
        return False
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return True


def _replace(path: Path, stale: Owner, mine: Owner) -> bool:
    """Put an owner in the place of a stale one; return False if another process was faster.

    The claim itself stays where it is, so that no third process finds the place free. Of all that saw the stale owner,
    the one that makes the mark goes on, if that owner is still there.
    """
    mark = path / f"over-{stale.token}"
    try:
        mark.touch(exist_ok=False)
    except FileNotFoundError:
        return False
    except FileExistsError:
        with suppress(OSError):
            if abs(time.time() - mark.stat().st_mtime) > STALE:  # whoever made it was killed
                mark.unlink()
        return False
    try:
        if _read(path).token != stale.token:
            return False
        write_text(path / _OWNER, mine.model_dump_json())
        return True
    except FileNotFoundError:
        return False
    finally:
        mark.unlink(missing_ok=True)


def _remove(path: Path, token: str) -> bool:
    """Remove the claim with this token; return False if it is not there, or another is in its place."""
    gone = path.with_name(f"{path.name}-{uuid.uuid4().hex}")
    try:
        path.rename(gone)
    except FileNotFoundError:
        return False
    if _read(gone).token != token:  # another process took it over since it was looked at
        with suppress(OSError):
            gone.rename(path)
        return False
    shutil.rmtree(gone, ignore_errors=True)
    return True


def _why_stale(path: Path, owner: Owner) -> str:
    """Return why a claim is stale, or "" if it is not."""
    if owner.place == _place():
        return "" if _start_of(owner.pid) == owner.started else "it has ended"
    age = _age(path)
    return f"it gave no sign for {age / 60:.0f} min" if age > STALE else ""


def _age(path: Path) -> float:
    """Return the seconds between now and a claim's last touch, both as the folder's file system tells the time.

    A touch in the future counts as well: the clock has been set back.
    """
    with tempfile.NamedTemporaryFile(prefix=f"{path.name}-", dir=path.parent) as probe:
        now = Path(probe.name).stat().st_mtime
    try:
        return abs(now - (path / _OWNER).stat().st_mtime)
    except FileNotFoundError:
        return abs(now - path.stat().st_mtime) if path.is_dir() else 0.0


def _place() -> str:
    """Return what two processes share that see each other's pids: the machine since its start, and its container."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()} {boot} {Path('/proc/self/ns/pid').readlink()}"
    return socket.gethostname()


def _start_of(pid: int) -> str:
    """Return when a process was started, or "" if it has ended. On Linux no clock that is set anew changes it."""
    if Path("/proc/self/stat").is_file():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else fields[19]  # a zombie has ended; proc_pid_stat(5) numbers them 3 and 22
    try:
        return str(psutil.Process(pid).create_time())
    except psutil.Error:
        return ""
