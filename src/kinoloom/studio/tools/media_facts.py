"""What a media file is, for people, and how it was made; runs in a warm process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from kinoloom.base.audio import Audio
from kinoloom.base.clip import Clip
from kinoloom.base.notes import Notes
from kinoloom.base.page import Context
from kinoloom.base.provenance import sha256, to_jsonable
from kinoloom.errors import InputNotFoundError, KinoloomError
from kinoloom.media.audio.reading import read_tracks
from kinoloom.media.container.inputs import open_input
from kinoloom.media.container.streams import read_record
from kinoloom.media.photo.reading import is_photo, open_photos, read_photo
from kinoloom.media.video.reading import open_video
from kinoloom.media.write_options import sidecar_path
from kinoloom.studio.responses import describe_error
from kinoloom.studio.tools.media_source import Source, open_source

_RECORD_LIMIT_BYTES = 4_000_000
_COMPARED_BYTES = 256_000_000
"""A parent is compared by its content if it is no larger."""
_OF_FOLDER = "provenance.json"
"""The record of a folder of photos."""
_END_S = Fraction(1, 2)
_TRANSFERS = {16: "HDR (PQ)", 18: "HDR (HLG)"}
_PRIMARIES = {1: "BT.709", 5: "BT.601", 6: "BT.601", 9: "BT.2020", 12: "Display P3"}


def facts(context: Context, *, path: str, version: Sequence[int], kind: str) -> dict[str, Any]:
    """Return the facts of a file, its provenance record and its parents; see GET /api/file.

    Args:
        context: of the call.
        path, version: of the file.
        kind: by its suffix.
    """
    with open_source(context, path, version) as source:
        found: dict[str, Any] = {"facts": {}, "lines": [], "notes": [], "problem": None}
        if kind != "other":
            try:
                found |= _inspect(source, kind)
            except KinoloomError as error:
                renamed = describe_error(error)[1]
                found["problem"] = {
                    name: text.replace(str(source.location), source.text)
                    for name, text in renamed.items()
                }
        return found | _describe_origin(context, source, kind)


def _inspect(source: Source, kind: str) -> dict[str, Any]:
    path = source.location
    if kind == "audio":
        tracks = read_tracks(path)
        return _answer(_describe_tracks(tracks), Notes())
    if is_photo(path):
        return _answer(*_describe_photo(path))
    clip = open_video(path, deinterlace="off")
    _check_end(clip)
    return _answer(_describe_clip(clip) | _describe_tracks(clip.audio), clip.notes)


def _answer(known: dict[str, Any], notes: Notes) -> dict[str, Any]:
    known = {name: value for name, value in known.items() if value not in (None, "")}
    return {
        "facts": to_jsonable(known),
        "lines": _write_lines(known),
        "notes": [note.to_dict() for note in notes],
    }


def _check_end(clip: Clip) -> None:
    """Read the last frames, so that a truncated file is noted."""
    if clip.duration is not None:
        first = next(iter(clip)).time
        for _ in clip.read(max(first, first + clip.duration - _END_S)):
            pass


def _describe_clip(clip: Clip) -> dict[str, Any]:
    across = round(clip.width * clip.pixel_aspect)
    return {
        "width": clip.width,
        "height": clip.height,
        "shown_width": across if across != clip.width else None,
        "duration": clip.duration,
        "duration_s": None if clip.duration is None else float(clip.duration),
        "rate": clip.rate,
        "rate_varies": clip.rate is None,
        "frames": clip.frame_count,
        "codec": clip.codec,
        "bits": clip.bits,
        "color": _PRIMARIES.get(clip.color.primaries, ""),
        "hdr": _TRANSFERS.get(clip.color.transfer, ""),
    }


def _describe_photo(path: Path) -> tuple[dict[str, Any], Notes]:
    clip = open_photos([path])
    photo = read_photo(path)
    for remark in photo.remarks:
        clip.notes.add("photo", f"{path.name}: {remark}.", "warning")
    taken = photo.taken.isoformat(" ") if photo.taken is not None else None
    height, width = photo.image.shape[:2]
    return {
        "width": width,
        "height": height,
        "bits": clip.bits,
        "taken": taken,
        "transparent": photo.image.shape[2] == 4 or None,
    }, clip.notes


def _describe_tracks(tracks: Sequence[Audio]) -> dict[str, Any]:
    if not tracks:
        return {}
    first = tracks[0]
    described = {
        "channels": first.channels,
        "layout": first.layout,
        "sample_rate": first.rate_hz,
        "tracks": len(tracks),
    }
    if first.duration is not None:
        described |= {"sound_duration": first.duration, "sound_s": float(first.duration)}
    return described


def _write_lines(known: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the facts as pairs of a label and a text, in the order in which people read them."""
    lines = [
        ("Size", _format_size(known)),
        ("Duration", _format_duration(known.get("duration_s", known.get("sound_s")))),
        ("Frame rate", _format_rate(known)),
        ("Frames", f"{known['frames']:,}" if "frames" in known else ""),
        ("Codec", known.get("codec", "")),
        ("Depth", f"{known['bits']} bits" if "bits" in known else ""),
        ("Colour", " ".join(known[name] for name in ("color", "hdr") if name in known)),
        ("Sound", _format_sound(known)),
        ("Taken", known.get("taken", "")),
    ]
    return [(label, text) for label, text in lines if text]


def _format_size(known: dict[str, Any]) -> str:
    if "width" not in known:
        return ""
    return f"{known['width']} \N{MULTIPLICATION SIGN} {known['height']}"


def _format_rate(known: dict[str, Any]) -> str:
    if known.get("rate_varies"):
        return "varies"
    return f"{float(known['rate']):.6g} fps" if "rate" in known else ""


def _format_sound(known: dict[str, Any]) -> str:
    if "channels" not in known:
        return ""
    tracks = f", {known['tracks']} tracks" if known["tracks"] > 1 else ""
    return f"{known['layout']}, {known['sample_rate'] / 1000:g} kHz{tracks}"


def _format_duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{clock}:{rest // 1000:02}.{rest % 1000:03}"


def _describe_origin(context: Context, source: Source, kind: str) -> dict[str, Any]:
    """Return the record in a file or next to it, and where the files are that it was made from."""
    record = _read_embedded(source.location) if kind in ("video", "audio") else None
    folder = source.text.rpartition("/")[0]
    beside = [sidecar_path(Path(source.text)).as_posix(), f"{folder}/{_OF_FOLDER}".lstrip("/")]
    for text in beside if kind == "photo" else beside[:1]:
        record = record or _read_text(context, text)
    try:
        parsed = json.loads(record or "null")
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict) or not isinstance(parsed.get("op"), str):
        return {"record": None, "op": None, "options": {}, "parents": []}
    inputs = parsed.get("inputs")
    parents = [_find_parent(context, source, one) for one in inputs or [] if isinstance(one, dict)]
    options = parsed.get("options")
    return {
        "record": parsed,
        "op": parsed["op"],
        "options": options if isinstance(options, dict) else {},
        "parents": parents,
    }


def _read_embedded(path: Path) -> str | None:
    try:
        with open_input(path) as container:
            return read_record(container)
    except KinoloomError:  # the facts report it
        return None


def _read_text(context: Context, text: str) -> str | None:
    """Return the text of a file next to the media; None if there is none, or it is too large."""
    try:
        path = context.path(text)
        if path.stat().st_size > _RECORD_LIMIT_BYTES:
            return None
        return path.read_text("utf-8", "replace")
    except OSError:  # also InputNotFoundError
        return None


def _find_parent(context: Context, source: Source, known: dict[str, Any]) -> dict[str, Any]:
    """Return name and hash of an input, and its path if it is still next to the output."""
    name, digest = str(known.get("name", "")), str(known.get("sha256", ""))
    folder = source.text.rpartition("/")[0]
    path = f"{folder}/{name}" if folder else name
    try:
        location = context.path(path)
    except InputNotFoundError:
        return {"name": name, "sha256": digest, "path": None, "unchanged": None}
    unchanged = None
    if location.stat().st_size <= _COMPARED_BYTES:
        unchanged = sha256(location) == digest
    return {"name": name, "sha256": digest, "path": path, "unchanged": unchanged}
