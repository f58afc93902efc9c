"""The command line, called in this process."""

import sys

import pytest

from encoder_zoo import main
from tests.benchmark.commands.calls import Call, Ended


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call the command line in this process and return how it ended."""

    def calling(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["encoder-zoo", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "300")
        with pytest.raises(SystemExit) as ended:
            main()
        found = capsys.readouterr()
        return Ended(int(ended.value.code or 0), found.out, found.err)

    return calling
