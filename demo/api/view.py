"""The API through gradio: for its clients, and as MCP tools."""

from pathlib import Path
from typing import Any

import gradio as gr

from demo.api.handlers import endpoints
from demo.compare.view import MODELS
from demo.shared.endpoints import endpoint

# A batch is not in the queue of single texts: one of those has its turn between two batches of 32 texts.
_QUEUES: dict[str, dict[str, Any]] = {
    "classify": MODELS,
    "classify_batch": {"concurrency_limit": 1, "concurrency_id": "batches"},
}


def add(root: Path | None, results: Path | None) -> None:
    """Add the endpoints to the open Blocks."""
    for function in endpoints(root, results):
        name = function.__name__
        gr.api(endpoint(function), api_name=name, **_QUEUES.get(name, {}))
