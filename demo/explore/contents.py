"""What each view of the Explore tab shows of two entries, in the language of the page."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go

from benchmark.board import plots as board_plots
from benchmark.board.tables import entry_name
from demo.explore import handlers
from demo.explore.form import OUTCOMES, Form
from demo.explore.outcome_plots import heatmap, stacked
from demo.explore.pairs import Pair, row_facts, texts_of
from demo.leaderboard.words import heading
from demo.shared.texts import Language, label_name, say
from zoo.errors import UserError

_LENGTHS = ("word", "words", "character", "characters")


@dataclass(frozen=True)
class Content:
    """What a view shows: the board's verdict as it is `told`, lines of text, a plot and a table; or the problem why it
    shows none."""

    lines: list[str]
    figure: go.Figure | None = None
    table: pd.DataFrame | None = None
    problem: str = ""
    told: str = ""


def _parts(pair: Pair, form: Form, results: Path | None, language: Language) -> Content:
    table = handlers.by_part(pair, row_facts(pair, results), form.judged or None)
    named = table.drop(columns=["slice"])
    named["part"] = [_part_name(row["slice"], row["part"], language) for row in table.to_dict("records")]
    return _counted(named, [say("explore_parts_line", language, least=handlers.MIN_ROWS)], language)


def _part_name(slice_: str, part: str, language: Language) -> str:
    if slice_ == "all":
        return say("part_all", language)
    span, _, unit = part.partition(" ")
    if unit in _LENGTHS:
        part = say(f"part_{unit}", language, span=span)
    elif not part.isdigit():
        part = say(f"part_{part}", language)
    return f"{say(f'slice_{slice_}', language)}: {part}"


def _labels(pair: Pair, form: Form, results: Path | None, language: Language) -> Content:
    key = "explore_labels_line" if pair.task.multi_label else "explore_labels_single"
    return _counted(_named(handlers.by_label(pair), pair, language), [say(key, language)], language)


def _counted(table: pd.DataFrame, lines: list[str], language: Language) -> Content:
    """Counts of the outcomes, as bars and as a table. The first column is the name of a bar, the second the sum."""
    legend = {name: say(f"explore_{name}", language) for name in OUTCOMES}
    names = table.iloc[:, 0].tolist()
    figure = stacked(names, table[list(OUTCOMES)], list(legend.values()), say("explore_share", language))
    return Content(lines, figure, _headed(table, language).rename(columns=legend))


def _rows(pair: Pair, form: Form, results: Path | None, language: Language) -> Content:
    texts, lines = None, []
    try:
        texts = texts_of(pair, language)
    except UserError as error:
        lines = [str(error)]
    table, total = handlers.rows_with(pair, form.outcome, form.judged or None, form.gold or None, texts)
    key = "explore_rows_cut" if total > len(table) else "explore_rows_line"
    said = [say(key, language, total=total, shown=len(table)), say("explore_gap_line", language)]
    return Content([*said, *lines], None, _headed(_named(table, pair, language), language))


def _confusion(pair: Pair, form: Form, results: Path | None, language: Language) -> Content:
    table = _named(handlers.confusion(pair, form.whose), pair, language)
    lines = [say("explore_confusion_line", language)]
    shown, labels = table["gold"].nunique(), len(pair.task.labels)
    if shown < labels:
        lines.append(say("explore_confusion_cut", language, shown=shown, all=labels))
    figure = heatmap(table, *(say(f"explore_col_{name}", language) for name in ("gold", "decided")))
    others = table[(table["gold"] != table["decided"]) & (table["n"] > 0)].sort_values("n", ascending=False)
    return Content(lines, figure, _headed(others.head(handlers.MAX_ROWS).round(3), language))


def _reliability(pair: Pair, form: Form, results: Path | None, language: Language) -> Content:
    points = handlers.reliability_of(pair)
    figure = board_plots.reliability(points)
    figure.update_xaxes(title=say("explore_score", language))
    figure.update_yaxes(title=say("explore_col_frequency", language))
    figure.data[-1].name = say("explore_perfect", language)
    shown = points[points["calibrator"] == "temperature"].assign(encoder=lambda rows: _entries(rows))
    columns = ["encoder", "confidence", "frequency", "count"]
    return Content([say("explore_reliability_line", language)], figure, _headed(shown[columns].round(4), language))


def _gains(pair: Pair, form: Form, results: Path | None, language: Language) -> Content:
    rules = handlers.gains_of(pair, results, language)
    figure = board_plots.gains(rules).update_xaxes(title=say("explore_col_gain", language))
    figure.for_each_trace(lambda trace: trace.update(name=heading(trace.name, language)))
    points = {name: (100 * rules[name]).round(2) for name in ("gain", "low", "high")}
    named = [heading(rule, language) for rule in rules["rule"]]
    shown = rules.assign(encoder=_entries(rules), rule=named, value=rules["value"].round(4), **points)
    columns = ["encoder", "rule", "value", "gain", "low", "high"]
    line = say("explore_gains_line", language, metric=pair.task.main_metric)
    return Content([line], figure, _headed(shown[columns], language))


def _entries(rows: pd.DataFrame) -> list[str]:
    return [entry_name(row) for row in rows.to_dict("records")]


def _named(table: pd.DataFrame, pair: Pair, language: Language) -> pd.DataFrame:
    """The table with the names that its labels have in the language of the page."""
    names = {label: label_name(pair.task.name, label, language) for label in pair.task.labels}
    if all(label == name for label, name in names.items()):
        return table
    columns = [column for column in ("label", "gold", "decided", "a", "b", "at") if column in table]
    shown = {column: [_in_words(cell, names) for cell in table[column]] for column in columns}
    return table.assign(**shown)


def _in_words(cell: str, names: dict[str, str]) -> str:
    """A cell of one label, or of several with commas between."""
    return ", ".join(names.get(label, label) for label in cell.split(", "))


def _headed(table: pd.DataFrame, language: Language) -> pd.DataFrame:
    """The table with its headings in the language of the page."""
    return table.rename(columns={name: say(f"explore_col_{name}", language) for name in table if name not in OUTCOMES})


CONTENTS: dict[str, Callable[[Pair, Form, Path | None, Language], Content]] = {
    "parts": _parts,
    "labels": _labels,
    "rows": _rows,
    "confusion": _confusion,
    "reliability": _reliability,
    "gains": _gains,
}
