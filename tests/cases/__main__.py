"""Prints the table of all cases: name, what own data make of it, what predict and Batch make of it."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cases import files, labels, structured
from tests.cases.outcomes import own_outcome, texts_outcome
from tests.cases.table import Case


def main() -> None:
    for case in (*files.CASES, *structured.CASES, *labels.CASES):
        with TemporaryDirectory() as folder:
            outcomes = run(case, Path(folder))
        sys.stdout.write(f"{case.name}\n" + "".join(f"    {line}\n" for line in outcomes if line))


def run(case: Case, folder: Path) -> tuple[str, str]:
    """Write a case's files into `folder`; return what own data, and what predict and Batch make of them."""
    for name, content in case.files.items():
        (folder / name).write_bytes(content)
    own = f"own data: {own_outcome(case, folder)}" if case.own else ""
    return own, f"texts: {texts_outcome(case, folder)}" if case.texts else ""


if __name__ == "__main__":
    main()
