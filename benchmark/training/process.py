"""What a run was measured on: processor, threads, precision, library versions, peak memory."""

import os
import resource
import subprocess
from functools import cache
from pathlib import Path

import psutil


def default_threads() -> int:
    """Return how many threads a run should take: the usable cores, shared with the other grids under way here."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // max(1, _grids_under_way()))


def _grids_under_way() -> int:
    return sum(
        command[1:4] == ["-m", "benchmark", "run"]
        for process in psutil.process_iter(["cmdline"])
        if (command := process.info["cmdline"] or [])
    )


def reset_peak_memory() -> None:
    """Start a new measurement of the peak, where the system can (Linux); elsewhere the peak is the process's whole."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_memory_mib() -> float:
    """Return the peak resident memory of this process in MiB since `reset_peak_memory`."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@cache
def commit() -> str:
    """Return the git commit that this process started from, with "+" behind it where tracked code differs, or
    "unknown" where there is no git."""
    here = Path(__file__).parent
    try:
        head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=here, capture_output=True, text=True)
        changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "*.py"], cwd=here, capture_output=True)
    except OSError:
        return "unknown"
    return head.stdout.strip() + ("+" if changed.returncode else "") if head.returncode == 0 else "unknown"


def set_up_process(threads: int) -> None:
    """Prepare this process for training: `threads` threads (0: its share of the cores), memory reused, logs quiet."""
    import torch
    from transformers.utils import logging

    from zoo.hardware import reuse_memory

    commit()
    torch.set_num_threads(threads or default_threads())
    reuse_memory()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
