"""The app as a folder that is a complete Hugging Face Space: `make space`, or `python -m demo.space`.

app.py decides what goes in: the modules that it imports, inside their functions too, the lines of requirements.txt that
these modules need, and the data that they read. The Space's own README is `space_card.md`.
"""

import re
import shutil
from importlib.metadata import packages_distributions, version
from modulefinder import ModuleFinder
from pathlib import Path

from huggingface_hub import SpaceCard
from rich.console import Console

from benchmark.board.entries import find_runs, make_entries
from benchmark.board.tables import protocol_of
from benchmark.tasks.registry import known_tasks
from benchmark.training.runs import RESULTS
from zoo.checkpoints.checkpoint import CHECKPOINTS, find_checkpoints, read_checkpoint
from zoo.encoders.packed import PRETRAINED, read_origin
from zoo.encoders.registry import ENCODERS
from zoo.errors import UserError, run_command_line
from zoo.files import new_folder

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "space"
CARD = Path(__file__).parent / "space_card.md"
# A Space cannot have the exact version: ZeroGPU offers a few, 2.8 to 2.11, and takes the newest that is allowed.
TORCH = "torch>=2.8,<2.14"
DATA = (
    "demo/*/*.css",
    "demo/*/*.js",
    "demo/*/messages/*.json",
    "benchmark/board/published.json",
    "benchmark/tasks/data/*.jsonl",
    "benchmark/results/board/*.parquet",
    "benchmark/results/*/rows*.npz",
)
MOST = 100 * 2**20  # bytes; our own limit: a Space is cloned at each start
LARGEST = MOST // 2  # bytes of one checkpoint
LARGE = (".safetensors", ".npz", ".parquet")  # what the hub keeps outside git


def make_space(target: Path) -> dict[str, int]:
    """Write the Space to `target`, as a whole or not at all; it replaces what was there.

    Returns:
        The size in bytes of every file, by its path below `target`, in order.
    """
    modules, libraries = imports(ROOT / "app.py")
    data = [path for pattern in DATA for path in ROOT.glob(pattern)]
    data += [path for folder in checkpoints_inside() for path in folder.iterdir()]
    encoders = [path for name in encoders_inside() for path in (PRETRAINED / name).glob("[!.]*")]
    runs = [path for folder in runs_inside() for path in folder.glob("[!.]*")]
    with new_folder(target) as folder:
        for path in [*modules, *data, *encoders, *runs]:
            copy = folder / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        (folder / "requirements.txt").write_text(requirements(libraries), encoding="utf-8")
        (folder / "README.md").write_text(card(), encoding="utf-8")
        attributes = [f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LARGE]
        (folder / ".gitattributes").write_text("".join(attributes), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
    files = sorted(path for path in target.rglob("*") if path.is_file())
    return {path.relative_to(target).as_posix(): path.stat().st_size for path in files}


def checkpoints_inside() -> list[Path]:
    """Return the folders of the checkpoints that go along: those of at most LARGEST bytes."""
    return [folder for folder in find_checkpoints(CHECKPOINTS) if _size(folder) <= LARGEST]


def left_out() -> list[str]:
    """Return a line for each checkpoint that is too large to go along, with the way to serve it nevertheless."""
    large = [folder for folder in find_checkpoints(CHECKPOINTS) if _size(folder) > LARGEST]
    return [
        f"left out: {folder.relative_to(CHECKPOINTS)} ({_size(folder) / 2**20:,.0f} MiB; {LARGEST // 2**20} MiB is the "
        "most). The Space fetches it at its start where its variable ENCODER_ZOO_HUB names it: publish it with "
        f"encoder-zoo push {folder} --repo user/name"
        for folder in large
    ]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def encoders_inside() -> set[str]:
    """Return the repository's encoders that its checkpoints are differences to, and those that these began from."""
    inside: set[str] = set()
    wanted = [read_checkpoint(folder).info.encoder for folder in checkpoints_inside()]
    while wanted:
        encoder = ENCODERS.get(wanted.pop())  # a whole checkpoint can be of any encoder, and needs none
        if encoder and encoder.source == "repository":
            inside.add(encoder.name)
            wanted += filter(None, [read_origin(Path(encoder.location)).start])
    return inside


def runs_inside() -> list[Path]:
    """Return the folders of the runs that made its checkpoints, and of the first seed of each entry of their tasks that
    the Explore tab opens on: with another recipe than the declared ones only where an encoder has no other. The board
    holds the numbers over all seeds, and of other tasks."""
    runs, _ = find_runs(RESULTS)
    shipped = [read_checkpoint(folder).info for folder in checkpoints_inside()]
    tasks, ids = {info.task for info in shipped}, {info.run for info in shipped}
    entries = [entry for entry in make_entries(runs, known_tasks(RESULTS)) if entry.task.name in tasks]
    declared = {(entry.task.name, entry.encoder) for entry in entries if protocol_of(entry.variant) is not None}
    first = {
        entry.runs[min(entry.runs)].folder
        for entry in entries
        if protocol_of(entry.variant) is not None or (entry.task.name, entry.encoder) not in declared
    }
    return sorted(first | {run.folder for run in runs if run.info.id in ids})


def imports(script: Path) -> tuple[list[Path], set[str]]:
    """Return the files of the project's modules that a script needs, itself included, and the names of all others."""
    finder = ModuleFinder(path=[str(ROOT)])
    finder.run_script(str(script))
    files = (getattr(module, "__file__", None) for module in finder.modules.values())
    return sorted(Path(file) for file in files if file), {name.split(".")[0] for name in finder.badmodules}


def requirements(libraries: set[str]) -> str:
    """Return the lines of requirements.txt that install one of `libraries` (names as they are imported) or an encoder's
    weights; gradio has the installed version, torch a range."""
    holders = {encoder.location.split("/")[0] for encoder in ENCODERS.values() if encoder.source == "package"}
    installed = packages_distributions()
    needed = {_canonical(name) for library in libraries | holders for name in installed.get(library, [])}
    instead = {"torch": TORCH, "gradio": f"gradio=={version('gradio')}"}
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    named = {_canonical(re.split(r"[=<>~!\[ ]", line)[0]): line for line in lines if not line.startswith("#")}
    return "".join(f"{instead.get(name, line)}\n" for name, line in named.items() if name in needed)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def card() -> str:
    """Return the Space's README, for the installed gradio."""
    found = SpaceCard(CARD.read_text(encoding="utf-8"))
    found.data["sdk_version"] = version("gradio")
    return f"{found}\n"


def main() -> None:
    """Write the Space to build/space and say how large it is."""
    files = make_space(FOLDER)
    size = sum(files.values())
    wrote = f"wrote {FOLDER.relative_to(ROOT)}: {len(files)} files, {size / 2**20:.1f} MiB"
    for line in [*left_out(), wrote]:
        Console().print(line, highlight=False, soft_wrap=True)
    if size > MOST:
        raise UserError(f"the Space is larger than {MOST // 2**20} MiB; ship fewer checkpoints, or in fewer bits")


if __name__ == "__main__":
    run_command_line(main, "build/space is as it was")
