"""The peaks of sounds, for drawings of their waves; runs in a warm process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kinoloom.base.outputs import atomic_output
from kinoloom.base.page import Context
from kinoloom.errors import UnsupportedMediaError
from kinoloom.media.audio.reading import read_tracks
from kinoloom.media.preview.peaks import compute_peaks
from kinoloom.studio.tools.media_source import open_source


def peaks(
    context: Context, *, path: str, version: Sequence[int], targets: dict[str, str]
) -> dict[str, Any]:
    """Write the peaks of the first sound track of a file, and describe them.

    Args:
        context: of the call.
        path, version: of the file.
        targets: the files to write, by level.

    Raises:
        UnsupportedMediaError: the file has no sound.
        OutputError: the peaks cannot be written.
    """
    with open_source(context, path, version) as source:
        tracks = read_tracks(source.location)
        if not tracks:
            raise UnsupportedMediaError(f"{source.location} has no sound that can be decoded.")
        audio = tracks[0]
        found = compute_peaks(audio)
    for level, pairs in found.levels.items():
        with atomic_output(Path(targets[str(level)]), overwrite=True) as temporary:
            temporary.write_bytes(pairs.tobytes())
    return {
        "rate": audio.rate_hz,
        "channels": audio.channels,
        "samples": found.samples,
        "start": str(audio.start),
        "scale": 127,
        "levels": [
            {"level": level, "pairs": len(pairs), "bytes": pairs.nbytes}
            for level, pairs in found.levels.items()
        ],
    }
