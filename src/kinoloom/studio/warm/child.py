"""The main program of a warm process: python -m kinoloom.studio.warm.child NAME FD LABEL ROOT ...

One thread reads messages, so that a request can be cancelled while the main thread runs a function.
"""

from __future__ import annotations

import os
import queue
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from kinoloom import errors
from kinoloom.base.page import Blob, Call, Feed, Person
from kinoloom.base.registry import load_path
from kinoloom.errors import KinoloomError
from kinoloom.studio.folders.tree import Tree
from kinoloom.studio.responses import RequestError, describe_error
from kinoloom.studio.warm import messages
from kinoloom.studio.warm.context import AskingContext


class _Server:
    """The server, as the process sees it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._writing = threading.Lock()
        self._replies: queue.Queue[dict[str, Any]] = queue.Queue()
        self.requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._cancelled: set[int] = set()

    def send(self, values: Mapping[str, Any], data: bytes = b"") -> None:
        with self._writing:
            self._stream.write(messages.pack(values, data))
            self._stream.flush()

    def read_all(self) -> None:
        """Sort the messages of the server until it closes the connection."""
        while (message := messages.read(self._stream)) is not None:
            values, _ = message
            if "cancel" in values:
                self._cancelled.add(values["cancel"])
            elif "reply" in values:
                self._replies.put(values)
            else:
                self.requests.put(values)
        self.requests.put(None)
        os._exit(0)  # the server has ended or no longer needs this process

    def is_cancelled(self, number: int) -> bool:
        return number in self._cancelled

    def forget(self, number: int) -> None:
        self._cancelled.discard(number)

    def ask(self, number: int, name: str, values: Mapping[str, Any]) -> Any:
        self.send({"number": number, "ask": name, "values": values})
        reply = self._replies.get()
        if "error" in reply:
            raise _rebuild_error(reply)
        return reply["value"]


def main(arguments: Sequence[str]) -> None:
    """Answer requests until the server closes the connection."""
    name, number, *roots = arguments
    tree = Tree([Path(root) for root in roots[1::2]])
    stream = socket.socket(fileno=int(number)).makefile("rwb")
    server = _Server(stream)  # type: ignore[arg-type]  # a file for reading and writing
    threading.Thread(target=server.read_all, name=f"{name}-messages", daemon=True).start()
    while (request := server.requests.get()) is not None:
        _serve(server, tree, request)


def _serve(server: _Server, tree: Tree, request: Mapping[str, Any]) -> None:
    number = request["number"]
    if not server.is_cancelled(number):
        try:
            context = AskingContext(
                tree,
                Person(**request["person"]),
                partial(server.ask, number),
                partial(server.is_cancelled, number),
            )
            value = _run(server, context, request)
            _send_value(server, number, value)
        except Exception as error:  # noqa: BLE001  the server reports every error
            if not isinstance(error, KinoloomError):
                sys.excepthook(type(error), error, error.__traceback__)
            status, content = describe_error(error)
            server.send({"number": number, "status": status, **content})
    server.forget(number)


def _run(server: _Server, context: AskingContext, request: Mapping[str, Any]) -> Any:
    target = load_path(request["path"], request["path"])
    if isinstance(target, Call):
        return target(context, target.build_options(request["options"]))
    if isinstance(target, Feed):
        _emit(server, context, request, target)
        return None
    return target(context, **request["options"])


def _emit(server: _Server, context: AskingContext, request: Mapping[str, Any], feed: Feed) -> None:
    """Send what a feed yields until nobody listens."""
    events = feed(context, feed.build_options(request["options"]))
    for event in events:
        if context.cancelled():
            return
        server.send({"number": request["number"], "event": event})


def _rebuild_error(reply: Mapping[str, Any]) -> Exception:
    """Return the error that the server met, as the class that `Context` documents."""
    kind = getattr(errors, reply["kind"], None)
    if kind is not None:
        error: Exception = kind(reply["error"], hint=reply["hint"])
        return error
    return RequestError(reply["status"], reply["error"], reply["hint"])


def _send_value(server: _Server, number: int, value: Any) -> None:
    if isinstance(value, Blob):
        head = {"number": number, "media_type": value.media_type, "facts": value.facts}
        server.send(head, value.data)
    elif isinstance(value, Path):
        server.send({"number": number, "file": str(value)})
    else:
        server.send({"number": number, "value": value})


if __name__ == "__main__":
    main(sys.argv[1:])
