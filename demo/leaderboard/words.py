"""The board's own words in English and Chinese: its tables' columns, its plots' titles. Metrics keep their names."""

from typing import TYPE_CHECKING

import pandas as pd

from demo.shared.texts import Language

if TYPE_CHECKING:
    import plotly.graph_objects as go

CHINESE = {
    "encoder": "编码器",
    "variant": "训练配置",
    "rank": "名次",
    "family": "家族",
    "language": "语言",
    "parameters (M)": "参数量（百万）",
    "seeds": "种子数",
    "sd over seeds": "种子间的标准差",
    "standard error (rows)": "标准误（样本）",
    "standard error (seeds)": "标准误（种子）",
    "training (s)": "训练（秒）",
    "training (texts/s)": "训练（条/秒）",
    "latency p50 (ms)": "延迟 p50（毫秒）",
    "latency p95 (ms)": "延迟 p95（毫秒）",
    "prediction (texts/s)": "预测（条/秒）",
    "truncated": "截断比例",
    "caution": "注意",
    "mean rank": "平均名次",
    "tasks": "任务数",
    "mean rank (1 is best)": "平均名次（1 为最好）",
    "gain in points": "增益（百分点）",
    "score": "得分",
    "share that is right": "实际正确的比例",
    "perfect": "理想",
    "front": "前沿",
    "ms for one text (log scale)": "单条文本毫秒数（对数刻度）",
    "seconds of training (log scale)": "训练秒数（对数刻度）",
    "metric": "指标",
    "value": "数值",
    "interval": "区间",
    "covered": "在区间内",
    "split": "划分",
    "conditions": "条件",
    "source": "来源",
    "test": "测试",
    "validation": "验证",
    "overall, English": "总体（英文）",
    "overall, Chinese": "总体（中文）",
    "argmax": "取最大值",
    "fixed": "固定 0.5",
    "global": "统一阈值",
    "per_label": "每个标签各自的阈值",
    "top_k": "取前 k 个标签",
    "at_least_one": "至少一个标签",
}
# Names that are not plain English; every other name is shown as it is.
ENGLISH = {
    "argmax": "highest score",
    "fixed": "fixed 0.5",
    "global": "one threshold for all",
    "per_label": "a threshold for each label",
    "top_k": "the k highest scores",
    "at_least_one": "at least one label",
}


def heading(name: str, language: Language) -> str:
    """Return the words for a column, a split or a decision rule."""
    return (CHINESE if language == "zh" else ENGLISH).get(name, name)


def with_headings(table: pd.DataFrame, language: Language) -> pd.DataFrame:
    """Return the table with its columns' headings, and the splits that it names, in a language."""
    if "split" in table:
        table = table.assign(split=[heading(split, language) for split in table["split"]])
    return table.rename(columns=lambda name: heading(str(name), language))


def in_words(figure: "go.Figure", language: Language) -> "go.Figure":
    """Return the figure with its titles and its legend in a language."""
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        if axis.title.text:
            axis.title.text = heading(axis.title.text, language)
    for trace in figure.data:
        if trace.name:
            trace.name = heading(trace.name, language)
    return figure
