"""How a file is sent, by its suffix: its media type, and whether a browser may show it.

Only types that cannot run in a page are named. Everything else is a download of bytes, so that a
script in a person's folder can never be loaded as a part of the studio.
"""

from __future__ import annotations

from dataclasses import dataclass

from kinoloom.studio.folders.names import suffix_of

_VIDEO = {
    ".3gp": "video/3gpp",
    ".apng": "image/apng",
    ".asf": "video/x-ms-asf",
    ".avi": "video/x-msvideo",
    ".dv": "video/x-dv",
    ".flv": "video/x-flv",
    ".gif": "image/gif",
    ".ivf": "video/x-ivf",
    ".m2ts": "video/mp2t",
    ".m4v": "video/mp4",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".mpg": "video/mpeg",
    ".mts": "video/mp2t",
    ".mxf": "application/mxf",
    ".nut": "video/x-nut",
    ".ogv": "video/ogg",
    ".ts": "video/mp2t",
    ".vob": "video/mpeg",
    ".webm": "video/webm",
    ".wmv": "video/x-ms-wmv",
}
_PHOTO = {
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".jxl": "image/jxl",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
}
_AUDIO = {
    ".aac": "audio/aac",
    ".ac3": "audio/ac3",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".amr": "audio/amr",
    ".caf": "audio/x-caf",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".mka": "audio/x-matroska",
    ".mp3": "audio/mpeg",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".w64": "audio/x-w64",
    ".wav": "audio/wav",
    ".wma": "audio/x-ms-wma",
    ".wv": "audio/x-wavpack",
}
_TEXT = dict.fromkeys((".csv", ".json", ".log", ".md", ".srt", ".txt"), "text/plain")
_TEXT |= {".vtt": "text/vtt"}
_CONFINED = {
    ".htm": "text/html",
    ".html": "text/html",
    ".pdf": "application/pdf",
    ".svg": "image/svg+xml",
    ".xhtml": "application/xhtml+xml",
    ".xml": "application/xml",
}
_BYTES = "application/octet-stream"
_TYPES = {**_VIDEO, **_PHOTO, **_AUDIO, **_TEXT, **_CONFINED}

SUBTITLES = (".srt", ".vtt")
"""Suffixes of files of subtitles."""


@dataclass(frozen=True)
class MediaType:
    """How a file is sent.

    Attributes:
        name: of the media type, with the character set of text.
        is_download: whether browsers save the file instead of showing it.
        is_confined: whether the file may contain scripts, which the headers must not let run.
    """

    name: str
    is_download: bool
    is_confined: bool


def find_media_type(path: str) -> MediaType:
    """Return how a file is sent, by its suffix."""
    suffix = suffix_of(path.rpartition("/")[2])
    name = _TYPES.get(suffix, _BYTES)
    if name in ("text/plain", "text/vtt"):
        name += "; charset=utf-8"
    is_confined = suffix in _CONFINED
    return MediaType(name, is_confined or name == _BYTES, is_confined)
