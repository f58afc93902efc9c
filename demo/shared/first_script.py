"""Puts the app's styles and first script into the page itself, before any script of gradio runs: gradio adds its `head`
only when the page is drawn, which is too late to choose the language and moves what is drawn already."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class FirstScript:
    """ASGI middleware that adds `head` (HTML) to the beginning of the head of each page."""

    def __init__(self, app: ASGIApp, head: str) -> None:
        self.app, self.head = app, head.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
        else:
            await self.app(scope, receive, self._adding(send))

    def _adding(self, send: Send) -> Send:
        waiting: list[Message] = []  # the start of a page, until its content is known

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                waiting.append(message)
                return
            if waiting:
                start = waiting.pop()
                body = message.get("body", b"").replace(b"<head>", b"<head>" + self.head, 1)
                others = [(name, value) for name, value in start["headers"] if name != b"content-length"]
                if not message.get("more_body"):
                    others.append((b"content-length", str(len(body)).encode()))
                await send({**start, "headers": others})
                message = {**message, "body": body}
            await send(message)

        return add


def _is_page(start: Message) -> bool:
    headers = dict(start["headers"])
    return headers.get(b"content-type", b"").startswith(b"text/html") and b"content-encoding" not in headers
