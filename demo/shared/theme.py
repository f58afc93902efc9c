"""How the app looks, and how it is launched: system fonts, nothing fetched from elsewhere, nothing recorded."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from gradio.route_utils import FnIndexInferError
from starlette.middleware import Middleware

from demo.shared.assets import Assets
from demo.shared.body_limit import BodyLimit
from demo.shared.first_script import FirstScript
from demo.shared.page_texts import i18n, script
from demo.shared.sessions import KEPT, Sessions

HERE = Path(__file__).parent
LARGEST_REQUEST = 20_000_000  # bytes, of a file or a whole request; the tabs have smaller limits and show them
_HEADER = """<header class="zoo-header"><div><h1>Encoder Zoo</h1>
<p></p></div><nav><a href="api/v1/">REST API</a><a class="zoo-language"></a></nav></header>"""
_HEADER_SCRIPT = """
element.querySelector("p").textContent = zooText("question");
const other = element.querySelector(".zoo-language");
Object.assign(other, { textContent: zooText("other_language"), lang: zooChinese ? "en" : "zh-CN" });
const show = () => {
  const asked = new URLSearchParams(location.search);
  asked.set("lang", zooChinese ? "en" : "zh");
  other.href = `${location.pathname}?${asked}${location.hash}`;
};
show();
for (const event of ["pointerdown", "focus"]) other.addEventListener(event, show); // the address may have changed
"""
_SANS = ("ui-sans-serif", "system-ui", "Segoe UI", "Roboto", "Noto Sans", "Noto Sans CJK SC", "sans-serif")
_MONO = ("ui-monospace", "Menlo", "Consolas", "monospace")


def theme() -> gr.themes.Base:
    """Return the theme; its primary button is dark enough for white text (contrast above 6)."""
    base = gr.themes.Default(primary_hue="indigo", neutral_hue="slate", font=_SANS, font_mono=_MONO)
    return base.set(
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
        body_text_color_subdued="*neutral_600",
        block_info_text_color="*neutral_600",
    )


def add_header() -> None:
    """Add the page's head to the open Blocks: its name and its question."""
    gr.HTML(_HEADER, js_on_load=_HEADER_SCRIPT, apply_default_css=False)


def _no_such_endpoint(request: Request, error: Exception) -> JSONResponse:
    """Answer 404; gradio itself would answer with a server error."""
    return JSONResponse({"detail": "There is no such endpoint; the footer's API page lists them"}, status_code=404)


def _not_understood(request: Request, error: Exception) -> JSONResponse:
    """Refuse a malformed request; its content is not repeated, since it may hold what cannot be encoded."""
    return JSONResponse({"detail": "The request is not what the endpoint takes"}, status_code=422)


def _not_callable(request: Request, error: Exception) -> JSONResponse:
    """Refuse a call whose number or arguments gradio looks up without checking that they exist."""
    if not any(call in request.url.path for call in ("/gradio_api/call/", "/gradio_api/queue/join")):
        raise error
    return _not_understood(request, error)


def launch_arguments() -> dict[str, Any]:
    """Return the arguments of `Blocks.launch` other than the address."""
    styles = sorted(set(HERE.parent.glob("*/*.css")) - {HERE.parent / "api" / "rest_page.css"})  # a page of its own
    css = "".join(path.read_text(encoding="utf-8") for path in styles)
    scripts = "".join((HERE / name).read_text(encoding="utf-8") for name in ("address.js", "waiting.js"))
    # Not `css=`: gradio prefixes each selector there, and breaks those with a comma inside :is().
    head = f"<style>{css}</style><script>{script()}{scripts}</script>"
    return {
        "theme": theme(),
        "i18n": i18n(),
        "mcp_server": find_spec("mcp") is not None,  # the same endpoints as tools, where gradio[mcp] is installed
        "app_kwargs": {
            "exception_handlers": {
                FnIndexInferError: _no_such_endpoint,
                RequestValidationError: _not_understood,
                **dict.fromkeys((KeyError, TypeError, ValueError), _not_callable),
            },
            "middleware": [
                Middleware(Assets),
                Middleware(Sessions),
                Middleware(FirstScript, head=head),
                Middleware(BodyLimit, most=LARGEST_REQUEST),
            ],
        },
        "footer_links": ["api"],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "share": False,
        "max_file_size": LARGEST_REQUEST,
        "state_session_capacity": KEPT,
    }
