"""The project's own encoders on one page: how each was pretrained, what it fills in, and what that buys downstream."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from benchmark.board.pages import DECIDES, in_points, main_cells, markdown, named, sentence, tasks_of
from benchmark.board.plots import COLOURS, dressed, errors
from benchmark.board.tables import Board
from benchmark.statistics.resampling import draw, weighted_sums
from zoo.encoders.packed import HITS, PRETRAINED
from zoo.encoders.registry import ENCODERS

WORDS = {"whole words": 1, "whole words of two pieces and more": 2}  # and the least pieces of such a word
PICTURES = "screenshots/pretraining-{}.png"
_RESAMPLES = 2_000


@dataclass(frozen=True, eq=False)
class Pretraining:
    """What a pretraining left: its facts, and of each masked held-out word its sequence, pieces and whether it was
    filled in rightly, shape (num_words,)."""

    name: str
    facts: dict[str, Any]
    sequence: np.ndarray
    pieces: np.ndarray
    right: np.ndarray


def read_pretrainings(root: Path = PRETRAINED) -> list[Pretraining]:
    """Return what every encoder below `root` that comes from a pretraining says of it, by language and name."""
    trained = [_read(path.parent) for path in root.glob("*/pretraining.json")]
    return sorted(trained, key=lambda each: (each.facts["language"], each.name))


def _read(folder: Path) -> Pretraining:
    facts = json.loads((folder / "pretraining.json").read_text(encoding="utf-8"))
    with np.load(folder / HITS, allow_pickle=False) as hits:
        return Pretraining(folder.name, facts, hits["sequence"], hits["pieces"], hits["right"])


def read_from_nothing(root: Path = PRETRAINED) -> list[Pretraining]:
    """Return what the trainings from nothing say of themselves; their encoders are not kept here."""
    none = np.zeros(0, np.int32)
    return [
        Pretraining(path.stem, json.loads(path.read_text(encoding="utf-8")), none, none, none)
        for path in sorted(root.glob("*.json"))
    ]


def pretrained_part(board: Board, root: Path = PRETRAINED) -> str:
    """Return the generated part of docs/pretraining.md as Markdown; nothing where nothing was pretrained."""
    trained = read_pretrainings(root)
    if not trained:
        return ""
    parts = ["## How they were pretrained", markdown(_budgets(trained)), _picture("curves", "learning curves")]
    parts += ["## What they fill in", markdown(_held_out(trained)), _lines(_against_bert(trained))]
    parts += [_picture("held-out", "shares of held-out words filled in rightly")]
    scores = _scores(board, trained)
    if len(scores):
        parts += ["## What that buys downstream", markdown(_downstream(scores))]
        parts += [
            f"Of each difference {DECIDES}",
            _lines(_gaps(board, scores)),
            _picture("downstream", "scores of the tasks"),
        ]
    if nothing := read_from_nothing(root):
        parts += ["## From nothing", markdown(_budgets(nothing)), markdown(_losses(nothing))]
        parts += [_picture("from-nothing", "learning curve")]
    return "\n\n".join(part for part in parts if part)


def _picture(name: str, what: str) -> str:
    return f"![{what}]({PICTURES.format(name)})"


def _lines(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _budgets(trained: list[Pretraining]) -> pd.DataFrame:
    rows = []
    for each in trained:
        recipe, training, hardware = (each.facts[name] for name in ("recipe", "training", "hardware"))
        rows.append(
            {
                "encoder": each.name,
                "start": each.facts["start"],
                "masks": f"{recipe['masking']}s, {'dynamic' if recipe['dynamic'] else 'static'}",
                "NSP": "yes" if recipe["nsp"] else "no",
                "length": _lengths(recipe),
                "batch": recipe["batch_size"],
                "learning rate": recipe["learning_rate"],
                "tokens": f"{recipe['tokens']:,}",
                "hours": f"{training['seconds'] / 3600:.2f}",
                "tokens/s": f"{training['tokens_per_second']:,.0f}",
                "GFLOP/s": f"{hardware['flops'] / 1e9:.1f}",
                "corpus": each.facts["corpus"]["corpus"],
            }
        )
    return pd.DataFrame(rows)


def _lengths(recipe: dict[str, Any]) -> str:
    """Tokens a sequence; what was pretrained before a recipe could say so had one length throughout."""
    shorter = f"{recipe['length'] // 4}, then " if recipe.get("short_share") else ""
    return f"{shorter}{recipe['length']}"


def _losses(trained: list[Pretraining]) -> pd.DataFrame:
    """What is measured on held-out documents without keeping which words were right."""
    names = ("piece_loss", "word_loss", "piece_accuracy", "word_accuracy", "longer_word_accuracy")
    rows = [
        {"encoder": each.name} | {name: f"{each.facts['held_out'][name]:.4f}" for name in names} for each in trained
    ]
    return pd.DataFrame(rows).rename(columns=lambda name: name.replace("_", " "))


def _held_out(trained: list[Pretraining]) -> pd.DataFrame:
    rows = []
    for each in trained:
        found = each.facts["held_out"]
        row = {"encoder": each.name, "loss, pieces": f"{found['piece_loss']:.3f}"}
        row |= {"loss, whole words": f"{found['word_loss']:.3f}", "pieces right": f"{found['piece_accuracy']:.4f}"}
        for kind, least in WORDS.items():
            accuracy = word_accuracy(each, each, least)
            counted = int((each.pieces >= least).sum())
            row[f"{kind} right"] = "{value:.4f} [{low:.4f}, {high:.4f}] of {counted:,}".format(
                **accuracy, counted=counted
            )
        rows.append(row)
    return pd.DataFrame(rows)


def word_accuracy(one: Pretraining, less: Pretraining, least: int) -> dict[str, float]:
    """Return the share of masked words of at least so many pieces that an encoder fills in rightly, or, where `less`
    is another one, the difference of both shares: `value`, `low` and `high`, a 95 % interval from a bootstrap of
    sequences, the same ones for both.

    Raises:
        ValueError: the two were not asked for the same words.
    """
    if not _same_words(one, less):
        raise ValueError(f"{one.name} and {less.name} were not asked for the same words")
    counted = one.pieces >= least
    score = one.right.astype(np.float64) - (0 if one is less else less.right)
    sequences = int(one.sequence.max()) + 1
    sums = [np.bincount(one.sequence[counted], weights, sequences) for weights in (score[counted], None)]
    resampled = weighted_sums(draw(sequences, _RESAMPLES).counts, np.stack(sums, axis=1))
    low, high = np.quantile(resampled[:, 0] / resampled[:, 1], (0.025, 0.975))
    return {"value": float(score[counted].mean()), "low": float(low), "high": float(high)}


def _against_bert(trained: list[Pretraining]) -> list[str]:
    """What each other recipe fills in beyond `bert`, of the encoders with one start that were asked for one set of
    words: two from nothing have their own tokenizers."""
    plain = [each for each in trained if each.facts["recipe"]["name"] == "bert"]
    return [
        f"{each.name} less {bert.name}, {kind} right: {in_points(word_accuracy(each, bert, least), 'value')}."
        for each in trained
        for bert in plain
        if each.facts["recipe"]["name"] != "bert"
        and each.facts["start"] == bert.facts["start"]
        and _same_words(each, bert)
        for kind, least in WORDS.items()
    ]


def _same_words(one: Pretraining, other: Pretraining) -> bool:
    return np.array_equal(one.sequence, other.sequence) and np.array_equal(one.pieces, other.pieces)


def _scores(board: Board, trained: list[Pretraining]) -> pd.DataFrame:
    """The cells of each task's main metric, of these encoders and their starts, wherever one of these and another
    were fine-tuned with the same recipe; `where` is the task, and in what the recipe differs from its own."""
    own = {each.name for each in trained}
    names = own | {each.facts["start"] for each in trained} & set(ENCODERS)
    cells = pd.concat([main_cells(board.cells, task) for task in tasks_of(board)])
    cells = cells[cells["encoder"].isin(names)]
    cells = cells.assign(where=[_where(row["task"], row["variant"]) for row in cells.to_dict("records")])
    several = cells.groupby("where")["encoder"].transform("size") > 1
    return cells[several & cells["where"].isin(cells.loc[cells["encoder"].isin(own), "where"])]


def _where(task: str, variant: str) -> str:
    return f"{task} ({variant})" if variant else task


def _downstream(scores: pd.DataFrame) -> pd.DataFrame:
    shown = scores.assign(
        task=scores["where"],
        score=[f"{r['value']:.4f} [{r['low']:.4f}, {r['high']:.4f}]" for r in scores.to_dict("records")],
    )
    return shown[["task", "encoder", "metric", "score", "seeds"]]


def _gaps(board: Board, scores: pd.DataFrame) -> list[str]:
    """What is real, and what cannot be told, between any two rows of the table that were fine-tuned the same way."""
    where = {(row["task"], row["encoder"], row["variant"]): row["where"] for row in scores.to_dict("records")}
    lines = []
    for row in board.pairs.to_dict("records"):
        a, b = (where.get((row["task"], row[f"encoder_{side}"], row[f"variant_{side}"])) for side in "ab")
        if a is not None and a == b:
            lines.append(f"{row['task']}: {sentence(named(row))}")
    return lines


def figures(board: Board, root: Path = PRETRAINED) -> dict[str, go.Figure]:
    """Return the page's plots by the name of their picture: learning curves, held-out words, scores downstream, and
    the curve of what started from nothing."""
    trained = read_pretrainings(root)
    colours: dict[Any, str] = {each.name: COLOURS[number % len(COLOURS)] for number, each in enumerate(trained)}
    curves, filled, downstream = go.Figure(), go.Figure(), go.Figure()
    for each in trained:
        tokens, losses = zip(*each.facts["training"]["curve"], strict=True)
        curves.add_scatter(x=list(tokens), y=list(losses), name=each.name, line={"color": colours[each.name]})
        shares = pd.DataFrame([word_accuracy(each, each, least) for least in WORDS.values()])
        filled.add_bar(
            x=list(WORDS),
            y=shares["value"].tolist(),
            name=each.name,
            marker={"color": colours[each.name]},
            error_y=errors(shares, "value", "low", "high"),
        )
    for encoder, rows in _scores(board, trained).groupby("encoder", sort=False) if trained else ():
        downstream.add_scatter(
            x=rows["value"].tolist(),
            y=rows["where"].str.replace(r" (?=\()", "<br>", regex=True).tolist(),
            orientation="h",
            name=str(encoder),
            mode="markers",
            marker={"size": 9, "color": colours.get(encoder, "#808080")},
            error_x=errors(rows, "value", "low", "high"),
        )
    curves.update_xaxes(title="tokens seen").update_yaxes(title="loss on masked tokens, in training")
    filled.update_yaxes(title="share filled in rightly, held out")
    downstream.update_xaxes(title="the task's main metric").update_yaxes(autorange="reversed", automargin=True)
    downstream.update_layout(scattermode="group")
    nothing = go.Figure()
    for each in read_from_nothing(root):
        tokens, losses = zip(*each.facts["training"]["curve"], strict=True)
        nothing.add_scatter(x=list(tokens), y=list(losses), name=each.name)
    nothing.update_xaxes(title="tokens seen").update_yaxes(title="loss on masked tokens, in training")
    named = {"curves": curves, "held-out": filled, "downstream": downstream, "from-nothing": nothing}
    return {name: dressed(figure, 440) for name, figure in named.items() if figure.data}
