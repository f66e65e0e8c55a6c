"""GET /thumb, /frame and /api/frames: small pictures of files, and single frames of videos."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kinoloom.base.page import Blob
from kinoloom.studio.core import person_of
from kinoloom.studio.folders.names import kind_of
from kinoloom.studio.media.proxies import NAME as PROXY
from kinoloom.studio.media.service import (
    MediaService,
    OpenFile,
    open_file,
    read_number,
    service_of,
    until_left,
)
from kinoloom.studio.responses import JsonResponse, RequestError

_WIDTHS = (16, 1024)
_USUAL_WIDTH = 320
_MOST_WIDTH = 16_384
_MOST_FRAMES = 50_000
_LAST_FRAME = 10**9
_REVALIDATED = "private, no-cache"
_KEPT = "private, max-age=31536000, immutable"
"""For an address that names the version of the file."""
_JPEG, _PNG, _WEBP = b"\xff\xd8", b"\x89PNG", b"RIFF"
_TYPES = {"jpeg": "image/jpeg", "png": "image/png"}


async def send_thumb(request: Request) -> Response:
    """Send a small picture of a photo, a video or a sound."""
    service = service_of(request)
    with open_file(request) as file:
        kind = kind_of(file.name)
        if kind == "other":
            raise RequestError(404, f"'{file.text}' is neither a picture, a video nor a sound.")
        width = read_number(request.query_params, "width", _USUAL_WIDTH, 1, _MOST_WIDTH)
        width = min(max(width, _WIDTHS[0]), _WIDTHS[1])
        name = f"thumb-{kind}-{width}"
        tag = f'"{file.version.key}-{name}"'
        if request.headers.get("if-none-match") == tag:
            return Response(None, 304, {"etag": tag})

        async def draw() -> bytes:
            blob: Blob = await service.call(
                "pictures", "media:thumb", file, person_of(request), kind=kind, width=width
            )
            service.cache.save(file.version.key, name, blob.data)
            return blob.data

        data = service.cache.read(file.version.key, name)
        if data is None:
            data = await until_left(request, service.remember_failure(file, name, draw))
        has_version = bool(request.query_params.get("v"))
        headers = {"etag": tag, "cache-control": _KEPT if has_version else _REVALIDATED}
        return Response(data, 200, headers, find_picture_type(data))


def find_picture_type(data: bytes) -> str:
    """Return the media type of an encoded picture."""
    if data.startswith(_PNG):
        return "image/png"
    return "image/webp" if data.startswith(_WEBP) else "image/jpeg"


async def send_frame(request: Request) -> Response:
    """Send one frame of a video by its number."""
    service, query = service_of(request), request.query_params
    with open_file(request) as file:
        number = read_number(query, "n", None, 0, _LAST_FRAME)
        width = read_number(query, "width", 0, 0, _MOST_WIDTH)
        form = query.get("format", "jpeg")
        if form not in _TYPES:
            raise RequestError(422, f"format is '{form}': expected {' or '.join(_TYPES)}.")
        tag = f'"{file.version.key}-frame-{number}-{width}-{form}"'
        if request.headers.get("if-none-match") == tag:
            return Response(None, 304, {"etag": tag})
        work = service.call(
            "frames",
            "media:frame",
            file,
            person_of(request),
            number=number,
            width=width,
            media_type=_TYPES[form],
        )
        blob: Blob = await until_left(request, work)
        headers = {
            "etag": tag,
            "cache-control": _REVALIDATED,
            "x-facts": json.dumps(dict(blob.facts)),
        }
        return Response(blob.data, 200, headers, blob.media_type)


async def list_frames(request: Request) -> Response:
    """Answer with the exact times of the frames of a video, or of its proxy."""
    service, query = service_of(request), request.query_params
    with open_file(request) as file:
        start = read_number(query, "from", 0, 0, _LAST_FRAME)
        limit = read_number(query, "limit", _MOST_FRAMES, 1, _MOST_FRAMES)
        proxy = _find_proxy(service, file) if query.get("proxy") else None
        work = service.call(
            "frames",
            "media:frames",
            file,
            person_of(request),
            start=start,
            limit=limit,
            proxy=proxy,
        )
        return JsonResponse(await until_left(request, work))


def _find_proxy(service: MediaService, file: OpenFile) -> str:
    path = service.cache.path(file.version.key, PROXY)
    if not path.is_file():
        raise RequestError(404, f"There is no proxy of '{file.text}' yet.")
    return str(path)


ROUTES = [
    Route("/thumb", send_thumb),
    Route("/frame", send_frame),
    Route("/api/frames", list_frames),
]
