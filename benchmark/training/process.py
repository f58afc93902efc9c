"""What a run was measured on: processor, threads, precision, library versions, peak memory."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import psutil

from zoo.hardware import cores, processes, reuse_memory

_PROGRAMS = {"benchmark", "zoo", "encoder_zoo", "encoder-zoo"}  # the doors to the one command line
_GRIDS = {"run", "run-data", "tune", "learning-curve"}  # the commands that train


def default_threads() -> int:
    """Return how many threads a run takes: the usable cores, divided by the grids that run on this machine."""
    return max(1, cores() // max(1, _running_grids()))


def _running_grids() -> int:
    return sum(is_grid(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))


def is_grid(command: Sequence[str]) -> bool:
    """Return whether a command line trains a grid: a command of _GRIDS, by a script or by `python -m`."""
    words = [word for word in command[:4] if word != "-m"]
    return any(Path(a).stem in _PROGRAMS and b in _GRIDS for a, b in pairwise(words))


def reset_peak_memory(device: str = "cpu") -> None:
    """Start a new measurement of the peak where it can be (CUDA, Linux). Elsewhere the peak is the whole process's."""
    if device == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_memory_mib(device: str = "cpu") -> float:
    """Return the peak since `reset_peak_memory` in MiB: of a GPU's memory on "cuda", else of the process's."""
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated() / 2**20
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**10
    return process_peak_mib()


def process_peak_mib() -> float:
    """Return the peak resident memory of this process in MiB since its start, on systems without /proc."""
    if sys.platform == "win32":
        return float(psutil.Process().memory_info().peak_wset / 2**20)
    import resource  # Windows has no such module

    return max_rss_mib(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, sys.platform)


def max_rss_mib(max_rss: int, platform: str) -> float:
    """Return `ru_maxrss` in MiB: macOS counts it in bytes, other systems in KiB (see getrusage(2) of each)."""
    return max_rss / (2**20 if platform == "darwin" else 2**10)


@cache
def commit() -> str:
    """Return the git commit that this process started from, with "+" behind it if tracked code differs from it, or
    "unknown" if there is no git."""
    here = Path(__file__).parent
    try:
        head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=here, capture_output=True, text=True)
        changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "*.py"], cwd=here, capture_output=True)
    except OSError:
        return "unknown"
    return head.stdout.strip() + ("+" if changed.returncode else "") if head.returncode == 0 else "unknown"


@cache
def code_sha256() -> str:
    """Return the hash of the code of `zoo` and of this package."""
    digest = hashlib.sha256()
    for package in ("zoo", "benchmark"):
        for path in sorted((Path(__file__).parents[2] / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def set_up_process(threads: int) -> None:
    """Prepare this process for training: `threads` threads (0: its share of the cores), memory reused, logs quiet.

    Of several GPUs it keeps the first: Trainer would put a batch on each in every step, which is another recipe. Where
    several processes train one model, each keeps its own.
    """
    import torch
    from transformers.utils import logging

    commit()
    if processes() == 1 and torch.cuda.device_count() > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    torch.set_num_threads(threads or default_threads())
    reuse_memory()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
