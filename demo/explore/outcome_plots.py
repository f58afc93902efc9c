"""The Explore tab's own plots, in the style of `benchmark.board.plots`. Their words are arguments."""

import pandas as pd
import plotly.graph_objects as go

from benchmark.board.plots import COLOURS, dressed

# Rows that both get right or wrong are grey; rows where the two differ have a colour.
_COLOURS = ("rgba(128,128,128,.3)", COLOURS[0], COLOURS[1], "rgba(128,128,128,.75)")
# Up to a blue on which the page's ink can be read, dark or light.
_BLUES = [[0, "rgba(0,114,178,0)"], [1, "rgba(0,114,178,.7)"]]
_FEW = 10  # labels: with so few, the cells have room for their numbers


def stacked(names: list[str], counts: pd.DataFrame, legend: list[str], title: str) -> go.Figure:
    """Return one bar for each name, from the top; its parts are the shares of its counts, in per cent.

    Args:
        names: of the bars, all different.
        counts: one row a bar, one column a colour.
        legend: what the colours mean.
        title: of the axis.
    """
    figure = go.Figure()
    whole = counts.sum(axis=1).clip(lower=1)
    for column, name, colour in zip(counts, legend, _COLOURS, strict=True):
        figure.add_bar(
            y=names,
            x=(100 * counts[column] / whole).tolist(),
            customdata=list(zip(counts[column].tolist(), whole.tolist(), strict=True)),
            name=name,
            orientation="h",
            marker={"color": colour},
            hovertemplate="%{y}<br>%{fullData.name}: %{customdata[0]:,} / %{customdata[1]:,} (%{x:.1f} %)"
            "<extra></extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.25, legend={"traceorder": "normal"})
    figure.update_xaxes(title=title, range=[0, 100])
    figure.update_yaxes(type="category", autorange="reversed", automargin=True, dtick=1)
    return dressed(figure, 150 + 26 * len(names))


def heatmap(table: pd.DataFrame, gold: str, decided: str) -> go.Figure:
    """Return shares as a square: gold labels from the top, decided ones from the left.

    Args:
        table: columns gold, decided, n and share, as `demo.explore.handlers.confusion` returns them.
        gold: the title of the gold labels.
        decided: the title of the decided ones.
    """
    names = table["gold"].unique().tolist()
    few, square = len(names) <= _FEW, (len(names), len(names))
    trace = go.Heatmap(
        z=(100 * table["share"]).to_numpy().reshape(square),
        x=names,
        y=names,
        customdata=table["n"].to_numpy().reshape(square),
        colorscale=_BLUES,
        zmin=0,
        zmax=100,
        showscale=False,
        xgap=1,
        ygap=1,
        texttemplate="%{z:.0f}" if few else None,
        hovertemplate=f"{gold}: %{{y}}<br>{decided}: %{{x}}<br>%{{customdata:,}} (%{{z:.1f}} %)<extra></extra>",
    )
    figure = go.Figure(trace)
    style = {"type": "category", "dtick": 1, "automargin": True, "showgrid": False, "tickfont_size": 13 if few else 10}
    figure.update_xaxes(title=decided, **style)
    figure.update_yaxes(title=gold, autorange="reversed", **style)
    return dressed(figure, 200 + (34 if few else 20) * len(names))
