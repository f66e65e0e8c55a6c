"""GET /peaks, /api/peaks, /captions and /api/captions: drawings of sounds, and what is said."""

from __future__ import annotations

import json
import os

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kinoloom.base.page import Blob
from kinoloom.errors import InputNotFoundError
from kinoloom.studio.core import person_of, studio_of
from kinoloom.studio.folders.names import kind_of, suffix_of
from kinoloom.studio.media.kinds import SUBTITLES, MediaType
from kinoloom.studio.media.sending import OpenFileResponse
from kinoloom.studio.media.service import (
    MediaService,
    OpenFile,
    open_file,
    read_number,
    service_of,
    until_left,
)
from kinoloom.studio.responses import JsonResponse, RequestError

LEVELS = (256, 4_096, 65_536)
"""Samples per pair of peaks; equal to those of `media.preview.peaks`, which the server may not
import."""
_BYTES = MediaType("application/octet-stream", is_download=False, is_confined=False)
_DESCRIPTION = "peaks.json"
_MOST_TRACKS = 10_000


async def describe_peaks(request: Request) -> Response:
    """Answer with the levels of the peaks of a sound."""
    service = service_of(request)
    with open_file(request) as file:
        return JsonResponse(await until_left(request, _find_peaks(service, request, file)))


async def send_peaks(request: Request) -> Response:
    """Send the peaks of one level, (min, max) as signed bytes, or a range of them."""
    service = service_of(request)
    with open_file(request) as file:
        level = read_number(request.query_params, "level", LEVELS[0], 1, LEVELS[-1])
        if level not in LEVELS:
            known = ", ".join(map(str, LEVELS))
            raise RequestError(422, f"level is {level}: expected one of {known}.")
        await until_left(request, _find_peaks(service, request, file))
        descriptor = service.cache.open(file.version.key, f"peaks-{level}")
        if descriptor is None:
            raise RequestError(507, "The cache does not keep the peaks.", "Make room on the disk.")
        return OpenFileResponse(descriptor, "peaks", _BYTES)


async def _find_peaks(service: MediaService, request: Request, file: OpenFile) -> dict[str, object]:
    """Return the description of the peaks, which are computed if they are not in the cache."""
    key, cache = file.version.key, service.cache
    names = {level: f"peaks-{level}" for level in LEVELS}
    stored = cache.read(key, _DESCRIPTION)
    if stored is not None and all(cache.path(key, name).is_file() for name in names.values()):
        found: dict[str, object] = json.loads(stored)
        return found
    if kind_of(file.name) not in ("audio", "video"):
        raise RequestError(415, f"'{file.text}' has no sound.")

    async def compute() -> dict[str, object]:
        try:
            targets = {str(level): str(cache.prepare(key, names[level])) for level in LEVELS}
        except OSError as error:
            raise RequestError(507, f"The cache cannot be written: {error.strerror}.") from error
        described: dict[str, object] = await service.call(
            "sounds", "media_sound:peaks", file, person_of(request), targets=targets
        )
        cache.save(key, _DESCRIPTION, json.dumps(described).encode())
        return described

    return await service.remember_failure(file, "peaks", compute)


async def list_captions(request: Request) -> Response:
    """Answer with the captions in a video and in files of subtitles next to it."""
    service = service_of(request)
    with open_file(request) as file:
        tracks = [
            {"source": name, "track": None, "language": language, "title": name.rpartition("/")[2]}
            for name, language in _find_beside(request, file.text)
        ]
        if kind_of(file.name) == "video":
            inside = await service.remember(
                ("caption tracks", file.version.key),
                lambda: service.call("pictures", "media:caption_tracks", file, person_of(request)),
            )
            tracks += [{"source": file.text, **one} for one in inside]
        return JsonResponse({"tracks": tracks})


async def send_captions(request: Request) -> Response:
    """Send captions as WebVTT: a track, a file of subtitles, or the first that a video has."""
    service, query = service_of(request), request.query_params
    with open_file(request) as file:
        track: int | None = None
        if suffix_of(file.name) not in SUBTITLES:
            track = read_number(query, "track", -1, 0, _MOST_TRACKS)
            if track < 0:
                return await _send_first(service, request, file)
        return await _send_track(service, request, file, track)


async def _send_first(service: MediaService, request: Request, file: OpenFile) -> Response:
    for name, _ in _find_beside(request, file.text):
        with open_file(request, name) as beside:
            return await _send_track(service, request, beside, None)
    tracks = await service.call("pictures", "media:caption_tracks", file, person_of(request))
    if not tracks:
        raise RequestError(404, f"'{file.text}' has no captions.")
    return await _send_track(service, request, file, tracks[0]["track"])


async def _send_track(
    service: MediaService, request: Request, file: OpenFile, track: int | None
) -> Response:
    work = service.call("pictures", "media:captions", file, person_of(request), track=track)
    blob: Blob = await until_left(request, work)
    return Response(blob.data, media_type=blob.media_type)


def _find_beside(request: Request, text: str) -> list[tuple[str, str]]:
    """Return path and language of the files of subtitles next to a video: film.srt, film.de.vtt."""
    folder, _, name = text.rpartition("/")
    stem = name.rpartition(".")[0]
    if not stem:
        return []
    try:
        descriptor = studio_of(request).tree.open_folder(folder)
    except InputNotFoundError:
        return []
    try:
        with os.scandir(descriptor) as entries:
            names = sorted(entry.name for entry in entries)
    finally:
        os.close(descriptor)
    found = []
    for one in names:
        middle = one[len(stem) : len(one) - len(suffix_of(one))]
        is_named = one.startswith(stem) and (not middle or middle.startswith("."))
        if is_named and suffix_of(one) in SUBTITLES and one != name:
            found.append((f"{folder}/{one}" if folder else one, middle.lstrip(".")))
    return found


ROUTES = [
    Route("/peaks", send_peaks),
    Route("/api/peaks", describe_peaks),
    Route("/captions", send_captions),
    Route("/api/captions", list_captions),
]
