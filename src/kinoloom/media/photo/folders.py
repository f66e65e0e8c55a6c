"""Writes a clip as a folder of numbered PNG files.

In: a clip, also one of photos. Out: 000001.png, 000002.png, ... (six digits, more where there
are more frames) in 8 or 16 bits as the clip has, and provenance.json. The folder appears whole or
not at all. A folder that is there is replaced only if it holds nothing else than such files.
"""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.clip import Clip, Frame
from kinoloom.base.files import Progress
from kinoloom.base.outputs import check_output, naming_output, remove, replace
from kinoloom.errors import OutputExistsError, UsageError
from kinoloom.media.photo.writing import encode_picture
from kinoloom.media.video.frame_feed import feed, shown
from kinoloom.media.write_options import WriteOptions, WrittenClip, write_record

_RECORD = "provenance.json"
_OURS = re.compile(r"\d{6,}\.png|provenance\.json")


def write_folder(clip: Clip, path: Path, options: WriteOptions, progress: Progress) -> WrittenClip:
    """Write each frame of `clip` as a PNG file into the folder `path`.

    Raises:
        UsageError: HDR, which PNG files here would not tell; a codec, quality or resume.
        OutputExistsError: the folder is there and not empty, and may not be replaced.
        OutputError: it cannot be written.
    """
    _check(clip, path, options)
    growing = path.with_name(f".{path.name}.part")
    try:
        with naming_output(path):
            remove(growing)
            growing.mkdir()
            written = _write_pictures(clip, growing, progress)
            write_record(clip, growing / _RECORD)
            replace(growing, path)
    finally:
        remove(growing)
    return written


def _check(clip: Clip, path: Path, options: WriteOptions) -> None:
    if options.codec != "auto" or options.quality is not None or options.resume:
        raise UsageError(
            "A folder of PNG files has no --codec, --quality or --resume.",
            hint="Leave them out, or give the output a suffix such as .mp4.",
        )
    if clip.colour.is_hdr:
        raise UsageError(
            "The pictures are HDR, which plain PNG files do not tell.",
            hint="Write an .apng, or a video: .mp4 with --codec h265, for example.",
        )
    if path.is_file():
        raise OutputExistsError(f"{path} is a file.", hint="Choose another name for the folder.")
    names = [entry.name for entry in path.iterdir()] if path.is_dir() else []
    check_output(path, overwrite=options.overwrite or (path.is_dir() and not names))
    foreign = [name for name in names if not _OURS.fullmatch(name)]
    if foreign:
        raise OutputExistsError(
            f"The folder {path} holds other things than numbered pictures ({foreign[0]}).",
            hint="Choose another name; it is not replaced even with --overwrite.",
        )


def _write_pictures(clip: Clip, folder: Path, progress: Progress) -> WrittenClip:
    digits = max(6, len(str(clip.frame_count or 0)))
    first = last = None
    count = 0
    with feed(clip, progress) as frames:
        for count, frame in enumerate(frames, 1):
            data = encode_picture(_stored(frame.image, clip.bits))
            (folder / f"{count:0{digits}d}.png").write_bytes(data)
            first, last = first or frame, frame
    if first is None or last is None:
        raise UsageError("There are no frames to write.")
    height, width = first.image.shape[:2]
    return WrittenClip(count, _duration(clip, first, last), width, height, "png", recorded=True)


def _stored(image: Picture, bits: int) -> Picture:
    """The picture with 8 bits where the clip has no more; else PNG keeps 16."""
    if bits > 8 or image.dtype == np.uint8:
        return image
    return from_float(to_float(image), np.dtype(np.uint8))


def _duration(clip: Clip, first: Frame, last: Frame) -> Fraction | None:
    if clip.stills:
        return None
    return last.time + shown(last, clip.rate) - first.time
