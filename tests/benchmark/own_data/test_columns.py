"""Which columns are meant, as the command line says it."""

from pathlib import Path

import pytest

from benchmark.own_data.columns import Columns, choose_columns, nearest_column
from zoo.errors import UserError


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "my.csv"
    path.write_text('text,"toys, games"," spaced ",a|b,toys,books\n', "utf-8")
    return str(path)


def test_labels_are_said_in_one_way(source: str) -> None:
    assert choose_columns("", "t", "l", "", [], None) == Columns("t", ("l",), "one", "|")
    assert choose_columns("", "t", "", "l", [], ";") == Columns("t", ("l",), "several", ";")
    assert choose_columns("", "t", "", "l", [], None) == Columns("t", ("l",), "several", "|")
    for given in (("", "", [], None), ("l", "l", [], None), ("l", "", ["a,b"], None), ("", "", [" ,"], None)):
        with pytest.raises(UserError, match="Say where the labels are in one way: --label-column"):
            choose_columns("", "text", *given)
    for given in (("l", "", [], "|"), ("", "", ["a,b"], ";"), ("l", "", [], "")):
        with pytest.raises(UserError, match=r"^--delimiter '.?' applies to --label-list alone; leave it out$"):
            choose_columns("", "text", *given)
    with pytest.raises(UserError, match="--delimiter is empty"):
        choose_columns("", "text", "", "l", [], "")
    for given in (("t", "", []), ("", "t", []), ("", "", ["a,t"]), ("", "", ["a", "t"])):
        with pytest.raises(UserError, match="The column 't' cannot hold both the texts and a label"):
            choose_columns(source, "t", *given, None)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["toys,books"], ("toys", "books")),
        (["toys, books ,toys,"], ("toys", "books")),
        (["toys, games"], ("toys, games",)),  # a column has the whole name
        (["toys, games,books"], ("toys", "games", "books")),  # none has
        (["toys, games", "books"], ("toys, games", "books")),
        (["toys, games", " spaced ", "a|b"], ("toys, games", " spaced ", "a|b")),
        ([" spaced "], (" spaced ",)),
        ([" spaced ,a|b"], (" spaced ", "a|b")),
        ([" toys"], ("toys",)),
        (["toys", "toys"], ("toys",)),
        (["none"], ("none",)),
    ],
    ids=str,
)
def test_names_with_commas_and_blanks_can_be_given(given: list[str], names: tuple[str, ...], source: str) -> None:
    assert choose_columns(source, "text", "", "", given, None).labels == names


def test_a_dataset_of_the_hub_is_not_loaded_for_the_names_of_its_columns() -> None:
    assert choose_columns("hub:some/name", "text", "", "", ["a, b"], None).labels == ("a", "b")


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
