"""Forgets the session of a call through the API when the call has been answered.

Gradio (6.31) keeps a copy of the whole page's settings, some 160 KB, for each session, and each call without a session
hash makes a session of its own. It drops them only when there are too many.
"""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

KEPT = 1000  # sessions of visitors, the last used ones; gradio's own 10,000 would take 1.6 GB
_ANSWER = re.compile(r".*/gradio_api/call/(?:v2/)?[^/]+/([0-9a-f]+)")


class Sessions:
    """ASGI middleware; see the module."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _ANSWER.fullmatch(scope["path"]) if scope["type"] == "http" else None
        try:
            await self.app(scope, receive, send)
        finally:  # a client that leaves early, too
            if answer:
                sessions = scope["app"].state_holder
                with sessions.lock:
                    sessions.session_data.pop(answer[1], None)  # such a session has the name of its call
                    sessions.time_last_used.pop(answer[1], None)
