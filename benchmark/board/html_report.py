"""The board as one HTML file that needs nothing beside it: every task's plots and tables."""

from html import escape

from benchmark.board.pages import DECIDES, gaps, note, tasks_of, wide
from benchmark.board.plots import figures, mean_ranks
from benchmark.board.tables import Board

_CONFIG = {"displayModeBar": False, "responsive": True}
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: left; white-space: nowrap; border-bottom: 1px solid #8884; }
.wide { overflow-x: auto; }
figure { margin: 1.5rem 0; }
"""


def html(board: Board) -> str:
    """Return the report: self-contained, plotly's script included once."""
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><title>Encoder Zoo</title><style>{_STYLE}</style>"]
    parts.append('<meta name=viewport content="width=device-width"><h1>Encoder Zoo: the leaderboard</h1>')
    parts.append(f"<p>Of each difference {DECIDES} Seconds and milliseconds also tell of the load of the machine.</p>")
    script = True
    for task in tasks_of(board):
        parts.append(f"<h2>{escape(task.name)}</h2><p>{escape(note(board.cells, task))}.</p>")
        parts.append(f"<div class=wide>{wide(board.cells, task).to_html(index=False, border=0)}</div>")
        parts.append("<ul>" + "".join(f"<li>{escape(line)}</li>" for line in gaps(board, task)) + "</ul>")
        for number, (title, figure) in enumerate(figures(board, task).items()):
            plot = figure.to_html(
                full_html=False, include_plotlyjs=script, config=_CONFIG, div_id=f"{task.name}-{number}"
            )
            parts.append(f"<figure><figcaption>{escape(title)}</figcaption>{plot}</figure>")
            script = False
    for language, ranked in board.overall.groupby("language") if len(board.overall) else ():
        plot = mean_ranks(ranked).to_html(
            full_html=False, include_plotlyjs=False, config=_CONFIG, div_id=f"ranks-{language}"
        )
        parts.append(f"<h2>Across tasks ({escape(str(language))})</h2><figure>{plot}</figure>")
    left_out = "".join(f"<li>{escape(r['run'])}: {escape(r['reason'])}</li>" for r in board.problems.to_dict("records"))
    return "\n".join([*parts, f"<h2>Left out</h2><ul>{left_out}</ul>" if left_out else "", "</html>\n"])
