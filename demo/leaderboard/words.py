"""The board's own words in English and Chinese: columns, splits, decision rules. Metrics keep their names."""

from typing import TYPE_CHECKING, Any

from demo.shared.texts import TEXTS, Language, say

if TYPE_CHECKING:
    from benchmark.tasks.registry import Task

CHINESE = {
    "encoder": "编码器",
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
    "metric": "指标",
    "value": "数值",
    "ours": "本项目的得分（95 % 区间）",
    "published_is": "已发表的数据",
    "covered": "在我们的区间内",
    "above ours": "高于我们的区间",
    "below ours": "低于我们的区间",
    "split": "划分",
    "conditions": "条件",
    "source": "来源",
    "test": "测试",
    "validation": "验证",
    "argmax": "取最大值",
    "fixed": "固定 0.5",
    "global": "统一阈值",
    "per_label": "每个标签各自的阈值",
    "top_k": "取前 k 个标签",
    "at_least_one": "至少一个标签",
}
# Names that are not plain English; every other name is shown as it is.
ENGLISH = {
    "ours": "our score (95 % interval)",
    "published_is": "the published figure is",
    "covered": "in our interval",
    "above ours": "above our interval",
    "below ours": "below our interval",
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


def language_name(code: str, page: Language) -> str:
    """Return the name of a task's language, such as "Chinese"."""
    return say({"en": "english", "zh": "chinese"}.get(code, "any_language"), page)


def about_task(task: "Task", n: int, page: Language) -> str:
    """Return what a task is, such as "8 topics of customer messages, English, 213 test rows"."""
    labels = {"labels": len(task.labels)}
    own = say("about_one" if not task.multi_label else "about_several", page, **labels)
    what = say(f"about_{task.name}", page, **labels) if f"about_{task.name}" in TEXTS[page] else own
    split = heading(task.reported, page)
    return say("about_task", page, what=what, spoken=language_name(task.language, page), n=f"{n:,}", split=split)


def rank_note(row: dict[Any, Any], page: Language) -> str:
    """Return why an entry has no rank on its task, or that its rank is one among tuned recipes; "" for a default."""
    import pandas as pd

    from benchmark.board.tables import protocol_of

    protocol = protocol_of(row["variant"])
    if pd.notna(row["rank_low"]):
        return say("among_tuned", page) if protocol else ""
    if protocol is None:
        return say("gap_trials", page)
    return say("gap_one_seed" if row["seeds"] < 2 and row.get("random", True) else "gap_alone", page)
