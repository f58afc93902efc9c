"""The catalogue's texts as gradio takes them: the browser translates a widget's label (`label`), the scripts have
`zooText`. Both go by the page's language, and so does `language_of` for what a handler says: the one that the address
asks for (`?lang=zh`), else the browser's first."""

import json
from urllib.parse import parse_qs, urlsplit

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
    if request is None:
        return "en"
    page = urlsplit(request.headers.get("referer", "")).query  # of the page; a request need not repeat it
    asked = parse_qs(page).get("lang", [""])[-1] or request.headers.get("accept-language", "")
    return "zh" if asked.lower().startswith("zh") else "en"


def script() -> str:
    """Return the script that tells the page its language and gives the other scripts `zooText`. It runs before gradio's
    own, which look at the language once."""
    return f"const zooCatalogue = {json.dumps(TEXTS, ensure_ascii=False)};\n{_SCRIPT}"


_SCRIPT = """
const zooAsked = new URLSearchParams(location.search).get("lang");
const zooChinese = /^zh/i.test(zooAsked ?? navigator.language);
// Gradio has its own texts in zh-CN and zh-TW alone, and shows all others in English.
const zooTraditional = /^zh-(tw|hk|mo|hant)/i.test(zooAsked ?? navigator.language);
if (zooChinese || zooAsked) {
  const shown = zooChinese ? (zooTraditional ? "zh-TW" : "zh-CN") : "en";
  Object.defineProperty(navigator, "language", { get: () => shown });
}
document.documentElement.lang = zooChinese ? "zh-CN" : "en";
/** The text `key` in the page's language, with `values` in its places `{name}`. */
function zooText(key, values = {}) {
  return zooCatalogue[zooChinese ? "zh" : "en"][key].replace(/\\{(\\w+)\\}/g, (_, name) => values[name]);
}
/** A label's name in the page's language: a twin of `demo.shared.texts.label_name`. */
const zooLabel = (task, label) =>
  (zooChinese && task === "feedback_zh" ? zooCatalogue.zh[`label_${label}`] : null) ?? label;
"""
