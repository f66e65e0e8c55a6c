"""Recognise a film that an earlier run of the same job has completed, for `--resume`.

A complete film has the provenance record of its clip, in the file or next to it; the film of an
interrupted run has none.
"""

from __future__ import annotations

import json
from pathlib import Path

import av

from kinoloom.base.clip import Clip
from kinoloom.errors import MediaError
from kinoloom.media.container.inputs import open_input
from kinoloom.media.container.streams import read_record
from kinoloom.media.video.frame_feed import DEFAULT_RATE
from kinoloom.media.video.plan import Plan
from kinoloom.media.write_options import WrittenClip, sidecar_path


def find_completed(clip: Clip, chosen: Plan, path: Path) -> WrittenClip | None:
    """Return the description of the film at `path` if it is what this job writes, else None.

    The quality of its encoding is not stored, so it is not compared.
    """
    if clip.provenance is None or not path.is_file():
        return None
    try:
        with open_input(path) as film:
            record = read_record(film)
            stream = film.streams.video[0]
            form = (stream.codec_context.codec.canonical_name, stream.width, stream.height)
            shown = [
                packet.pts + (packet.duration or 0)
                for packet in film.demux(stream)
                if packet.pts is not None
            ]
            start, tick = stream.start_time or 0, stream.time_base or 1 / DEFAULT_RATE
    except (MediaError, av.FFmpegError, IndexError):
        return None
    if record is None and sidecar_path(path).is_file():
        record = sidecar_path(path).read_text("utf-8", "replace")
    encoder = av.Codec(chosen.codec.encoder, "w").canonical_name
    if _read_key(record) != clip.provenance.key or form != (encoder, chosen.width, chosen.height):
        return None
    clip.notes.add("resume", f"{path.name} is complete already.")
    return WrittenClip(
        frames=len(shown),
        duration=(max(shown, default=start) - start) * tick,
        width=chosen.width,
        height=chosen.height,
        codec=chosen.codec.name,
        recorded=True,
    )


def _read_key(record: str | None) -> str | None:
    """Return the key of a provenance record in JSON; None if there is none."""
    try:
        found = json.loads(record or "null")
    except ValueError:
        return None
    return found.get("key") if isinstance(found, dict) else None
