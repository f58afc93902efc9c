"""Learning curves in words, as a table and as a plot."""

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from benchmark.board.plots import COLOURS, errors
from benchmark.more_labels.learning_curve import SHARES, Curve, predict

_SHOWN = np.geomspace(SHARES[0], 2, 60)


def sentence(curve: Curve) -> str:
    """Return what twice the labels would bring, and which label to add first."""
    gain = curve.doubled
    said = f"Twice the labels would bring about {_points(gain.value, gain.low, gain.high)} to {curve.encoder}."
    first = curve.labels.iloc[0]
    if first["low"] <= 0:
        return f"{said} No label surely gained from the last doubling, so label texts of all kinds."
    gained = _points(first["gain"], first["low"], first["high"])
    return f"{said} Label `{first['label']}` next: its F1 rose most with the last doubling, by {gained}."


def _points(value: float, low: float, high: float) -> str:
    return f"{100 * value:+.1f} points [{100 * low:.1f}, {100 * high:.1f}]"


def table(curves: Sequence[Curve]) -> pd.DataFrame:
    """Return the scores of every share, and what the power law says of twice the rows.

    Columns: encoder, rows (of train, a mean over the seeds), measured (or else predicted), value, low, high.
    """
    rows = []
    for curve in curves:
        values = [*curve.values, predict(curve.law[None], 2.0)[0]]
        drawn = np.column_stack([curve.resampled, predict(curve.laws, 2.0)])
        sizes = [*curve.sizes, 2 * curve.sizes[-1]]
        for size, value, low, high in zip(sizes, values, *np.quantile(drawn, (0.025, 0.975), axis=0), strict=True):
            rows.append((curve.encoder, round(size), size <= curve.sizes[-1], value, low, high))
    return pd.DataFrame(rows, columns=["encoder", "rows", "measured", "value", "low", "high"])


def labels_table(curves: Sequence[Curve]) -> pd.DataFrame:
    """Return what the last doubling brought to each label, for each encoder (see `Curve.labels`)."""
    return pd.concat([curve.labels.assign(encoder=curve.encoder) for curve in curves], ignore_index=True)[
        ["encoder", "label", "train", "f1", "gain", "low", "high"]
    ]


def html(curves: Sequence[Curve]) -> str:
    """Return the page with the sentences and the plot: self-contained."""
    task = curves[0].task
    figure = go.Figure()
    scores = table(curves)
    for number, curve in enumerate(curves):
        colour = COLOURS[number % len(COLOURS)]
        measured = scores[(scores["encoder"] == curve.encoder) & scores["measured"]]
        figure.add_scatter(
            x=measured["rows"].tolist(),
            y=measured["value"].tolist(),
            error_y=errors(measured, "value"),
            mode="markers",
            marker={"color": colour, "size": 9},
            name=curve.encoder,
        )
        fitted = [float(predict(curve.law[None], share)[0]) for share in _SHOWN]
        figure.add_scatter(
            x=(_SHOWN * curve.sizes[-1]).tolist(),
            y=fitted,
            mode="lines",
            line={"color": colour, "dash": "dot"},
            showlegend=False,
            hoverinfo="skip",
        )
    figure.update_layout(
        xaxis={"type": "log", "title": "train rows"},
        yaxis={"title": f"{task.main_metric} on test"},
        template="plotly_white",
    )
    title = f"Learning curves on {escape(task.name)}"
    said = "".join(f"<p>{escape(sentence(curve))}</p>" for curve in curves)
    law = "<p>The dotted line is a fitted power law, up to twice the train rows. Bars are 95 % intervals.</p>"
    plot = figure.to_html(full_html=False, include_plotlyjs=True, config={"displayModeBar": False, "responsive": True})
    return f'<!doctype html><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>{said}{plot}{law}'
