"""The project's own encoders on one page: how each was pretrained, what it fills in, and what that buys downstream."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from scipy.stats import binomtest

from benchmark.leaderboard import Board
from benchmark.plots import COLOURS, dressed, errors
from benchmark.tables import main_cells, markdown, sentence, tasks_of
from zoo.encoders import ENCODERS
from zoo.pretrained import PRETRAINED

# By kind of mask: accuracy, and of how many.
ACCURACIES = {
    "pieces": ("piece_accuracy", "masked_pieces"),
    "whole words": ("word_accuracy", "masked_words"),
    "whole words of two pieces and more": ("longer_word_accuracy", "masked_longer_words"),
}


def read_pretrainings(root: Path = PRETRAINED) -> dict[str, dict[str, Any]]:
    """Return, by name, the facts that a pretraining left with each encoder below `root` that comes from one."""
    found = sorted(root.glob("*/pretraining.json"))
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in found}


def pretrained_part(board: Board, root: Path = PRETRAINED) -> str:
    """Return the generated part of zoo/README.md as Markdown; nothing where nothing was pretrained."""
    facts = read_pretrainings(root)
    if not facts:
        return ""
    parts = ["## How they were pretrained", markdown(_budgets(facts))]
    parts += ["## What they fill in", markdown(_held_out(facts))]
    scores = _scores(board, facts)
    if len(scores):
        parts += ["## What that buys downstream", markdown(_downstream(scores))]
    return "\n\n".join([*parts, *_gaps(board, set(scores["encoder"]))])


def _budgets(facts: dict[str, dict[str, Any]]) -> pd.DataFrame:
    rows = []
    for name, fact in facts.items():
        recipe, training, hardware = fact["recipe"], fact["training"], fact["hardware"]
        rows.append(
            {
                "encoder": name,
                "start": fact["start"],
                "masks": f"{recipe['masking']}s, {'dynamic' if recipe['dynamic'] else 'static'}",
                "NSP": "yes" if recipe["nsp"] else "no",
                "batch": recipe["batch_size"],
                "learning rate": recipe["learning_rate"],
                "tokens": f"{recipe['tokens']:,}",
                "hours": f"{training['seconds'] / 3600:.2f}",
                "tokens/s": f"{training['tokens_per_second']:,.0f}",
                "of the matrix rate": f"{hardware['share_of_matrix_rate']:.0%}",
                "corpus": fact["corpus"]["corpus"],
            }
        )
    return pd.DataFrame(rows)


def _held_out(facts: dict[str, dict[str, Any]]) -> pd.DataFrame:
    rows = []
    for name, fact in facts.items():
        held_out = fact["held_out"]
        row = {"encoder": name, "loss, pieces": f"{held_out['piece_loss']:.3f}"}
        row["loss, whole words"] = f"{held_out['word_loss']:.3f}"
        for kind, (accuracy, count) in ACCURACIES.items():
            low, high = interval(held_out[accuracy], held_out[count])
            row[f"{kind} right (n = {held_out[count]:,})"] = f"{held_out[accuracy]:.4f} [{low:.4f}, {high:.4f}]"
        rows.append(row)
    return pd.DataFrame(rows).fillna("–")


def interval(accuracy: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of an accuracy over `count` independent cases (Wilson 1927)."""
    found = binomtest(round(accuracy * count), count).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def _scores(board: Board, facts: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """The cells of each task's main metric, of these encoders and their starts under the task's own recipe."""
    names = [*facts, *{fact["start"] for fact in facts.values()} & set(ENCODERS)]
    cells = pd.concat([main_cells(board.cells, task) for task in tasks_of(board)])
    own = cells[cells["encoder"].isin(names) & (cells["variant"] == "")]
    tasks = set(own.loc[own["encoder"].isin(facts), "task"])  # a start alone compares nothing
    return own[own["task"].isin(tasks)]


def _downstream(scores: pd.DataFrame) -> pd.DataFrame:
    shown = scores.assign(
        score=[f"{r['value']:.4f} [{r['low']:.4f}, {r['high']:.4f}]" for r in scores.to_dict("records")]
    )
    return shown[["task", "encoder", "metric", "score", "seeds"]]


def _gaps(board: Board, names: set[str]) -> list[str]:
    """One list of what is real, and what cannot be told, between any two of these encoders."""
    lines = []
    for row in board.pairs.to_dict("records"):
        if {row["a"], row["b"]} <= names:
            better, worse = (row["a"], row["b"]) if row["difference"] >= 0 else (row["b"], row["a"])
            lines.append(f"- {row['task']}: {sentence(row, better, worse)}")
    return ["\n".join(lines)] if lines else []


def figures(board: Board, root: Path = PRETRAINED) -> dict[str, go.Figure]:
    """Return the page's plots by the name of their picture: learning curves, held-out accuracies, scores downstream."""
    facts = read_pretrainings(root)
    colours: dict[Any, str] = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(facts)}
    curves, filled, downstream = go.Figure(), go.Figure(), go.Figure()
    for name, fact in facts.items():
        tokens, losses = zip(*fact["training"]["curve"], strict=True)
        curves.add_scatter(x=list(tokens), y=list(losses), name=name, line={"color": colours[name]})
        held_out = fact["held_out"]
        rates = pd.DataFrame({"value": [held_out[accuracy] for accuracy, _ in ACCURACIES.values()]})
        bounds = [interval(held_out[accuracy], held_out[count]) for accuracy, count in ACCURACIES.values()]
        rates["low"], rates["high"] = zip(*bounds, strict=True)
        filled.add_bar(
            x=list(ACCURACIES),
            y=rates["value"].tolist(),
            name=name,
            marker={"color": colours[name]},
            error_y=errors(rates, "value", "low", "high"),
        )
    for encoder, rows in _scores(board, facts).groupby("encoder", sort=False):
        downstream.add_scatter(
            x=rows["task"].tolist(),
            y=rows["value"].tolist(),
            name=str(encoder),
            mode="markers",
            marker={"size": 9, "color": colours.get(encoder, "#808080")},
            error_y=errors(rows, "value", "low", "high"),
        )
    curves.update_xaxes(title="tokens seen").update_yaxes(title="loss on masked tokens, in training")
    filled.update_yaxes(title="share filled in rightly, held out")
    downstream.update_yaxes(title="the task's main metric").update_layout(scattermode="group")
    named = {"curves": curves, "held-out": filled, "downstream": downstream}
    return {name: dressed(figure, 440) for name, figure in named.items() if figure.data}
