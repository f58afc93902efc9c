"""One command line for all: its commands, its doors, its help."""

import os
import re
import runpy
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import app
from benchmark.tasks.registry import TASKS
from encoder_zoo import commands, main
from zoo.cli import console
from zoo.encoders.registry import ENCODERS

ROOT = Path(__file__).parents[1]
NAMES = [
    "app", "audit-labels", "board", "cards", "compare", "decide", "encoders", "ensemble", "export", "import",
    "label-sets", "learning-curve", "pack", "predict", "pretrain", "pretrain-trio", "push", "push-space", "rows", "run",
    "run-data", "ship", "suggest", "tasks", "tune", "verify", "which",
]  # fmt: skip
Ended = tuple[int, str, str]


def _call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> Ended:
    monkeypatch.setattr(sys, "argv", ["encoder-zoo", *arguments])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as ended:
        main()
    found = capsys.readouterr()
    return int(ended.value.code or 0), found.out, found.err


def _commands() -> dict[str, Any]:
    return dict(typer.main.get_command(commands).commands)  # type: ignore[attr-defined]


def _process(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=os.environ | environment, capture_output=True, text=True
    )


def test_these_are_the_commands() -> None:
    assert sorted(_commands()) == NAMES


def test_the_lines_of_help_fit_a_terminal_of_80_columns() -> None:
    """Typer joins the lines of a help's first paragraph, and keeps the breaks of the others."""
    lines = [line for each in _commands().values() for line in each.help.partition("\n\n")[2].splitlines()]
    assert len(lines) > 10
    assert [line for line in lines if len(line) > 78] == []


@pytest.mark.parametrize("door", ["encoder_zoo", "benchmark", "zoo"])
def test_every_door_opens_the_same(
    door: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [door, "--help"])
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(door, run_name="__main__")  # what `python -m` does
    stdout, stderr = capsys.readouterr()
    assert (ended.value.code, stderr) == (0, "")
    assert "Usage: encoder-zoo [OPTIONS] COMMAND" in stdout
    assert sorted(re.findall(r"^│ ([a-z-]+) +[A-Z]", stdout, re.M)) == NAMES


def test_a_call_without_a_command_shows_the_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, stdout, _ = _call(monkeypatch, capsys)
    assert code == 2
    assert "run-data" in stdout


@pytest.mark.parametrize("name", NAMES)
def test_help_names_every_option_with_a_text(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, stdout, _ = _call(monkeypatch, capsys, name, "--help")
    assert code == 0
    assert f"Usage: encoder-zoo {name}" in stdout
    options = [line for line in stdout.splitlines() if re.match(r"│[* ]+--", line)]
    assert len(options) == len([each for each in _commands()[name].params if each.param_type_name == "option"]) + 1
    for line in options:
        assert re.search(r"--[\w-]+.*  [A-Z]\w*.*[a-z]{2}.*\.", line), line


@pytest.mark.parametrize("name", NAMES)
def test_help_is_in_short_sentences(name: str) -> None:
    command = _commands()[name]
    for text in (command.help.partition("\n\n")[0], *(each.help for each in command.params)):
        assert re.fullmatch(r"[A-Z].*\.", text, re.S), text
        assert len(text.split()) <= 20, text


def test_tasks_and_encoders_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(console, "width", 200)  # which it has from the environment only when it is made
    for command, registry in (("tasks", TASKS), ("encoders", ENCODERS)):
        code, stdout, _ = _call(monkeypatch, capsys, command)
        assert code == 0
        assert [line.split()[1] for line in stdout.splitlines() if line.startswith("│ ") and line[2] != " "] == [
            *registry
        ]
        if command == "tasks":
            row = re.split(r"\s*│\s*", next(line for line in stdout.splitlines() if " go_emotions " in line))
            assert row[2:6] == ["multi-label", "en", "28", "f1_macro"]
            assert row[6] == "--data-dir or hub:google-research-datasets/go_emotions"


@pytest.mark.parametrize("width", [30, 80])
def test_a_table_leaves_columns_out_and_no_part_of_a_name(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "width", width)
    for command, registry in (("tasks", TASKS), ("encoders", ENCODERS)):
        _, stdout, _ = _call(monkeypatch, capsys, command)
        rows = [line.split()[1] for line in stdout.splitlines() if line.startswith("│ ")]
        assert rows == [*registry]
        assert "…" not in stdout
    assert stdout.splitlines()[-1].endswith("licence, source, revision)")


def test_the_app_gets_what_the_options_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The app reads the port last of all that it takes from the environment, and refuses one that is in use."""
    for name in ("PORT", "HOST", "ENCODER_ZOO_RESULTS", "ENCODER_ZOO_CHECKPOINTS"):
        monkeypatch.setenv(name, "before")  # so that it is taken back after the test
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        given = ("--port", port, "--host", "127.0.0.1", "--results", str(tmp_path), "--checkpoints", str(tmp_path))
        code, _, stderr = _call(monkeypatch, capsys, "app", *given)
    assert code == 1
    assert stderr.startswith(f"Error: Cannot serve at 127.0.0.1, port {port} ")
    assert {name: os.environ[f"ENCODER_ZOO_{name}"] for name in ("RESULTS", "CHECKPOINTS")} == {
        "RESULTS": str(tmp_path),
        "CHECKPOINTS": str(tmp_path),
    }


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [("--port", "70000", 1), ("--port", "abc", 1), ("--results", "/no/such", 2), ("--checkpoints", "/no/such", 2)],
)
def test_the_app_refuses_what_cannot_be(
    option: str, value: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "before")
    ended, _, stderr = _call(monkeypatch, capsys, "app", option, value)
    assert ended == code
    assert value in stderr


def _make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "--no-print-directory", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_another_python_is_told_in_one_line_before_anything_is_installed(tmp_path: Path) -> None:
    """The check of the Makefile with the version of another Python, as far as this Python can play one."""
    other = tmp_path / "python"
    code = "import sys\nsys.version_info = (3, 10, 4)\nsys.argv = sys.argv[1:]\nexec(sys.argv[1])\n"
    (tmp_path / "old.py").write_text(code)
    other.write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path / "old.py"} "$@"\n')
    other.chmod(0o755)
    ended = subprocess.run(
        ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), f"PYTHON={other}", ".venv/installed"],
        cwd=_copy_of_requirements(tmp_path / "clone"),
        capture_output=True,
        text=True,
    )
    told = [line for line in ended.stderr.splitlines() if not line.startswith("make")]
    assert told == [f"Encoder Zoo needs Python 3.11 to 3.14; {other} is 3.10. Name another: make PYTHON=python3.12"]
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert not (tmp_path / "clone" / ".venv").exists()


def _copy_of_requirements(folder: Path) -> Path:
    folder.mkdir()
    for name in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


def test_make_opens_the_app_on_ones_own_runs() -> None:
    recipe = _make("-n", "app", "RESULTS=results", "CHECKPOINTS=kept", "PORT=8000").stdout
    assert "encoder-zoo app --port 8000 --results results --checkpoints kept\n" in recipe
    assert app.main.__doc__  # the app that it opens


def test_make_benchmark_ends_with_how_to_see_it() -> None:
    recipe = _make("-n", "benchmark").stdout.rstrip().splitlines()
    assert recipe[-1].endswith('make app RESULTS=results CHECKPOINTS=checkpoints"')
    assert "--checkpoints checkpoints" in recipe[-3]
    assert recipe[-2].endswith("encoder-zoo board")


def test_a_wheel_would_hold_every_file_of_the_packages() -> None:
    listed = subprocess.run(["git", "ls-files", "zoo", "benchmark", "demo"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("needs the git checkout")
    code = (
        "from setuptools.dist import Distribution\n"
        "project = Distribution({'script_name': 'setup.py'})\n"
        "project.parse_config_files()\n"
        "build = project.get_command_obj('build_py')\n"
        "build.finalize_options()\n"
        "for _, folder, _, names in build.get_data_files_without_manifest():\n"
        "    print(*(f'{folder}/{name}' for name in names), sep='\\n')\n"
        "print(*(path for _, _, path in build.find_all_modules()), sep='\\n')"
    )
    held = {line for line in _process("-c", code).stdout.splitlines() if line}
    assert {"app.py", "encoder_zoo.py"} <= held
    assert {line for line in listed.stdout.splitlines() if (ROOT / line).is_file()} - held == set()
