"""Where a grid runs: in this process, in several, on several GPUs, or on Ray."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli import finite, say
from zoo.errors import UserError
from zoo.hardware import processes
from zoo.policy import DEFAULT, Policy

if TYPE_CHECKING:
    from benchmark.training.cell import Cell, Keep

PLACE = "Several runs at once"
Gpus = Annotated[
    str,
    typer.Option(help="One process for each of these GPUs: all, or 0,1.", rich_help_panel=PLACE, show_default=False),
]
Workers = Annotated[int, typer.Option(min=1, help="How many processes train on this machine.", rich_help_panel=PLACE)]
Ray = Annotated[
    str,
    typer.Option(
        help="Run on a Ray cluster: local, auto or ray://HOST:PORT.", rich_help_panel=PLACE, show_default=False
    ),
]
GpuShare = Annotated[
    float | None,
    typer.Option(
        min=0, callback=finite, rich_help_panel=PLACE, show_default=False,
        help="On Ray: GPUs of each run; 0.5 puts two on one. If not given, 1 where there are GPUs.",
    ),
]  # fmt: skip
Memory = Annotated[
    float,
    typer.Option(
        min=0, callback=finite, help="On Ray: GiB of memory of each run; 0 claims none.", rich_help_panel=PLACE
    ),
]


@dataclass(frozen=True)
class Where:
    """What a command is asked about where its runs are made. `launchable` tells whether it is `launched`."""

    threads: int = 0
    gpus: str = ""
    workers: int = 1
    ray: str = ""
    gpu_share: float | None = None
    memory: float = 0.0
    launchable: bool = False

    def __post_init__(self) -> None:
        if processes() > 1 and not (self.launchable and self.here):
            raise UserError(
                f"This was launched as one training in {processes()} processes, which only run and run-data can be, "
                "without --gpus, --workers, --ray and --resample-train; start encoder-zoo without accelerate launch or "
                "torchrun: --gpus all puts a run on each GPU"
            )
        asked = {"--gpus": self.gpus, "--workers": self.workers > 1, "--ray": self.ray}
        if len(given := [name for name, value in asked.items() if value]) > 1:
            raise UserError(f"{' and '.join(given)} are two ways to make several runs at once; give one of them")
        if not self.ray and (self.gpu_share is not None or self.memory):
            raise UserError("--gpu-share and --memory are what a run takes on Ray; give --ray, too, or leave them out")

    @property
    def here(self) -> bool:
        return not (self.gpus or self.workers > 1 or self.ray)


def launched(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that the first process of `accelerate launch` runs, while the others train along with it."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> None:
        if processes() == 1:
            command(*args, **options)
            return
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # it warns of what we ask for: parameters without use
        from benchmark.training.cell import train_along
        from benchmark.training.process import set_up_process
        from benchmark.training.together import follow, leading, number

        if number():
            set_up_process(options["threads"])
            follow(train_along)
            return
        with leading():
            command(*args, **options)

    return run


@contextmanager
def one_cluster(where: Where) -> "Iterator[None]":
    """Keep the same Ray cluster, if one is asked for, for all grids that are run in the block."""
    if not where.ray:
        yield
        return
    from benchmark.training.ray_grid import cluster

    with cluster(where.ray):
        yield


def run_cells(
    cells: "list[Cell]", results: Path, checkpoints: Path | None, where: Where, policy: Policy = DEFAULT
) -> None:
    """Run what is not complete, and keep the models below `checkpoints`, with decisions for `policy`.

    Raises:
        UserError: a run failed.
    """
    from benchmark.release.ship import keep_checkpoint
    from benchmark.training.process import commit
    from benchmark.training.workers import leave_in_order

    make_folders(results, checkpoints)
    commit()
    if checkpoints:
        _tell_unkept(cells, checkpoints)
    leave_in_order()
    keep = partial(keep_checkpoint, policy=policy)
    kept = partial(keep, checkpoints) if checkpoints else None
    if where.ray:
        failed = _on_ray(cells, where, checkpoints, keep)
    elif where.here:
        failed = _here(cells, where.threads, kept)
    else:
        failed = _on_workers(cells, where, kept)
    for name, reason in failed.items():
        say(f"failed: {name}: {reason}", "red")
    if failed:
        raise UserError(f"{len(failed)} of {len(cells)} runs failed; the same command runs them again")


def _here(cells: "list[Cell]", threads: int, keep: "Keep | None") -> dict[str, str]:
    from benchmark.commands.console import grid_progress
    from benchmark.training.grid import run_grid

    if any(cell.encoder.source != "none" for cell in cells):  # a baseline needs no torch, which is slow to import
        import torch

        from benchmark.training.process import set_up_process

        if processes() == 1 and (number := torch.cuda.device_count()) > 1:
            say(f"One run after the other, on the first of {number} GPUs; --gpus all makes {number} runs at once.")
        set_up_process(threads)
    with grid_progress() as report:
        return run_grid(cells, report, keep)


def _on_workers(cells: "list[Cell]", where: Where, keep: "Keep | None") -> dict[str, str]:
    from benchmark.commands.console import grid_progress
    from benchmark.training.process import default_threads
    from benchmark.training.workers import gpus_asked, run_on_workers

    environments: list[dict[str, str]] = (
        [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in gpus_asked(where.gpus)] if where.gpus else [{}] * where.workers
    )
    threads = where.threads or max(1, default_threads() // len(environments))
    with grid_progress() as report:
        return run_on_workers(cells, report, keep, environments, threads)


def _on_ray(cells: "list[Cell]", where: Where, checkpoints: Path | None, keep: "Callable[..., None]") -> dict[str, str]:
    from benchmark.commands.console import grid_progress
    from benchmark.training.ray_grid import Needs, cluster, run_on_ray

    with cluster(where.ray) as ray, grid_progress() as report:
        share = min(1.0, ray.cluster_resources().get("GPU", 0.0)) if where.gpu_share is None else where.gpu_share
        needs = Needs(where.threads or 1, share, int(where.memory * 2**30))
        return run_on_ray(cells, report, ray, needs, checkpoints, keep)


def _tell_unkept(cells: "list[Cell]", checkpoints: Path) -> None:
    """Name the complete runs whose checkpoint is not there: they are not run again by themselves."""
    from benchmark.release.ship import checkpoint_folder

    done = [cell for cell in cells if cell.done and cell.encoder.leaves_checkpoint]
    without = [cell.folder for cell in done if not checkpoint_folder(checkpoints, cell.folder).is_dir()]
    if without:
        say(f"{len(without)} complete runs left no checkpoint in {checkpoints}; to train them again, delete:")
        say("\n".join(f"    {folder}" for folder in without))


def make_folders(*paths: Path | None) -> None:
    """Make the folders that are given.

    Raises:
        UserError: one cannot be made.
    """
    for path in filter(None, paths):
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{path} cannot be made a folder ({error.strerror}); give another one") from error
