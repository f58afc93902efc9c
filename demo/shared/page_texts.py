"""The catalogue's texts as gradio takes them: the browser translates a widget's label (`label`), the scripts have
`zooText`. Both go by the browser's first language, and so does `language_of` for what a handler says."""

import json

import gradio as gr
from gradio.i18n import I18nData

from demo.shared.texts import TEXTS, Language

_CHINESE = ("zh-CN", "zh-TW")  # the browser's languages for which gradio shows its own texts in Chinese
# Gradio translates whatever text is a key, a visitor's label "question" too, so no key may be a word.
_PREFIX = "zoo-text-"


def i18n() -> gr.I18n:
    """Return the translations as `Blocks.launch` takes them."""
    english, chinese = ({f"{_PREFIX}{key}": text for key, text in texts.items()} for texts in TEXTS.values())
    return gr.I18n(en=english, **dict.fromkeys(_CHINESE, chinese))


def label(key: str) -> I18nData:
    """Return the text `key` for a widget's label, placeholder, info or value; the browser translates it.

    Raises:
        KeyError: there is no such text.
    """
    if key not in TEXTS["en"]:
        raise KeyError(key)
    return I18nData(f"{_PREFIX}{key}")


def language_of(request: gr.Request | None) -> Language:
    """Return the language of a request's page; English where the request does not say it."""
    accepted = "" if request is None else request.headers.get("accept-language", "")
    return "zh" if accepted.startswith(_CHINESE) else "en"


def script() -> str:
    """Return the script that tells the page its language and gives the other scripts `zooText`."""
    return f"const zooCatalogue = {json.dumps(TEXTS, ensure_ascii=False)};\n{_SCRIPT}"


_SCRIPT = """
const zooChinese = ["zh-CN", "zh-TW"].includes(navigator.language);
document.documentElement.lang = zooChinese ? "zh-CN" : "en";
/** The text `key` in the page's language, with `values` in its places `{name}`. */
function zooText(key, values = {}) {
  return zooCatalogue[zooChinese ? "zh" : "en"][key].replace(/\\{(\\w+)\\}/g, (_, name) => values[name]);
}
"""
