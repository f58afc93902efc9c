"""Cases of files: encodings, separators, quotation marks, JSON, parquet, splits."""

from tests.cases.table import Case, rows, table

CASES: list[Case] = [
    Case(
        "CSV in UTF-8",
        {"rows.csv": table(rows()).encode()},
        own="read: 40 rows; bad 20, good 20; rows.csv: UTF-8, separated by commas",
        texts="read: 40 rows; rows.csv: UTF-8, separated by commas",
    ),
]
