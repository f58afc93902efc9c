"""The board as plots: plotly figures made from the board's tables alone, readable on white and on black."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from benchmark.board.pages import main_cells, names_of, of_task, rankings_of
from benchmark.board.tables import Board
from benchmark.tasks.registry import Task

# Those of Okabe and Ito's colours, made for every kind of colour vision, that show on white and on black.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
SYMBOLS = ("circle", "square", "diamond", "cross")  # when the colours repeat, symbol and dash change
DASHES = ("solid", "dash", "longdash", "dashdot")
GRID = "rgba(128,128,128,.28)"
_ROW, _FRAME = 34, 120  # pixels


def figures(board: Board, task: Task) -> dict[str, go.Figure]:
    """Return a task's figures by what they show."""
    main = main_cells(board.cells, task).sort_values("value")
    found = {
        f"{task.main_metric} with its 95 % interval": intervals(main, task),
        **{f"The ranks that each entry may have{of}": ranks(rows) for of, rows in _rankings(main)},
        "Quality against the time for one text; the line joins the best trade-offs": front(main, task),
        "Reliability: how often a score is right": reliability(of_task(board.reliability, task)),
    }
    searches = of_task(board.tuning, task)
    if len(searches):
        found["Tuning: the best score on validation that so many trials are expected to find"] = tuning(searches)
    if task.multi_label:
        found["What a decision rule gains over 0.5"] = gains(of_task(board.rules, task))
    return found


def _rankings(main: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the ranked entries of each ranking, and what is said of it: the defaults, then what was tuned."""
    return [(f": {protocol}" if protocol else "", rows) for protocol, rows in main.groupby(rankings_of(main))]


def intervals(main: pd.DataFrame, task: Task) -> go.Figure:
    """Return the main metric of every entry with its interval, best on top."""
    return _rows(names_of(main), [_points(main, "value", COLOURS[0], task.main_metric)], task.main_metric)


def ranks(main: pd.DataFrame) -> go.Figure:
    """Return the rank interval of every entry of one ranking, best on top."""
    ranked = main.sort_values(["rank_high", "rank_low"], ascending=False)
    low, high = ranked["rank_low"].astype(int), ranked["rank_high"].astype(int)
    bar = go.Bar(
        y=names_of(ranked),
        x=(high - low + 0.8).tolist(),
        base=(low - 0.4).tolist(),
        orientation="h",
        marker={"color": COLOURS[2]},
        hovertext=[f"{a}–{b}" for a, b in zip(low, high, strict=True)],
        hoverinfo="y+text",
        showlegend=False,
    )
    figure = _rows(names_of(ranked), [bar], "rank")
    return figure.update_xaxes(dtick=1, range=[0.5, len(ranked) + 0.5])


def mean_ranks(overall: pd.DataFrame) -> go.Figure:
    """Return mean ranks across tasks, best on top."""
    table = overall[::-1].assign(variant="")
    table = table.assign(low=table["mean_rank"], high=table["mean_rank"])  # a handful of tasks is too few for intervals
    points = _points(table, "mean_rank", COLOURS[3], "mean rank")
    return _rows(table["encoder"].tolist(), [points], "mean rank (1 is best)")


def gains(rules: pd.DataFrame) -> go.Figure:
    """Return what each rule gains over 0.5, in points, with its interval."""
    points = rules.assign(**{name: 100 * rules[name] for name in ("gain", "low", "high")})
    traces = [
        _points(of_rule, "gain", colour, str(rule))
        for colour, (rule, of_rule) in zip(
            COLOURS, points[points["rule"] != "fixed"].groupby("rule", sort=False), strict=False
        )
    ]
    figure = _rows(sorted(set(names_of(rules))), traces, "gain in points")
    return figure.update_layout(scattermode="group").add_vline(x=0, line={"color": "#808080", "width": 1})


def tuning(searches: pd.DataFrame) -> go.Figure:
    """Return the expected best score of each search after each number of trials."""
    figure = go.Figure()
    for number, (search, rows) in enumerate(searches.groupby("search", sort=False)):
        colour, symbol, dash = _style(number)
        figure.add_scatter(
            x=rows["trials"],
            y=rows["expected_best"],
            name=str(search),
            mode="lines+markers",
            line={"color": colour, "dash": dash},
            marker={"color": colour, "symbol": symbol},
        )
    figure.update_xaxes(title="trials", dtick=1).update_yaxes(title="expected best on validation")
    return dressed(figure, 360)


def reliability(table: pd.DataFrame) -> go.Figure:
    """Return confidence against frequency of every entry, after one temperature, on log axes for what is rare; where
    nothing is right, a point lies on the bottom, whose tick then says 0."""
    figure = go.Figure()
    shown = table[table["calibrator"] == "temperature"]
    bottom = _decade_below(shown["frequency"])
    for number, (_, rows) in enumerate(shown.groupby(["encoder", "variant"], sort=False)):
        colour, symbol, dash = _style(number)
        figure.add_scatter(
            x=rows["confidence"],
            y=rows["frequency"].clip(lower=bottom),
            customdata=rows["frequency"],
            name=names_of(rows)[0],
            mode="lines+markers",
            marker={"color": colour, "symbol": symbol},
            line={"color": colour, "dash": dash},
            hovertemplate="%{x:.3~g}, %{customdata:.3~g}",
        )
    least = float(shown["confidence"].min()) if len(shown) else 0.01
    ends = [max(least, bottom), 1.0]
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"dash": "dot", "color": "#808080"}, name="perfect", hoverinfo="skip"
    )
    figure.update_xaxes(title="score", type="log", dtick=1, tickformat="~g")
    figure.update_yaxes(title="share that is right", type="log", **_ticks(bottom, 0 in shown["frequency"].to_numpy()))
    return dressed(figure, 440)


def _decade_below(shares: pd.Series) -> float:
    """The power of ten below the least share that is not 0."""
    positive = shares[shares > 0]
    return float(10.0 ** (np.ceil(np.log10(positive.min())) - 1)) if len(positive) else 0.01


def _ticks(bottom: float, zeros: bool) -> dict[str, Any]:
    """A tick for each power of ten, written out; the one at `bottom` stands for 0 where there are zeros."""
    # numpy's powers of ten differ in the last digit from processor to processor, and with it what is written
    values = [float(f"1e{power}") for power in range(round(np.log10(bottom)), 1)]
    names = [np.format_float_positional(value, trim="-") for value in values]
    return {"tickvals": values, "ticktext": ["0", *names[1:]] if zeros else names}


def front(main: pd.DataFrame, task: Task) -> go.Figure:
    """Return quality against the time for one text, coloured by family; the line joins the entries that no other one
    beats in both. Entries whose time is unknown are not shown."""
    cost, figure = "p50_ms", go.Figure()
    main = main.dropna(subset=[cost])
    middle = float(np.sqrt(main[cost].min() * main[cost].max()))
    for number, (family, rows) in enumerate(main.groupby("family", sort=False)):
        colour, symbol, _ = _style(number)
        figure.add_scatter(
            x=rows[cost].tolist(),
            y=rows["value"].tolist(),
            error_y=errors(rows, "value"),
            customdata=rows[["low", "high", "seeds"]].to_numpy().tolist(),
            text=names_of(rows),
            name=str(family),
            mode="markers+text",
            # Inwards, where neither the error bar nor the edge of the plot is in the way.
            textposition=["middle left" if x > middle else "middle right" for x in rows[cost]],
            cliponaxis=False,
            marker={"size": 12, "color": colour, "symbol": symbol},
            hovertemplate="%{text}<br>%{y:.4f} [%{customdata[0]:.4f}, %{customdata[1]:.4f}], %{customdata[2]} seeds"
            "<br>%{x:,.1f}<extra></extra>",
        )
    best = main[on_front(main[cost].to_numpy(), main["value"].to_numpy())].sort_values(cost)
    figure.add_scatter(
        x=best[cost].tolist(),
        y=best["value"].tolist(),
        mode="lines",
        line={"shape": "hv", "dash": "dot", "color": "#808080"},
        name="front",
        hoverinfo="skip",
    )
    ticks = [step * 10.0**power for power in range(-3, 7) for step in (1, 2, 5)]
    figure.update_xaxes(
        title="ms for one text (log scale)", type="log", tickvals=ticks, ticktext=[f"{tick:,g}" for tick in ticks]
    )
    figure.update_yaxes(title=task.main_metric)
    return dressed(figure, 420)


def on_front(cost: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """Return which points no other point beats: none is as cheap and better, or cheaper and as good. Shapes (n,)."""
    cheaper, better = cost[None, :] <= cost[:, None], quality[None, :] >= quality[:, None]
    strictly = (cost[None, :] < cost[:, None]) | (quality[None, :] > quality[:, None])
    return np.asarray(~(cheaper & better & strictly).any(axis=1))


def _style(number: int) -> tuple[str, str, str]:
    """A colour, a symbol and a dash that no other of 24 entries or families has together."""
    again, position = divmod(number, len(COLOURS))
    return COLOURS[position], SYMBOLS[again % len(SYMBOLS)], DASHES[again % len(DASHES)]


def errors(rows: pd.DataFrame, value: str) -> dict[str, Any]:
    """Return error bars for plotly from a column of values, and the ends of their intervals in `low` and `high`."""
    up, down = (rows["high"] - rows[value]).tolist(), (rows[value] - rows["low"]).tolist()
    return {"type": "data", "array": up, "arrayminus": down, "thickness": 1.5, "width": 5}


def _points(rows: pd.DataFrame, value: str, colour: str, name: str) -> go.Scatter:
    return go.Scatter(
        y=names_of(rows),
        x=rows[value].tolist(),
        error_x=errors(rows, value),
        customdata=rows[["low", "high"]].to_numpy().tolist(),
        mode="markers",
        marker={"size": 9, "color": colour},
        name=name,
        orientation="h",
        offsetgroup=name,
        hovertemplate="%{y}<br>%{x:.4f} [%{customdata[0]:.4f}, %{customdata[1]:.4f}]<extra>" + name + "</extra>",
    )


def _rows(names: list[str], traces: list[Any], title: str) -> go.Figure:
    """Return a figure with one line an entry."""
    figure = go.Figure(traces)
    figure.update_xaxes(title=title)
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=names, automargin=True)
    figure.update_layout(showlegend=len(traces) > 1)
    return dressed(figure, _FRAME + _ROW * max(len(names), 2) * max(len(traces) // 2, 1))


def dressed(figure: go.Figure, height: int) -> go.Figure:
    """Return the figure in the project's style, `height` pixels high."""
    clear = "rgba(0,0,0,0)"
    figure.update_layout(
        paper_bgcolor=clear,
        plot_bgcolor=clear,
        font={"color": "#808080", "size": 13},
        margin={"l": 60, "r": 24, "t": 40, "b": 56},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        height=height,
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False)
    return figure.update_yaxes(gridcolor=GRID, zeroline=False)
