"""The addresses of ops: /api/ops, /api/ops/NAME, /api/ops/NAME/command."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kinoloom.studio.core import person_of, studio_of
from kinoloom.studio.jobs.submit import check_body
from kinoloom.studio.responses import JsonResponse, read_json
from kinoloom.studio.warm.process import Request as WarmRequest


async def list_ops(request: Request) -> Response:
    """GET /api/ops: all ops, for the search."""
    return JsonResponse(await studio_of(request).catalogue.list_ops(person_of(request)))


async def describe_op(request: Request) -> Response:
    """GET /api/ops/NAME: one op with its options, for its form."""
    catalogue, name = studio_of(request).catalogue, request.path_params["name"]
    return JsonResponse(await catalogue.describe(name, person_of(request)))


async def preview_command(request: Request) -> Response:
    """POST /api/ops/NAME/command {inputs, options, output, report}: what a form would run."""
    studio, name = studio_of(request), request.path_params["name"]
    options = {
        "roots": {label: str(root) for label, root in studio.tree.roots.items()},
        "body": check_body({**await read_json(request), "op": name}),
    }
    call = WarmRequest("kinoloom.studio.tools.ops:preview", options, person_of(request))
    return JsonResponse(await studio.tools.call(call))


ROUTES = [
    Route("/api/ops", list_ops),
    Route("/api/ops/{name}", describe_op),
    Route("/api/ops/{name}/command", preview_command, methods=["POST"]),
]
