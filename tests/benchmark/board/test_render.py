"""From values to pages: templates, numbers in points, tables, the marked part of a text."""

from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import pytest

from benchmark.board.pages import gap, interval, listed, markdown, points, size
from benchmark.board.render import between_markers, render
from benchmark.speed import bench_sizes, simulate_statistics
from zoo.errors import UserError

BEGIN, END = "<!-- leaderboard: made by `make leaderboard`, do not edit -->", "<!-- end of leaderboard -->"
README = f"# Title\n\n{BEGIN}\nold table\n{END}\n\nthe rest | of it\n"


def test_a_value_that_a_template_names_must_be_given() -> None:
    with pytest.raises(jinja2.UndefinedError, match="matrices"):
        render("readme.md.jinja", legend=[])


@pytest.mark.parametrize(
    ("difference", "signed", "unsigned"),
    [(0.0123, "+1.2", "1.2"), (-0.0123, "-1.2", "-1.2"), (0.0004, "0.0", "0.0"), (-0.0004, "0.0", "0.0")],
)
def test_differences_are_in_points(difference: float, signed: str, unsigned: str) -> None:
    assert (points(difference), size(difference)) == (signed, unsigned)


def test_an_interval_and_a_gap_are_in_points() -> None:
    assert interval((0.01, -0.002, 0.02)) == "+1.0 [-0.2, +2.0]"
    assert (gap(0.2), gap(1.641)) == ("20.0", "over 25")


def test_names_are_listed_as_in_a_sentence() -> None:
    assert [listed(list(names)) for names in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]


def test_a_table_keeps_a_stroke_within_its_cell() -> None:
    table = pd.DataFrame({"name": ["a|b"], "n": [1], "value": [0.5]})
    assert markdown(table) == "| name | n | value |\n| --- | --- | --- |\n| a\\|b | 1 | 0.5 |"


def test_a_text_is_changed_between_its_markers_alone_and_only_once() -> None:
    once = between_markers(Path("README.md"), README, "new \\1 table\n")
    assert once == f"# Title\n\n{BEGIN}\n\nnew \\1 table\n\n{END}\n\nthe rest | of it\n"
    assert between_markers(Path("README.md"), once, "new \\1 table") == once


@pytest.mark.parametrize("marker", [BEGIN, END])
def test_a_text_without_a_marker_is_named(marker: str) -> None:
    with pytest.raises(UserError, match=r"README\.md has lost its lines"):
        between_markers(Path("README.md"), README.replace(marker, ""), "")


@pytest.mark.parametrize("made_by", [bench_sizes, simulate_statistics])
def test_the_pages_of_measurements_have_their_markers_and_losing_one_is_told(made_by: Any) -> None:
    text = made_by.PAGE.read_text(encoding="utf-8")
    assert "| new |" in between_markers(made_by.PAGE, text, "| new |", made_by.BEGIN, made_by.END)
    with pytest.raises(UserError, match=f"{made_by.PAGE.name} has lost its lines '{made_by.BEGIN}'"):
        between_markers(made_by.PAGE, text.replace(made_by.BEGIN, ""), "| new |", made_by.BEGIN, made_by.END)
