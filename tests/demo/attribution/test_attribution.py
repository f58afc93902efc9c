"""Which words speak for a label: the handlers without a browser, then one visit with one."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmark.tasks.registry import TASKS
from demo.attribution.handlers import as_view, explain
from demo.attribution.view import explain_or_say_why
from demo.compare.handlers import classify
from demo.shared.texts import say
from zoo.attribution import Attribution, Span
from zoo.errors import UserError

FEEDBACK = TASKS["feedback"].labels
TEXT = "it came late,  and the 🦓 was open."


def _found(words: list[tuple[int, int, float]], drop: float = 0.4, random: float = 0.1, unread: int = 0) -> Attribution:
    spans = tuple(Span(*word) for word in words)
    return Attribution("late", spans, spans, 0.9, 0.2, 3.0, -0.02, 32, drop, random, unread, 1.25)


def test_the_score_of_the_label_that_is_named_is_explained(checkpoints: Path) -> None:
    (answer,) = classify(TEXT, "feedback", ["beta"], checkpoints).answers
    found = explain(TEXT, "feedback", "beta", "price", checkpoints)
    assert found.label == "price"
    assert found.score == pytest.approx(answer.scores[FEEDBACK.index("price")], rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", "feedback", "alpha", "price"), "There is no text"),
        (("a" * 100_000, "feedback", "alpha", "price"), "100,000 characters, 10,000 are allowed"),
        (("\u200b", "feedback", "alpha", "price"), "no token"),
        ((TEXT, "feedback", "alpha", "prise"), "Did you mean 'praise'"),
        ((TEXT, "feedback", "../sst2/alpha", "price"), "Unknown checkpoint"),
        ((TEXT, "feedback", "", "price"), "No checkpoint is chosen"),
        ((TEXT, "nothing", "alpha", "price"), "Unknown task"),
    ],
)
def test_what_cannot_be_explained_is_told_in_one_line(
    arguments: tuple[str, str, str, str], message: str, checkpoints: Path
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        explain(*arguments, checkpoints)
    assert "\n" not in str(caught.value)
    assert explain_or_say_why(*arguments, "en", checkpoints) == {"problem": str(caught.value)}


def test_a_damaged_checkpoint_is_told_in_one_line(damaged: Path) -> None:
    for name in ("weights", "decision", "tokenizer", "config"):
        (problem,) = explain_or_say_why(TEXT, "feedback", name, "price", "en", damaged).values()
        assert len(problem.splitlines()) == 1


def test_the_view_has_the_whole_text_and_the_words_strengths(checkpoints: Path) -> None:
    found = explain(TEXT, "feedback", "alpha", "price", checkpoints)
    pieces = as_view(TEXT, "alpha", found, "en")["pieces"]
    assert "".join(piece["text"] for piece in pieces) == TEXT
    strengths = [piece["strength"] for piece in pieces if "strength" in piece]
    assert max(map(abs, strengths)) == 1
    assert len(strengths) <= len(found.words)


def test_strengths_are_shares_of_the_strongest_and_weak_words_stay_plain() -> None:
    view = as_view("so late, how good!", "alpha", _found([(0, 2, 0.01), (3, 7, 2.0), (13, 17, -0.5)]), "en")
    assert view["pieces"] == [
        {"text": "so"},
        {"text": " "},
        {"text": "late", "strength": 1.0, "title": "+2.00"},
        {"text": ", how "},
        {"text": "good", "strength": -0.25, "title": "−0.50"},
        {"text": "!"},
    ]
    assert [part["words"] for part in view["lists"]] == [["late +2.00"], ["good −0.50"]]


def test_words_that_share_characters_or_have_none_repeat_no_text() -> None:
    text = "ab cd"
    view = as_view(text, "alpha", _found([(0, 2, 1.0), (1, 2, 1.0), (3, 3, 2.0), (3, 5, 0.0)]), "en")
    assert "".join(piece["text"] for piece in view["pieces"]) == text
    assert view["lists"][0]["words"] == ["ab +1.00", "b +1.00"]


def test_a_text_whose_words_say_nothing_is_plain() -> None:
    view = as_view("so", "alpha", _found([(0, 2, 0.0)]), "en")
    assert view["pieces"] == [{"text": "so"}]
    assert [part["words"] for part in view["lists"]] == [[], []]


def test_the_facts_and_warnings_are_told_in_the_pages_language() -> None:
    words = [(0, 2, 1.0)]
    view = as_view("so", "alpha", _found(words), "en")
    for fact in ("late, alpha", "0.900", "0.200", "+2.98", "0.020", "32 steps", "−0.400", "−0.100", "1.2 s"):
        assert fact in view["facts"]
    assert view["notes"] == []
    cut = as_view("so", "alpha", _found(words, unread=7), "zh")
    assert cut["notes"] == [say("attribution_cut", "zh", unread=7)]
    assert "得分" in cut["facts"]


@pytest.mark.parametrize(("drop", "random"), [(0.1, 0.1), (0.1, 0.2), (-0.1, -0.2)])
def test_attributions_that_say_little_are_told(drop: float, random: float) -> None:
    notes = as_view("so", "alpha", _found([(0, 2, 1.0)], drop, random), "en")["notes"]
    assert notes == [say("attribution_weak", "en")]


def test_what_was_not_read_is_marked() -> None:
    words = [(0, 2, 1.0)]
    assert as_view("so long", "alpha", _found(words, unread=3), "en")["pieces"][-1] == {"text": " long", "unread": True}
    assert as_view("so ", "alpha", _found(words), "en")["pieces"][-1] == {"text": " "}


def test_a_click_on_a_score_marks_its_words_in_the_text(page: Page) -> None:
    def ask(name: str, label: str) -> None:
        page.get_by_title(f"Which words speak for {label}, by {name}?").click()

    words, over = page.locator("#words"), page.locator(".zoo-over")
    ask("alpha", "price")
    expect(words).to_contain_text("Words that speak for price, by alpha")
    text = page.locator("#text textarea")
    assert over.text_content() == text.input_value()
    assert over.locator(".zoo-for, .zoo-against").count() > 1
    assert over.bounding_box()["width"] == pytest.approx(text.bounding_box()["width"], abs=20)  # type: ignore[index]
    words.get_by_text("How sure is this?").click()
    assert words.get_by_text("price, alpha: score").is_visible()

    hostile = "<img src=x onerror='window.hacked=1'> ${window.hacked=1} {{hacked}} `late"
    text.fill(hostile)
    expect(over).to_have_count(0)  # the words were those of another text
    expect(words).to_be_hidden()
    page.locator("#classify").click()
    page.wait_for_function("location.hash.includes('hacked')")
    ask("beta", "quality")
    expect(words).to_contain_text("Words that speak for quality, by beta")
    assert over.text_content() == hostile
    assert page.evaluate("window.hacked === undefined")
    words.get_by_role("button", name="Take the marks away").click()
    expect(over).to_have_count(0)
