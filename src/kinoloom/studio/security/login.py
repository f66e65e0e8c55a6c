"""The page on which people log in to a studio for several computers, and its requests."""

from __future__ import annotations

import asyncio
import math

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kinoloom.studio.core import studio_of
from kinoloom.studio.responses import JsonResponse, RequestError, read_json
from kinoloom.studio.static_files import find_package_file, serve_package_file

_FOLDER = "security/client"


async def serve_login(request: Request) -> Response:
    """Serve the page, which the guard shows at / to who is not logged in."""
    page = find_package_file("kinoloom.studio", f"{_FOLDER}/login.html")
    status = request.scope.get("login_status", 200)
    return Response(page.read_bytes() if page else b"", status, media_type="text/html")


async def serve_login_file(request: Request) -> Response:
    """Serve a file of the page."""
    return serve_package_file("kinoloom.studio", f"{_FOLDER}/{request.path_params['name']}")


async def log_in(request: Request) -> Response:
    """Exchange a name and a password for a cookie.

    Raises:
        RequestError: they are wrong (403), there were too many attempts (429), or this studio has
            no people (404).
    """
    studio = studio_of(request)
    if studio.people is None:
        raise RequestError(404, "There is nothing at this address.")
    body = await read_json(request)
    name, password = body.get("name"), body.get("password")
    if not isinstance(name, str) or not isinstance(password, str):
        raise RequestError(422, "The request needs a name and a password.")
    limits, address = studio.login_limits, request.scope["sender"]
    if wait_s := limits.wait_s(name, address):
        hint = f"Wait {math.ceil(wait_s / 60)} minutes."
        raise RequestError(429, "There were too many attempts.", hint)
    limits.fail(name, address)  # before the check, so that attempts at the same time count
    account = await asyncio.to_thread(studio.people.check, name, password)
    if account is None:
        raise RequestError(403, "The name or the password is wrong.", "Try again.")
    limits.succeed(name, address)
    secret = await asyncio.to_thread(studio.sessions.create, account.person, account.proof)
    return JsonResponse({}, headers={"set-cookie": request.scope["cookie"].build(secret)})


async def log_out(request: Request) -> Response:
    """End the session of this browser."""
    cookie = request.scope["cookie"]
    secret = cookie.read(request.headers.get("cookie", ""))
    await asyncio.to_thread(studio_of(request).sessions.end, secret)
    return JsonResponse({}, headers={"set-cookie": cookie.build("", max_age_s=0)})


ROUTES = [
    Route("/login", serve_login),
    Route("/login/{name}", serve_login_file),
    Route("/api/login", log_in, methods=["POST"]),
    Route("/api/logout", log_out, methods=["POST"]),
]
