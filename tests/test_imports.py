"""The arrows between the packages, read from the code; and that looking at results never loads torch."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {"zoo": {"zoo"}, "benchmark": {"zoo", "benchmark"}, "demo": {"zoo", "benchmark", "demo"}}
LIBRARIES = {"datasets", "evaluate", "transformers", "torch", "tokenizers", "gradio", "sklearn"}
LIGHT = [
    "benchmark.board.store",
    "benchmark.statistics.fit_decision",
    "benchmark.board.build",
    "benchmark.statistics.metrics",
    "benchmark.training.recipes",
    "benchmark.tasks.rows",
    "benchmark.training.runs",
    "benchmark.tasks.registry",
    "zoo.decision",
    "zoo.encoders.registry",
]
HEAVY = {"torch", "transformers", "datasets", "evaluate", "gradio"}


def _modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def _imported(path: Path) -> Iterator[str]:
    """Yield the first part of every module that a file imports, inside functions, too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_go_one_way(package: str) -> None:
    ours = {*ALLOWED, "app", "tests"}
    modules = _modules(package)
    assert len(modules) > 1 or not (ROOT / package).is_dir()
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules
        for name in _imported(path)
        if name in ours - ALLOWED[package]
    }
    assert wrong == set()


def test_no_module_of_ours_shadows_a_library() -> None:
    names = {path.stem for package in ALLOWED for path in _modules(package)} | {path.stem for path in ROOT.glob("*.py")}
    top = {path.name for path in ROOT.iterdir() if path.is_dir()} | {path.stem for path in ROOT.glob("*.py")}
    assert names & {"datasets", "evaluate", "transformers"} == set()
    assert top & LIBRARIES == set()


def test_modules_that_only_look_at_results_load_no_torch() -> None:
    """One process a module would be slow, so the first of them all that loads something heavy is named."""
    code = "\n".join(
        [
            "import importlib, sys",
            f"for name in {LIGHT}:",
            "    importlib.import_module(name)",
            f"    heavy = {HEAVY} & set(sys.modules)",
            "    if heavy: sys.exit(f'{name} loads {heavy}')",
        ]
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
