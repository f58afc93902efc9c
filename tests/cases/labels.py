"""Cases of labels: how people write them."""

from tests.cases.table import Case

CASES: list[Case] = []
