"""Pages from templates: Python prepares plain values, and the files in `templates` hold the words."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from zoo.errors import UserError

TEMPLATES = Path(__file__).with_name("templates")
LARGEST_GAP = 25  # points; two encoders that anybody compares hardly lie further apart
_MARKED = re.compile(r"<!-- leaderboard:.*?-->.*?<!-- end of leaderboard -->", re.DOTALL)
_BEGIN, _END = "<!-- leaderboard: made by `make leaderboard`, do not edit -->", "<!-- end of leaderboard -->"


def render(template: str, **values: Any) -> str:
    """Return a page from a template's file name and its values; in Markdown one empty line at most stands between two
    parts.

    Raises:
        jinja2.UndefinedError: the template names a value that is not given.
    """
    text = _templates().get_template(template).render(values)
    return (re.sub(r"\n{3,}", "\n\n", text) if ".md." in template else text).strip() + "\n"


@cache
def _templates() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=lambda name: bool(name) and ".html." in str(name),
    )
    found.filters |= {each.__name__: each for each in (points, size, interval, gap, listed, markdown)}
    return found


def points(difference: float) -> str:
    """Return a difference in points (0.01) with its sign, such as "+1.2"; 0 has none."""
    text = f"{100 * difference:+.1f}"
    return text[1:] if text[1:] == "0.0" else text


def size(difference: float) -> str:
    """Return a difference in points without a plus, such as "1.2"."""
    return points(difference).removeprefix("+")


def interval(found: tuple[float, float, float]) -> str:
    """Return a difference and the ends of its interval in points, such as "+1.2 [-0.3, +2.7]"."""
    return f"{points(found[0])} [{points(found[1])}, {points(found[2])}]"


def gap(difference: float) -> str:
    """Return a detectable difference in points; beyond LARGEST_GAP only that it is larger."""
    return f"{100 * difference:.1f}" if 100 * difference <= LARGEST_GAP else f"over {LARGEST_GAP}"


def listed(names: list[str]) -> str:
    """Return names as a sentence has them: "a, b and c"."""
    *head, last = names
    return f"{', '.join(head)} and {last}" if head else last


def markdown(table: pd.DataFrame) -> str:
    """Return a data frame as a table in Markdown."""
    rows = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy(dtype=object).tolist()]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows)


def between_markers(path: Path, text: str, content: str) -> str:
    """Return the text of `path` with `content` between its markers.

    Raises:
        UserError: the markers are missing.
    """
    if not _MARKED.search(text):
        raise UserError(
            f"{path} has lost its lines '{_BEGIN}' and '{_END}'; put them back where the leaderboard stands"
        )
    return _MARKED.sub(lambda _: f"{_BEGIN}\n\n{content.strip()}\n\n{_END}", text)
