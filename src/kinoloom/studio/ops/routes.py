"""The addresses of ops: /api/ops, /api/ops/NAME."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kinoloom.studio.core import person_of, studio_of
from kinoloom.studio.responses import JsonResponse


async def list_ops(request: Request) -> Response:
    """GET /api/ops: all ops, for the search."""
    return JsonResponse(await studio_of(request).catalogue.list_ops(person_of(request)))


async def describe_op(request: Request) -> Response:
    """GET /api/ops/NAME: one op with its options, for its form."""
    catalogue, name = studio_of(request).catalogue, request.path_params["name"]
    return JsonResponse(await catalogue.describe(name, person_of(request)))


ROUTES = [
    Route("/api/ops", list_ops),
    Route("/api/ops/{name}", describe_op),
]
