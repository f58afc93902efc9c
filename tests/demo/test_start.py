"""The app says in one line why it cannot start."""

import runpy
import socket
from pathlib import Path

import pytest

import app
from zoo.errors import UserError

ROOT = Path(__file__).parents[2]


def test_a_mistake_is_one_line_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "abc")
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
    assert ended.value.code == 1
    assert capsys.readouterr() == ("", "Error: PORT must be a number below 65,536, got 'abc'\n")


@pytest.mark.parametrize("port", ["-1", "70000", "", "7_860"])
def test_a_port_is_a_number_in_its_range(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(UserError, match=f"below 65,536, got {port!r}"):
        app.main()


@pytest.mark.parametrize("variable", ["ENCODER_ZOO_CHECKPOINTS", "ENCODER_ZOO_RESULTS"])
def test_a_folder_that_is_missing_is_told_in_one_line(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "none"))
    monkeypatch.setenv("PORT", "0")
    with pytest.raises(UserError) as raised:
        app.main()
    line = f"{variable} names the folder {tmp_path / 'none'}, and there is none; make it, or unset {variable}"
    assert str(raised.value) == line


def test_an_address_that_cannot_be_had_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        for host, reason in (("127.0.0.1", "Address already in use"), ("192.0.2.1", ""), ("999.1.1.1", "")):
            monkeypatch.setenv("HOST", host)
            monkeypatch.setenv("PORT", port)
            with pytest.raises(UserError, match=rf"Cannot serve at {host}, port {port} \({reason}.*\); give another"):
                app.main()
