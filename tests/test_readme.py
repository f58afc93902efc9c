"""The README says what there is: its file tree and its front matter are held against the project."""

import re
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
UNLISTED = {"__init__.py", "__main__.py", "README.md"}


def listed() -> set[str]:
    """The paths of the file tree, put together from its indentation."""
    tree = re.search(r"```\n(app\.py .*?)```", README, re.S)
    assert tree is not None
    folders: list[str] = []
    found = set()
    for line in tree[1].splitlines():
        names, depth = line.split("  ")[(len(line) - len(line.lstrip())) // 2], (len(line) - len(line.lstrip())) // 4
        folders = folders[:depth]
        for name in names.strip().split(", "):
            found.add("".join(folders) + name)
        if names.strip().endswith("/"):
            folders.append(names.strip())
    return found


def test_the_file_tree_lists_every_module_and_nothing_else() -> None:
    there = {
        str(path.relative_to(ROOT))
        for package in ("demo", "zoo", "benchmark")
        for kind in ("*.py", "*.js", "*.css")
        for path in (ROOT / package).rglob(kind)
        if path.name not in UNLISTED
    } | {"app.py"}
    assert {path for path in listed() if not path.endswith("/")} == there
    assert all((ROOT / path).is_dir() for path in listed() if path.endswith("/"))


def test_the_space_would_run_the_installed_gradio() -> None:
    assert f"sdk_version: {version('gradio')}\n" in README
