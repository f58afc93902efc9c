"""Cases of labels: how people write them, and what the report says of them.

What is read stands here as the rows of each label, then what the report says of labels and texts.
"""

import json
from collections.abc import Sequence

import pyarrow as pa
from pyarrow import parquet

from benchmark.own_data.columns import Columns
from tests.cases.table import Case

ONE = Columns("text", ("label",), "one")
SEVERAL = Columns("text", ("label",), "several")


def case(name: str, files: dict[str, bytes], columns: Columns, outcome: str) -> Case:
    if not outcome.startswith("refused: "):
        outcome = f"read: ... rows; {outcome}; {next(iter(files))}:"  # the notes on the files come next
    return Case(name, files, outcome, columns=columns)


def csv(cells: Sequence[str], header: str = "label", first: int = 0) -> dict[str, bytes]:
    """Return a CSV file of numbered texts with these cells, each in quotation marks."""
    rows = (f'text {number},"{cell.replace(chr(34), chr(34) * 2)}"\n' for number, cell in enumerate(cells, first))
    return {"my.csv": f"text,{header}\n{''.join(rows)}".encode()}


def jsonl(values: Sequence[object]) -> dict[str, bytes]:
    """Return a JSONL file of numbered texts with these labels; ... stands for an object without the key."""
    rows = ({"text": f"text {n}"} | ({} if value is ... else {"label": value}) for n, value in enumerate(values))
    return {"my.jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode()}


def arrow(values: pa.Array) -> dict[str, bytes]:
    """Return a parquet file of numbered texts with these labels."""
    found = pa.BufferOutputStream()
    parquet.write_table(pa.table({"text": [f"text {n}" for n in range(len(values))], "label": values}), found)
    return {"my.parquet": found.getvalue().to_pybytes()}


def splits(**parts: dict[str, bytes]) -> dict[str, bytes]:
    return {
        f"{part}.{name.partition('.')[2]}": content for part, file in parts.items() for name, content in file.items()
    }


CASES: list[Case] = [
    # Structures that are written as text
    case("JSON", csv(['["a", "b"]', '["b"]', "[]"]), SEVERAL, "a 1, b 2"),
    case("Python", csv(["['a', 'b']", "['b']", "[]"]), SEVERAL, "a 1, b 2"),
    case("tuples", csv(["('a', 'b')", "('b',)", "()"]), SEVERAL, "a 1, b 2"),
    case("sets", csv(["{'a', 'b'}", "frozenset({'b'})", "set()"]), SEVERAL, "a 1, b 2"),
    case("NumPy", csv(["array(['a', 'b'], dtype=object)", "['a' 'b']", "[]"]), SEVERAL, "a 2, b 2"),
    case("NumPy 2", csv(["[np.str_('a'), np.str_('b')]", "[np.str_('b')]"]), SEVERAL, "a 1, b 2"),
    case("doccano's lists", csv(["[a, b]", "[b]", "[]"]), SEVERAL, "a 1, b 2"),
    case("PostgreSQL", csv(["{a,b}", "{b}", "{}"]), SEVERAL, "a 1, b 2"),
    case("Label Studio", csv(['{"choices": ["a", "b"]}', "b", ""]), SEVERAL, "a 1, b 2"),
    case("flags by name", csv(['{"a": 1, "b": 0}', "{'a': True, 'b': True}", "{}"]), SEVERAL, "a 2, b 1"),
    case("names in brackets", csv(["(a)", "[b]|[c]", "(1)"]), SEVERAL, "(1) 1, (a) 1, [b] 1, [c] 1"),
    case("probabilities by name", csv(['{"a": 0.9}', "b"]), SEVERAL, "refused: my.csv: row 1 has ... 0 or 1"),
    case(
        "a list in a list", csv(["a", "[['a'], 'b']"]), SEVERAL, "refused: my.csv: row 2 has ... is no list of names..."
    ),
    case("spans as text", csv(["a", '[[0, 4, "a"]]']), SEVERAL, "refused: my.csv: row 2 ... marks parts of a text..."),
    case(
        "truth values as text", csv(["[True]", "[True, False]"]), SEVERAL, "refused: ... has truth values, not names..."
    ),
    case("an open list", csv(["a", "[b|c]"]), SEVERAL, "refused: my.csv: row 2 has '[b|c]'..."),
    case(
        "lists where one label is to be",
        csv(["['a']", "b", "['b', 'a']"]),
        ONE,
        """refused: my.csv: row 1 has "['a']" ...; read it with --label-list 'label' (2 such rows)""",
    ),
    case("brackets around one label", csv(["[a]", "(b)"]), ONE, "(b) 1, [a] 1"),
    # Real lists and objects
    case("doccano's lists in JSON", jsonl([["a", "b"], [], ["b"]]), SEVERAL, "a 1, b 2"),
    case("doccano's annotations", jsonl([[{"label": 1, "user": 1}], [{"label": 2, "user": 1}]]), SEVERAL, "1 1, 2 1"),
    case(
        "doccano's spans", jsonl([[[0, 4, "a"]]]), SEVERAL, "refused: my.jsonl ... line 1: ... marks parts of a text..."
    ),
    case(
        "spans as objects", jsonl([[{"start": 0, "end": 4, "label": "a"}]]), SEVERAL, "refused: ... marks parts of..."
    ),
    case("choices in JSON", jsonl([{"choices": ["a", "b"]}, {"choices": ["b"]}]), SEVERAL, "a 1, b 2"),
    case("cats of spaCy", jsonl([{"a": 1.0, "b": 0.0}, {"a": 1.0, "b": 1.0}]), SEVERAL, "a 2, b 1"),
    case("truth values for one label", jsonl([True, False, True]), ONE, "false 1, true 2"),
    case(
        "objects of objects", jsonl([{"a": {"b": 1}}]), SEVERAL, "refused: my.jsonl: row 1 has ... is no list of names"
    ),
    case("numbers where lists are to be", jsonl([1, 2, 2]), SEVERAL, "1 1, 2 2"),
    case("fixed lists", arrow(pa.array([["a", "b"], ["b", "c"]], pa.list_(pa.string(), 2))), SEVERAL, "a 1, b 2, c 1"),
    case("labels as categories", arrow(pa.array(["a", "b"]).dictionary_encode()), ONE, "a 1, b 1"),
    # One-hot lists
    *(
        case(f"one-hot {name}", files, columns, "refused: ... a list of 2 flags ... with --label-columns")
        for name, files, columns in (
            ("JSON", csv(["[0, 1]", "[1, 1]", ""]), SEVERAL),
            ("NumPy", csv(["[0. 1.]", "[1. 1.]"]), SEVERAL),
            ("truth values", csv(["[True, False]", "[True, True]"]), SEVERAL),
            ("for one label", csv(["[0, 1]", "[1, 0]"]), ONE),
            ("lists", jsonl([[0, 1], [1, 0]]), SEVERAL),
            ("fixed lists", arrow(pa.array([[0, 1], [1, 0]], pa.list_(pa.int8(), 2))), SEVERAL),
        )
    ),
    case("lists of the labels 0 and 1", csv(["[0, 1]", "[1]", "[]"]), SEVERAL, "0 1, 1 2"),
    # Delimiters
    case("doccano's delimiter", csv(["a#b", "a"]), Columns("text", ("label",), "several", "#"), "a 2, b 1"),
    *(
        case(
            f"labels with {delimiter} between them",
            csv([f"a{delimiter}b", "a", f"b{delimiter} c", "", "c"]),
            SEVERAL,
            f"... 2 labels with '{delimiter}' in the name, and no row with more than one label; if it separates "
            f"labels, give --delimiter '{delimiter}', which makes 3 of all 4: 'a', 'b', 'c'",
        )
        for delimiter in ",;#/"
    ),
    case(
        "names with commas",
        csv(["toys, games", "tea, coffee", "toys"]),
        SEVERAL,
        "tea, coffee 1, toys 1, toys, games 1",
    ),
    case(
        "a delimiter too many", csv(["a|", "b|a|", "b"]), SEVERAL, "a 2, b 2; 2 rows with a blank among the labels..."
    ),
    # Missing values
    case(
        "nan", csv(["nan", "a", "b", "nan"]), ONE, "a 1, b 1, nan 2; 2 rows with the label 'nan'; ... remove these rows"
    ),
    case("None", csv(["a|b", "None", "a"]), SEVERAL, "... 1 row with the label 'None'; ... leave these cells empty"),
    case(
        "NA and null",
        csv(["NA", "null", "a"]),
        ONE,
        "...; 1 row with the label 'NA'; ...; 1 row with the label 'null'; ...",
    ),
    case("no label", csv(["a", "", " ", "b"]), ONE, "refused: my.csv: row 2 has no label in ...; ... (2 such rows)"),
    case("no key", jsonl([["a"], ..., None, ["b"]]), SEVERAL, "a 1, b 1; 2 rows without anything in the column..."),
    case(
        "no key for one label",
        jsonl(["a", ..., "b", None]),
        ONE,
        "refused: my.jsonl: row 2 has no label ... (2 such rows)",
    ),
    case(
        "texts that are nan",
        {"my.csv": b"text,label\nnan,a\nNone,b\nx,a\n"},
        ONE,
        "a 2, b 1; 2 rows with no other text than nan, None or the like...",
    ),
    case(
        "texts that are empty",
        {"my.csv": "text,label\nx,a\n\u200b\ufeff,b\n,b\n\u00a0,a\n".encode()},
        ONE,
        "refused: my.csv: row 2 has an empty text (nothing that is seen); remove the row (3 such rows)",
    ),
    case(
        "blank flags",
        {"my.csv": b"text,a,b\nx,1,\ny,,1\nz,,0\n"},
        Columns("text", ("a", "b"), "flags"),
        "refused: my.csv: row 2 has '' in the label column 'a', ...; write 0 where ... (2 such rows)",
    ),
    # Numbers
    case(
        "1 and 1.0 in two splits",
        splits(train=csv(["1", "0", "1"]), test=csv(["1.0", "0.0"], first=3)),
        ONE,
        "0 2, 1 3; all labels are numbers, so 1.0 is read as 1, 0.0 is read as 0 (in 2 rows)...",
    ),
    case(
        "1 and 1.0 in one file", csv(["1", "1.0", "2|1", "nan"]), SEVERAL, "1 3, 2 1, nan 1; all labels are numbers..."
    ),
    case("versions", csv(["1.0", "1", "beta"]), ONE, "1 1, 1.0 1, beta 1"),
    case("numbers with zeros in front", csv(["01", "1", "1.5"]), ONE, "01 1, 1 1, 1.5 1"),
    # Names that are nearly the same
    case("case", csv(["Good", "good ", "bad"]), ONE, "... 2 labels may be 1, ...: 'Good' (1 row) and 'good' (1 row)"),
    case(
        "Unicode form",
        csv(["ne\u0301", "n\u00e9", "a"]),
        ONE,
        "... may be 1, ...: 'ne\\u0301' (1 row) and 'n\u00e9' (1 row)",
    ),
    case(
        "wide letters", csv(["\uff21", "A", "b"]), ONE, "... 2 labels may be 1, ...: 'A' (1 row) and '\uff21' (1 row)"
    ),
    case(
        "blanks inside", csv(["a b", "a\u00a0b", "a  b", "c"]), ONE, "... 3 labels may be 1, ... 'a\\u00a0b' (1 row)..."
    ),
    case(
        "a character without width", csv(["a\u200b", "b", "a\u200b"]), ONE, "... 1 label with characters ... 'a\\u200b'"
    ),
    case("a mark of byte order", csv(["\ufeffa", "a", "b"]), ONE, "... 2 labels may be 1, ...: 'a' ... '\\ufeffa'"),
    case("joined emoji", csv(["\U0001f469\u200d\U0001f4bb", "b"]), ONE, "b 1, \U0001f469\u200d\U0001f4bb 1"),
    # Splits
    case(
        "labels that a split lacks",
        splits(train=csv(["a", "b", "c"]), validation=csv(["a", "b"], first=3), test=csv(["a", "new", "new"], first=5)),
        ONE,
        "a 3, b 2, c 1, new 2; 1 label without a train row: 'new' (2 rows elsewhere); ...; 2 labels without a "
        "validation row: 'c' (1 row elsewhere), 'new' (2 rows elsewhere); ...; 2 labels without a test row: 'b'...",
    ),
    case(
        "a label without a row",
        {"my.csv": b"text,a,b\nx,1,0\ny,0,0\n"},
        Columns("text", ("a", "b"), "flags"),
        "a 1, b 0; 1 label without any row; leave the column out of --label-columns: 'b'",
    ),
    # Names of columns
    case(
        "a column without a name",
        {"my.csv": b",text,label\n0,x,a\n"},
        Columns("text", ("topic",), "one"),
        "refused: my.csv has no column 'topic'",
    ),
    case("a blank in the header", {"my.csv": b"text, label\nx,a\n"}, ONE, "refused: ... Did you mean ' label'?"),
    case(
        "another case", {"my.csv": b"Review Text,label\nx,a\n"}, ONE, "refused: ... mean --text-column 'Review Text'?"
    ),
    case(
        "a comma in the name of a column",
        {"my.csv": b'text,"toys, games",tea\nx,1,0\n'},
        Columns("text", ("toys", "games", "tea"), "flags", whole="toys,games,tea"),
        "refused: ... Did you mean 'toys, games'? Give --label-columns once for each name",
    ),
]
