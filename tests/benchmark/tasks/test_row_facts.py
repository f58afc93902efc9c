"""Facts of rows: what they say of a text by hand, that they hold none, and that those of other rows stay."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.tasks.registry import TASKS
from benchmark.tasks.row_facts import (
    FACTS,
    describe_rows,
    find_row_facts,
    has_emoji,
    has_negation,
    keep_row_facts,
    normalized,
    read_row_facts,
    write_row_facts,
)
from benchmark.tasks.rows import Rows, Split
from zoo.errors import UserError


def make_facts(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    flags = {name: rng.random(n) < 0.4 for name in ("duplicate", "negation", "emoji")}
    return pd.DataFrame({"words": rng.integers(1, 40, n)} | flags).astype(FACTS)


def make_rows(test: list[str], train: tuple[str, ...] = ("other",)) -> Rows:
    train_, aside, test_ = (
        Split(list(texts), np.zeros((len(texts), 8), np.int8)) for texts in (train, ["aside"], test)
    )
    return Rows(train_, aside, test_, "rows")


def describe(task: str, test: list[str], train: tuple[str, ...] = ("other",)) -> pd.DataFrame:
    return describe_rows(TASKS[task], make_rows(test, train))


def test_facts_of_english_rows_by_hand() -> None:
    facts = describe("feedback", ["It never  came\nback :(", "Great, thanks!", "Fine. 👍"], ("great, THANKS!", "x"))
    assert facts.to_dict("list") == {
        "words": [5, 2, 2],
        "duplicate": [False, True, False],
        "negation": [True, False, False],
        "emoji": [True, False, True],
    }
    assert facts.dtypes.to_dict() == FACTS


def test_chinese_rows_are_counted_in_characters_and_have_no_negation_or_emoji() -> None:
    facts = describe("feedback_zh", ["物流很慢。", "不 错\n:) 👍 not"])
    assert facts["words"].tolist() == [5, 8]
    assert not facts[["duplicate", "negation", "emoji"]].to_numpy().any()


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Too late", "too  LATE "),
        ("STRASSE", "straße"),
        ("ＡＢＣ１２", "abc12"),
        ("好\u3000的", "好 的"),
        ("caf\u00e9", "cafe\u0301"),
        ("a\tb\nc", "A B C"),
    ],
)
def test_a_duplicate_is_one_after_normalisation(text: str, same: str) -> None:
    assert normalized(text) == normalized(same)
    assert describe("feedback", [text], (same,))["duplicate"].tolist() == [True]


@pytest.mark.parametrize(("text", "other"), [("too late", "too late."), ("too late", "toolate"), ("cafe", "café")])
def test_other_words_are_no_duplicate(text: str, other: str) -> None:
    assert not describe("feedback", [text], (other,))["duplicate"].any()


def test_a_text_that_stands_only_in_validation_is_no_duplicate() -> None:
    assert not describe("feedback", ["aside"])["duplicate"].any()


@pytest.mark.parametrize(
    "text",
    "Not bad|NO!|never, ever|nothing came|it didn't|it DIDN’T come|ca n't say|we cannot|can not|a no-brainer|*not* so"
    "|_not_ so|hardly any|I dont know|neither this|without it|no one|nobody".split("|"),
)
def test_a_word_that_negates_is_seen(text: str) -> None:
    assert has_negation(text)


@pytest.mark.parametrize(
    "text",
    "notable|I know|a note|nowadays|nonetheless|I want it|ant|noted|knot|nevermore|cant|another|non-stop|no1|int|"
    "northern|I can'tell|".split("|"),
)
def test_a_word_that_only_looks_so_is_not(text: str) -> None:
    assert not has_negation(text)


@pytest.mark.parametrize(
    "text",
    [
        *"👍 ok|ok😂|❤|❤️|♥|☺|©️|🇨🇳|⭐ five|👩‍👩‍👧|🤣|✓".split("|"),
        *[":)", "nice :-)", "sad :(", ":'(", "wow :D", ":DDD!", ":P", ";) you", "hm :/ ok", "=)", "so :|", "well :o"],
        *["fine:)", "ok :)).", "<3", "love <3!", "lol xD", "XD"],
    ],
)
def test_an_emoji_or_emoticon_is_seen(text: str) -> None:
    assert has_emoji(text)


@pytest.mark.parametrize(
    "text",
    [
        *["plain", "http://a.b/c", "at 10:30", "x<3", "x <30", "<3%", "ratio 1:3", "&quot;) then", "8)", "C:/x", "a;b"],
        *["(as follows: a)", "two:(see below)", "note:Done", ":Dog", "expensive", "xDrive", "© 2020", "™", "a → b"],
        *["“quoted”", "中文。", "5 €", "naïve", "[1]: x", "— dash…", "①"],
    ],
)
def test_what_only_looks_like_one_is_not(text: str) -> None:
    assert not has_emoji(text)


def test_facts_come_back_as_written(tmp_path: Path) -> None:
    path, facts = tmp_path / "deep" / "feedback.npz", make_facts(50)
    write_row_facts(path, facts, "0123456789abcdef")
    frame, fingerprint = read_row_facts(path)
    pd.testing.assert_frame_equal(frame, facts)
    assert fingerprint == "0123456789abcdef"
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    before = path.read_bytes()
    write_row_facts(path, facts, "0123456789abcdef")
    assert path.read_bytes() == before


def test_facts_hold_no_text(tmp_path: Path) -> None:
    path = tmp_path / "facts.npz"
    write_row_facts(path, describe("feedback", ["quinquereme of nineveh", "b"]), "rows")
    with np.load(path, allow_pickle=False) as arrays:
        assert {name: arrays[name].dtype.kind for name in arrays.files} == {
            "fingerprint": "U",
            "words": "i",
            "duplicate": "b",
            "negation": "b",
            "emoji": "b",
        }


def assert_refused(path: Path) -> None:
    with pytest.raises(UserError, match="not a readable file of row facts; delete it, and `encoder-zoo run`") as caught:
        read_row_facts(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_whole_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "facts.npz"
    assert_refused(path)
    write_row_facts(path, make_facts(50), "rows")
    content = path.read_bytes()
    for damaged in (b"", b"words,emoji\n1,0\n", content[:30], content[: len(content) // 2], content[:-1]):
        path.write_bytes(damaged)
        assert_refused(path)


def test_a_changed_byte_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    path, facts = tmp_path / "facts.npz", make_facts(50)
    write_row_facts(path, facts, "rows")
    content, refused = path.read_bytes(), 0
    for at in range(0, len(content), 8):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x41]) + content[at + 1 :])
        try:
            frame, fingerprint = read_row_facts(path)
        except UserError:
            refused += 1
        else:
            pd.testing.assert_frame_equal(frame, facts)
            assert fingerprint == "rows"
    assert refused > len(content) / 16


@pytest.mark.parametrize(
    "change",
    [
        {"words": np.ones(5)},
        {"emoji": np.ones(5, np.int64)},
        {"emoji": np.ones(4, bool)},
        {"words": np.ones((5, 2), np.int64)},
        {"fingerprint": np.array(7)},
        {"fingerprint": np.array(["a", "b"])},
    ],
)
def test_a_file_of_other_columns_is_refused(tmp_path: Path, change: dict[str, np.ndarray]) -> None:
    path = tmp_path / "facts.npz"
    whole = {name: np.ones(5, kind) for name, kind in FACTS.items()} | {"fingerprint": np.array("rows")}
    np.savez(path, **(whole | change))  # type: ignore[arg-type]
    assert_refused(path)
    np.savez(path, words=whole["words"])
    assert_refused(path)
    np.save(path.with_suffix(".npy"), whole["words"])
    assert_refused(path.with_suffix(".npy"))


def test_facts_of_several_row_sets_stand_side_by_side(tmp_path: Path) -> None:
    task = TASKS["feedback"]
    first = make_rows(["never", "fine"])
    second = replace(make_rows(["fine"], ("Fine",)), fingerprint="others")
    assert find_row_facts(tmp_path, task.name) == {}
    for rows in (first, second, first):
        keep_row_facts(tmp_path, task, rows)
    found = find_row_facts(tmp_path, task.name)
    assert set(found) == {"rows", "others"}
    for rows in (first, second):
        pd.testing.assert_frame_equal(found[rows.fingerprint], describe_rows(task, rows))
    assert sorted(path.name for path in (tmp_path / task.name).iterdir()) == ["rows-others.npz", "rows-rows.npz"]


def test_the_file_of_earlier_versions_is_read_and_not_written_twice(tmp_path: Path) -> None:
    task, rows = TASKS["feedback"], make_rows(["never"])
    write_row_facts(tmp_path / task.name / "rows.npz", describe_rows(task, rows), rows.fingerprint)
    keep_row_facts(tmp_path, task, rows)
    assert list(find_row_facts(tmp_path, task.name)) == ["rows"]
    assert [path.name for path in (tmp_path / task.name).iterdir()] == ["rows.npz"]


def test_damaged_facts_are_told_until_they_are_written_again(tmp_path: Path) -> None:
    task, rows = TASKS["feedback"], make_rows(["never"])
    keep_row_facts(tmp_path, task, rows)
    path = tmp_path / task.name / "rows-rows.npz"
    path.write_bytes(b"cut short")
    with pytest.raises(UserError, match=r"rows-rows\.npz is not a readable file of row facts"):
        find_row_facts(tmp_path, task.name)
    keep_row_facts(tmp_path, task, rows)
    assert find_row_facts(tmp_path, task.name)["rows"]["negation"].tolist() == [True]
