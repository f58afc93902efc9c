"""What the page says, in English and Chinese.

A widget's label or button is translated in the browser (`label`), what a handler writes is translated where it is
written (`say`, in the language that `language_of` reads from the request), and the scripts have `zooText`. All three
go by the browser's first language, as gradio does. What `zoo` and `benchmark` say of an unknown encoder or a damaged
file stays in English, as on the command line.
"""

import json
from typing import Literal

import gradio as gr
from gradio.i18n import I18nData

Language = Literal["en", "zh"]
_CHINESE = ("zh-CN", "zh-TW")  # the browser's languages for which gradio shows its own texts in Chinese

_TEXTS: dict[str, tuple[str, str]] = {
    # the page
    "question": (
        "Which encoder should I fine-tune, is the difference real, and at which threshold should I run it?",
        "该微调哪个编码器?差别是真的吗?阈值该取多少?",
    ),
    "tab_compare": ("Compare", "对比"),
    "tab_leaderboard": ("Leaderboard", "排行榜"),
    "task": ("Task", "任务"),
    "text": ("Text", "文本"),
    "checkpoints": ("Checkpoints", "模型"),
    "checkpoint": ("Checkpoint", "模型"),
    "classify": ("Classify", "分类"),
    "examples": ("Examples", "示例"),
    # which words speak for a label
    "attribution": ("Which words speak for a label?", "哪些词支持某个标签？"),
    "attribution_label": ("Label", "标签"),
    "attribution_highest": ("the highest scoring one", "得分最高的标签"),
    "attribution_explain": ("Explain", "解释"),
    "attribution_facts": (
        "{label}, {name}: score {score}, {baseline} with every word masked · the words add up to {sum} log-odds, off "
        "by {delta} ({steps} steps) · masking the 10, 20 and 50 % that speak most for it changes the score by {drop}, "
        "as many random ones by {random} · {seconds} s",
        "{label}，{name}：得分 {score}，遮住所有词后为 {baseline} · 各词合计 {sum} 对数几率，误差 {delta}（{steps} 步）"
        " · 遮住最支持它的 10%、20%、50%，得分平均变化 {drop}；随机遮住同样多，变化 {random} · 用时 {seconds} 秒",
    ),
    "attribution_weak": (
        "Masking what speaks most for it lowers the score no more than masking at random: the colours say little here.",
        "遮住最支持它的部分，得分的下降并不比随机遮住更多：这里的颜色说明不了什么。",
    ),
    "attribution_cut": (
        "Cut: the last {unread} tokens were not read.",
        "文本过长：末尾 {unread} 个词元没有读入。",
    ),
    "attribution_for": ("Speak for it (blue, underlined)", "支持（蓝色、实线）"),
    "attribution_against": ("Speak against it (orange, dashed)", "反对（橙色、虚线）"),
    "attribution_none": ("none", "无"),
}


def i18n() -> gr.I18n:
    """Return the translations as `Blocks.launch` takes them."""
    english, chinese = ({key: both[i] for key, both in _TEXTS.items()} for i in (0, 1))
    return gr.I18n(en=english, **dict.fromkeys(_CHINESE, chinese))


def label(key: str) -> I18nData:
    """Return the text `key` for a widget's label, placeholder, info or value; the browser translates it.

    Raises:
        KeyError: there is no such text.
    """
    if key not in _TEXTS:
        raise KeyError(key)
    return I18nData(key)


def say(key: str, language: Language, **values: object) -> str:
    """Return the text `key` in a language, with `values` in the places that it has for them.

    Raises:
        KeyError: there is no such text, or a value is missing.
    """
    return _TEXTS[key][language == "zh"].format(**values)


def language_of(request: gr.Request | None) -> Language:
    """Return the language that a request's page is in; English where it cannot be told."""
    if request is None:
        return "en"
    return "zh" if request.headers.get("accept-language", "").startswith(_CHINESE) else "en"


def script() -> str:
    """Return the script that tells the page its language and gives the other scripts `zooText`."""
    return f"const zooTexts = {json.dumps(_TEXTS, ensure_ascii=False)};\n{_SCRIPT}"


_SCRIPT = """
const zooChinese = ["zh-CN", "zh-TW"].includes(navigator.language);
document.documentElement.lang = zooChinese ? "zh-CN" : "en";
/** The text `key` in the page's language, with `values` in the places `{name}` that it has for them. */
function zooText(key, values = {}) {
  return zooTexts[key][zooChinese ? 1 : 0].replace(/\\{(\\w+)\\}/g, (_, name) => values[name]);
}
"""
