"""Every case ends as its table says."""

from pathlib import Path

import pytest

from tests.cases import files, labels, structured
from tests.cases.outcomes import matches, own_outcome, texts_outcome
from tests.cases.table import Case

CASES = (*files.CASES, *structured.CASES, *labels.CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_ends_as_the_table_says(case: Case, tmp_path: Path) -> None:
    for name, content in case.files.items():
        (tmp_path / name).write_bytes(content)
    if case.own:
        outcome = own_outcome(case, tmp_path)
        assert matches(case.own, outcome), outcome
    if case.texts:
        outcome = texts_outcome(case, tmp_path)
        assert matches(case.texts, outcome), outcome


def test_no_two_cases_have_one_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
