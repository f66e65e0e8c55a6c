"""The ASGI application of the studio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from kinoloom.errors import KinoloomError
from kinoloom.studio import static_files
from kinoloom.studio.compression import CompressJson
from kinoloom.studio.core import Studio
from kinoloom.studio.documents import routes as documents
from kinoloom.studio.events import stream
from kinoloom.studio.folders import routes as folders
from kinoloom.studio.jobs import routes as jobs
from kinoloom.studio.media import routes as media
from kinoloom.studio.ops import routes as ops
from kinoloom.studio.pages import routes as pages
from kinoloom.studio.responses import JsonResponse, RequestError, answer_error
from kinoloom.studio.security import login
from kinoloom.studio.security.address import Address
from kinoloom.studio.security.guard import Guard

AREAS: Sequence[Sequence[BaseRoute]] = (
    static_files.ROUTES,
    login.ROUTES,
    stream.ROUTES,
    folders.ROUTES,
    ops.ROUTES,
    jobs.ROUTES,
    documents.ROUTES,
    media.ROUTES,
)
"""The routes of each part of the studio; those of pages, which match most, come after them."""


def build_app(studio: Studio, address: Address) -> ASGIApp:
    """Build the application, guarded."""
    app = Starlette(
        routes=[route for area in (*AREAS, pages.ROUTES) for route in area],
        exception_handlers={
            RequestError: answer_error,
            KinoloomError: answer_error,
            HTTPException: _answer_http_error,  # type: ignore[dict-item]
            Exception: answer_error,
        },
        lifespan=_close_after(studio),
    )
    app.state.studio = studio
    return Guard(
        CompressJson(app),
        studio.sessions,
        address,
        scripts=static_files.inline_scripts(),
        has_people=studio.people is not None,
    )


def _close_after(studio: Studio) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await studio.close()

    return lifespan


async def _answer_http_error(request: Request, error: HTTPException) -> Response:
    texts = {404: "There is nothing at this address.", 405: "This method is not supported here."}
    message = texts.get(error.status_code, str(error.detail))
    return JsonResponse({"error": message, "hint": ""}, error.status_code)
