"""The arrows between the packages and their folders, read from the code."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("zoo", "benchmark", "demo")
LIBRARIES = {"datasets", "evaluate", "transformers", "torch", "tokenizers", "gradio", "sklearn"}
# Each line may import the lines above it and itself, and nothing below. What shares a line are rooms of one floor.
FLOORS = [
    ["zoo.errors", "zoo.files", "zoo.hardware", "zoo.policy", "zoo.decision", "zoo.row_files", "zoo.hub"],
    ["zoo.long_text", "zoo.pooling", "zoo.tokenizer"],
    ["zoo.encoders"],
    ["zoo.checkpoints", "zoo.pretraining"],
    ["zoo.classifier", "zoo.onnx_classifier", "zoo.tfidf", "zoo.serving", "zoo.predict", "zoo.attribution"],
    ["zoo.cli"],
    ["benchmark.tasks"],
    ["benchmark.statistics"],
    ["benchmark.training"],
    ["benchmark.own_data", "benchmark.board"],
    ["benchmark.release", "benchmark.from_logits", "benchmark.imported", "benchmark.more_labels"],
    ["benchmark.speed", "benchmark.commands"],
    ["demo"],
    ["app"],
    ["encoder_zoo"],
    ["zoo.__main__", "benchmark.__main__"],
]
# Rooms of one floor that may not look into each other.
APART = [{"zoo.checkpoints", "zoo.pretraining"}, {"benchmark.own_data", "benchmark.board"}]
# Nobody but the doors and the commands themselves may need a command.
COMMANDS = ("zoo.cli", "benchmark.commands.")
SHARED_NAMES = {"__main__", "handlers", "registry", "view"}  # one role in every package or tab


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@cache
def _modules() -> dict[str, Path]:
    """Every module of ours by its dotted name, but for the packages' own, which hold nothing."""
    inside = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {_name(path): path for path in sorted([*inside, *ROOT.glob("*.py")]) if path.name != "__init__.py"}


@cache
def _imported() -> dict[str, set[str]]:
    """Which modules of ours each one imports, inside functions, too."""
    return {name: {*_ours(path)} - {name} for name, path in _modules().items()}


def _ours(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in found:
            module = name if name in _modules() else name.rpartition(".")[0]
            if module in _modules():
                yield module


def _floor(module: str) -> tuple[int, str]:
    """The floor of a module and its room there."""
    for number, rooms in reversed([*enumerate(FLOORS)]):
        for room in rooms:
            if module == room or module.startswith(f"{room}."):
                return number, room
    raise AssertionError(f"{module} is on no floor; give it one in FLOORS")


def test_imports_are_found_in_functions_and_by_module() -> None:
    assert {"benchmark.training.fine_tune", "benchmark.training.baseline"} <= _imported()["benchmark.training.cell"]
    assert "zoo.errors" in _imported()["benchmark.tasks.rows"]
    assert _imported()["encoder_zoo"] >= {
        "app",
        "benchmark.commands.board_cli",
        "benchmark.commands.run_cli",
        "zoo.cli",
    }


def test_packages_hold_nothing_but_a_docstring() -> None:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("__init__.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert (len(tree.body), bool(ast.get_docstring(tree))) == (1, True), path


@pytest.mark.parametrize("package", [*PACKAGES, "app", "encoder_zoo"])
def test_imports_go_one_way(package: str) -> None:
    wrong = []
    for module, imported in _imported().items():
        if module.partition(".")[0] == package:
            floor, room = _floor(module)
            for other in sorted(imported):
                number, neighbour = _floor(other)
                if number > floor or {room, neighbour} in APART:
                    wrong.append(f"{module} imports {other}")
    assert wrong == []


def test_nothing_but_commands_imports_a_command() -> None:
    wrong = {
        f"{module} imports {each}"
        for module, imported in _imported().items()
        for each in imported
        if each.startswith(COMMANDS) and not module.startswith((*COMMANDS, "encoder_zoo"))
    }
    doors = {module for module, imported in _imported().items() if "encoder_zoo" in imported}
    assert wrong == set()
    assert doors == {"zoo.__main__", "benchmark.__main__"}


def test_only_commands_write_to_the_terminal() -> None:
    """What does the work reports through a callback, so that an app or another machine can do it, too."""
    commands = ("benchmark.speed", "demo.bench_app", "demo.check_gpu", "demo.space", *COMMANDS)
    writing = {module for module, path in _modules().items() if re.search(r"^from rich", path.read_text("utf-8"), re.M)}
    assert {module for module in writing if not module.startswith(commands)} == set()


def test_there_is_no_import_circle() -> None:
    """Take away what imports nothing that is left, and what nothing left imports, until only circles remain."""
    left = {module: set(imported) for module, imported in _imported().items()}
    while True:
        needed = set().union(*left.values())
        ends = [module for module in left if module not in needed or not left[module] & left.keys()]
        if not ends:
            break
        for module in ends:
            del left[module]
    assert {module: sorted(imported & left.keys()) for module, imported in left.items()} == {}


def test_no_two_modules_are_called_alike() -> None:
    by_name: dict[str, list[str]] = {}
    for module in _modules():
        by_name.setdefault(module.rpartition(".")[2], []).append(module)
    alike = {name: found for name, found in by_name.items() if len(found) > 1 and name not in SHARED_NAMES}
    assert alike == {}


def test_no_module_of_ours_shadows_a_library() -> None:
    names = {module.rpartition(".")[2] for module in _modules()}
    top = {path.name for path in ROOT.iterdir() if path.is_dir()} | {path.stem for path in ROOT.glob("*.py")}
    assert names & {"datasets", "evaluate", "transformers"} == set()
    assert top & LIBRARIES == set()


def test_no_file_of_code_is_long() -> None:
    scripts = (path for package in PACKAGES for path in (ROOT / package).rglob("*.js"))
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in [*_modules().values(), *scripts]}
    assert {str(path.relative_to(ROOT)): count for path, count in lines.items() if count > 300} == {}
