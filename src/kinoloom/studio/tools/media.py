"""What the studio shows of media files, computed in a warm process: thumbnails, frames, captions.

Each function takes the context, the path of a file as pages write it and its version, see
`media_source`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.clip import Color
from kinoloom.base.page import Blob, Context
from kinoloom.errors import UsageError
from kinoloom.media.photo.reading import is_photo, read_photo
from kinoloom.media.photo.writing import MediaType, encode_picture
from kinoloom.media.preview.captions import (
    list_captions,
    read_caption_file,
    read_captions,
    write_webvtt,
)
from kinoloom.media.preview.display import fit, to_display
from kinoloom.media.preview.frame_times import FrameTimes
from kinoloom.media.preview.stepping import FrameReader
from kinoloom.media.preview.thumbnails import draw_picture, draw_sound
from kinoloom.studio.media.versions import Version
from kinoloom.studio.tools.media_source import open_source

_OPEN_FILES = 4
_SEARCH_S, _SEARCH_FRAMES = 1.0, 1_000
"""A list of frames is sent after this long, and is checked after so many frames."""
_SRGB = Color(primaries=1, transfer=13, matrix=0, full_range=True)
_THUMB_QUALITY, _FRAME_QUALITY = 82, 92
_PROXY_QUALITY, _PROXY_SIDE = 92, 4096


def thumb(context: Context, *, path: str, version: Sequence[int], kind: str, width: int) -> Blob:
    """Return a small picture of a file.

    Args:
        context: of the call.
        path, version: of the file.
        kind: "photo", "video" or "audio".
        width: its largest width in pixels; the height is at most twice as much.
    """
    with open_source(context, path, version) as source:
        draw = draw_sound if kind == "audio" else draw_picture
        return _encode(draw(source.location, width), _THUMB_QUALITY)


def photo(context: Context, *, path: str, version: Sequence[int]) -> Blob:
    """Return a photo in a format that every browser shows: WebP of at most 4,096 pixels a side."""
    with open_source(context, path, version) as source:
        picture = fit(read_photo(source.location).image, _PROXY_SIDE, _PROXY_SIDE)
        data = encode_picture(to_display(picture, _SRGB), "image/webp", quality=_PROXY_QUALITY)
        return Blob(data, "image/webp")


@dataclass
class _OpenVideo:
    """A video whose decoder stays open."""

    reader: FrameReader
    stack: ExitStack


_videos: OrderedDict[Version, _OpenVideo] = OrderedDict()


def frame(
    context: Context,
    *,
    path: str,
    version: Sequence[int],
    number: int,
    width: int = 0,
    media_type: MediaType = "image/jpeg",
) -> Blob:
    """Return one frame of a video, or a photo as frame 0.

    Args:
        context: of the call.
        path, version: of the file.
        number: of the frame in order of display, from 0.
        width: its largest width in pixels; 0 for its own.
        media_type: JPEG, or PNG without losses.

    Raises:
        UsageError: there is no frame of this number.
    """
    with open_source(context, path, version) as source:
        if is_photo(source.location):
            if number != 0:
                raise UsageError(f"There is no frame {number}: '{path}' is a photo, frame 0.")
            picture = fit(read_photo(source.location).image, width, 0)
            return _encode(to_display(picture, _SRGB), _FRAME_QUALITY, media_type)
        reader = _open_video(context, path, version)
        facts = reader.times.facts
        try:
            picture = reader.read(number, width)
        except UsageError:
            raise
        except Exception:
            _close(Version(*version))  # the next request begins with a new decoder
            raise
        shown = to_display(picture, facts.color)
        data = (("frame", str(number)), ("time", str(reader.times.time(number))))
        return _encode(shown, _FRAME_QUALITY, media_type, data)


def frames(
    context: Context,
    *,
    path: str,
    version: Sequence[int],
    start: int,
    limit: int,
    proxy: str | None = None,
) -> dict[str, Any]:
    """Return the times of frames; see GET /api/frames.

    Args:
        context: of the call.
        path, version: of the file.
        start: number of the first one.
        limit: the largest number of them.
        proxy: the file of the cache that is described in place of the file.
    """
    with open_source(context, path, version) as source:
        if is_photo(source.location):
            return _describe_photo_frames(start)
        if proxy is not None:
            with closing(FrameTimes(Path(proxy))) as times:
                return _describe_times(times, start, limit)
        return _describe_times(_open_video(context, path, version).times, start, limit)


def _describe_times(times: FrameTimes, start: int, limit: int) -> dict[str, Any]:
    """Return as many times as are found soon; the next request continues."""
    end = time.monotonic() + _SEARCH_S
    while not times.is_complete and len(times.ticks) <= start + limit:
        times.find(len(times.ticks) + _SEARCH_FRAMES)
        if time.monotonic() > end:
            break
    facts, known = times.facts, len(times.ticks)
    after = min(start + limit, max(known, start))
    length = facts.length if times.end is None else times.end - times.time(0)
    return {
        "times": [str(one) for one in times.slice(start, after)],
        "from": start,
        "next": None if times.is_complete and known <= after else after,
        "count": known if times.is_complete else facts.frame_count,
        "complete": times.is_complete,
        "end": None if times.end is None else str(times.end),
        "zero": str(facts.clock.zero),
        "duration": None if length is None else str(length),
        "rate": None if facts.clock.rate is None else str(facts.clock.rate),
        "problems": times.problems[:1],
    }


def _describe_photo_frames(start: int) -> dict[str, Any]:
    return {
        "times": ["0"][start:],
        "from": start,
        "next": None,
        "count": 1,
        "complete": True,
        "end": None,
        "zero": "0",
        "duration": None,
        "rate": None,
        "problems": [],
    }


def captions(
    context: Context, *, path: str, version: Sequence[int], track: int | None = None
) -> Blob:
    """Return captions as WebVTT.

    Args:
        context: of the call.
        path, version: of a video, or of a file of subtitles.
        track: index of the stream in a video.
    """
    with open_source(context, path, version) as source:
        if track is None:
            cues = read_caption_file(source.location)
        else:
            cues = read_captions(source.location, track)
        return Blob(write_webvtt(cues).encode(), "text/vtt; charset=utf-8")


def caption_tracks(context: Context, *, path: str, version: Sequence[int]) -> list[dict[str, Any]]:
    """Return index, language and title of the text subtitles in a video."""
    with open_source(context, path, version) as source:
        return [
            {"track": one.index, "language": one.language, "title": one.title}
            for one in list_captions(source.location)
        ]


def _open_video(context: Context, path: str, version: Sequence[int]) -> FrameReader:
    """Return the reader of a video, which stays open until four others were opened."""
    key = Version(*version)
    if key not in _videos:
        with ExitStack() as stack:
            source = stack.enter_context(open_source(context, path, version))
            reader = FrameReader(source.location)
            stack.callback(reader.close)
            _videos[key] = _OpenVideo(reader, stack.pop_all())
        while len(_videos) > _OPEN_FILES:
            _close(next(iter(_videos)))
    _videos.move_to_end(key)
    return _videos[key].reader


def _close(key: Version) -> None:
    _videos.pop(key).stack.close()


def _encode(
    picture: NDArray[np.uint8],
    quality: int,
    media_type: MediaType = "image/jpeg",
    facts: tuple[tuple[str, str], ...] = (),
) -> Blob:
    """Encode a picture; one with transparent parts as WebP, since JPEG has none."""
    if picture.shape[2] == 4 and media_type == "image/jpeg":
        media_type = "image/webp"
    return Blob(encode_picture(picture, media_type, quality=quality), media_type, facts)
