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
    # the Explore tab
    "tab_explore": ("Explore", "探索"),
    "explore_a": ("Encoder A", "编码器 A"),
    "explore_b": ("Encoder B", "编码器 B"),
    "explore_seed": ("Seed", "随机种子"),
    "explore_view": ("View", "视图"),
    "explore_view_parts": ("Where they differ", "差异在哪里"),
    "explore_view_labels": ("Label by label", "逐个标签"),
    "explore_view_rows": ("Row by row", "逐条查看"),
    "explore_view_together": ("Labels together", "标签共现"),
    "explore_view_reliability": ("Reliability", "分数可信度"),
    "explore_view_gains": ("Threshold gain", "阈值增益"),
    "explore_judged": ("Right means", "怎样算对"),
    "explore_whole": ("all labels of the row are right", "整条的标签全对"),
    "explore_outcome": ("Rows where", "显示哪些"),
    "explore_gold": ("With the gold label", "真实标签包含"),
    "explore_any": ("any", "不限"),
    "explore_whose": ("Decided by", "由谁判定"),
    "explore_both": ("both are right", "两者都对"),
    "explore_only_a": ("only A is right", "只有 A 对"),
    "explore_only_b": ("only B is right", "只有 B 对"),
    "explore_neither": ("both are wrong", "两者都错"),
    "explore_about": (
        "A: {a}. B: {b}. {split} split, n = {n:,}; seed {seed}; decision rule: {rule}.",
        "A:{a};B:{b}。{split} 集,n = {n:,};随机种子 {seed};判定规则 {rule}。",
    ),
    "explore_parts_line": ("Parts of under {least} rows are not shown.", "不足 {least} 条的部分不显示。"),
    "explore_labels_line": (
        "Of each label, the rows where it is gold or decided by either; right: this label is decided rightly.",
        "每个标签只统计真实包含它或至少一方判定它的条目;这个标签判对即算对。",
    ),
    "explore_labels_single": ("Of each label, the rows where it is gold.", "每个标签统计真实属于它的条目。"),
    "explore_rows_line": ("{total:,} rows.", "共 {total:,} 条。"),
    "explore_rows_cut": (
        "{total:,} rows; the {shown} on whose scores A and B differ most are shown.",
        "共 {total:,} 条;显示 A、B 分数相差最大的 {shown} 条。",
    ),
    "explore_gap_line": (
        "Row: its number in the split, from 0. Score gap: A's score less B's, at the label named beside it.",
        "序号从 0 起。分数差:A 的分数减 B 的分数,所指标签见右侧一列。",
    ),
    "explore_together_line": (
        "Of the rows with a gold label (line), the share in which a label (column) is decided; the diagonal is recall.",
        "每行是一个真实标签:在包含它的条目里,各列标签被判定的比例;对角线即召回率。",
    ),
    "explore_together_cut": (
        "The {shown} labels that are gold most often, of {all}.",
        "只显示最常见的 {shown} 个标签(共 {all} 个)。",
    ),
    "explore_reliability_line": (
        "Scores after one temperature, in 15 bins of equal mass: on the line, a score is the share that is right.",
        "经温度校准的分数,按等量分为 15 组:落在虚线上,说明分数等于判对的比例。",
    ),
    "explore_gains_line": (
        "Points of {metric} gained over a threshold of 0.5: mean over all seeds, 95 % interval; from the board.",
        "相对阈值 0.5 的 {metric} 增益(百分点),对所有随机种子取平均,附 95% 区间;数据来自排行榜。",
    ),
    "explore_left_out": ("Left out: {run}: {reason}", "未计入:{run}:{reason}"),
    "explore_left_out_more": ("Left out: {run}: {reason} (and {more} more)", "未计入:{run}:{reason}(另有 {more} 个)"),
    "explore_one_entry": (
        "'{task}' has one entry, {entry}, and two are compared; run another encoder: python -m benchmark run --help",
        "“{task}”只有一个条目 {entry},对比需要两个;请再运行一个编码器:python -m benchmark run --help",
    ),
    "explore_same": (
        "A and B are both {entry}; choose another one for one of them",
        "A 和 B 都是 {entry};请换掉其中一个",
    ),
    "explore_no_seed": (
        "{a} and {b} have no seed in common on '{task}'; run one of them with a seed of the other: "
        "python -m benchmark run --help",
        "{a} 与 {b} 在“{task}”上没有相同的随机种子;请用对方的种子再运行一次:python -m benchmark run --help",
    ),
    "explore_no_texts": (
        "The texts are not here; to see them, start the app with ENCODER_ZOO_DATA set to a folder that holds {task}/.",
        "这里没有原文。要查看原文,请把 ENCODER_ZOO_DATA 设为含有 {task}/ 的文件夹后启动应用。",
    ),
    "explore_other_rows": (
        "The texts of '{task}' in ENCODER_ZOO_DATA are not shown: they are not the rows of these runs.",
        "ENCODER_ZOO_DATA 中“{task}”的数据与这些运行所用的不同,因此不显示原文。",
    ),
    "explore_no_thresholds": (
        "'{task}' decides for the highest score and has no thresholds; choose another view",
        "“{task}”取分数最高的标签,没有阈值;请换一个视图",
    ),
    "explore_not_on_board": (
        "{entry} is not on the board yet; make it again: python -m benchmark leaderboard",
        "{entry} 还不在排行榜上;请重新生成:python -m benchmark leaderboard",
    ),
    # its columns and axes
    "explore_col_part": ("part", "部分"),
    "explore_col_label": ("label", "标签"),
    "explore_col_n": ("rows", "条数"),
    "explore_col_row": ("row", "序号"),
    "explore_col_gold": ("gold", "真实标签"),
    "explore_col_a": ("A decides", "A 的判定"),
    "explore_col_b": ("B decides", "B 的判定"),
    "explore_col_gap": ("score gap", "分数差"),
    "explore_col_at": ("at", "所指标签"),
    "explore_col_text": ("text", "文本"),
    "explore_col_encoder": ("encoder", "编码器"),
    "explore_col_confidence": ("mean score", "平均分数"),
    "explore_col_frequency": ("share that is right", "判对的比例"),
    "explore_col_count": ("pairs", "配对数"),
    "explore_col_rule": ("rule", "规则"),
    "explore_col_low": ("low", "下限"),
    "explore_col_high": ("high", "上限"),
    "explore_col_value": ("value", "数值"),
    "explore_col_gain": ("gain in points", "增益(百分点)"),
    "explore_col_decided": ("decided", "判定的标签"),
    "explore_col_share": ("share", "比例"),
    "explore_share": ("% of the rows", "占比(%)"),
    "explore_score": ("score", "分数"),
    "explore_perfect": ("perfect", "理想"),
    # the slices of benchmark/slices.py and their parts
    "slice_length": ("length", "长度"),
    "slice_training duplicates": ("in train", "在训练集中"),
    "slice_negation": ("negation", "否定词"),
    "slice_emoji": ("emoji", "表情符号"),
    "slice_gold labels": ("gold labels", "真实标签数"),
    "part_all": ("all", "全部"),
    "part_clean": ("no", "否"),
    "part_duplicate": ("yes", "是"),
    "part_with": ("with", "有"),
    "part_without": ("without", "无"),
    "part_3 or more": ("3 or more", "3 个及以上"),
    "part_word": ("{span} word", "{span} 个词"),
    "part_words": ("{span} words", "{span} 个词"),
    "part_character": ("{span} character", "{span} 字"),
    "part_characters": ("{span} characters", "{span} 字"),
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
