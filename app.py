"""Encoder Zoo in the browser: `python app.py`, then open http://127.0.0.1:7860.

The environment may say PORT, HOST, ENCODER_ZOO_CHECKPOINTS and ENCODER_ZOO_RESULTS (folders).
"""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import gradio as gr

from demo import compare_view, explore_view, leaderboard_view, theme
from demo.compare import open_comparison
from demo.texts import label
from zoo.errors import UserError


def build(checkpoints: Path | None = None, results: Path | None = None) -> tuple[gr.Blocks, dict[str, Any]]:
    """Return the app and the arguments to launch it with.

    Args:
        checkpoints: the folder of `<task>/<name>` checkpoints; None is the one that comes with the project.
        results: the folder of runs; None is the project's own.
    """
    with gr.Blocks(title="Encoder Zoo", analytics_enabled=False, fill_width=True) as demo:
        theme.add_header()
        with gr.Tab(label("tab_compare"), id="compare"):
            compare_view.add(demo, checkpoints)
        with gr.Tab(label("tab_leaderboard"), id="leaderboard") as tab:
            leaderboard_view.add(tab, results)
        with gr.Tab(label("tab_explore"), id="explore") as tab:
            explore_view.add(tab, results)
    return demo, theme.launch_arguments()


def main() -> None:
    """Serve the app; the models are loaded behind the first page, not before it."""
    checkpoints, results = (os.environ.get(f"ENCODER_ZOO_{name}") for name in ("CHECKPOINTS", "RESULTS"))
    folder = Path(checkpoints) if checkpoints else None
    demo, arguments = build(folder, Path(results) if results else None)
    host = os.environ.get("HOST") or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1"
    port = int(os.environ.get("PORT", "7860"))
    demo.launch(server_name=host, server_port=port, prevent_thread_lock=True, **arguments)
    Thread(target=_load_models, args=[folder], daemon=True).start()
    demo.block_thread()


def _load_models(folder: Path | None) -> None:
    with suppress(UserError):  # the page says it
        open_comparison(folder)


if __name__ == "__main__":
    main()
