"""The form of a case: small files as people bring them, and what the project says of them.

`python -m tests.cases` prints the table of all cases; test_cases.py runs the same. Cases are in files.py (text),
structured.py (JSON, parquet, splits) and labels.py (how labels are written). To add one, append a Case to CASES there.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.own_data.columns import Columns
from zoo.row_files.format import ALL_FOUND, Format

ONE = Columns("text", ("label",), "one")
SEVERAL = Columns("text", ("labels",), "several")


@dataclass(frozen=True)
class Case:
    """One kind of file.

    `files` are bytes by name: one file, or several that are a folder of splits. `own` is what own data make of them and
    `texts` what predict and Batch do with each file: "" if a case is not about that. Both say how the outcome begins:
    "read: ..." or "refused: ...", where "..." stands for any words between.
    """

    name: str
    files: dict[str, bytes]
    own: str = ""
    texts: str = ""
    columns: Columns = ONE
    format: Format = ALL_FOUND


def rows(count: int = 40, labels: Sequence[str] = ("bad", "good")) -> list[list[str]]:
    """Return rows of a text and a label, the labels in turn."""
    return [[f"text number {n}", labels[n % len(labels)]] for n in range(count)]


def table(found: Sequence[Sequence[str]], separator: str = ",", header: str = "text,label", end: str = "\n") -> str:
    """Return rows as text with separators, as they are: nothing is put in quotation marks."""
    return end.join([header.replace(",", separator), *(separator.join(row) for row in found), ""])


def jsonl(records: Sequence[object]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


ALL = "40 rows; bad 20, good 20"


def csv_file(content: str, name: str = "rows.csv", encoding: str = "utf-8") -> dict[str, bytes]:
    return {name: content.encode(encoding)}


def refused(name: str, files: dict[str, bytes], why: str, given: Format = ALL_FOUND, columns: Columns = ONE) -> Case:
    return Case(name, files, f"refused: ...{why}", f"refused: ...{why}", columns, given)


def read(name: str, files: dict[str, bytes], how: str, labels: str = ALL, given: Format = ALL_FOUND) -> Case:
    return Case(name, files, f"read: {labels}; {how}", f"read: {labels.partition(';')[0]}; {how}", ONE, given)
