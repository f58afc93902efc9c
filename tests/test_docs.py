"""The documents say what there is: their commands, links, file list, recipes and Python code are held against the
project."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmark.tasks.registry import TASKS
from benchmark.training.recipes import Recipe, default_recipe
from zoo.encoders.registry import ENCODERS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = ("*.py", "*.js", "*.css", "*.jinja", "*.json")
DATA = {"results", "shipped"}  # folders whose files are not code
BEGIN, END = "<!-- leaderboard:", "<!-- end of leaderboard -->"


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)


# The README


def test_the_readme_is_short_and_has_no_front_matter() -> None:
    text = text_of("README.md")
    assert text.startswith("# Encoder Zoo\n")
    assert len(text.splitlines()) <= 150
    assert len(text.encode()) <= 10_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_generated_parts_stand_in_two_pages_alone(page: Path) -> None:
    text, expected = page.read_text(encoding="utf-8"), int(page.name in ("README.md", "pretraining.md"))
    assert (text.count(BEGIN), text.count(END)) == (expected, expected)


# Commands


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of each command in a page's sh blocks, without its environment and the sign that it runs in the
    background."""
    lines = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    for words in (shlex.split(line, comments=True) for line in lines):
        yield [word for word in words if word != "&" and not re.match(r"[A-Z_]+=", word)]


def mentions(page: Path) -> Iterator[list[str]]:
    """Yield the words of each command that a page's sentences name."""
    for command in re.findall(r"`((?:make|encoder-zoo) [^`]+)`", page.read_text(encoding="utf-8")):
        yield command.split()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.M))
    asked = {target for program, *words in (*commands(page), *mentions(page)) if program == "make" for target in words}
    assert asked <= targets, f"the Makefile has no target {', '.join(sorted(asked - targets))}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_exists_with_its_options(page: Path) -> None:
    named = [words for program, *words in mentions(page) if program == "encoder-zoo"]
    problems = [problem for words in named if (problem := flaw(words, whole=False))]
    given = [words for program, *words in commands(page) if program == "encoder-zoo"]
    problems += [problem for words in given if (problem := flaw(words, whole=True))]
    assert problems == []


def flaw(words: list[str], whole: bool) -> str:
    """Return what is wrong with the words after `encoder-zoo`; a whole command has the required options, too."""
    known = command_line().commands
    if words == ["--help"]:
        return ""
    if words[0] not in known:
        return f"encoder-zoo has no command '{words[0]}'; it has {', '.join(sorted(known))}"
    options = [each for each in known[words[0]].params if each.param_type_name == "option"]
    spelled = {name for each in options for name in (*each.opts, *each.secondary_opts)} | {"--help"}
    required = {each.opts[0] for each in options if each.required} if whole else set()
    unknown = {word for word in words if word.startswith("--")} - spelled
    missing = required - set(words)
    return "; ".join(
        f"{words[0]} {what} {', '.join(sorted(which))}"
        for what, which in (("has no option", unknown), ("needs", missing))
        if which
    )


@cache
def command_line() -> Any:
    """The command line as click has it."""
    from typer.main import get_command

    assert (ROOT / "encoder_zoo.py").is_file(), "there is no encoder_zoo.py, so no command `encoder-zoo`"
    import encoder_zoo

    return get_command(encoder_zoo.commands)


# Links


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    for link in links:
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name}: there is no {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: there is no heading for {link}"


def test_every_page_is_linked_from_the_readme() -> None:
    linked = set(re.findall(r"\]\(([^)#]+)\)", text_of("README.md")))
    assert {str(page.relative_to(ROOT)) for page in PAGES if page.name != "README.md"} <= linked


# The file list


def listed() -> dict[str, str]:
    """Return the paths of the file list, put together from its indentation, each with its phrase."""
    tree = re.search(r"^```\n(app\.py .*?)^```", text_of("docs/files.md"), re.S | re.M)
    assert tree is not None, "docs/files.md has no list that begins with app.py"
    folders: list[str] = []
    found = {}
    for line in tree[1].splitlines():
        name, phrase = line.split(maxsplit=1)
        folders = folders[: (len(line) - len(line.lstrip())) // 4]
        found["".join(folders) + name] = phrase
        if name.endswith("/"):
            folders.append(name)
    return found


def test_the_file_list_has_every_file_of_code_and_nothing_else() -> None:
    there = {"app.py", "encoder_zoo.py"} | {
        path.relative_to(ROOT).as_posix()
        for package in ("zoo", "benchmark", "demo")
        for kind in CODE
        for path in (ROOT / package).rglob(kind)
        if path.name not in ("__init__.py", "__main__.py") and not DATA & set(path.relative_to(ROOT).parts)
    }
    named = listed().keys()
    add = sorted(there - named)
    remove = sorted(path for path in named if path not in there and not (ROOT / path).exists())
    assert (add, remove) == ([], []), f"docs/files.md: add the lines {add}; remove the lines {remove}"


def test_no_phrase_of_the_file_list_needs_an_and() -> None:
    assert [path for path, phrase in listed().items() if re.search(r"\band\b", phrase)] == []


# The rest


def test_the_table_of_recipes_is_the_defaults() -> None:
    rows = re.findall(
        r"^\| (\w+|your own data) \| (\d+) \| (\d+) \| (\S+) \| (.+?) \| (yes|no) \| (\S+) \|$",
        text_of("docs/recipes.md"),
        re.M,
    )
    table = {name: tuple(values) for name, *values in rows}
    small = ENCODERS["minilm-l6"]
    recipes = {task.name: default_recipe(small, task, 0) for task in TASKS.values()}
    recipes["your own data"] = default_recipe(small, replace(TASKS["feedback"], name="mine"), 0)
    assert table == {
        name: (
            str(recipe.epochs),
            str(recipe.batch_size),
            f"{recipe.learning_rate:.0e}".replace("e-0", "e-"),
            "the encoder's" if recipe.dropout is None else f"{recipe.dropout:g}",
            "yes" if recipe.freeze_embeddings else "no",
            recipe.long_text,
        )
        for name, recipe in recipes.items()
        if isinstance(recipe, Recipe)
    }


LOCAL = [code for code in blocks(ROOT / "docs" / "api.md", "python") if "http://" not in code]


@pytest.mark.slow
@pytest.mark.parametrize("code", LOCAL, ids=range(len(LOCAL)))
def test_the_python_code_of_the_api_page_runs(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(code, "docs/api.md", "exec"), {})


def test_the_citation_has_the_projects_version_and_licence() -> None:
    project = tomllib.loads(text_of("pyproject.toml")).get("project", {})
    citation = yaml.safe_load(text_of("CITATION.cff"))
    assert (citation["version"], citation["license"]) == (project.get("version"), project.get("license"))
    assert f"## {citation['version']}\n" in text_of("CHANGELOG.md")
