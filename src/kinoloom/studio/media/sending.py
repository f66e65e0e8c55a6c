"""Sends an open file, whole or one range of it, by conditional requests of HTTP (RFC 9110).

The file was opened by the caller, so a link that replaces it afterwards is not followed. If its
content changes while it is sent, the connection is closed: a browser must not take a mixture of
two versions for a file.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kinoloom.base.notes import logger
from kinoloom.studio.media.kinds import MediaType
from kinoloom.studio.media.ranges import Span, UnsatisfiableRangeError, parse_range
from kinoloom.studio.media.versions import Version

CHUNK_BYTES = 256 * 1024
_CONFINED_POLICY = "default-src 'none'; sandbox"
_READ_FROM_MEMORY = getattr(os, "RWF_NOWAIT", 0)
"""A flag of Linux."""
_KEEP = "private, no-cache"
"""Browsers keep the file, and ask each time whether it is still the same."""


class OpenFileResponse(Response):
    """An open file as an answer, which closes it.

    Args:
        descriptor: of a regular file.
        name: of the file, for downloads and the log.
        kind: how it is sent.
        headers: further headers.
    """

    def __init__(
        self,
        descriptor: int,
        name: str,
        kind: MediaType,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._descriptor, self._name = descriptor, name
        self._version = Version.of(descriptor)
        self._tag = f'"{self._version.key}"'
        super().__init__(
            headers={
                "content-type": kind.name,
                "accept-ranges": "bytes",
                "cache-control": _KEEP,
                "etag": self._tag,
                "last-modified": self._version.modified_text,
                **_describe_handling(kind, name),
                **(headers or {}),
            }
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and close the file."""
        try:
            await self._answer(scope, receive, send)
        finally:
            os.close(self._descriptor)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        size = self._version.size
        if self._is_known(headers):
            await self._start(send, 304, 0)
            await send({"type": "http.response.body", "body": b""})
            return
        try:
            span = parse_range(headers.get("range"), size) if self._may_split(headers) else None
        except UnsatisfiableRangeError:
            self.headers["content-range"] = f"bytes */{size}"
            await self._start(send, 416, 0)
            await send({"type": "http.response.body", "body": b""})
            return
        if span is not None:
            self.headers["content-range"] = f"bytes {span.begin}-{span.end - 1}/{size}"
        await self._start(send, 200 if span is None else 206, (span or Span(0, size)).length)
        await self._send_content(scope["method"], span or Span(0, size), receive, send)

    async def _start(self, send: Send, status: int, length: int) -> None:
        if status == 304:
            del self.headers["content-length"]
        else:
            self.headers["content-length"] = str(length)
        await send({"type": "http.response.start", "status": status, "headers": self.raw_headers})

    async def _send_content(self, method: str, span: Span, receive: Receive, send: Send) -> None:
        if method == "HEAD" or not span.length:
            await send({"type": "http.response.body", "body": b""})
            return
        at = span.begin
        leaving = asyncio.ensure_future(wait_for_leave(receive))
        try:
            while at < span.end and not leaving.done():
                content = await _read(self._descriptor, min(CHUNK_BYTES, span.end - at), at)
                if not content or Version.of(self._descriptor) != self._version:
                    logger.warning("%s changed while it was sent.", self._name)
                    return  # the server closes the connection of an answer without its end
                at += len(content)
                more = at < span.end
                await send({"type": "http.response.body", "body": content, "more_body": more})
        finally:
            leaving.cancel()

    def _is_known(self, headers: Headers) -> bool:
        """Whether the browser has this version already."""
        tags = headers.get("if-none-match")
        if tags is not None:
            known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
            return self._tag in known or "*" in known
        since = headers.get("if-modified-since")
        return since is not None and not self._is_newer_than(since)

    def _may_split(self, headers: Headers) -> bool:
        """Whether the parts that the browser has belong to this version."""
        condition = headers.get("if-range")
        if condition is None:
            return True
        return condition.strip() in (self._tag, self._version.modified_text)

    def _is_newer_than(self, date: str) -> bool:
        try:
            known = parsedate_to_datetime(date).timestamp()
        except (ValueError, TypeError, OverflowError):
            return True
        return self._version.modified_ns // 10**9 > known


async def _read(descriptor: int, count: int, at: int) -> bytes:
    """Read bytes of a file: at once if they are in memory, else in a thread."""
    if _READ_FROM_MEMORY:
        buffer = bytearray(count)
        with suppress(OSError):  # they are not in memory, or the file system cannot tell
            return bytes(buffer[: os.preadv(descriptor, [buffer], at, _READ_FROM_MEMORY)])
    return await asyncio.to_thread(os.pread, descriptor, count, at)


async def wait_for_leave(receive: Receive) -> None:
    """Return when the browser closes the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _describe_handling(kind: MediaType, name: str) -> dict[str, str]:
    headers = {}
    if kind.is_download:
        headers["content-disposition"] = f"attachment; filename*=UTF-8''{_quote(name)}"
    if kind.is_confined:
        headers["content-security-policy"] = _CONFINED_POLICY
    return headers


def _quote(name: str) -> str:
    return quote(name.encode("utf-8", "replace"), safe="")
