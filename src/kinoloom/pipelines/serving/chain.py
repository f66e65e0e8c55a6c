"""Containers in sequence: each answers the answer of the one before it.

Each container is a process of its own, because its variables and the modules of its script have
the same names as those of the others. A container without SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT
answers an inner request in the media type of the request.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from kinoloom.pipelines.serving.script import Handler, load_responder

_ACCEPT = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"


def start_chain(containers: Sequence[Mapping[str, Any]]) -> Handler:
    """Start the processes of containers and return the handler of requests.

    Args:
        containers: The path of the model ("model") and the variables ("environment") of each.
    """
    # A forked process has this package even where kinoloom is not installed.
    context = multiprocessing.get_context("fork")
    connections = []
    for one in containers:
        ours, theirs = context.Pipe()
        arguments = (theirs, Path(one["model"]), one["environment"])
        context.Process(target=_serve, args=arguments, daemon=True).start()
        theirs.close()  # so that the end of the process is the end of the connection
        connections.append(ours)
    accepted = [one["environment"].get(_ACCEPT, "") for one in containers]

    def handle(body: bytes, media_type: str, accept: str) -> bytes:
        for number, connection in enumerate(connections):
            is_last = number == len(connections) - 1
            wanted = accept if is_last else accepted[number] or media_type
            try:
                connection.send((body, media_type, wanted))
                body, media_type = connection.recv()
            except (EOFError, ConnectionError):
                raise ValueError(
                    f"Container {number + 1} of {len(connections)} failed; its error is above."
                ) from None
        return body

    return handle


def _serve(connection: Connection, model: Path, variables: Mapping[str, str]) -> None:
    """Answer requests until the other side closes the connection."""
    os.environ.update(variables)
    respond = load_responder(model)
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        connection.send(respond(*request))
