"""The Explore tab: a form, and one plot or table at a time of what two entries say of the test rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr
import pandas as pd

from demo.leaderboard.words import heading, in_words
from demo.shared.notes import notes
from demo.shared.texts import Language, label, language_of, say
from zoo.errors import UserError

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from demo.explore.handlers import Found, Pair

# One after the other, none skipped while another runs: what is chosen last is what is shown in the end.
_PRIVATE: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "minimal",
    "trigger_mode": "always_last",
    "concurrency_limit": 1,
    "concurrency_id": "explore",
}
_OUTCOMES = ("both", "only_a", "only_b", "neither")
_WIDTHS = ("70px", "360px", "160px", "160px", "160px", "90px", "120px")  # of the rows with their texts
_LENGTHS = ("word", "words", "character", "characters")


@dataclass(frozen=True)
class Form:
    """What is chosen; None is not chosen yet. `judged` and `gold` are labels, "" for any or all of them."""

    task: str | None = None
    a: str | None = None
    b: str | None = None
    seed: int | None = None
    view: str = "parts"
    judged: str | None = None
    outcome: str = "only_a"
    gold: str | None = None
    whose: str = "a"


@dataclass(frozen=True)
class Seen:
    """What a view shows: lines of text, a plot, a table; or why there is none. With `widths` of its columns, the table
    wraps what is longer."""

    lines: list[str]
    figure: "go.Figure | None" = None
    table: pd.DataFrame | None = None
    widths: tuple[str, ...] = ()
    problem: str = ""


def add(tab: gr.Tab, results: Path | None) -> None:
    """Add the tab's widgets to the open Blocks; they are filled when the tab is opened."""
    with gr.Row():
        task = gr.Dropdown([], label=label("task"), elem_id="explore-task", min_width=150)
        a = gr.Dropdown([], label=label("explore_a"), elem_id="explore-a", min_width=150)
        b = gr.Dropdown([], label=label("explore_b"), elem_id="explore-b", min_width=150)
        seed = gr.Dropdown([], label=label("explore_seed"), elem_id="explore-seed", min_width=100)
    view = gr.Radio(
        [(label(f"explore_view_{name}"), name) for name in _VIEWS],
        value=Form.view,
        label=label("explore_view"),
        elem_id="explore-view",
    )
    with gr.Row():
        judged = gr.Dropdown([], label=label("explore_judged"), elem_id="explore-judged", visible=False)
        outcome = gr.Dropdown(
            [(label(f"explore_{name}"), name) for name in _OUTCOMES],
            value=Form.outcome,
            label=label("explore_outcome"),
            elem_id="explore-outcome",
            visible=False,
        )
        gold = gr.Dropdown([], label=label("explore_gold"), elem_id="explore-gold", visible=False)
        whose = gr.Radio(
            [(label(f"explore_{side}"), side) for side in ("a", "b")],
            value=Form.whose,
            label=label("explore_whose"),
            elem_id="explore-whose",
            visible=False,
        )
    about = notes("explore-about")
    plot = gr.Plot(show_label=False, elem_id="explore-plot", visible=False)
    table = gr.Dataframe(interactive=False, show_label=False, elem_id="explore-table", visible=False)
    form: dict[str, Any] = {
        "task": task,
        "a": a,
        "b": b,
        "seed": seed,
        "view": view,
        "judged": judged,
        "outcome": outcome,
        "gold": gold,
        "whose": whose,
    }
    shown = [task, a, b, seed, judged, outcome, gold, whose, about, plot, table]

    def listen(events: list[Any], *left_out: str) -> None:
        kept = {name: widget for name, widget in form.items() if name not in left_out}

        def refresh(request: gr.Request, *values: Any) -> tuple[Any, ...]:
            return show(Form(**dict(zip(kept, values, strict=True))), results, language_of(request))

        gr.on(events, refresh, list(kept.values()), shown, **_PRIVATE)

    # A dropdown tells a choice twice (gradio 6.31), the second time when the choices that depend on it are others.
    listen([task.input], "a", "b", "seed", "judged", "gold")
    listen([a.input, b.input], "seed")
    listen([tab.select, *(each.input for each in (seed, view, judged, outcome, gold, whose))])


def show(form: Form, results: Path | None, language: Language) -> tuple[Any, ...]:
    """Return what the tab's widgets show; where that is nothing, one line that says why."""
    from demo.explore import handlers as explore

    try:
        found = explore.find(results)
    except UserError as error:
        return *[gr.skip()] * 8, *_drawn(Seen([], problem=str(error)))
    task, a, b = explore.opening(found, form.task, form.a, form.b, language)
    pair = None
    try:
        pair = explore.pair_of(found, task, a, b, form.seed, language)
        seen = _VIEWS[form.view](pair, form, results, language)
        seen = replace(seen, lines=[*_about(pair, language), *seen.lines, *_left_out(found, task, language)])
    except UserError as error:
        seen = Seen(_left_out(found, task, language), problem=str(error))
    names = list(found.tasks.get(task, {}))
    chosen = [_chosen(each, value) for each, value in ((list(found.tasks), task), (names, a), (names, b))]
    return *chosen, *_controls(pair, form), *_drawn(seen)


def _chosen(choices: list[str], value: str) -> gr.Dropdown:
    return gr.Dropdown(choices=choices, value=value if value in choices else None)


def _controls(pair: "Pair | None", form: Form) -> tuple[gr.Dropdown | gr.Radio, ...]:
    """Seed, judged, outcome, gold and whose, as far as the view has them."""
    if pair is None:
        hidden = [gr.Dropdown(visible=False)] * 3
        return gr.Dropdown(choices=[], value=None), *hidden, gr.Radio(visible=False)
    rows, parts, labels = form.view == "rows", form.view == "parts", list(pair.task.labels)
    return (
        gr.Dropdown(choices=list(pair.seeds), value=pair.seed),
        _of_labels(labels, "explore_whole", form.judged, (rows or parts) and pair.task.multi_label),
        gr.Dropdown(visible=rows),
        _of_labels(labels, "explore_any", form.gold, rows),
        gr.Radio(visible=form.view == "together"),
    )


def _of_labels(labels: list[str], all_of_them: str, value: str | None, visible: bool) -> gr.Dropdown:
    choices: list[Any] = [(label(all_of_them), ""), *((name, name) for name in labels)]
    return gr.Dropdown(choices=choices, value=value if value in labels else "", visible=visible)


def _drawn(seen: Seen) -> tuple[Any, ...]:
    """What is said, the plot, the table."""
    table = gr.Dataframe(visible=False)
    if seen.table is not None:
        kinds: list[Literal["number", "str"]] = [
            "number" if seen.table[name].dtype.kind in "if" else "str" for name in seen.table
        ]
        table = gr.Dataframe(
            seen.table, datatype=kinds, wrap=bool(seen.widths), column_widths=list(seen.widths), visible=True
        )
    return (
        {"lines": seen.lines, "problem": seen.problem},
        gr.Plot(seen.figure, visible=seen.figure is not None),
        table,
    )


def _about(pair: "Pair", language: Language) -> list[str]:
    task, names = pair.task, {"a": pair.a.name, "b": pair.b.name, "seed": pair.seed}
    split, rule = (heading(word, language) for word in (task.reported, task.rule))
    return [say("explore_about", language, split=split, n=len(pair.y_true), rule=rule, **names)]


def _left_out(found: "Found", task: str, language: Language) -> list[str]:
    of_task = [(run, reason) for run, reason in found.problems.items() if run.startswith(f"{task}/")]
    if not of_task:
        return []
    run, reason = of_task[0]
    key = "explore_left_out_more" if len(of_task) > 1 else "explore_left_out"
    return [say(key, language, run=run, reason=reason, more=len(of_task) - 1)]


# -- the views: each takes the pair, the form, the folder of results and the language -----------------------------


def _parts(pair: "Pair", form: Form, results: Path | None, language: Language) -> Seen:
    from demo.explore import handlers as explore

    table = explore.by_part(pair, explore.row_facts(pair, results), form.judged or None)
    named = table.drop(columns=["slice"])
    named["part"] = [_part_name(row["slice"], row["part"], language) for row in table.to_dict("records")]
    return _counted(named, [say("explore_parts_line", language, least=explore.MIN_ROWS)], language)


def _part_name(slice_: str, part: str, language: Language) -> str:
    if slice_ == "all":
        return say("part_all", language)
    span, _, unit = part.partition(" ")
    if unit in _LENGTHS:
        part = say(f"part_{unit}", language, span=span)
    elif not part.isdigit():
        part = say(f"part_{part}", language)
    return f"{say(f'slice_{slice_}', language)}: {part}"


def _labels(pair: "Pair", form: Form, results: Path | None, language: Language) -> Seen:
    from demo.explore import handlers as explore

    key = "explore_labels_line" if pair.task.multi_label else "explore_labels_single"
    return _counted(explore.by_label(pair), [say(key, language)], language)


def _counted(table: pd.DataFrame, lines: list[str], language: Language) -> Seen:
    """Counts of the outcomes, as bars and as a table; the first column names them, the second is their sum."""
    from demo.explore.plots import stacked

    legend = {name: say(f"explore_{name}", language) for name in _OUTCOMES}
    names = table.iloc[:, 0].tolist()
    figure = stacked(names, table[list(_OUTCOMES)], list(legend.values()), say("explore_share", language))
    return Seen(lines, figure, _headed(table, language).rename(columns=legend))


def _rows(pair: "Pair", form: Form, results: Path | None, language: Language) -> Seen:
    from demo.explore import handlers as explore

    texts, lines = None, []
    try:
        texts = explore.texts_of(pair, language)
    except UserError as error:
        lines = [str(error)]
    table, total = explore.rows_with(pair, form.outcome, form.judged or None, form.gold or None, texts)
    key = "explore_rows_cut" if total > len(table) else "explore_rows_line"
    said = [say(key, language, total=total, shown=len(table)), say("explore_gap_line", language)]
    return Seen([*said, *lines], None, _headed(table, language), _WIDTHS if texts else ())


def _together(pair: "Pair", form: Form, results: Path | None, language: Language) -> Seen:
    from demo.explore import handlers as explore
    from demo.explore.plots import heatmap

    table, lines = explore.together(pair, form.whose), [say("explore_together_line", language)]
    shown, labels = table["gold"].nunique(), len(pair.task.labels)
    if shown < labels:
        lines.append(say("explore_together_cut", language, shown=shown, all=labels))
    figure = heatmap(table, *(say(f"explore_col_{name}", language) for name in ("gold", "decided")))
    others = table[(table["gold"] != table["decided"]) & (table["n"] > 0)].sort_values("n", ascending=False)
    return Seen(lines, figure, _headed(others.head(explore.MAX_ROWS).round(3), language))


def _reliability(pair: "Pair", form: Form, results: Path | None, language: Language) -> Seen:
    from benchmark.board.plots import reliability
    from demo.explore import handlers as explore

    points = explore.reliability_of(pair)
    figure = reliability(points)
    figure.update_xaxes(title=say("explore_score", language))
    figure.update_yaxes(title=say("explore_col_frequency", language))
    figure.data[-1].name = say("explore_perfect", language)
    shown = points[points["calibrator"] == "temperature"].assign(encoder=lambda rows: _entries(rows))
    columns = ["encoder", "confidence", "frequency", "count"]
    return Seen([say("explore_reliability_line", language)], figure, _headed(shown[columns].round(4), language))


def _gains(pair: "Pair", form: Form, results: Path | None, language: Language) -> Seen:
    from benchmark.board.plots import gains
    from demo.explore import handlers as explore

    rules = explore.gains_of(pair, results, language)
    figure = in_words(gains(rules), language).update_xaxes(title=say("explore_col_gain", language))
    points = {name: (100 * rules[name]).round(2) for name in ("gain", "low", "high")}
    named = [heading(rule, language) for rule in rules["rule"]]
    shown = rules.assign(encoder=_entries(rules), rule=named, value=rules["value"].round(4), **points)
    columns = ["encoder", "rule", "value", "gain", "low", "high"]
    line = say("explore_gains_line", language, metric=pair.task.main_metric)
    return Seen([line], figure, _headed(shown[columns], language))


def _entries(rows: pd.DataFrame) -> list[str]:
    from benchmark.board.tables import entry_name

    return [entry_name(row) for row in rows.to_dict("records")]


def _headed(table: pd.DataFrame, language: Language) -> pd.DataFrame:
    """The table with the headings that are words of ours in the language of the page."""
    return table.rename(columns={name: say(f"explore_col_{name}", language) for name in table if name not in _OUTCOMES})


_VIEWS: dict[str, Callable[["Pair", Form, Path | None, Language], Seen]] = {
    "parts": _parts,
    "labels": _labels,
    "rows": _rows,
    "together": _together,
    "reliability": _reliability,
    "gains": _gains,
}
