"""Pages from templates: Python prepares plain values, and the files in `templates` hold the words."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from benchmark.board.pages import gap, interval, listed, markdown, plain, points, size
from zoo.errors import UserError

TEMPLATES = Path(__file__).with_name("templates")
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
    found.filters |= {each.__name__: each for each in (points, size, plain, interval, gap, listed, markdown)}
    return found


def between_markers(path: Path, text: str, content: str, begin: str = _BEGIN, end: str = _END) -> str:
    """Return the text of `path` with `content` between its markers.

    Raises:
        UserError: the markers are missing.
    """
    marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not marked.search(text):
        raise UserError(f"{path} has lost its lines '{begin}' and '{end}'; put them back around the part that is made")
    return marked.sub(lambda _: f"{begin}\n\n{content.strip()}\n\n{end}", text)
