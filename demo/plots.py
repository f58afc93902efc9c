"""Quality against cost: the one plot of the Leaderboard tab."""

import pandas as pd
import plotly.graph_objects as go

from benchmark.tasks import TASKS
from demo.board import COSTS
from zoo.errors import lookup

_AXES = {
    "train_seconds": "training time (seconds, log scale)",
    "p50_ms": "median time for one text of 64 tokens (milliseconds, log scale)",
}
# Okabe and Ito's colours, which hold for every kind of colour vision; the ones that show on white and on black.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_GRID = "rgba(128,128,128,.28)"
_HOVER = (
    "%{text} %{customdata[3]}<br>%{y:.4f} [%{customdata[0]:.4f}, %{customdata[1]:.4f}], %{customdata[2]} seeds"
    "<br>%{x:,.1f}<extra></extra>"
)


def quality_against_cost(board: pd.DataFrame, task: str, cost: str) -> go.Figure:
    """Return the task's main metric against a cost of `COSTS`; error bars are its 95 % intervals.

    Raises:
        UserError: the task or the cost is unknown.
    """
    spec, column = lookup(TASKS, task, "task"), lookup(COSTS, cost, "cost")
    chosen = (board["task"] == task) & (board["rule"] == spec.rule) & (board["metric"] == spec.main_metric)
    figure = go.Figure()
    for colour, (family, rows) in zip(_colours(), board[chosen].groupby("family", sort=False), strict=False):
        figure.add_trace(_points(rows, column, str(family), colour))
    figure.update_layout(**_layout())
    figure.update_xaxes(title=_AXES[column], type="log", dtick="D2", gridcolor=_GRID, zeroline=False)
    figure.update_yaxes(title=spec.main_metric, gridcolor=_GRID, zeroline=False)
    return figure


def _colours() -> list[str]:
    return list(_COLOURS) * 4


def _points(rows: pd.DataFrame, column: str, family: str, colour: str) -> go.Scatter:
    return go.Scatter(
        x=rows[column].tolist(),
        y=rows["value"].tolist(),
        error_y={
            "type": "data",
            "array": (rows["high"] - rows["value"]).tolist(),
            "arrayminus": (rows["value"] - rows["low"]).tolist(),
            "thickness": 1.5,
            "width": 5,
        },
        customdata=rows[["low", "high", "seeds", "variant"]].to_numpy().tolist(),
        text=rows["encoder"].tolist(),
        name=family,
        mode="markers+text",
        textposition="top center",
        cliponaxis=False,
        marker={"size": 12, "color": colour},
        hovertemplate=_HOVER,
    )


def _layout() -> dict[str, object]:
    clear = "rgba(0,0,0,0)"
    return {
        "paper_bgcolor": clear,
        "plot_bgcolor": clear,
        "font": {"color": "#808080", "size": 13},
        "margin": {"l": 60, "r": 24, "t": 40, "b": 56},
        "legend": {"orientation": "h", "y": 1.12, "x": 0},
        "height": 420,
    }
