"""Encoder Zoo in the browser: `python app.py`, then open http://127.0.0.1:7860.

These environment variables change it: PORT and HOST; ENCODER_ZOO_CHECKPOINTS and ENCODER_ZOO_RESULTS, two folders;
ENCODER_ZOO_HUB, checkpoints to fetch as user/name[@revision], separated by commas; and those of `demo.flags.handlers`.
"""

import gc
import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
collecting = gc.isenabled()
gc.disable()  # what is imported stays; to look for garbage in it takes a fifth of the start, here and in _load_models

import socket
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import gradio as gr

from demo.api import rest
from demo.api import view as api_view
from demo.attribution import view as attribution_view
from demo.audit import view as audit_view
from demo.batch import view as batch_view
from demo.compare import view as compare_view
from demo.compare.handlers import classify, read_link
from demo.explore import view as explore_view
from demo.flags import view as flag_view
from demo.flags.handlers import start_uploads
from demo.leaderboard import view as leaderboard_view
from demo.leaderboard.page import board_page
from demo.shared import theme
from demo.shared.models import add_from_hub
from demo.shared.page_texts import label
from demo.shared.texts import TEXTS
from zoo.errors import UserError, run_command_line

if collecting:
    gc.enable()

WAITING = 200  # requests; the next visitor is told that the queue is full


def build(checkpoints: Path | None = None, results: Path | None = None) -> tuple[gr.Blocks, dict[str, Any]]:
    """Return the app and the arguments to launch it with.

    Args:
        checkpoints: the folder of `<task>/<name>` checkpoints; None is the one that comes with the project.
        results: the folder of runs; None is the project's own.
    """
    # Opening a tab goes without the queue. Gradio's queue (6.31) can lose the answer to a click: the server ends the
    # stream of answers after the last one, and a click that crosses this end waits for a stream that is gone. A tab is
    # often clicked just then, when the first comparison has appeared.
    day = 24 * 60 * 60  # seconds after which uploads and downloads are deleted
    with gr.Blocks(title="Encoder Zoo", analytics_enabled=False, fill_width=True, delete_cache=(day, day)) as demo:
        theme.add_header()
        with gr.Tabs():
            with _tab("leaderboard"):
                leaderboard_view.add()
            with _tab("compare"):
                compare = compare_view.add(checkpoints, results)
                attribution_view.add(checkpoints, compare)
                flag_view.add(checkpoints, compare)
            with _tab("batch") as tab:
                batch_view.add(tab, checkpoints)
            with _tab("explore") as tab:
                explore_view.add(tab, results)
            with _tab("audit") as tab:
                audit_view.add(tab, results)
        api_view.add(checkpoints, results)
        # Otherwise each request that begins tells all that wait their place anew.
        demo.queue(max_size=WAITING, status_update_rate=1)
    arguments = {**theme.launch_arguments(), "max_threads": compare_view.THREADS}
    arguments["app_kwargs"]["routes"] = [
        rest.mount(checkpoints, results, WAITING),
        *leaderboard_view.routes(checkpoints, results),
    ]
    return demo, arguments


def _tab(name: str) -> gr.Tab:
    """A tab that notes in the page's address that it was opened (see `demo/shared/address.js`)."""
    tab = gr.Tab(label(f"tab_{name}"), id=name)
    tab.select(None, js=f"() => zooAddress.opened({name!r})", api_visibility="private")
    return tab


def main() -> None:
    """Serve the app until it is stopped. The models are loaded after the first page is there, not before.

    Raises:
        UserError: the environment names a port, an address, a folder or a checkpoint that cannot be used.
    """
    host = os.environ.get("HOST") or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1"
    port = os.environ.get("PORT", "7860")
    if not (port.isdecimal() and int(port) < 65_536):
        raise UserError(f"PORT must be a number below 65,536, got {port!r}")
    _check_address(host, int(port))
    checkpoints, results = _folder("ENCODER_ZOO_CHECKPOINTS"), _folder("ENCODER_ZOO_RESULTS")
    if hub := os.environ.get("ENCODER_ZOO_HUB"):
        checkpoints = add_from_hub(hub, checkpoints, Path(tempfile.mkdtemp(prefix="encoder-zoo-")))
    demo, arguments = build(checkpoints, results)
    demo.launch(server_name=host, server_port=int(port), prevent_thread_lock=True, **arguments)
    for work in (partial(_load_models, checkpoints, results), start_uploads):
        Thread(target=work, daemon=True).start()
    demo.block_thread()


def _folder(variable: str) -> Path | None:
    """Return the folder that an environment variable names; None where it is not set."""
    value = os.environ.get(variable)
    if value and not Path(value).is_dir():
        raise UserError(f"{variable} names the folder {value}, and there is none; make it, or unset {variable}")
    return Path(value) if value else None


def _check_address(host: str, port: int) -> None:
    """Raise UserError if nothing can be served there; gradio's own message blames the port, whatever the reason."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        raise UserError(f"Cannot serve at {host}, port {port} ({error.strerror}); give another HOST or PORT") from error


def _load_models(folder: Path | None, results: Path | None) -> None:
    gc.disable()
    try:
        with suppress(UserError):  # the page tells it; the tab that it opens on comes first
            for language in TEXTS:
                board_page(folder, results, language)
        with suppress(UserError):
            view = read_link("", folder)
            classify(view.text, view.task, view.names, folder)
    finally:
        gc.freeze()  # nor is it looked through while a visitor waits
        gc.enable()


if __name__ == "__main__":
    run_command_line(main, "start it again with the same command")
