"""Compresses JSON for browsers: lists of files, ops and long documents shrink to a fifth.

Media are compressed already, and events must arrive one by one; both pass unchanged. Requests of
other sites are never answered, so that the sizes of answers reveal nothing to them.
"""

from __future__ import annotations

import gzip

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIN_BYTES = 1_000
MAX_BYTES = 4_000_000
"""Larger answers would hold up the event loop for too long."""
_LEVEL = 4


class CompressJson:
    """An ASGI application that compresses the JSON of another one.

    Args:
        app: answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        accepts = scope["type"] == "http" and "gzip" in Headers(scope=scope).get(
            "accept-encoding", ""
        )
        await self._app(scope, receive, _Compressor(send) if accepts else send)


class _Compressor:
    """Sends an answer; holds back the head of JSON until its body is known."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._head: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if _is_json(message):
                self._head = message
            else:
                await self._send(message)
            return
        if self._head is not None:
            head, self._head = self._head, None
            if _is_whole(message):
                message = {**message, "body": gzip.compress(message["body"], _LEVEL, mtime=0)}
                headers = MutableHeaders(scope=head)
                headers["content-encoding"] = "gzip"
                headers["content-length"] = str(len(message["body"]))
                headers.add_vary_header("accept-encoding")
            await self._send(head)
        await self._send(message)


def _is_json(message: Message) -> bool:
    headers = Headers(raw=message["headers"])
    is_plain = "content-encoding" not in headers and message["status"] != 304
    return is_plain and headers.get("content-type", "").startswith("application/json")


def _is_whole(message: Message) -> bool:
    size = len(message.get("body", b""))
    return not message.get("more_body", False) and MIN_BYTES <= size <= MAX_BYTES
