"""Which columns are meant, as the command line says it."""

from pathlib import Path

import pytest

from benchmark.own_data.columns import Columns, choose_columns, nearest_column
from benchmark.own_data.reading import read_own
from zoo.errors import UserError


def test_labels_are_said_in_one_way() -> None:
    assert choose_columns("t", "l", "", [], None) == Columns("t", ("l",), "one", "|")
    assert choose_columns("t", "", "l", [], ";") == Columns("t", ("l",), "several", ";")
    assert choose_columns("t", "", "l", [], None) == Columns("t", ("l",), "several", "|")
    for given in (("", "", [], None), ("l", "l", [], None), ("l", "", ["a,b"], None), ("", "", [" ,"], None)):
        with pytest.raises(UserError, match="Say where the labels are in one way: --label-column"):
            choose_columns("text", *given)
    for given in (("l", "", [], "|"), ("", "", ["a,b"], ";"), ("l", "", [], "")):
        with pytest.raises(UserError, match=r"^--delimiter '.?' applies to --label-list alone; leave it out$"):
            choose_columns("text", *given)
    with pytest.raises(UserError, match="--delimiter is empty"):
        choose_columns("text", "", "l", [], "")
    for given in (("t", "", []), ("", "t", []), ("", "", ["a,t"]), ("", "", ["a", "t"])):
        with pytest.raises(UserError, match="The column 't' cannot hold both the texts and a label"):
            choose_columns("t", *given, None)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["toys,books"], ("toys", "books")),
        (["toys, books ,toys,"], ("toys", "books")),
        (["toys, games"], ("toys, games",)),  # neither part is a column, but the whole is
        (["toys, games", "books"], ("toys, games", "books")),
        (["toys, games", " spaced ", "a|b"], ("toys, games", " spaced ", "a|b")),
        ([" spaced "], (" spaced ",)),
        (["toys", "toys"], ("toys",)),
    ],
    ids=str,
)
def test_names_with_commas_and_blanks_can_be_given(given: list[str], names: tuple[str, ...], tmp_path: Path) -> None:
    source = tmp_path / "my.csv"
    source.write_text('text,"toys, games"," spaced ",a|b,toys,books\nx,1,1,1,1,1\ny,0,0,0,0,0\n', "utf-8")
    assert read_own(str(source), choose_columns("text", "", "", given, None)).labels == names
    with pytest.raises(UserError, match=r"Did you mean ' spaced '\? Give --label-columns once for each name$"):
        read_own(str(source), choose_columns("text", "", "", ["toys,spaced"], None))


@pytest.mark.parametrize(
    ("name", "there", "nearest"),
    [
        ("text", ["id", "Review Text"], "Review Text"),
        ("review_text", ["id", "Review Text", "Review Title"], "Review Text"),
        ("label", ["text", " Label"], " Label"),
        ("labels", ["text", "label"], "label"),
        ("topic", ["text", "tpoic"], "tpoic"),
        ("ｔｅｘｔ", ["TEXT"], "TEXT"),
        ("text", ["title", "body", "id"], None),
        ("-", ["text", ""], None),
    ],
)
def test_the_nearest_column(name: str, there: list[str], nearest: str | None) -> None:
    assert nearest_column(name, there) == nearest
