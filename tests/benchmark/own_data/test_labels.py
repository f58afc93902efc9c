"""Cells of labels for any names, and what names tell by themselves. How people write labels: tests/cases/labels.py."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.own_data.columns import Columns
from benchmark.own_data.label_names import as_numbers, has_unseen, nearly_same, other_delimiter, shown
from benchmark.own_data.labels import Cell, read_cell
from benchmark.own_data.reading import read_own
from zoo.errors import UserError

# Any text, and often the characters that lists are written with.
NAMES = st.lists(
    (st.text(st.sampled_from("ab 1,|'\"\\[](){}:#\n\u00e9")) | st.text()).map(str.strip).filter(bool), max_size=5
)


@given(NAMES, st.sampled_from(["|", ",", None]))
def test_any_names_in_a_json_list_come_back_equal(names: list[str], delimiter: str | None) -> None:
    expected = Cell(tuple(names), listed=True)
    for text in (json.dumps(names), json.dumps(names, ensure_ascii=False, indent=1)):
        assert read_cell(text, delimiter) == expected
    assert read_cell(names, delimiter) == expected


@given(NAMES, st.sampled_from([repr, lambda names: repr(tuple(names)), lambda names: repr({"choices": names})]))
def test_any_names_as_python_writes_them_come_back_equal(names: list[str], write: Callable[[list[str]], str]) -> None:
    assert read_cell(write(names), "|") == Cell(tuple(names), listed=True)


@given(
    st.sampled_from(["['", '["', "[[", "[{", "('", "{'", '{"']), st.text("a 1,.|'\"\\[](){}:"), st.sampled_from("|,;")
)
def test_a_cell_in_the_marks_of_a_list_is_never_a_name(opens: str, inside: str, delimiter: str) -> None:
    text = opens + inside + {"[": "]", "(": ")", "{": "}"}[opens[0]]
    for between in (delimiter, None):
        assert text not in read_cell(text, between).names


@given(st.lists(st.text(st.characters(exclude_characters="|[](){} ", exclude_categories=["Z", "C"]), min_size=1)))
def test_names_with_a_delimiter_come_back_equal(names: list[str]) -> None:
    assert read_cell(" | ".join(names), "|") == Cell(tuple(names) or ("",))


@pytest.mark.parametrize("value", [1, 1.0, "1"])
def test_a_number_is_a_name(value: object) -> None:
    assert read_cell(value, None).names == ("1",)
    assert read_cell([value, None, float("nan")], "|").names == ("1", "", "")


def test_deep_and_long_cells_end_with_a_fault() -> None:
    for text in ("[" * 10**5 + "]" * 10**5, "(" * 10**4 + "'a'" + ")" * 10**4, "{'a': " * 10**4 + "1" + "}" * 10**4):
        assert read_cell(text, "|").fault
    assert read_cell(np.array2string(np.arange(900) % 2, threshold=1000), "|").one_hot


def test_numbers_are_renamed_where_all_names_are_numbers() -> None:
    assert as_numbers(["1", "1.0", "-2.00", "0.5", "nan"]) == {"1.0": "1", "-2.00": "-2"}
    assert as_numbers(["1.0", "v2"]) == {}
    assert as_numbers(["1", "2.5", "01"]) == {}


def test_names_that_are_nearly_the_same() -> None:
    assert nearly_same(["Straße", "STRASSE", "strasse 2"]) == [["Straße", "STRASSE"]]
    assert nearly_same(["\u0645\u06cc\u200c\u0631\u0648\u062f", "\u0645\u06cc\u0631\u0648\u062f"]) != []
    assert nearly_same(["\u200b", "\u200c", "a", "b", "a_b", "ab"]) == []
    assert nearly_same(["❤", "❤\ufe0f"]) == [["❤", "❤\ufe0f"]]


def test_what_an_eye_cannot_tell_is_escaped() -> None:
    assert [shown(name) for name in ("a b", "a\u00a0b", "e\u0301", "é", "a\nb", "好\u3000的", "\u0915\u093f")] == [
        "'a b'", "'a\\u00a0b'", "'e\\u0301'", "'é'", "'a\\u000ab'", "'好\u3000的'", "'\u0915\u093f'",
    ]  # fmt: skip
    assert [has_unseen(name) for name in ("a\u200b", "\ufeffa", "a\u00a0b", "👩\u200d💻", "a b")] == [
        True, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a,b", "a; b", "a"], None),  # no fewer labels
        (["a;b", "a", "b", "b,c"], (";", ["a", "b", "b,c"])),
        (["a b", "b c", "a", "c"], (" ", ["a", "b", "c"])),
        (["a, or b", "b", "c"], None),
        (['["a","b"]', '["a"]', '["b"]', '["b","a"]'], None),  # it would cut lists
        (["a (b, c)", "c)", "a (b", "a"], None),
        ([], None),
    ],
)
def test_a_delimiter_is_suggested_only_where_it_leaves_fewer_labels(
    names: list[str], found: tuple[str, list[str]] | None
) -> None:
    assert other_delimiter(names) == found


@given(st.sets(st.text(st.sampled_from("abc,;#| ()[]\"'"), min_size=1).map(str.strip).filter(bool)))
def test_a_suggested_delimiter_gives_the_suggested_labels(names: set[str]) -> None:
    plain = sorted(name for name in names if read_cell(name, "|") == Cell((name,)))
    if found := other_delimiter(plain):
        cells = [read_cell(name, found[0]) for name in plain]
        assert not any(cell.fault for cell in cells)
        assert sorted({name for cell in cells for name in cell.names} - {""}) == found[1]


def test_what_a_message_says_to_do_works(tmp_path: Path) -> None:
    source = tmp_path / "my.csv"
    source.write_text('id,Review Text, topic\n1,x,"{""choices"": [""a"", ""b""]}"\n2,y,b\n3,z,\n', "utf-8")
    for columns, told in (
        (Columns("text", ("topic",), "one"), "Did you mean --text-column 'Review Text'?"),
        (Columns("Review Text", ("topic",), "one"), "Did you mean ' topic'?"),
        (Columns("Review Text", (" topic",), "one"), "read it with --label-list ' topic'"),
    ):
        with pytest.raises(UserError, match=re.escape(told)):
            read_own(str(source), columns)
    assert read_own(str(source), Columns("Review Text", (" topic",), "several")).labels == ("a", "b")
