"""The options of all writers of clips, and the description of what they wrote."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from kinoloom.base.clip import Clip
from kinoloom.base.files import Written
from kinoloom.base.options import option
from kinoloom.base.outputs import write_text_atomically
from kinoloom.base.provenance import to_jsonable
from kinoloom.errors import OutputExistsError

STDOUT = Path("-")
"""The output that means standard output."""
CodecName = Literal["auto", "h264", "h265", "av1", "vp9", "prores", "ffv1"]


@dataclass(frozen=True)
class WriteOptions:
    """How a clip is written."""

    codec: CodecName = option("auto", "video codec; auto is the best for the suffix")
    quality: int | None = option(
        None,
        "0 is the smallest file, 100 the best picture; default is visually lossless",
        low=0,
        high=100,
    )
    overwrite: bool = option(False, "replace the output if it exists")
    resume: bool = option(False, "resume an interrupted run")


@dataclass(frozen=True)
class WrittenClip:
    """What a writer of clips wrote.

    Attributes:
        frames: number of frames or pictures.
        duration: from the start of the first to the end of the last, in seconds; None for
            pictures without times.
        width, height: as stored, in pixels.
        codec: name of the codec.
        recorded: whether the provenance record is in the file itself.
    """

    frames: int
    duration: Fraction | None
    width: int
    height: int
    codec: str
    recorded: bool


def sidecar_path(path: Path) -> Path:
    """Return the path of the provenance record of a file that has no place for it."""
    return path.with_name(f"{path.name}.provenance.json")


def write_record(clip: Clip, path: Path, *, overwrite: bool) -> None:
    """Write the clip's provenance record, if any, as JSON to `path`.

    Raises:
        OutputExistsError: the file exists and `overwrite` is false.
        OutputError: the record cannot be written.
    """
    if clip.provenance is not None:
        text = json.dumps(clip.provenance.to_dict(), indent=2) + "\n"
        write_text_atomically(path, text, overwrite=overwrite)


def describe_written(
    clip: Clip, path: Path, written: WrittenClip, begun: float, *, overwrite: bool
) -> Written:
    """Write the provenance record next to a file that cannot hold it, and describe the output.

    A file of the record's name that may not be replaced stays, and a note says so.

    Args:
        clip: the clip that was written.
        path: the output.
        written: what its writer returned.
        begun: when writing began, by `time.monotonic`.
        overwrite: whether an existing record may be replaced.

    Raises:
        OutputError: the record cannot be written.
    """
    sidecars = [sidecar_path(path)] if not written.recorded and clip.provenance else []
    for record in sidecars:
        try:
            write_record(clip, record, overwrite=overwrite)
        except OutputExistsError as error:
            clip.notes.add("record", f"The provenance record was not kept: {error}", "warning")
            sidecars = []
    data = {
        "output": str(path),
        "frames": written.frames,
        "duration_s": None if written.duration is None else float(written.duration),
        "width": written.width,
        "height": written.height,
        "rate": None if clip.rate is None else str(clip.rate),
        "codec": written.codec,
        "hdr": to_jsonable(clip.hdr),
        "bytes": sum(map(_bytes, [path, *sidecars])) if path != STDOUT else None,
        "seconds": time.monotonic() - begun,
    }
    facts = [f"{written.frames} frames"]
    if data["duration_s"]:
        facts.append(f"{data['duration_s']:.2f} s")
    facts += [
        f"{written.width}x{written.height}",
        written.codec,
        *(["HDR metadata"] if clip.hdr else []),
        f"{data['seconds']:.1f} s to write",
    ]
    return Written(path, tuple(facts), data)


def _bytes(path: Path) -> int:
    if path.is_dir():
        return sum(_bytes(entry) for entry in path.iterdir())
    return path.stat().st_size
