"""GET /media/PATH and /api/file: the files themselves, and their facts."""

from __future__ import annotations

import os
from collections.abc import Mapping

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kinoloom.base.report.files import build_policy
from kinoloom.errors import InputNotFoundError, UsageError
from kinoloom.studio.core import person_of, studio_of
from kinoloom.studio.folders.names import kind_of
from kinoloom.studio.media.kinds import MediaType, find_media_type
from kinoloom.studio.media.sending import OpenFileResponse
from kinoloom.studio.media.service import open_file, service_of
from kinoloom.studio.media.versions import Version
from kinoloom.studio.responses import JsonResponse, RequestError


class _Name(Convertor[str]):
    """The rest of an address; unlike Starlette's own "path", it may have line feeds."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("name", _Name())


async def send_file(request: Request) -> Response:
    """Send a file of the folders, whole or a range of it."""
    text = request.path_params["path"]
    return open_response(request, text)


async def send_report(request: Request) -> Response:
    """Show a report of the folders: an HTML page with its own style, in a sandbox.

    Its script is allowed if it is the one of reports. It has no origin: it can reach neither the
    studio nor another page.

    Raises:
        UsageError: the file is not an HTML page.
    """
    text = request.path_params["path"]
    if find_media_type(text).name != "text/html":
        raise UsageError(f"'{text}' is not a report.", hint="Reports are .html files.")
    headers = {"content-security-policy": f"sandbox allow-scripts; {build_policy()}"}
    kind = MediaType("text/html; charset=utf-8", is_download=False, is_confined=True)
    return open_response(request, text, headers, kind)


def open_response(
    request: Request,
    text: str,
    headers: Mapping[str, str] | None = None,
    kind: MediaType | None = None,
) -> OpenFileResponse:
    """Return a file of the folders as an answer.

    Args:
        request: to the studio.
        text: path of the file, as pages write it.
        headers: further headers.
        kind: how it is sent; None: by its suffix.

    Raises:
        InputNotFoundError: there is no such file.
    """
    kind = kind or find_media_type(text)
    descriptor = studio_of(request).tree.open(text)
    try:
        return OpenFileResponse(descriptor, text.rpartition("/")[2], kind, headers)
    except BaseException:
        os.close(descriptor)
        raise


async def describe_file(request: Request) -> Response:
    """Answer with what a file is, for people, and how it was made."""
    service = service_of(request)
    with open_file(request) as file:
        kind = kind_of(file.name)
        key = ("facts", file.version.key, file.text, _version_beside(request, file.text))
        found = await service.remember(
            key,
            lambda: service.call(
                "pictures", "media_facts:facts", file, person_of(request), kind=kind
            ),
        )
        own = {
            "path": file.text,
            "name": file.name,
            "kind": kind,
            "bytes": file.version.size,
            "modified": file.version.modified_ns / 1e9,
            "version": file.version.key,
            "media_type": find_media_type(file.text).name,
        }
        return JsonResponse({**own, **found})


def _version_beside(request: Request, text: str) -> str:
    """Return the version of the provenance record next to a file, or ""."""
    try:
        descriptor = studio_of(request).tree.open(f"{text}.provenance.json")
    except (InputNotFoundError, RequestError):
        return ""
    try:
        return Version.of(descriptor).key
    finally:
        os.close(descriptor)


ROUTES = [
    Route("/media/{path:name}", send_file),
    Route("/report/{path:name}", send_report),
    Route("/api/file", describe_file),
]
