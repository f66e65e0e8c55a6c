"""Read photos as upright sRGB pictures in 8 or 16 bits.

JPEG, PNG, WebP, TIFF, AVIF, BMP and GIF of one frame are supported by the core dependencies, HEIC
by the extra `heic`. The EXIF orientation is applied, colours are converted by the embedded profile,
more than 8 bits are kept as uint16, and alpha is kept if any part is transparent. A damaged file is
an error; it is never read in part.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Literal

import cv2
from PIL import Image

from kinoloom.base.arrays import Picture
from kinoloom.base.budget import Budget
from kinoloom.base.clip import Clip, Color, Frame
from kinoloom.base.files import check_regular
from kinoloom.base.notes import Notes
from kinoloom.base.units import format_bytes
from kinoloom.errors import (
    BudgetError,
    InputNotFoundError,
    KinoloomError,
    MissingExtraError,
    UnreadableMediaError,
    UnsupportedMediaError,
    UsageError,
    describe_cause,
)
from kinoloom.media.limits import PIXEL_LIMIT, SIZE_HINT, describe_excess, read_canvas
from kinoloom.media.memory import estimate_editing, estimate_photo
from kinoloom.media.photo.formats import detect_format, is_animation
from kinoloom.media.photo.pixels import decode
from kinoloom.media.photo.sources import OPENERS, Source
from kinoloom.media.photo.writing import encode_picture, write_photo

__all__ = [
    "PIXEL_LIMIT",
    "Photo",
    "encode_picture",
    "is_photo",
    "open_photos",
    "read_photo",
    "write_photo",
]

_FILE_LIMIT_BYTES = 1 << 31
_KINDS = ", ".join(OPENERS)
_DECODERS_RAISE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    RuntimeError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
    cv2.error,
    Image.DecompressionBombError,
)
"""Errors of the decoders for damaged files."""
_OPENCV_NO_MEMORY = -4
SRGB = Color(primaries=1, transfer=13, matrix=0, full_range=True)
"""The colour space of photos as they are read."""


@dataclass(frozen=True)
class Photo:
    """A photo read from a file.

    Attributes:
        image: (H, W, 3) RGB or (H, W, 4) with straight alpha, sRGB, uint8 or uint16 (full range).
        taken: time of capture, as precise as the camera stored it, with its offset from UTC if
            known; None if unknown.
        path: the file.
        remarks: problems that were worked around, each a phrase.
    """

    image: Picture
    taken: datetime | None
    path: Path
    remarks: tuple[str, ...] = ()


def is_photo(path: Path) -> bool:
    """Whether a file is a still picture, by its content.

    Animations (GIF, WebP, PNG and AVIF of more than one frame) are videos.

    Raises:
        InputNotFoundError: the file does not exist.
        UnreadableMediaError: the file is a folder, is empty, or cannot be read.
        UnsupportedMediaError: its canvas is above `PIXEL_LIMIT`.
    """
    with translate_errors(path):
        beginning = _read_beginning(path)
        kind = detect_format(beginning)
        _check_size(*read_canvas(beginning))
        return bool(kind) and not is_animation(_read_content(path), kind)


def read_photo(path: Path) -> Photo:
    """Read a photo.

    Raises:
        InputNotFoundError: the file does not exist.
        UnreadableMediaError: the file is a folder, is empty, damaged, or not a picture.
        UnsupportedMediaError: an animation, HDR, raw camera data, or above `PIXEL_LIMIT`.
        MissingExtraError: HEIC without the extra `heic`.
        BudgetError: the picture does not fit into memory.
    """
    with translate_errors(path):
        source = _open(path)
        try:
            image, remarks = decode(source)
        except (MemoryError, cv2.error) as error:
            if not _is_memory_error(error):
                raise
            needed = estimate_photo(source.width, source.height, path.stat().st_size, source.bits)
            raise _too_large_for_memory(path, needed) from error
        return Photo(image, source.meta.taken, path, source.remarks + remarks)


def open_photos(
    paths: Sequence[Path],
    order: Literal["given", "time"] = "given",
    budget: Budget | None = None,
) -> Clip:
    """Return photos as a lazy clip of stills, at the times 0, 1, 2, ...

    Args:
        paths: the files, at least one; their sizes may differ.
        order: the given order, or by time of capture.
        budget: the memory budget of the job, for which the clip states its need.

    Raises:
        UsageError: no files, or sorting by time of capture although one is unknown.
        MediaError: as `read_photo`; the headers of all files are read immediately.
    """
    if not paths:
        raise UsageError("No photos.", hint="Pass at least one file.")
    sources = {path: read_info(path) for path in paths}
    files = _sort_by_time(paths, sources) if order == "time" else tuple(paths)
    notes = Notes()

    def read(start: Fraction) -> Iterator[Frame]:
        for index in range(max(0, ceil(start)), len(files)):
            photo = read_photo(files[index])
            for remark in photo.remarks:
                notes.add("photo", f"{photo.path.name}: {remark}.", "warning")
            yield Frame(photo.image, Fraction(index))

    first = sources[files[0]]
    return Clip(
        read,
        width=first.width,
        height=first.height,
        frame_count=len(files),
        bits=max(source.bits for source in sources.values()),
        color=SRGB,
        files=files,
        stills=True,
        notes=notes,
        reading_bytes=max(source.decoding_bytes for source in sources.values()),
        budget=budget,
    )


@dataclass(frozen=True)
class PhotoInfo:
    """Size as displayed, depth, time of capture and memory to decode a photo, or to edit it."""

    width: int
    height: int
    bits: int
    taken: datetime | None
    decoding_bytes: int
    editing_bytes: int


def read_info(path: Path) -> PhotoInfo:
    """Read the header of a photo.

    Raises:
        MediaError: as `read_photo`.
    """
    with translate_errors(path):
        source = _open(path)
    turned = source.meta.orientation >= 5
    width, height = (source.height, source.width) if turned else (source.width, source.height)
    size = (width, height, path.stat().st_size, source.bits)
    return PhotoInfo(
        width,
        height,
        source.bits,
        source.meta.taken,
        decoding_bytes=estimate_photo(*size),
        editing_bytes=estimate_editing(*size),
    )


def _sort_by_time(paths: Sequence[Path], heads: dict[Path, PhotoInfo]) -> tuple[Path, ...]:
    """Return the files in order of capture; by local times unless all have a time zone."""
    times = {path: heads[path].taken for path in paths}
    known = {path: time for path, time in times.items() if time is not None}
    for path in paths:
        if path not in known:
            raise UsageError(
                f"The time of capture of {path} is unknown, so it cannot be sorted by time.",
                hint="Pass the photos in the right order, with --order given.",
            )
    if any(time.tzinfo is None for time in known.values()):
        known = {path: time.replace(tzinfo=None) for path, time in known.items()}
    return tuple(sorted(paths, key=lambda path: known[path]))


def _read_beginning(path: Path) -> bytes:
    check_regular(path)
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        raise UnreadableMediaError(
            f"{path} is empty (0 bytes).", hint="Copy it again from its source."
        )
    return head


def _read_content(path: Path) -> bytes:
    size = path.stat().st_size
    if size > _FILE_LIMIT_BYTES:
        raise UnsupportedMediaError(
            f"it is larger than {_FILE_LIMIT_BYTES >> 30} GiB", hint="Reduce its size first."
        )
    return path.read_bytes()


def load(path: Path) -> tuple[str, bytes]:
    """Return the format of a picture file, from `detect_format`, and its content.

    Raises:
        UnreadableMediaError: the file is a folder, is empty, or not a picture.
        UnsupportedMediaError: it is above `PIXEL_LIMIT` or too large.
    """
    beginning = _read_beginning(path)
    kind = detect_format(beginning)
    if not kind:
        raise UnreadableMediaError(
            f"{path} is not a picture of a supported format: expected {_KINDS}.",
            hint="The format depends on its content, not its name; convert it first.",
        )
    _check_size(*read_canvas(beginning))
    return kind, _read_content(path)


def open_source(kind: str, data: bytes) -> Source:
    """Open the content of a picture file, which may not be an animation.

    Raises:
        UnsupportedMediaError: it is above `PIXEL_LIMIT`, HDR, or raw camera data.
        The decoder's own errors for a damaged file; `translate_errors` names the file in them.
    """
    source = OPENERS[kind](data)
    _check_size(source.width, source.height)
    if Color(transfer=source.transfer).is_hdr:
        raise UnsupportedMediaError(
            "it is an HDR picture (PQ or HLG)", hint="Convert it to SDR first."
        )
    return source


def _open(path: Path) -> Source:
    kind, data = load(path)
    if is_animation(data, kind):
        raise UnsupportedMediaError(
            "it is an animation", hint="Pass it as the only input; it is read as a video."
        )
    return open_source(kind, data)


def _check_size(width: int, height: int) -> None:
    if excess := describe_excess(width, height):
        raise UnsupportedMediaError(excess, hint=SIZE_HINT)


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Raise the errors of decoders inside the block as errors that name the file.

    Raises:
        InputNotFoundError: the file does not exist.
        UnreadableMediaError: a decoder failed, or the file is a folder.
        UnsupportedMediaError: the block raised one about "it".
        MissingExtraError: the format needs an extra.
        BudgetError: memory ran out.
    """
    try:
        with warnings.catch_warnings():  # Pillow warns of damage that `Source.remarks` reports
            warnings.filterwarnings("ignore", module=r"PIL\.")
            yield
    except UnsupportedMediaError as error:
        raise UnsupportedMediaError(
            f"{path} cannot be used: {error.message}.", hint=error.hint
        ) from error
    except MissingExtraError as error:
        raise MissingExtraError(
            f"{path} is a HEIC photo. {error.message}", hint=error.hint
        ) from error
    except KinoloomError:
        raise
    except FileNotFoundError as error:
        raise InputNotFoundError(
            f"The file {path} does not exist.", hint="Check its name and folder."
        ) from error
    except IsADirectoryError as error:
        raise UnreadableMediaError(
            f"{path} is a folder, not a photo.", hint="Pass the files in it."
        ) from error
    except MemoryError as error:
        raise _too_large_for_memory(path, path.stat().st_size) from error
    except _DECODERS_RAISE as error:
        raise UnreadableMediaError(
            f"{path} cannot be read as a picture: {describe_cause(error)}.",
            hint="It may be damaged or truncated; copy it again from its source.",
        ) from error


def _is_memory_error(error: Exception) -> bool:
    return isinstance(error, MemoryError) or (
        isinstance(error, cv2.error) and error.code == _OPENCV_NO_MEMORY
    )


def _too_large_for_memory(path: Path, needed: int) -> BudgetError:
    return BudgetError(
        f"{path} does not fit into memory: decoding it needs about {format_bytes(needed)}.",
        hint=SIZE_HINT,
    )
