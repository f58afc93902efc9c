"""Keeps gradio's own scripts and styles in memory, compressed, and lets browsers keep them.

A first visit asks for some 80 of them. Gradio (6.31) reads and compresses each anew for every visitor, and every later
visit asks whether they have changed. Their names hold a hash of their content, so they never do.
"""

import brotli
from anyio import to_thread
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FOREVER = {"cache-control": "public, max-age=31536000, immutable", "content-encoding": "br", "vary": "Accept-Encoding"}


class Assets:
    """ASGI middleware that answers for files below /assets/ that it has seen before."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.kept = app, dict[str, Response]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_file = scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith("/assets/")
        if not is_file or "br" not in Headers(scope=scope).get("accept-encoding", ""):
            await self.app(scope, receive, send)
        elif kept := self.kept.get(scope["path"]):
            await kept(scope, receive, send)
        else:
            messages = await self._answer(scope, receive)
            if messages[0]["status"] == 200:
                self.kept[scope["path"]] = await to_thread.run_sync(_compressed, messages)
                await self.kept[scope["path"]](scope, receive, send)
            else:
                for message in messages:
                    await send(message)

    async def _answer(self, scope: Scope, receive: Receive) -> list[Message]:
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, collect)
        return messages


def _compressed(messages: list[Message]) -> Response:
    content = brotli.compress(b"".join(message.get("body", b"") for message in messages), quality=6)
    kind = Headers(raw=messages[0]["headers"])["content-type"]
    return Response(content, headers={**_FOREVER, "content-type": kind})
