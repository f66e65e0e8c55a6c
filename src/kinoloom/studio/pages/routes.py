"""GET /api/state, GET /pages/NAME/PATH, POST /api/PAGE/CALL."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import kinoloom
from kinoloom.base.machine import available_bytes, cores
from kinoloom.errors import UsageError
from kinoloom.studio.core import person_of, studio_of
from kinoloom.studio.pages.answers import build_answer
from kinoloom.studio.pages.calls import Asked
from kinoloom.studio.responses import JsonResponse, read_json
from kinoloom.studio.static_files import serve_package_file

_LEFT = 499
"""The status where the client no longer waits; it is not sent."""


async def read_state(request: Request) -> Response:
    """Return what the client needs to draw the studio."""
    studio, person = studio_of(request), person_of(request)
    pages = [listed.describe() for listed in studio.pages.list_all()]
    return JsonResponse(
        {
            "version": kinoloom.__version__,
            "name": studio.tree.first.name,
            "folders": list(studio.tree.roots),
            "person": {"name": person.name, "role": person.role},
            "pages": pages,
            "cores": cores(),
            "memory_bytes": available_bytes(),
            "upload_limit": studio.options.upload_limit,
        }
    )


async def serve_page_file(request: Request) -> Response:
    """Serve a file of the folder of a page's module."""
    page = studio_of(request).pages.page(request.path_params["page"])
    folder = page.module_path.rpartition("/")[0]
    path = request.path_params["path"]
    return serve_package_file(page.package, f"{folder}/{path}" if folder else path, request)


async def run_call(request: Request) -> Response:
    """Run a call of a page; it is cancelled if the client no longer waits.

    Raises:
        UsageError: the body is not that of a call.
    """
    body = await read_json(request)
    options, latest = body.get("options", {}), body.get("latest") or ""
    if not isinstance(options, dict) or not isinstance(latest, str):
        raise UsageError("The request needs options (an object); latest is text.")
    page, name = request.path_params["page"], request.path_params["call"]
    asked = Asked(page, name, options, person_of(request), latest)
    running = studio_of(request).calls.run(asked)
    return await _run_while_connected(request, running)


async def _run_while_connected(request: Request, running: Coroutine[Any, Any, Any]) -> Response:
    task = asyncio.ensure_future(running)
    leaving = asyncio.ensure_future(_wait_until_left(request))
    try:
        await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            return Response(status_code=_LEFT)
        return build_answer(studio_of(request), await task)
    finally:
        leaving.cancel()
        task.cancel()


async def _wait_until_left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


ROUTES = [
    Route("/api/state", read_state),
    Route("/pages/{page}/{path:path}", serve_page_file),
    Route("/api/{page}/{call}", run_call, methods=["POST"]),
]
"""The last one must come after all other addresses below /api."""
