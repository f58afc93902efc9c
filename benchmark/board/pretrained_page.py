"""The project's own encoders on one page: how each was pretrained, what it fills in, and what that buys downstream."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from benchmark.board.pages import main_cells, tasks_of
from benchmark.board.plots import COLOURS, dressed, errors
from benchmark.board.render import render
from benchmark.board.tables import Board, entry_name, protocol_of
from benchmark.board.verdicts import Verdict, keys_of, verdict_of
from benchmark.statistics.resampling import draw, weighted_sums
from zoo.encoders.packed import HITS, PRETRAINED
from zoo.encoders.registry import ENCODERS

WORDS = {"whole words": 1, "whole words of two pieces and more": 2}  # and the least pieces of such a word
PICTURES = "screenshots/pretraining-%s.png"
_RESAMPLES = 2_000


@dataclass(frozen=True, eq=False)
class Pretraining:
    """What a pretraining left: its facts, and of each masked held-out word its sequence, pieces and whether it was
    filled in correctly, shape (num_words,)."""

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
    trained, nothing = read_pretrainings(root), read_from_nothing(root)
    if not trained:
        return ""
    scores = _scores(board, trained)
    return render(
        "pretraining.md.jinja",
        picture=PICTURES,
        trained=trained,
        words=WORDS,
        filled={each.name: [_filled(each, least) for least in WORDS.values()] for each in trained},
        against_bert=_against_bert(trained),
        scores=_downstream(scores) if len(scores) else None,
        pairs=_pairs(board, scores),
        nothing=nothing,
    )


def _filled(each: Pretraining, least: int) -> str:
    words = int((each.pieces >= least).sum())
    return "{value:.4f} [{low:.4f}, {high:.4f}]".format(**word_accuracy(each, each, least)) + f" of {words:,}"


def word_accuracy(one: Pretraining, less: Pretraining, least: int) -> dict[str, float]:
    """Return the share of masked words of at least so many pieces that an encoder fills in correctly, or, where `less`
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


def _against_bert(trained: list[Pretraining]) -> list[dict[str, Any]]:
    """What each other recipe fills in beyond `bert`, of the encoders with one start that were asked for one set of
    words: two from nothing have their own tokenizers."""
    plain = [each for each in trained if each.facts["recipe"]["name"] == "bert"]
    return [
        {"name": each.name, "bert": bert.name, "kind": kind} | word_accuracy(each, bert, least)
        for each in trained
        for bert in plain
        if each not in plain and each.facts["start"] == bert.facts["start"] and _same_words(each, bert)
        for kind, least in WORDS.items()
    ]


def _same_words(one: Pretraining, other: Pretraining) -> bool:
    return np.array_equal(one.sequence, other.sequence) and np.array_equal(one.pieces, other.pieces)


def _scores(board: Board, trained: list[Pretraining]) -> pd.DataFrame:
    """The cells of each task's main metric, of these encoders and their starts, wherever one of these and another
    were fine-tuned with the same recipe and several seeds; `where` is the task with how the recipe differs from its
    default. Each encoder that was tuned has a recipe of its own."""
    own = {each.name for each in trained}
    names = own | {each.facts["start"] for each in trained} & set(ENCODERS)
    cells = pd.concat([main_cells(board.cells, task) for task in tasks_of(board)])
    alike = ~cells["variant"].map(protocol_of).fillna("").str.startswith("tuned")
    cells = cells[cells["encoder"].isin(names) & (cells["seeds"] > 1) & alike]
    cells = cells.assign(where=[entry_name({**row, "encoder": row["task"]}) for row in cells.to_dict("records")])
    several = cells.groupby("where")["encoder"].transform("size") > 1
    return cells[several & cells["where"].isin(cells.loc[cells["encoder"].isin(own), "where"])]


def _downstream(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores in percent, one row for each task and recipe, one column for each encoder."""
    shown = scores.assign(score=(100 * scores["value"]).map("{:.1f}".format))
    table = shown.pivot(index=["where", "metric"], columns="encoder", values="score").fillna("–")
    order = scores[["where", "metric"]].drop_duplicates().itertuples(index=False, name=None)
    return table.loc[list(order)].rename_axis(columns=None).reset_index().rename(columns={"where": "task"})


def _pairs(board: Board, scores: pd.DataFrame) -> list[tuple[str, Verdict]]:
    """Every comparison between two scores of one row of the table, with the row's name."""
    where = {(row["task"], row["encoder"], row["variant"]): row["where"] for row in scores.to_dict("records")}
    found = []
    for pair in board.pairs.to_dict("records"):
        a, b = keys_of(pair)
        row, other = (where.get((pair["task"], *key)) for key in (a, b))
        if row is not None and row == other:
            found.append((row, verdict_of(pair, set())))
    return found


def figures(board: Board, root: Path = PRETRAINED) -> dict[str, go.Figure]:
    """Return the page's plots by the name of their picture: learning curves, held-out words, scores downstream, and
    the curve of what started from nothing."""
    trained = read_pretrainings(root)
    colours: dict[Any, str] = {each.name: COLOURS[number % len(COLOURS)] for number, each in enumerate(trained)}
    filled, downstream = go.Figure(), go.Figure()
    for each in trained:
        shares = pd.DataFrame([word_accuracy(each, each, least) for least in WORDS.values()])
        filled.add_bar(
            x=list(WORDS),
            y=shares["value"].tolist(),
            name=each.name,
            marker={"color": colours[each.name]},
            error_y=errors(shares, "value"),
        )
    for encoder, rows in _scores(board, trained).groupby("encoder", sort=False) if trained else ():
        downstream.add_scatter(
            x=rows["value"].tolist(),
            y=rows["where"].str.replace(r" (?=[(\[])", "<br>", regex=True).tolist(),
            orientation="h",
            name=str(encoder),
            mode="markers",
            marker={"size": 9, "color": colours.get(encoder, "#808080")},
            error_x=errors(rows, "value"),
        )
    filled.update_yaxes(title="share filled in correctly, held out")
    downstream.update_xaxes(title="the task's main metric").update_yaxes(autorange="reversed", automargin=True)
    downstream.update_layout(scattermode="group")
    shown = {"curves": _curves(trained), "held-out": filled, "downstream": downstream}
    shown["from-nothing"] = _curves(read_from_nothing(root))
    return {name: dressed(figure, 440) for name, figure in shown.items() if figure.data}


def _curves(trained: list[Pretraining]) -> go.Figure:
    """The loss of each training, in the order and so in the colours of the other plots."""
    figure = go.Figure(layout={"colorway": COLOURS})
    for each in trained:
        tokens, losses = zip(*each.facts["training"]["curve"], strict=True)
        figure.add_scatter(x=list(tokens), y=list(losses), name=each.name)
    return figure.update_xaxes(title="tokens seen").update_yaxes(title="loss on masked tokens, in training")
