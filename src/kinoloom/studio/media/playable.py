"""GET /proxy and /api/proxy: what browsers play in place of a file that they cannot."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kinoloom.base.page import Blob
from kinoloom.studio.core import person_of, studio_of
from kinoloom.studio.folders.names import kind_of
from kinoloom.studio.media.kinds import MediaType
from kinoloom.studio.media.proxies import NAME, Proxy
from kinoloom.studio.media.sending import OpenFileResponse
from kinoloom.studio.media.service import (
    MediaService,
    OpenFile,
    open_file,
    service_of,
    until_left,
)
from kinoloom.studio.responses import JsonResponse, RequestError

_PICTURE = "photo.webp"
_WEBP = MediaType("image/webp", is_download=False, is_confined=False)
_TYPES = {"video": "video/mp4", "audio": "audio/mp4"}


async def send_proxy(request: Request) -> Response:
    """Send the proxy of a file; 202 with its progress while it is being written."""
    service = service_of(request)
    with open_file(request) as file:
        kind = kind_of(file.name)
        if kind == "photo":
            return await _send_photo(service, request, file)
        if kind == "other":
            raise RequestError(404, f"'{file.text}' is neither a picture, a video nor a sound.")
        descriptor = service.cache.open(file.version.key, NAME)
        if descriptor is not None:
            form = MediaType(_TYPES[kind], is_download=False, is_confined=False)
            return OpenFileResponse(descriptor, file.name, form)
        proxy = _start(service, request, file, kind)
        if proxy.state == "failed":
            raise RequestError(proxy.status or 503, proxy.error, proxy.hint)
        return JsonResponse(proxy.to_dict(), 202)


async def describe_proxy(request: Request) -> Response:
    """Answer with the state of a proxy; POST begins to write it, DELETE stops that."""
    service = service_of(request)
    with open_file(request) as file:
        kind, key = kind_of(file.name), file.version.key
        if request.method == "DELETE":
            await service.proxies.cancel(key)
        if kind == "photo" or service.cache.path(key, NAME).is_file():
            return JsonResponse(Proxy(file.text, "ready").to_dict())
        if request.method == "POST" and kind in _TYPES:
            return JsonResponse(_start(service, request, file, kind).to_dict(), 202)
        proxy = service.proxies.find(key)
        known = proxy.to_dict() if proxy is not None else {"path": file.text, "state": "none"}
        return JsonResponse(known)


def _start(service: MediaService, request: Request, file: OpenFile, kind: str) -> Proxy:
    """Begin to write a proxy; one of a file that cannot be read stays failed."""
    known = service.proxies.find(file.version.key)
    if known is not None and known.state == "failed" and request.method != "POST":
        return known
    original = studio_of(request).tree.locate(file.text)
    return service.proxies.start(file.version.key, file.text, original, kind, file.descriptor)


async def _send_photo(service: MediaService, request: Request, file: OpenFile) -> Response:
    async def convert() -> bytes:
        blob: Blob = await service.call("pictures", "media:photo", file, person_of(request))
        service.cache.save(file.version.key, _PICTURE, blob.data)
        return blob.data

    descriptor = service.cache.open(file.version.key, _PICTURE)
    if descriptor is not None:
        return OpenFileResponse(descriptor, file.name, _WEBP)
    data = await until_left(request, service.remember_failure(file, _PICTURE, convert))
    return Response(data, media_type=_WEBP.name)


ROUTES = [
    Route("/proxy", send_proxy),
    Route("/api/proxy", describe_proxy, methods=["GET", "POST", "DELETE"]),
]
