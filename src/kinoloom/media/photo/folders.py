"""Write a clip as a folder of numbered PNG files.

In: a clip, also one of photos. Out: 000001.png, 000002.png, ... (six digits, more for more frames)
in 8 or 16 bits like the clip, and provenance.json. The folder appears complete or not at all. An
existing folder is replaced only if it has no other files.
"""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.clip import Clip, Frame
from kinoloom.base.files import Progress
from kinoloom.base.outputs import check_output, name_output_errors, replace
from kinoloom.base.outputs.temporary import temporary_folder
from kinoloom.errors import OutputExistsError, UsageError
from kinoloom.media.photo.writing import encode_picture
from kinoloom.media.video.frame_feed import display_duration, feed
from kinoloom.media.write_options import WriteOptions, WrittenClip, write_record

_RECORD = "provenance.json"
_OWN_FILES = re.compile(r"\d{6,}\.png|provenance\.json")


def write_folder(clip: Clip, path: Path, options: WriteOptions, progress: Progress) -> WrittenClip:
    """Write each frame of `clip` as a PNG file into the folder `path`.

    Raises:
        UsageError: HDR pictures, which these PNG files cannot mark; a codec, quality or resume.
        OutputExistsError: the folder exists, is not empty, and may not be replaced.
        OutputError: the folder cannot be written.
        InputChangedError: a file that the clip reads has changed.
    """
    _check(clip, path, options)
    with name_output_errors(path), temporary_folder(path) as folder:
        growing = folder / path.name
        growing.mkdir()
        with clip.record.files.guard():
            written = _write_pictures(clip, growing, progress)
        write_record(clip, growing / _RECORD, overwrite=True)
        replace(growing, path)
    return written


def _check(clip: Clip, path: Path, options: WriteOptions) -> None:
    if options.codec != "auto" or options.quality is not None or options.resume:
        raise UsageError(
            "A folder of PNG files has no --codec, --quality or --resume.",
            hint="Omit them, or give the output a suffix such as .mp4.",
        )
    if clip.color.is_hdr:
        raise UsageError(
            "The pictures are HDR, which a folder of PNG files cannot store.",
            hint="Write a video, for example .mp4 with --codec h265.",
        )
    if path.is_file():
        raise OutputExistsError(f"{path} is a file.", hint="Choose another name for the folder.")
    names = [entry.name for entry in path.iterdir()] if path.is_dir() else []
    check_output(path, overwrite=options.overwrite or (path.is_dir() and not names))
    foreign = [name for name in names if not _OWN_FILES.fullmatch(name)]
    if foreign:
        raise OutputExistsError(
            f"The folder {path} has files that kinoloom did not write ({foreign[0]}).",
            hint="Choose another name; --overwrite does not replace such a folder.",
        )


def _write_pictures(clip: Clip, folder: Path, progress: Progress) -> WrittenClip:
    digits = max(6, len(str(clip.frame_count or 0)))
    first = last = None
    count = 0
    with feed(clip, progress) as frames:
        for count, frame in enumerate(frames, 1):
            data = encode_picture(_to_stored_depth(frame.image, clip.bits))
            (folder / f"{count:0{digits}d}.png").write_bytes(data)
            first, last = first or frame, frame
    if first is None or last is None:
        raise UsageError("The clip has no frames.")
    height, width = first.image.shape[:2]
    return WrittenClip(
        count, _total_duration(clip, first, last), width, height, "png", recorded=True
    )


def _to_stored_depth(image: Picture, bits: int) -> Picture:
    """Return the picture in 8 bits if the clip has no more; PNG stores 16 otherwise."""
    if bits > 8 or image.dtype == np.uint8:
        return image
    return from_float(to_float(image), np.dtype(np.uint8))


def _total_duration(clip: Clip, first: Frame, last: Frame) -> Fraction | None:
    if clip.stills:
        return None
    return last.time + display_duration(last, clip.rate) - first.time
