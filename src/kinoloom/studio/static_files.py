"""The client: its one HTML page, its modules, styles and fonts, all from the package."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from functools import cache, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kinoloom.studio.responses import RequestError

_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".json": "application/json",
}
_COMPRESSED = frozenset({".js", ".mjs", ".css", ".svg", ".json"})
_FILE_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""A module or style opened as a page of its own does nothing. Five times shorter than the policy of
pages, which the first page would carry sixty times."""
_INLINE_SCRIPT = re.compile(rb"<script type=\"importmap\">(.*?)</script>", re.DOTALL)


async def serve_shell(request: Request) -> Response:
    """Serve the one HTML page, which finds out by its address what to show."""
    return Response(_read_index(), media_type="text/html")


async def serve_static(request: Request) -> Response:
    """Serve a file of the client."""
    return serve_package_file("kinoloom.studio", f"static/{request.path_params['path']}", request)


def serve_package_file(package: str, path: str, request: Request | None = None) -> Response:
    """Serve a file of a package that the browser may load.

    Args:
        package: that has the file.
        path: of the file in the package.
        request: its headers say whether the browser has the file already, and whether it reads
            gzip; None: the file is sent as it is.

    Raises:
        RequestError: there is no such file, or its type is not served.
    """
    file = find_package_file(package, path)
    suffix = "." + path.rpartition(".")[2]
    if file is None or suffix not in _TYPES:
        raise RequestError(404, "There is nothing at this address.")
    data = file.read_bytes()
    tag = f'"{hashlib.sha256(data).hexdigest()[:20]}"'
    headers = {
        # Revalidated by each page load, which is cheap here, so that an update is seen at once.
        "cache-control": "no-cache",
        "etag": tag,
        "vary": "accept-encoding",
        "content-security-policy": _FILE_POLICY,
    }
    asked = request.headers if request is not None else {}
    if asked.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if suffix in _COMPRESSED and "gzip" in asked.get("accept-encoding", ""):
        data = _compress(data)
        headers["content-encoding"] = "gzip"
    return Response(data, media_type=_TYPES[suffix], headers=headers)


def find_package_file(package: str, path: str) -> Traversable | None:
    """Return a file of a package, or None; no part of the path may be hidden or lead upwards."""
    parts = path.split("/")
    if any(not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
        return None
    file = resources.files(package).joinpath(*parts)
    return file if file.is_file() else None


def inline_scripts() -> list[str]:
    """Return the CSP sources of the page's inline scripts: its import map."""
    digests = (hashlib.sha256(one).digest() for one in _INLINE_SCRIPT.findall(_read_index()))
    return [f"'sha256-{base64.b64encode(one).decode()}'" for one in digests]


@lru_cache(maxsize=256)
def _compress(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)


@cache
def _read_index() -> bytes:
    return resources.files("kinoloom.studio").joinpath("static/index.html").read_bytes()


ROUTES = [
    Route("/", serve_shell),
    Route("/_parts", serve_shell),
    Route("/static/{path:path}", serve_static),
]
