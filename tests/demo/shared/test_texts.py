"""The page's texts: whole in both languages, and the language told from a request."""

import re

import gradio as gr
import pytest
from fastapi import Request

from demo.shared.page_texts import i18n, label, language_of
from demo.shared.texts import say


def _request(language: str, page: str = "") -> gr.Request:
    headers = [(b"accept-language", language.encode()), (b"referer", page.encode())]
    return gr.Request(Request({"type": "http", "query_string": b"", "headers": headers}))


def test_every_text_is_there_in_both_languages_with_the_same_places_for_values() -> None:
    texts = i18n().translations_dict
    assert set(texts) == {"en", "zh-CN", "zh-TW"}
    assert texts["zh-CN"] == texts["zh-TW"]
    assert texts["zh-CN"].keys() == texts["en"].keys()
    for key, english in texts["en"].items():
        chinese = texts["zh-CN"][key]
        assert min(len(english), len(chinese)) > 0, key
        assert sorted(re.findall(r"{\w+}", english)) == sorted(re.findall(r"{\w+}", chinese)), key


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        *((each, "zh") for each in ("zh-TW", "zh-HK", "zh-Hans", "zh", "zh;q=0.9")),
        *((each, "en") for each in ("en-US,zh-CN;q=0.9", "", "de")),
    ],
)
def test_the_language_is_the_browsers_first_unless_the_page_asks_for_another(accepted: str, language: str) -> None:
    assert language_of(_request(accepted)) == language
    assert language_of(_request(accepted, "http://localhost/?lang=zh")) == "zh"
    assert language_of(_request(accepted, "http://localhost/?__theme=dark&lang=en")) == "en"


def test_a_text_is_said_in_its_language_and_an_unknown_one_is_an_error() -> None:
    assert (say("task", "en"), say("task", "zh")) == ("Task", "任务")
    assert label("task").key == "zoo-text-task"
    for ask in (label, lambda key: say(key, "en")):
        with pytest.raises(KeyError):
            ask("no such text")


def test_no_key_is_a_word_that_the_page_shows() -> None:
    """Gradio translates every text that is a key: of the labels of `feedback`, "question" once showed as another one.
    And its own translations are grouped by names such as `plot`; a text of that name shows as [object Object]."""
    assert all(key.startswith("zoo-text-") for texts in i18n().translations_dict.values() for key in texts)
