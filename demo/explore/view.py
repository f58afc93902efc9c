"""The Explore tab: a form, and one plot or table at a time of what two entries say of the test rows."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from demo.explore.form import OUTCOMES, VIEWS, Form, Identity, read_form, read_identity
from demo.leaderboard.words import heading
from demo.shared.drawing import packed
from demo.shared.late_choices import late
from demo.shared.notes import notes
from demo.shared.page_texts import label, language_of
from demo.shared.plain_table import plain, table
from demo.shared.texts import Language, label_name, say
from zoo.errors import UserError

if TYPE_CHECKING:
    from demo.explore.contents import Content
    from demo.explore.pairs import Found, Pair

# The requests run one after the other, and the last is never dropped: the page ends on the last choice.
_PRIVATE: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "minimal",
    "trigger_mode": "always_last",
    "concurrency_limit": 1,
    "concurrency_id": "explore",
}
SPACE = {"en": " ", "zh": ""}  # between two sentences
_OUTCOMES: list[Any] = [(label(f"explore_{name}"), name) for name in OUTCOMES]
_SIDES: list[Any] = [(label(f"explore_{side}"), side) for side in ("a", "b")]


def add(tab: gr.Tab, results: Path | None) -> None:
    """Add the tab's widgets to the open Blocks; they are filled when the tab is opened."""
    with gr.Row():
        task = gr.Dropdown([], label=label("task"), elem_id="explore-task", min_width=150)
        a = gr.Dropdown([], label=label("explore_a"), elem_id="explore-a", min_width=200)
        b = gr.Dropdown([], label=label("explore_b"), elem_id="explore-b", min_width=200)
        seed = gr.Dropdown([], label=label("explore_seed"), elem_id="explore-seed", min_width=100)
        late(task, a, b, seed)
    view = gr.Radio(
        [(label(f"explore_view_{name}"), name) for name in VIEWS],
        value=Form.view,
        label=label("explore_view"),
        elem_id="explore-view",
    )
    with gr.Row():
        judged = gr.Dropdown([], label=label("explore_judged"), elem_id="explore-judged", visible=False)
        outcome = gr.Dropdown(
            _OUTCOMES,
            value=Form.outcome,
            label=label("explore_outcome"),
            elem_id="explore-outcome",
            visible=False,
        )
        gold = gr.Dropdown([], label=label("explore_gold"), elem_id="explore-gold", visible=False)
        late(judged, gold)
        whose = gr.Radio(
            _SIDES,
            value=Form.whose,
            label=label("explore_whose"),
            elem_id="explore-whose",
            visible=False,
        )
    about = notes("explore-about")
    plot = gr.Plot(show_label=False, elem_id="explore-plot", visible=False)
    found = table("explore-table")
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
    shown = [task, a, b, seed, judged, outcome, gold, whose, about, plot, found]

    def listen(events: list[Any], *left_out: str) -> None:
        kept = {name: widget for name, widget in form.items() if name not in left_out}

        def refresh(request: gr.Request, *values: Any) -> tuple[Any, ...]:
            return show(_form(dict(zip(kept, values, strict=True))), results, language_of(request))

        noted(gr.on(events, refresh, list(kept.values()), shown, **_PRIVATE), step=True)

    def noted(event: Any, step: bool) -> None:
        """Note the choices in the page's address, where Back finds them."""
        js = f"(...values) => zooAddress.write({_ADDRESS}, {str(step).lower()})"
        event.then(None, list(form.values()), None, js=js, api_visibility="private", show_progress="hidden")

    # A dropdown sends a choice twice (gradio 6.31), the second time when what depends on it has already changed.
    listen([task.input], "a", "b", "seed", "judged", "gold")
    listen([a.input, b.input], "seed")
    listen([each.input for each in (seed, view, judged, outcome, gold, whose)])

    def open_tab(link: str, request: gr.Request) -> tuple[Any, ...]:
        asked = read_form(link)
        return asked.view, *show(asked, results, language_of(request))

    link = gr.Textbox(visible=False)
    opening = tab.select(open_tab, link, [view, *shown], js="() => location.hash", queue=False, **_PRIVATE)
    noted(opening, step=False)


# The choices by their names in the address, in the order of the form: task, a, b, seed, view, judged, outcome, ...
_NAMES = ("explore", "a", "b", "seed", "view", "judged", "outcome", "gold", "whose")
_KEPT = "values[i] == null || values[i] === '' ? null : String(values[i])"
_ADDRESS = f"Object.fromEntries({json.dumps(_NAMES)}.map((name, i) => [name, {_KEPT}]))"


def _form(values: dict[str, Any]) -> Form:
    return Form(**values | {side: read_identity(values[side]) for side in ("a", "b") if side in values})


def show(form: Form, results: Path | None, language: Language) -> tuple[Any, ...]:
    """Return what the tab's widgets show, or one line that says why they show nothing."""
    from demo.explore.contents import CONTENTS, Content
    from demo.explore.pairs import best_first, find, opening, pair_of, verdict_of

    try:
        found = find(results)
    except UserError as error:
        return *[gr.skip()] * 8, *_drawn(Content([], problem=str(error)))
    task, a, b = opening(found, form.task, form.a, form.b, language, results)
    pair = None
    try:
        pair = pair_of(found, task, a, b, form.seed, language)
        content = CONTENTS[form.view](pair, form, results, language)
        lines = [*_about(pair, language), *content.lines, *_left_out(found, task, language)]
        content = replace(content, lines=lines, told=SPACE[language].join(verdict_of(pair, results, language)))
    except UserError as error:
        content = Content(_left_out(found, task, language), problem=str(error))
    tasks = gr.Dropdown(choices=list(found.tasks), value=task if task in found.tasks else None)
    order = best_first(found, task, results)
    sides = (_entries(found, task, order, chosen, other) for chosen, other in ((a, b), (b, a)))
    return tasks, *sides, *_controls(pair, form, language), *_drawn(content)


def _entries(
    found: "Found", task: str, order: list[Identity], chosen: Identity | None, other: Identity | None
) -> gr.Dropdown:
    """A task's entries to choose from, without the one on the other side: a choice's value is an entry's identity as
    JSON, its text the entry's name."""
    entries = found.tasks.get(task, {})
    choices = [(entries[identity].name, json.dumps(identity)) for identity in order if identity != other]
    return gr.Dropdown(choices=choices, value=json.dumps(chosen) if chosen in entries else None)


def _controls(pair: "Pair | None", form: Form, language: Language) -> tuple[gr.Dropdown | gr.Radio, ...]:
    """Seed, judged, outcome, gold and whose, as far as the view has them."""
    if pair is None:
        hidden = [gr.Dropdown(visible=False)] * 3
        return gr.Dropdown(choices=[], value=None), *hidden, gr.Radio(visible=False)
    rows, parts = form.view == "rows", form.view == "parts"
    names = {label: label_name(pair.task.name, label, language) for label in pair.task.labels}
    return (
        gr.Dropdown(choices=list(pair.seeds), value=pair.seed),
        _of_labels(names, "explore_whole", form.judged, (rows or parts) and pair.task.multi_label),
        gr.Dropdown(choices=_OUTCOMES, value=form.outcome, visible=rows),
        _of_labels(names, "explore_any", form.gold, rows),
        gr.Radio(choices=_SIDES, value=form.whose, visible=form.view == "confusion"),
    )


def _of_labels(names: dict[str, str], all_of_them: str, value: str | None, visible: bool) -> gr.Dropdown:
    """A task's labels to choose from, each by its name on the page."""
    choices: list[Any] = [(label(all_of_them), ""), *((name, each) for each, name in names.items())]
    return gr.Dropdown(choices=choices, value=value if value in names else "", visible=visible)


def _drawn(content: "Content") -> tuple[Any, ...]:
    """The lines above, the plot, the table."""
    plot = gr.Plot(content.figure, visible=content.figure is not None)
    about = {"lines": content.lines, "told": content.told, "problem": content.problem}
    return about, plot, None if content.table is None else packed(plain(content.table))


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
