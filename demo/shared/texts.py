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

from zoo.errors import UserError

Language = Literal["en", "zh"]
_CHINESE = ("zh-CN", "zh-TW")  # the browser's languages for which gradio shows its own texts in Chinese

# Gradio translates whatever text is a key, a visitor's label "question" too, so no key may be a word.
_PREFIX = "zoo-text-"

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
    # mistakes
    "no_text": ("There is no text; write one, or choose an example", "没有文本;请输入一段文字或选择一个示例"),
    "long_text": (
        "The text has {characters} characters, {most} are allowed; shorten it",
        "文本有 {characters} 个字符,最多允许 {most} 个;请缩短",
    ),
    "half_character": (
        "The text holds half of a character, {value}; paste it again",
        "文本中含有不完整的字符 {value};请重新粘贴",
    ),
    "no_checkpoint_chosen": ("No checkpoint is chosen; choose one or more", "没有选择模型;请至少选择一个"),
    "flags_full": ("{most} flags are kept here, and no more", "此处最多保存 {most} 条反馈,已满"),
    "flags_unwritable": ("The flag could not be kept: {reason}", "无法保存反馈:{reason}"),
    # Compare
    "comparison": ("Comparison", "对比结果"),
    "differs_here": ("the models differ here", "模型在此不一致"),
    "failed": ("{name} failed: ", "{name} 失败:"),
    "threshold_all": ("Threshold of all labels", "所有标签的阈值"),
    "threshold_all_number": ("Threshold of all labels, as a number", "所有标签的阈值(数字)"),
    "threshold_of": ("Threshold of {label}", "{label} 的阈值"),
    "threshold_of_number": ("Threshold of {label}, as a number", "{label} 的阈值(数字)"),
    "threshold_range": ("A threshold is a number from 0 to 1, not {value}", "阈值是 0 到 1 之间的数,不能是 {value}"),
    "threshold_is": ("threshold {value}", "阈值 {value}"),
    "fitted_thresholds": ("Fitted thresholds", "拟合阈值"),
    "fitted": ("fitted", "拟合"),
    "reset": ("Reset", "重置"),
    "all_labels": ("All labels", "所有标签"),
    "order_by": ("Order", "排序"),
    "order_score": ("by score", "按得分"),
    "order_disagreement": ("by disagreement", "按分歧"),
    "order_name": ("by name", "按名称"),
    "filter_labels": ("Filter labels", "筛选标签"),
    "no_label_matches": ("No label has this in its name.", "没有名称匹配的标签。"),
    "calibrated": ("Calibrated scores", "校准后的得分"),
    "legend": (
        "Label and threshold. The upright line in a bar is the threshold; ✓ marks the labels that reach it. "
        "A label's name opens its figures.",
        "标签与阈值。条中的竖线是阈值;✓ 表示达到阈值的标签。点击标签名查看其指标。",
    ),
    "one_token": ("1 token · {ms} ms", "1 个词元 · {ms} 毫秒"),
    "tokens": ("{tokens} tokens · {ms} ms", "{tokens} 个词元 · {ms} 毫秒"),
    "cut": ("Cut: only {most} tokens of it were read", "已截断:只读取了其中 {most} 个词元"),
    "show_first": ("Show the first {number}", "只显示前 {number} 个"),
    "show_all": ("Show all {number} labels", "显示全部 {number} 个标签"),
    "none_above": ("none above threshold", "没有标签达到阈值"),
    "above": ("above its threshold", "达到阈值"),
    "and_more": ("and {number} more", "另有 {number} 个"),
    "mode_fitted": (
        "Fitted thresholds: each model uses its own, chosen on validation data.",
        "拟合阈值:每个模型使用在验证集上选定的阈值。",
    ),
    "mode_shared": ("One threshold for every label and model: {value}.", "所有标签与模型共用一个阈值:{value}。"),
    "mode_by_hand": (
        "{number} of {all} thresholds set by hand, for all models; the others are fitted.",
        "{all} 个阈值中有 {number} 个为手动设置(对所有模型),其余为拟合值。",
    ),
    "differ_none": ("The models agree on every label.", "各模型在所有标签上一致。"),
    "differ_one": ("The models differ on 1 label.", "各模型在 1 个标签上不一致。"),
    "differ_many": ("The models differ on {number} labels.", "各模型在 {number} 个标签上不一致。"),
    "overall_multi": ("validation: micro-F1 {micro} · macro-F1 {macro}", "验证集:micro-F1 {micro} · macro-F1 {macro}"),
    "overall_single": (
        "validation: accuracy {accuracy} · macro-F1 {macro}",
        "验证集:准确率 {accuracy} · macro-F1 {macro}",
    ),
    "precision": ("precision", "精确率"),
    "recall": ("recall", "召回率"),
    "curve_of": ("Precision against recall of {label}, on validation", "{label} 在验证集上的精确率与召回率"),
    "validation_figures": (
        "On the validation rows of the run that made the model; the dot is the threshold.",
        "取自训练该模型时的验证集;圆点是当前阈值。",
    ),
    "no_validation": (
        "There are no validation figures: the run that made the model is not among the results.",
        "没有验证集指标:结果中找不到训练该模型的运行记录。",
    ),
    "figures": ("precision {precision} · recall {recall} · F1 {f1}", "精确率 {precision} · 召回率 {recall} · F1 {f1}"),
    "support": ("({positives} of {rows} rows have the label)", "({rows} 行中有 {positives} 行带此标签)"),
    "share": ("Share this view, or ask for it from Python", "分享此视图,或用 Python 调用"),
    "copy_link": ("Copy link", "复制链接"),
    "copy_python": ("Copy Python", "复制 Python 代码"),
    "copied": ("Copied", "已复制"),
    "not_copied": ("Not allowed here", "此处无法复制"),
    "link_here": ("Link to this view", "此视图的链接"),
    # Leaderboard
    "language": ("Language", "语言"),
    "any_language": ("any", "不限"),
    "english": ("English", "英文"),
    "chinese": ("Chinese", "中文"),
    "family": ("Families (all, unless some are chosen)", "模型家族(不选即全部)"),
    "size_0": ("any size", "任意大小"),
    "size_1": ("under 25 M", "2500 万以下"),
    "size_2": ("25 to 100 M", "2500 万至 1 亿"),
    "size_3": ("100 M and more", "1 亿及以上"),
    "size": ("Parameters", "参数量"),
    "columns": ("Columns (the usual ones, unless some are chosen)", "列(不选即常用列)"),
    "which_plot": ("Plot", "图"),  # "plot" alone is a name of gradio's own
    "plot_intervals": ("Intervals", "置信区间"),
    "plot_ranks": ("Ranks", "名次"),
    "plot_time": ("Quality against time", "质量与耗时"),
    "plot_training": ("Quality against training", "质量与训练时间"),
    "plot_reliability": ("Reliability", "可靠性"),
    "plot_gains": ("Gain of thresholds", "阈值的收益"),
    "csv": ("Download every metric (CSV)", "下载全部指标(CSV)"),
    "published": ("Published, not measured here: no rank", "已发表、未在此测量:不参与排名"),
    "cite": ("Cite", "引用"),
    "row_opens": ("A click on a row opens its model in Compare.", "点击一行,在“对比”中打开该模型。"),
    "note_task": (
        "`{metric}` ranks the encoders: {split} split, n = {n}; decision rule: {rule}; mean over seeds with its 95 % "
        "interval. A rank such as 1–3 is all that can be told.",
        "按 `{metric}` 排名:{split}集,n = {n};判定规则:{rule};多个随机种子的均值及 95 % 置信区间。"
        "名次“1–3”表示无法进一步区分。",
    ),
    "note_overall": (
        "Mean rank over the tasks of the language, with its 95 % interval, which is no test of any two. On each "
        "task the encoders stand by the recipe that most of them share.",
        "该语言各任务的平均名次及 95 % 置信区间;区间不能代替两两检验。每个任务取多数编码器共有的训练配置。",
    ),
    "nothing_left": ("No encoder is left; choose more families or another size", "没有符合条件的编码器;请放宽筛选条件"),
    "nothing_classified": (
        "There is no classified text above; classify one first",
        "上方没有已分类的文本;请先分类一条文本",
    ),
    "nothing_to_draw": ("There is nothing to draw here; choose another plot", "此处没有可画的内容;请选择其他图"),
    "no_such_checkpoint": (
        "No checkpoint of {encoder} on {task} comes with the app",
        "应用中没有 {encoder} 在 {task} 上的模型",
    ),
    # a wrong verdict
    "flag": ("Is the verdict wrong?", "判断有误?"),
    "flag_right": ("The right labels (none is an answer too)", "正确的标签(也可以一个都不选)"),
    "flag_about": (
        "Your answer is kept with the text and with what the models above decide at their fitted thresholds.",
        "您的回答会与文本及上方模型按拟合阈值作出的判断一起保存。",
    ),
    "flag_send": ("Keep my answer", "保存我的回答"),
    "flag_kept": ("Kept. Thank you.", "已保存,谢谢。"),
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
    # the Batch tab
    "tab_batch": ("Batch", "批量"),
    "batch_pasted_label": ("Texts", "文本"),
    "batch_pasted_info": ("One a line, or a file below", "每行一条,或在下方上传文件"),
    "batch_file": ("File (CSV, TSV, JSONL or parquet)", "文件(CSV、TSV、JSONL 或 parquet)"),
    "batch_text_column": ("Column of the texts", "文本所在列"),
    "batch_labels_column": ("Column of the labels", "标签所在列"),
    "batch_labels_info": (
        "Where the file has it, the metrics are computed: a list, or names with | or , between them",
        "文件中若有此列,则计算各项指标:列表,或以 | 或 , 分隔的标签名",
    ),
    "batch_run": ("Classify all", "全部分类"),
    "batch_cancel": ("Cancel", "取消"),
    "batch_csv": ("Download all rows (CSV)", "下载全部结果(CSV)"),
    "batch_jsonl": ("Download all rows (JSONL)", "下载全部结果(JSONL)"),
    "batch_limits": (
        "Up to {rows} texts of {characters} characters each; a file has up to {size} MB. Decided at each checkpoint's "
        "fitted thresholds.",
        "最多 {rows} 条文本,每条最多 {characters} 个字符;文件不超过 {size} MB。按各模型拟合的阈值判定。",
    ),
    "batch_progress": ("Classifying", "正在分类"),
    "batch_unit": ("texts", "条"),
    "batch_cancelled": ("Cancelled; nothing is kept.", "已取消,未保留任何结果。"),
    "batch_all_shown": ("{rows} rows.", "共 {rows} 行。"),
    "batch_first_shown": (
        "The first {shown} of {rows} rows are shown; the downloads have all of them.",
        "共 {rows} 行,此处只显示前 {shown} 行;下载文件包含全部。",
    ),
    "batch_agreed": (
        "The checkpoints agree on {agreed} of {rows} texts.",
        "各模型在 {rows} 条文本中的 {agreed} 条上一致。",
    ),
    "batch_no_gold": (
        "The file has no column {column}, so there are no metrics.",
        "文件中没有 {column} 列,因此不计算指标。",
    ),
    "batch_labels_without_gold": (
        "{count} of {all} labels have no gold row here and count as 0 in f1_macro.",
        "{all} 个标签中有 {count} 个在此没有真实样本,在 f1_macro 中按 0 计。",
    ),
    "batch_row": ("row", "行"),
    "batch_text": ("text", "文本"),
    "batch_agree": ("agree", "一致"),
    "batch_yes": ("yes", "是"),
    "batch_no": ("no", "否"),
    "batch_metric": ("metric", "指标"),
    "batch_both": (
        "There are pasted texts and a file; remove one of them",
        "既粘贴了文本又上传了文件;请去掉其中之一",
    ),
    "batch_no_rows": (
        "There are no texts; paste some, one a line, or choose a file with some",
        "没有文本;请粘贴(每行一条),或选择一个有内容的文件",
    ),
    "batch_rows": (
        "There are more than {most} rows; split them into parts",
        "超过了 {most} 行的上限;请拆成几部分",
    ),
    "batch_pasted": (
        "The pasted texts have {characters} characters, {most} are allowed; paste fewer",
        "粘贴的文本有 {characters} 个字符,上限为 {most};请减少一些",
    ),
    "batch_bytes": (
        "The file has {size} bytes, {most} are allowed; split it into parts",
        "文件有 {size} 字节,上限为 {most};请拆成几部分",
    ),
    "batch_unpacked": (
        "The parquet file unpacks to {size} bytes and {values} values, {most} bytes and {most_values} values are "
        "allowed; keep only the texts and the labels",
        "parquet 文件解压后有 {size} 字节、{values} 个值,上限为 {most} 字节、{most_values} 个值;请只保留文本和标签",
    ),
    "batch_ending": (
        "A file that ends in {ending} is not read; the endings are {endings}",
        "不支持以 {ending} 结尾的文件;支持的格式:{endings}",
    ),
    "batch_encoding": (
        "The file is not text in UTF-8 or UTF-16; save it as UTF-8",
        "文件不是 UTF-8 或 UTF-16 文本;请另存为 UTF-8",
    ),
    "batch_column": (
        "The file has no column {column}; it has: {columns}",
        "文件中没有 {column} 列;现有的列:{columns}",
    ),
    "batch_twice": (
        "The file has several columns {column}; rename all but one",
        "文件中有多个 {column} 列;请只留一个,其余改名",
    ),
    "batch_line": ("Line {line} cannot be read ({reason}); mend it", "第 {line} 行无法读取({reason});请修正"),
    "batch_ragged": (
        "Line {line} has {cells} cells, the header has {columns}; put texts with separators in quotes",
        "第 {line} 行有 {cells} 个单元格,表头有 {columns} 个;含分隔符的文本请加引号",
    ),
    "batch_parquet": (
        "The file is not a readable parquet file; write it again",
        "这不是可读的 parquet 文件;请重新生成",
    ),
    "batch_no_text": ("Row {row} has no text; remove the row", "第 {row} 行没有文本;请删除该行"),
    "batch_not_text": (
        "Row {row} has {value} where a text should be; choose another column",
        "第 {row} 行应为文本,实际是 {value};请换一列",
    ),
    "batch_characters": (
        "The text of row {row} has {characters} characters, {most} are allowed; shorten it",
        "第 {row} 行的文本有 {characters} 个字符,上限为 {most};请缩短",
    ),
    "batch_half_character": (
        "The text of row {row} has half a character, {value}; remove it",
        "第 {row} 行的文本含有不完整的字符 {value};请删除",
    ),
    "batch_one_label": (
        "Row {row} has {count} labels; this task has one for each text",
        "第 {row} 行有 {count} 个标签;该任务每条文本只有一个标签",
    ),
    "batch_unknown_label": (
        "Row {row} has the unknown label {label}; the labels are: {labels}",
        "第 {row} 行有未知标签 {label};可用的标签:{labels}",
    ),
    "batch_failed": (
        "{name} failed: {reason}. Choose the others to go on without it",
        "{name} 出错:{reason}。请只选其他模型",
    ),
    "batch_not_numbers": (
        "The scores of {name} are not numbers; choose other checkpoints",
        "{name} 的得分不是有效数字;请选择其他模型",
    ),
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
        "A:{a};B:{b}。{split}集,n = {n:,};随机种子 {seed};判定规则 {rule}。",
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
    english, chinese = ({f"{_PREFIX}{key}": both[i] for key, both in _TEXTS.items()} for i in (0, 1))
    return gr.I18n(en=english, **dict.fromkeys(_CHINESE, chinese))


def label(key: str) -> I18nData:
    """Return the text `key` for a widget's label, placeholder, info or value; the browser translates it.

    Raises:
        KeyError: there is no such text.
    """
    if key not in _TEXTS:
        raise KeyError(key)
    return I18nData(f"{_PREFIX}{key}")


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


class PageError(UserError):
    """A visitor's mistake, with what `say` needs to tell it in their language."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(say(key, "en", **values))
        self.key, self.values = key, values


def in_language(error: UserError, language: Language) -> str:
    """Return an error's message, in `language` where the page has a text for it."""
    return say(error.key, language, **error.values) if isinstance(error, PageError) else str(error)


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
